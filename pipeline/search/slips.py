"""Slips of the keyboard: a word of the query that the collection does not have is met by the words
most like it, as by synonyms.

Few slips are in the first letter (Kukich: Techniques for Automatically Correcting Words in Text,
1992), so it must be the same: that keeps much noise away, and only a part of all words is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.catalog import vocabulary
from pipeline.corrections.spellings import distance
from pipeline.search.analysis import QueryWord, plain_words
from pipeline.search.results import Corrected
from pipeline.search.words import is_known
from pipeline.values import Chunk

SHORTEST, LONG = 4, 8
"""Letters of a term that may hold one slip, and two."""

MOST_NEAR = 3
"""Terms that stand in for a word."""

MOST_WORDS = 8
"""Unknown words of a query that are looked after; who pastes a whole page does not wait."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A word as it was typed, and the terms of the collection that stand in for it."""

    written: str
    terms: tuple[str, ...]


def mended(
    db: sqlite3.Connection, words: Sequence[QueryWord]
) -> tuple[tuple[QueryWord, ...], tuple[Slip, ...]]:
    """The query's words, those that the collection does not have with what stands in for them. A
    word that the glossary has is no slip."""
    slips: dict[QueryWord, Slip] = {}
    for word in words:
        if len(slips) < MOST_WORDS and _may_be_slip(word) and not is_known(db, word):
            slips[word] = Slip(word.written, _nearest(db, word.terms))
    standing_in = (
        replace(word, synonyms=slips[word].terms) if word in slips else word for word in words
    )
    return tuple(standing_in), tuple(slips.values())


def told(slips: Iterable[Slip], passages: Sequence[Chunk]) -> tuple[Corrected, ...]:
    """What was searched for instead, as the best of the passages writes it; nothing of a word
    whose stand-ins are in none of them."""
    written = ((slip.written, next(_said(slip, passages), None)) for slip in slips)
    return tuple(Corrected(was, now) for was, now in written if now is not None)


def _may_be_slip(word: QueryWord) -> bool:
    return not word.synonyms and all(term.isalpha() for term in word.alternatives)


def _nearest(db: sqlite3.Connection, terms: Iterable[str]) -> tuple[str, ...]:
    """Those of the collection with the fewest slips to any of ``terms``, frequent ones first."""
    apart: dict[str, int] = {}
    for term in terms:
        for other, slips in _near(db, term):
            apart[other] = min(slips, apart.get(other, slips))
    least = min(apart.values(), default=0)
    frequencies = vocabulary.document_frequencies(
        db, [other for other, slips in apart.items() if slips == least]
    )
    return tuple(sorted(frequencies, key=lambda other: (-frequencies[other], other))[:MOST_NEAR])


def _near(db: sqlite3.Connection, term: str) -> Iterator[tuple[str, int]]:
    """Terms of the collection with few enough slips to ``term``, and how many."""
    if len(term) < SHORTEST:
        return
    most = 2 if len(term) >= LONG else 1
    letters = set(term)
    for other in vocabulary.terms(db, term[0]):
        # Each slip brings one new letter at most and takes one away: most words are told apart
        # without looking at their order.
        if (
            abs(len(other) - len(term)) <= most
            and len(letters.difference(other)) <= most
            and other.isalpha()
            and (slips := distance(term, other, most)) <= most
        ):
            yield other, slips


def _said(slip: Slip, passages: Iterable[Chunk]) -> Iterator[str]:
    for passage in passages:
        for token in plain_words(passage.text, passage.language):
            if token.term in slip.terms:
                yield passage.text[token.begin : token.end]
