"""Pieces of text with what was looked for marked in them, and what of a passage is shown."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.values import Hit

AROUND = 110
"""Characters of a passage shown on either side of its best sentence."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a text. ``found``: they are what was looked for; ``best``: they belong
    to the sentence that answers."""

    text: str
    found: bool = False
    best: bool = False


def pieces(
    text: str, found: Iterable[tuple[int, int]], best: tuple[int, int] = (0, 0)
) -> list[Piece]:
    """``text`` in pieces that are alike throughout; together they are ``text``."""
    marks = list(found)
    borders = {0, len(text), *best, *(place for mark in marks for place in mark)}
    cuts = sorted(place for place in borders if 0 <= place <= len(text))
    return [
        Piece(text[begin:end], _within(begin, marks), best[0] <= begin < best[1])
        for begin, end in itertools.pairwise(cuts)
    ]


def _within(place: int, marks: Iterable[tuple[int, int]]) -> bool:
    return any(begin <= place < end for begin, end in marks)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of a found passage; ``before`` and ``after`` say that it was cut there."""

    pieces: Sequence[Piece]
    before: bool
    after: bool

    @property
    def runs(self) -> list[tuple[bool, list[Piece]]]:
        """The pieces, those of the best sentence together."""
        return [(best, list(run)) for best, run in itertools.groupby(self.pieces, _is_best)]


def _is_best(piece: Piece) -> bool:
    return piece.best


def excerpt(hit: Hit, around: int = AROUND) -> Excerpt:
    """The sentence that answers, whole, with some of what was said before and after it."""
    begin, end = hit.sentence if hit.sentence[1] else (0, len(hit.text))
    first = _word_begin(hit.text, max(begin - around, 0))
    last = _word_end(hit.text, min(end + around, len(hit.text)))
    shown = hit.text[first:last]
    found = [(b - first, e - first) for b, e in hit.highlights if b >= first and e <= last]
    best = (begin - first, end - first) if (begin, end) != (first, last) else (0, 0)
    return Excerpt(pieces(shown, found, best), first > 0, last < len(hit.text))


def _word_begin(text: str, place: int) -> int:
    """The beginning of the first whole word from ``place`` on."""
    if place == 0 or text[place - 1].isspace():
        return place
    after = text.find(" ", place)
    return place if after < 0 else after + 1


def _word_end(text: str, place: int) -> int:
    """The end of the last whole word up to ``place``."""
    if place == len(text) or text[place].isspace():
        return place
    before = text.rfind(" ", 0, place)
    return place if before < 0 else before
