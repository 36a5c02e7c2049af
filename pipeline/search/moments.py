"""The jump-in point: which sentence of a found passage answers, and where to start playing.

A sentence's strength is BM25 over sentences (Robertson, Zaragoza 2009) with the collection's own
term weights, plus a share of its predecessor's, since an answer often follows the sentence that
names what it is about.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.search.analysis import QueryWord, Token, analyse
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

_ECHO = 0.2
"""The share of the sentence before that counts for a sentence."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a passage: for each word of the query how telling its terms are in this
    collection. A word counts once, by that reading of it which fits best."""

    words: tuple[Mapping[str, float], ...]
    number: bool = False
    """Whether the query asks for a number or a time."""

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

        return cls(tuple({term: weight(term) for term in word.terms} for word in query), number)

    def terms(self) -> frozenset[str]:
        return frozenset(term for word in self.words for term in word)


@dataclass(frozen=True, slots=True)
class Reading:
    """A chunk as a query reads it: each sentence's strength, the share of the query's weight
    that the whole chunk holds (0 to 1), and the places of matching words."""

    chunk: Chunk
    strengths: tuple[float, ...]
    coverage: float
    highlights: tuple[tuple[int, int], ...]

    @property
    def strongest(self) -> float:
        return max(self.strengths, default=0.0)


def read(chunk: Chunk, evidence: Evidence) -> Reading:
    """The chunk's sentences weighed against the query's terms."""
    tokens = analyse(chunk.text, chunk.language)
    sentences: list[list[str]] = [[] for _ in chunk.sentences]
    begins = [sentence.begin for sentence in chunk.sentences]
    for token in tokens:
        if sentences:
            sentences[max(bisect_right(begins, token.begin) - 1, 0)].append(token.term)
    alone = [_strength(terms, evidence) for terms in sentences]
    strengths = [own + _ECHO * before for own, before in zip(alone, [0.0, *alone], strict=False)]
    covered = _coverage(frozenset(token.term for token in tokens), evidence)
    return Reading(chunk, tuple(strengths), covered, _highlights(tokens, evidence))


def _coverage(terms: frozenset[str], evidence: Evidence) -> float:
    begun = {start for term in terms if (start := beginning(term))}

    def held(term: str) -> float:
        if term in terms:
            return 1.0
        return _BEGUN if beginning(term) in begun else 0.0

    whole = sum(max(word.values()) for word in evidence.words)
    found = sum(max(w * held(term) for term, w in word.items()) for word in evidence.words)
    return found / whole if whole else 0.0


def _strength(terms: Sequence[str], evidence: Evidence) -> float:
    counts = Counter(terms)
    begun = {start for term in counts if (start := beginning(term))}
    stretch = _K1 * (1 - _B + _B * len(terms) / _TYPICAL_WORDS)

    def worth(term: str, weight: float) -> float:
        if found := counts[term]:
            return weight * found * (_K1 + 1) / (found + stretch)
        return weight * _BEGUN if beginning(term) in begun else 0.0

    strength = sum(
        max(worth(term, weight) for term, weight in word.items()) for word in evidence.words
    )
    if evidence.number and strength and any(term[0].isdigit() for term in counts):
        strength += _NUMBER
    return strength


def _highlights(tokens: Sequence[Token], evidence: Evidence) -> tuple[tuple[int, int], ...]:
    wanted = evidence.terms()
    places = [(token.begin, token.end) for token in tokens if token.term in wanted]
    return tuple(dict.fromkeys(places))


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
