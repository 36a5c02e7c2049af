"""The words of a generation: for every word the passages that hold it, memory-mapped.

SQLite's full-text search weighs every passage that holds any word of a query, one by one, which
takes a quarter of a second among a million. Here all passages of a word lie side by side, so that a
query is a few operations on arrays, and nothing has to be left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InterviewsError
from pipeline.index.tensors import mapped

FieldName = Literal["words", "ends", "about"]
FIELDS: tuple[FieldName, ...] = get_args(FieldName)
"""As in the full-text table: what is said, ends of long words backwards, what is known."""

Rows = NDArray[np.uint32]
"""Numbers of passages in order of their ids: row i is the passage ``ids[i]``."""

_TYPES = {
    "letters": np.uint8,
    "begins": np.int64,
    "starts": np.int64,
    "rows": np.uint32,
    "counts": np.uint8,
    "ids": np.int64,
    "recording": np.uint32,
    "language": np.uint16,
    "length": np.float32,
}
DAMAGED = (IndexError, ValueError, OverflowError)
"""What comes of asking a file whose passages are not those that were written."""

_AFTER_EVERY_TERM = b"\xff"
"""No letter's UTF-8 begins with it."""


_BIT_OF_BYTE = np.zeros(256, np.uint32)
_BIT_OF_BYTE[ord("a") : ord("z") + 1] = 1 << np.arange(26)
_GOES_ON = 0b10 << 6
"""The first two bits of a byte that is no letter's first in UTF-8."""


class Found(NamedTuple):
    """Passages that hold something: their rows, sorted, and how often each does."""

    rows: Rows
    counts: NDArray[np.float32]


