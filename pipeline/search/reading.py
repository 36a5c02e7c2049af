"""How well each sentence of the found passages answers the query, by its words.

Five things speak for a sentence: the query's words in it (BM25 over sentences; Robertson, Zaragoza
2009); those not far from it, the weaker the farther (Lv, Zhai: Positional Language Models, SIGIR
2009), or in what is known of the recording; those of the sentence before, since an answer often
follows the sentence that names what it is about; and the runs of letters that it shares with the
query, by itself and with its neighbours.

The weights were fitted to questions over spoken encyclopedia paragraphs in German and English
(softmax over the sentences in the running, cross-validated by recording).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.search import letters
from pipeline.search.analysis import only_terms, plain_words, without_numbers
from pipeline.search.evidence import Evidence
from pipeline.search.numbers import is_number
from pipeline.search.stretches import Sheet, Stretch

Strengths = NDArray[np.float64]
"""float64 [sentences] of one stretch: 0 is nothing at all, 1 every word of the query."""

_OWN, _NEAR, _BEFORE = 0.4, 0.6, 0.1
_LETTERS, _LETTERS_AROUND = 0.4, 0.3

_WHOLE = 0.1
"""What the whole passage counts beside its best sentence."""

_WHOLE_K1, _WHOLE_B = 1.2, 0.75
"""Saturation and length normalisation for whole passages, as Robertson and Zaragoza suggest."""

_CHUNK_WORDS = 60
"""Words of an ordinary passage."""

_FAR = 40.0
"""Words after which a word nearby counts a third (1/e)."""

_AROUND = 3
"""Sentences before and after whose letters count as well."""

_K1, _B = 0.5, 0.3
"""Saturation and length normalisation for single sentences."""

_TYPICAL_WORDS = 20
"""Words of an ordinary sentence. A shorter one is as far from its neighbours as this."""

_PEOPLE, _TITLE, _CHAPTER, _COLLECTION = 0.4, 0.3, 0.3, 0.2
"""What a word counts, as one nearby, that stands among the people, in the title, in that of the
chapter or in the collection: there it speaks for every sentence alike. Who names a person means
them; a collection says little. (Our questions seldom name any: chosen, not measured.)"""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a recording besides what is said in it: the terms of its facts, and for each
    chapter its start, its end and the terms of its title."""

    title: frozenset[str] = frozenset()
    collection: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    chapters: tuple[tuple[int, int, frozenset[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A chunk as a query reads it: how strongly each sentence answers, and the share of the query
    that the chunk as a whole or one beside it holds. The best sentence tells where in a talk the
    answer is, the whole which talk is meant."""

    strengths: tuple[float, ...]
    whole: float

    @property
    def strongest(self) -> float:
        return max(self.strengths, default=0.0)

    @property
    def score(self) -> float:
        return self.strongest + _WHOLE * self.whole


def read(
    query: str,
    evidence: Evidence,
    stretches: Sequence[Stretch],
    known: Mapping[str, Known],
) -> dict[int, Reading]:
    """Each chunk of the stretches, by id. ``known`` is by recording id."""
    sheet = Sheet(stretches)
    if not sheet.texts:
        return {}
    spelt, part = _spelt_out(query, evidence)
    shared = part * letters.shares(spelt, sheet.texts)
    words, otherwise = _words(evidence, sheet)
    near = _near(words, sheet)
    for stretch, own in sheet.parts():
        _raise(near[:, own], evidence, stretch, known.get(stretch.recording_id))
    strengths = _by_words(words, near, evidence, sheet) + _by_letters(shared, sheet)
    strengths += _LETTERS * otherwise / max(sum(evidence.most()), 1e-9)
    around = _neighbouring(_wholes(words, sheet, evidence), sheet).tolist()
    each = tuple(strengths[sheet.places].tolist())
    bounds = pairwise([*sheet.firsts.tolist(), len(each)])
    return {
        chunk_id: Reading(each[begin:end], whole)
        for chunk_id, (begin, end), whole in zip(sheet.chunks, bounds, around, strict=True)
    }


def _spelt_out(query: str, evidence: Evidence) -> tuple[str, float]:
    """The query without its numbers, which are spelt in many ways, and the part of it that is."""
    if not evidence.numbers:
        return query, 1.0
    spelt = without_numbers(query)
    return spelt, len(plain_words(spelt, None)) / max(len(plain_words(query, None)), 1)


def _by_words(words: Strengths, near: Strengths, evidence: Evidence, sheet: Sheet) -> Strengths:
    own = words.sum(axis=0)
    before = np.concatenate(([0.0], own[:-1] * sheet.together(1)))
    around = near.sum(axis=0) - own
    strengths: Strengths = _OWN * own + _NEAR * around + _BEFORE * before
    return strengths / max(sum(evidence.most()), 1e-9)


def _wholes(words: Strengths, sheet: Sheet, evidence: Evidence) -> Strengths:
    """float64 [chunks]: BM25 of each chunk over what its sentences hold, 0 to about 2: a share of
    the query."""
    most = np.maximum(evidence.most(), 1e-9)
    times = np.add.reduceat(words[:, sheet.places], sheet.firsts, axis=1) / most[:, None]
    length = np.add.reduceat(sheet.lengths[sheet.places], sheet.firsts)
    stretched = _WHOLE_K1 * (1 - _WHOLE_B + _WHOLE_B * length / _CHUNK_WORDS)
    saturated = times * (_WHOLE_K1 + 1) / (times + stretched)
    wholes: Strengths = most @ saturated / max(float(most.sum()), 1e-9)
    return wholes


def _neighbouring(values: Strengths, sheet: Sheet) -> Strengths:
    """Each chunk's value, or that of one beside it where that is more."""
    beside = values.copy()
    together = sheet.chunks_together()
    np.maximum(beside[1:], values[:-1] * together, out=beside[1:])
    np.maximum(beside[:-1], values[1:] * together, out=beside[:-1])
    return beside


def _by_letters(shared: letters.Shares, sheet: Sheet) -> Strengths:
    around = shared.copy()
    for step in range(1, min(_AROUND, sheet.longest - 1) + 1):
        together = sheet.together(step)
        np.maximum(around[:, step:], shared[:, :-step] * together, out=around[:, step:])
        np.maximum(around[:, :-step], shared[:, step:] * together, out=around[:, :-step])
    strengths: Strengths = _LETTERS * shared.sum(axis=0) + _LETTERS_AROUND * around.sum(axis=0)
    return strengths


def _words(evidence: Evidence, sheet: Sheet) -> tuple[Strengths, Strengths]:
    """float64 [words, sentences]: what each word of the query counts in each sentence; and float64
    [sentences]: what is met there otherwise than by its letters, which therefore cannot count."""
    counted = np.zeros((len(evidence.words), len(sheet.texts)))
    otherwise = np.zeros(len(sheet.texts))
    wanted: dict[str, list[tuple[int, float]]] = {}
    for row, word in enumerate(evidence.words):
        for term, weight in word.items():
            wanted.setdefault(term, []).append((row, weight))
    phrases = evidence.phrases()
    every = zip(sheet.texts, sheet.languages, sheet.numbered, strict=True)
    for column, (text, language, numbered) in enumerate(every):
        terms, length = _terms(text, language, numbered and bool(evidence.numbers))
        if not phrases and wanted.keys().isdisjoint(terms):
            continue
        found = Counter(term for term in terms if term in wanted)
        found.update(_met(phrases, terms))
        stretched = _K1 * (1 - _B + _B * length / _TYPICAL_WORDS)
        for term, times in found.items():
            saturated = times * (_K1 + 1) / (times + stretched)
            for row, weight in wanted[term]:
                counted[row, column] = max(counted[row, column], weight * saturated)
            if term in evidence.otherwise:
                otherwise[column] += max(weight for _, weight in wanted[term])
    return counted, otherwise


@lru_cache(maxsize=1 << 14)
def _terms(text: str, language: str | None, with_numbers: bool) -> tuple[tuple[str, ...], int]:
    """The terms of a sentence, and how many of them are words."""
    # Numbers take several times as long to read as words.
    terms = tuple(only_terms(text, language, with_numbers=with_numbers))
    return terms, sum(not is_number(term) for term in terms) if with_numbers else len(terms)


def _met(phrases: Iterable[str], terms: Sequence[str]) -> dict[str, int]:
    """How often each phrase stands in a sentence."""
    said = f" {' '.join(terms)} " if phrases else ""
    return {phrase: times for phrase in phrases if (times := said.count(f" {phrase} "))}


def _near(words: Strengths, sheet: Sheet) -> Strengths:
    """What each word counts in each sentence, or in one nearby, whichever is more."""
    lengths = np.maximum(sheet.lengths, _TYPICAL_WORDS)
    middles = np.cumsum(lengths) - lengths / 2
    near = words.copy()
    step = 1
    # What fades evenly need not be looked for one by one: what came from half as far goes on.
    while step < sheet.longest:
        left = np.exp((middles[:-step] - middles[step:]) / _FAR) * sheet.together(step)
        np.maximum(near[:, step:], near[:, :-step] * left, out=near[:, step:])
        np.maximum(near[:, :-step], near[:, step:] * left, out=near[:, :-step])
        step *= 2
    return near


def _raise(near: Strengths, evidence: Evidence, stretch: Stretch, known: Known | None) -> None:
    """Count what is known of the recording as said nearby."""
    if known is None:
        return
    facts = ((known.title, _TITLE), (known.collection, _COLLECTION), (known.people, _PEOPLE))
    starts = np.array(stretch.starts_ms)
    for row, (word, most) in enumerate(zip(evidence.words, evidence.most(), strict=True)):
        for terms, share in facts:
            if not terms.isdisjoint(word):
                np.maximum(near[row], share * most, out=near[row])
        for begin_ms, end_ms, terms in known.chapters:
            if not terms.isdisjoint(word):
                inside = (starts >= begin_ms) & (starts < end_ms)
                near[row, inside] = np.maximum(near[row, inside], _CHAPTER * most)
