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
from pipeline.catalog.scope import Scope
from pipeline.corrections.spellings import distance, folded
from pipeline.search.analysis import QueryWord, plain_words
from pipeline.search.results import Corrected
from pipeline.search.words import is_known
from pipeline.values import Chunk

SHORTEST, SHORTEST_STEM, LONG_STEM = 4, 3, 8
"""Letters of a word and of its stem that may hold a slip, and of a stem that may hold two. (By the
letters of whole words, verbs of eight and nine met unlike ones too often.)"""

MOST_NEAR = 3
"""Terms that stand in for a word."""

MOST_WORDS = 8
"""Unknown words of a query that are looked after; who pastes a whole page does not wait."""

MOST_TERMS, MOST_READ = 8, 20
"""Terms whose words are compared with a query's word as they are written, and passages that are
read for each."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A word as it was typed, and the terms of the collection that stand in for it."""

    written: str
    terms: tuple[str, ...]


class Vocabulary:
    """The words of the passages that a search may see, by what they are like."""

    def __init__(self, db: sqlite3.Connection, model_hash: str, scope: Scope) -> None:
        self._db = db
        self._model_hash = model_hash
        self._scope = scope

    def mended(self, words: Sequence[QueryWord]) -> tuple[tuple[QueryWord, ...], tuple[Slip, ...]]:
        """The query's words, those that occur nowhere with what stands in for them. A word that
        the glossary has is no slip."""
        slips: dict[QueryWord, Slip] = {}
        for word in words:
            if len(slips) < MOST_WORDS and _may_be_slip(word) and not is_known(self._db, word):
                slips[word] = Slip(word.written, self._nearest(word))
        standing_in = (
            replace(word, synonyms=slips[word].terms) if word in slips else word for word in words
        )
        return tuple(standing_in), tuple(slips.values())

    def _nearest(self, word: QueryWord) -> tuple[str, ...]:
        """The terms of the words with the fewest slips, frequent ones first. Stems tell which may
        be; how they are written tells which are, since unlike words may have like stems."""
        near: dict[str, int] = {}
        for term in word.terms:
            for other, slips in self._alike(term, _most_slips(word)):
                near[other] = min(slips, near.get(other, slips))
        often = vocabulary.document_frequencies(self._db, list(near))
        first = sorted(near, key=lambda other: (near[other], -often[other], other))[:MOST_TERMS]
        apart = {other: self._apart(word, other) for other in first}
        least = min(apart.values(), default=0)
        nearest = [other for other in first if apart[other] == least <= _most_slips(word)]
        return tuple(sorted(nearest, key=lambda other: (-often[other], other))[:MOST_NEAR])

    def _alike(self, term: str, most: int) -> Iterator[tuple[str, int]]:
        """Terms with at most so many slips to ``term``, and how many."""
        letters = set(term)
        for other in vocabulary.terms(self._db, term[0]):
            # Each slip takes one letter away at most: most words are told apart without looking at
            # the order of their letters.
            if (
                abs(len(other) - len(term)) <= most
                and len(letters.difference(other)) <= most
                and other.isalpha()
                and (slips := distance(term, other, most)) <= most
            ):
                yield other, slips

    def _apart(self, word: QueryWord, term: str) -> int:
        """The fewest slips between a word and those of a term, as both are written."""
        most, typed = _most_slips(word), folded(word.written)
        match = f'words : "{term}"'
        ids = vocabulary.words_leg(self._db, match, self._model_hash, self._scope, MOST_READ)
        passages = (one.chunk for one in vocabulary.loaded(self._db, [one for one, _ in ids]))
        said = {folded(form) for form in _said([term], passages)}
        return min((distance(typed, form, most) for form in said), default=most + 1)


def told(slips: Iterable[Slip], passages: Sequence[Chunk]) -> tuple[Corrected, ...]:
    """What was searched for instead, as the best of the passages writes it; nothing of a word
    whose stand-ins are in none of them."""
    written = ((slip.written, next(_said(slip.terms, passages), None)) for slip in slips)
    return tuple(Corrected(was, now) for was, now in written if now is not None)


def _may_be_slip(word: QueryWord) -> bool:
    letters_only = all(term.isalpha() for term in word.alternatives)
    return letters_only and not word.synonyms and _most_slips(word) > 0


def _most_slips(word: QueryWord) -> int:
    stem = min(map(len, word.terms))
    if len(word.written) < SHORTEST or stem < SHORTEST_STEM:
        return 0
    return 1 if stem < LONG_STEM else 2


def _said(terms: Sequence[str], passages: Iterable[Chunk]) -> Iterator[str]:
    for passage in passages:
        for token in plain_words(passage.text, passage.language):
            if token.term in terms:
                yield passage.text[token.begin : token.end]