class Field:
    """One field of all passages: its terms in order of their UTF-8, each with its passages."""

    def __init__(self, name: FieldName, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._letters = arrays[f"{name}.letters"]
        self._begins = arrays[f"{name}.begins"]
        self._starts = arrays[f"{name}.starts"]
        self._rows = arrays[f"{name}.rows"]
        self._counts = arrays[f"{name}.counts"]

    def __len__(self) -> int:
        return len(self._begins) - 1

    def found(self, term: str, *, begins: bool = False) -> Found:
        """The passages that hold a term or, where it ``begins`` others, any that begins so."""
        first, last = self._places(term, begins)
        part = slice(int(self._starts[first]), int(self._starts[last]))
        rows, counts = self._rows[part], self._counts[part].astype(np.float32)
        return Found(rows, counts) if last - first < 2 else _together(rows, counts)

    def rows(self, term: str, *, begins: bool = False) -> Rows:
        """The same, uncounted: a passage with several terms that begin so comes several times."""
        first, last = self._places(term, begins)
        part: Rows = self._rows[int(self._starts[first]) : int(self._starts[last])]
        return part

    def terms(self) -> Iterator[str]:
        """All its terms, in order."""
        return (self._term(place).decode() for place in range(len(self)))

    def like(self, term: str, most: int) -> Iterator[str]:
        """Its terms that begin with the same letter and that at most so many slips may have made
        of ``term``, by their sizes and by the letters they lack; some are further from it."""
        first, last = self._places(term[:1], begins=True)
        part = slice(first, last)
        sizes = self._sizes[part].astype(np.int64)
        lacking = np.bitwise_count(_letters_of(term) & ~self._letter_sets[part])
        for place in np.flatnonzero((abs(sizes - len(term)) <= most) & (lacking <= most)):
            yield self._term(first + int(place)).decode()

    @cached_property
    def _letter_sets(self) -> NDArray[np.uint32]:
        """uint32 [terms]: a bit for each of the letters a to z that a term has."""
        if not len(self):
            return np.zeros(0, np.uint32)
        return np.bitwise_or.reduceat(_BIT_OF_BYTE[self._letters], self._begins[:-1])

    @cached_property
    def _sizes(self) -> NDArray[np.uint32]:
        """uint32 [terms]: how many letters each has."""
        if not len(self):
            return np.zeros(0, np.uint32)
        begins_letter = (self._letters & 0b11 << 6) != _GOES_ON
        return np.add.reduceat(begins_letter.astype(np.uint32), self._begins[:-1])

    def _places(self, term: str, begins: bool) -> tuple[int, int]:
        """From the first of its terms that are meant to the one after the last."""
        sought, every = term.encode(), range(len(self))
        first = bisect_left(every, sought, key=self._term)
        if begins:
            after = bisect_left(every, sought + _AFTER_EVERY_TERM, first, key=self._term)
            return first, after
        return first, first + (first < len(self) and self._term(first) == sought)

    def _term(self, place: int) -> bytes:
        return self._letters[self._begins[place] : self._begins[place + 1]].tobytes()


def _letters_of(term: str) -> np.uint32:
    return np.uint32(np.bitwise_or.reduce(_BIT_OF_BYTE[np.frombuffer(term.encode(), np.uint8)]))


def _together(rows: Rows, counts: NDArray[np.float32]) -> Found:
    """The passages of several terms that lie one after another, each once."""
    order = np.argsort(rows, kind="stable")
    rows, counts = rows[order], counts[order]
    firsts = np.flatnonzero(np.diff(rows, prepend=np.uint32(2**32 - 1)))
    return Found(rows[firsts], np.add.reduceat(counts, firsts) if len(firsts) else counts)


class Postings:
    """The words of a generation, opened. Its file stays mapped as long as this lives."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        self.fields = {name: Field(name, arrays) for name in FIELDS}
        self.ids: NDArray[np.int64] = arrays["ids"]
        """Of the passages, sorted."""
        self.recordings: list[str] = facts["recordings"]
        self.recording: NDArray[np.uint32] = arrays["recording"]
        """The place in ``recordings`` of the one that each passage is of."""
        self.languages: list[str | None] = facts["languages"]
        self.language: NDArray[np.uint16] = arrays["language"]
        """Likewise in ``languages``."""
        self.length: NDArray[np.float32] = arrays["length"]
        """Of each passage, in terms of all fields."""
        self.mean_length = facts["mean_length"]

    @classmethod
    def open(cls, path: Path) -> Postings:
        """Raises InterviewsError (``index.damaged``) where the file is missing or is not whole.
        What its many passages hold is not read here: where that is damaged, whatever asks for it
        may fail with one of ``DAMAGED``."""
        try:
            arrays, facts = mapped(path)
            postings = cls(arrays, facts)
            _look_at(arrays, postings)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise InterviewsError("index.damaged", path=str(path)) from error
        return postings

    @property
    def count(self) -> int:
        return len(self.ids)

    @property
    def newest(self) -> int:
        """The largest id; 0 without passages."""
        return int(self.ids[-1]) if len(self.ids) else 0


def _look_at(arrays: Mapping[str, NDArray[Any]], postings: Postings) -> None:
    """Raises ValueError where arrays do not fit one another."""
    count = postings.count
    for name, array in arrays.items():
        _insist(array.dtype == _TYPES[name.rpartition(".")[2]])
    _insist(bool(np.all(np.diff(postings.ids, prepend=0) > 0)))
    _insist(len(postings.recording) == len(postings.language) == len(postings.length) == count)
    _insist(not count or postings.recording.max() < len(postings.recordings))
    _insist(not count or postings.language.max() < len(postings.languages))
    for name in FIELDS:
        letters, begins, starts, rows, counts = (
            arrays[f"{name}.{part}"] for part in ("letters", "begins", "starts", "rows", "counts")
        )
        _insist(len(begins) == len(starts) and len(rows) == len(counts))
        _insist(_parts(begins, len(letters)) and _parts(starts, len(rows)))


def _parts(starts: NDArray[Any], size: int) -> bool:
    """Whether ``starts`` cut so many things in parts, none of them empty."""
    return bool(starts[0] == 0 and starts[-1] == size and np.all(np.diff(starts) > 0))


def _insist(sound: bool) -> None:
    if not sound:
        raise ValueError
