"""Slips of the keyboard: a word of the query that the collection does not have is met by the words
most like it, as by synonyms.

Few slips are in the first letter (Kukich: Techniques for Automatically Correcting Words in Text,
1992), so it must be the same: that keeps much noise away, and only a part of all words is read.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from pipeline.catalog import recordings, vocabulary
from pipeline.catalog.standing import about
from pipeline.corrections.spellings import distance, folded
from pipeline.index.bm25 import Phrase
from pipeline.search.analysis import QueryWord, says_nothing, written_with
from pipeline.search.results import Corrected
from pipeline.search.spoken import Spoken
from pipeline.search.words import is_known
from pipeline.values import Chunk

SHORTEST, SHORTEST_STEM, LONG_STEM = 4, 3, 8
"""Letters of a word and of its stem that may hold a slip, and of a stem that may hold two. (By the
letters of whole words, verbs of eight and nine met unlike ones too often.)"""

_MOST_SLIPS = 2

_UMLAUT = re.compile("([aou])e")

MOST_NEAR = 3
"""Terms that stand in for a word."""

MOST_WORDS = 8
"""Unknown words of a query that are looked after; who pastes a whole page does not wait."""

MOST_LOOKED_AT, MOST_TERMS, MOST_READ = 40, 8, 20
"""Terms that may stand in; those of them whose words are compared with a query's word as they are
written; passages that are read for each."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A word as it was typed, the terms of the collection that stand in for it, the nearest first,
    that one as somebody wrote it, and how many slips it is away."""

    typed: str
    terms: tuple[str, ...]
    written: str
    apart: int


class _Like(NamedTuple):
    """A term whose words are like the typed one: the better, the smaller."""

    slips: int
    rarity: int
    """Passages that hold it, as a negative number."""

    term: str
    written: str


class Vocabulary:
    """The words of the passages that a search may see, by what they are like."""

    def __init__(self, db: sqlite3.Connection, spoken: Spoken) -> None:
        self._db = db
        self._spoken = spoken

    def mended(self, words: Sequence[QueryWord]) -> tuple[tuple[QueryWord, ...], tuple[Slip, ...]]:
        """The query's words, those that occur nowhere with what stands in for them. A word that
        the glossary has is no slip."""
        unknown = (word for word in words if _may_be_slip(word) and not self._knows(word))
        looked_at = {word: self._slip(word) for word in islice(unknown, MOST_WORDS)}
        slips = {word: slip for word, slip in looked_at.items() if slip is not None}
        standing_in = (
            replace(word, synonyms=slips[word].terms) if word in slips else word for word in words
        )
        return tuple(standing_in), tuple(slips.values())

    def _knows(self, word: QueryWord) -> bool:
        return is_known(self._spoken, word)

    def _slip(self, word: QueryWord) -> Slip | None:
        """What stands in for a word. Stems tell what may; how words are written tells what does,
        since unlike words may have like stems."""
        most = _most_slips(word)
        near: dict[str, int] = {}
        for term in word.terms:
            for other, slips in self._alike(term, most):
                near[other] = min(slips, near.get(other, slips))
        often = self._spoken.frequencies(list(near))
        first = sorted(near, key=lambda other: (near[other], -often[other], other))
        # Terms that are in no passage that may be seen take nobody's place.
        there = (
            _Like(slips, -often[term], term, written)
            for term in first
            for slips, written in self._nearest(word.written, term)
        )
        likes = islice(there, MOST_LOOKED_AT)
        # A name that is said nowhere is not the little word it resembles ("Ward", "wird").
        near_enough = (one for one in likes if one.slips <= most and not says_nothing(one.written))
        found = sorted(islice(near_enough, MOST_TERMS))
        if not found:
            return None
        stand_in = [like.term for like in found if like.slips == found[0].slips]
        return Slip(word.written, tuple(stand_in[:MOST_NEAR]), found[0].written, found[0].slips)

    def _alike(self, term: str, most: int) -> Iterator[tuple[str, int]]:
        """Terms with at most so many slips to ``term``, and how many."""
        letters = set(term)
        for other in self._spoken.terms_like(term, most):
            # Each slip takes one letter away at most: most words are told apart without looking at
            # the order of their letters.
            if (
                len(letters.difference(other)) <= most
                and other.isalpha()
                and (slips := distance(term, other, most)) <= most
            ):
                yield other, slips

    def _nearest(self, typed: str, term: str) -> list[tuple[int, str]]:
        """That word of a term which has the fewest slips as it is written, and how many; none
        where the term is in no passage."""
        either = [Phrase("words", term), Phrase("about", term)]
        found = list(vocabulary.loaded(self._db, self._spoken.best(either, MOST_READ)))
        known = recordings.get_many(self._db, {one.recording_id for one in found}).values()
        facts = ((about(one.facts), None) for one in known)
        texts = ((one.chunk.text, one.chunk.language) for one in found)
        forms = {_plain(form): form for form in _written([term], (*texts, *facts))}
        return sorted(
            (distance(_plain(typed), plain, _MOST_SLIPS), form) for plain, form in forms.items()
        )[:1]


def spelt(query: str, slips: Iterable[Slip]) -> str:
    """The query with the words that are one slip away in the places of those they stand in for.
    What is two away is too often another word to be held against every letter (measured)."""
    for slip in slips:
        if slip.apart > 1:
            continue
        typed = rf"(?<!\w){re.escape(slip.typed)}(?!\w)"
        query = re.sub(typed, slip.written, query)
    return query


def told(slips: Iterable[Slip], passages: Sequence[Chunk]) -> tuple[Corrected, ...]:
    """What was searched for instead, as the best of the passages writes it; nothing of a word
    whose stand-ins are in none of them."""
    texts = [(one.text, one.language) for one in passages]
    written = ((slip.typed, next(_written(slip.terms, texts), None)) for slip in slips)
    return tuple(Corrected(was, now) for was, now in written if now is not None)


def _may_be_slip(word: QueryWord) -> bool:
    letters_only = all(term.isalpha() for term in word.alternatives)
    return letters_only and not word.synonyms and _most_slips(word) > 0


def _most_slips(word: QueryWord) -> int:
    stem = min(map(len, word.terms))
    if len(word.written) < SHORTEST or stem < SHORTEST_STEM:
        return 0
    return 1 if stem < LONG_STEM else _MOST_SLIPS


def _plain(word: str) -> str:
    """A word without case and accents; an umlaut is the same however it is typed."""
    return _UMLAUT.sub(r"\1", folded(word))


def _written(terms: Sequence[str], texts: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """The terms as they stand in texts, each with its language."""
    for text, language in texts:
        yield from written_with(terms, text, language)
