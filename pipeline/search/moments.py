"""The jump-in point: which sentence of a found passage answers, and where to start playing.

A sentence's strength is BM25 over sentences (Robertson, Zaragoza 2009) with the collection's own
term weights, plus a share of its predecessor's, since an answer often follows the sentence that
names what it is about.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.search.analysis import QueryWord, Token, analyse
from pipeline.search.numbers import is_number
from pipeline.search.words import beginning
from pipeline.values import Chunk

LEAD_MS = 300
"""Playing starts this long before the sentence, where the pause before it allows."""

_K1, _B = 0.5, 0.3
"""Saturation and length normalisation for single sentences."""

_TYPICAL_WORDS = 20
"""Words of an ordinary sentence."""

_BEGUN = 0.4
"""What a word is worth that only begins like a term of the query."""

_NUMBER = 2.0
"""What a number is worth in a sentence that matches, where the query asks for one."""

_MEASURED = 1.5
"""What a number with its unit is worth beside the number alone."""

_SYNONYM = 0.8
"""What another name of a thing is worth beside the name that was asked for."""

_ANSWERED = 4.0
"""BM25 saturates at 2.2 times a word's weight in the passage and at 1.5 times in the sentence; the
beginning of a word adds nearly as much again as the word."""

_ECHO = 0.2
"""The share of the sentence before that counts for a sentence."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a passage: for each word of the query how telling its terms and synonyms
    are in this collection. A word counts once, by that reading of it which fits best."""

    words: tuple[Mapping[str, float], ...]
    number: bool = False
    """Whether the query asks for a number or a time."""

    shares: Mapping[str, float] = field(default_factory=dict)
    """For each synonym the part (0 to 1) of its own weight that it counts for: never more than
    the words it stands for weigh, however rare it is."""

    @classmethod
    def of(
        cls,
        query: Iterable[QueryWord],
        frequencies: Mapping[str, int],
        total: int,
        *,
        number: bool = False,
    ) -> Evidence:
        """From the number of passages, out of ``total``, that hold each term (BM25's idf)."""

        def weight(term: str) -> float:
            found = frequencies[term]
            return math.log(1 + (max(total - found, 0) + 0.5) / (found + 0.5))

        def counted(term: str) -> float:
            """What the full-text table multiplies by: next to nothing in half of all passages."""
            found = frequencies[term]
            return max(math.log((max(total - found, 0) + 0.5) / (found + 0.5)), 1e-6)

        words: list[Mapping[str, float]] = []
        stood_for: Counter[str] = Counter()
        for word in query:
            own = _own(word, weight)
            most = max(own.values())
            others = {name: _SYNONYM * min(most, weight(name)) for name in word.synonyms}
            words.append(others | own)
            stood_for.update(dict.fromkeys(others, max(map(counted, word.terms))))
        shares = {
            name: _SYNONYM * min(1.0, most / counted(name)) for name, most in stood_for.items()
        }
        return cls(tuple(words), number, shares)

    @property
    def most(self) -> float:
        """What a passage scores by words that answers every word of the query, and well: BM25 of
        its words and of their beginnings, and that of a sentence that holds them all."""
        return _ANSWERED * sum(max(word.values()) for word in self.words)

    def terms(self) -> frozenset[str]:
        return frozenset(term for word in self.words for term in word)

    def phrases(self) -> list[list[str]]:
        """The synonyms of several words, each as its terms in order."""
        return [name.split() for name in self.shares if " " in name]


def _own(word: QueryWord, weight: Callable[[str], float]) -> dict[str, float]:
    """What each term of a word weighs. All spellings of a number weigh the same, and its measure
    a little more; never more than the word itself, however rare they are."""
    own = {term: weight(term) for term in word.terms}
    if not word.numbers:
        return own
    least = min(max(own.values()), max(map(weight, word.numbers)))
    alike = dict.fromkeys((*word.terms, *word.numbers), least)
    return dict.fromkeys(word.measures, _MEASURED * least) | alike


@dataclass(frozen=True, slots=True)
class Reading:
    """A chunk as a query reads it: each sentence's strength and the places of matching words."""

    chunk: Chunk
    strengths: tuple[float, ...]
    highlights: tuple[tuple[int, int], ...]

    @property
    def strongest(self) -> float:
        return max(self.strengths, default=0.0)


def read(chunk: Chunk, evidence: Evidence) -> Reading:
    """The chunk's sentences weighed against the query's terms."""
    tokens = analyse(chunk.text, chunk.language)
    tokens += [found for terms in evidence.phrases() for found in _occurrences(terms, tokens)]
    sentences: list[list[str]] = [[] for _ in chunk.sentences]
    begins = [sentence.begin for sentence in chunk.sentences]
    for token in tokens:
        if sentences:
            sentences[max(bisect_right(begins, token.begin) - 1, 0)].append(token.term)
    alone = [_strength(terms, evidence) for terms in sentences]
    strengths = [own + _ECHO * before for own, before in zip(alone, [0.0, *alone], strict=False)]
    return Reading(chunk, tuple(strengths), _highlights(tokens, evidence))


def _occurrences(phrase: Sequence[str], tokens: Sequence[Token]) -> Iterator[Token]:
    """Wherever the terms of a phrase follow one another, as one token."""
    for number in range(len(tokens) - len(phrase) + 1):
        found = tokens[number : number + len(phrase)]
        if [token.term for token in found] == phrase:
            yield Token(" ".join(phrase), found[0].begin, found[-1].end)


def _strength(terms: Sequence[str], evidence: Evidence) -> float:
    counts = Counter(terms)
    begun = {start for term in counts if (start := beginning(term))}
    length = sum(not is_number(term) for term in terms)
    stretch = _K1 * (1 - _B + _B * length / _TYPICAL_WORDS)

    def worth(term: str, weight: float) -> float:
        if found := counts[term]:
            return weight * found * (_K1 + 1) / (found + stretch)
        return weight * _BEGUN if beginning(term) in begun else 0.0

    strength = sum(
        max(worth(term, weight) for term, weight in word.items()) for word in evidence.words
    )
    if evidence.number and strength and any(map(_tells_number, counts)):
        strength += _NUMBER
    return strength


def _tells_number(term: str) -> bool:
    return term[0].isdigit() or is_number(term)


def _highlights(tokens: Sequence[Token], evidence: Evidence) -> tuple[tuple[int, int], ...]:
    wanted = evidence.terms()
    places: list[tuple[int, int]] = []
    for begin, end in sorted((t.begin, t.end) for t in tokens if t.term in wanted):
        if places and begin < places[-1][1]:
            places[-1] = (places[-1][0], max(end, places[-1][1]))
        else:
            places.append((begin, end))
    return tuple(places)


def best_sentence(strengths: Sequence[float]) -> int:
    """The strongest sentence; the earlier one of equals, 0 where nothing speaks for any."""
    return max(range(len(strengths)), key=lambda number: (strengths[number], -number), default=0)


def jump_ms(chunk: Chunk, sentence: int) -> int:
    """Where to start playing to hear ``sentence``: a short lead-in before it, but never before
    the end of the sentence that precedes it, nor before the chunk."""
    if not chunk.sentences:
        return chunk.start_ms
    start = chunk.sentences[sentence].start_ms
    earliest = chunk.sentences[sentence - 1].end_ms if sentence else chunk.start_ms
    return min(start, max(start - LEAD_MS, earliest, 0))
