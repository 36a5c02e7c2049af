"""BM25 over postings, for all passages at once.

As SQLite's full-text search counts it (https://sqlite.org/fts5.html#the_bm25_function), so that
small and large collections bring the same passages: k1 = 1.2, b = 0.75, a field's words count by
its weight, and a word that most passages hold counts next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.index.postings import FieldName, Found, Postings, Rows

_K1, _B = 1.2, 0.75
_LEAST_IDF = 1e-6
_WEIGHTS: dict[FieldName, float] = {"words": 1.0, "ends": 0.5, "about": 0.5}
_BLOCK = 256
_FEW = 64
"""Where fewer than one in so many passages holds anything, only these are summed up: going through
all takes longer."""

Mask = NDArray[np.bool_]
"""bool [passages]: which of them may be found."""


class Phrase(NamedTuple):
    """What is looked for in a field: terms joined by blanks, or the beginning of one."""

    field: FieldName
    text: str
    begins: bool = False


class Part(NamedTuple):
    """Passages with those of them that may be found (None: all)."""

    postings: Postings
    allowed: Mask | None

    @property
    def size(self) -> int:
        """How many may be found."""
        return self.postings.count if self.allowed is None else int(self.allowed.sum())


def best(parts: Sequence[Part], phrases: Sequence[Phrase], limit: int) -> list[tuple[int, float]]:
    """At most ``limit`` chunk ids with their scores, best first, ties by id."""
    total = sum(part.postings.count for part in parts)
    mean = sum(part.postings.mean_length * part.postings.count for part in parts) / max(total, 1)
    told: list[list[_Told]] = [[] for _ in parts]
    for phrase in dict.fromkeys(phrases):
        found = [holding(part.postings, phrase) for part in parts]
        idf = _idf(sum(len(one.rows) for one in found), total)
        for part, (rows, counts), own in zip(parts, found, told, strict=True):
            often = counts * np.float32(_WEIGHTS[phrase.field])
            long = part.postings.length[rows] / np.float32(mean)
            scores = idf * (_K1 + 1) * often / (often + _K1 * (1 - _B + _B * long))
            own.append(_Told(rows, scores.astype(np.float32)))
    every = [
        (int(part.postings.ids[row]), float(score))
        for part, own in zip(parts, told, strict=True)
        for row, score in zip(*_summed(part, own, limit), strict=True)
    ]
    return sorted(every, key=lambda one: (-one[1], one[0]))[:limit]


class _Told(NamedTuple):
    """What one phrase counts for the passages that hold it."""

    rows: Rows
    scores: NDArray[np.float32]


def _summed(part: Part, told: Sequence[_Told], limit: int) -> tuple[list[int], list[float]]:
    """The rows of the ``limit`` largest sums, and these."""
    rows = np.concatenate([np.zeros(0, np.uint32), *(one.rows for one in told)])
    if len(rows) * _FEW < part.postings.count:
        scores = np.concatenate([one.scores for one in told] or [np.zeros(0, np.float32)])
        rows, place = np.unique(rows, return_inverse=True)
        sums = np.bincount(place, scores, len(rows)).astype(np.float32)
        allowed = None if part.allowed is None else part.allowed[rows]
        chosen = _largest(sums, allowed, limit)
        return rows[chosen].tolist(), sums[chosen].tolist()
    sums = np.zeros(part.postings.count, np.float32)
    for one in told:
        sums[one.rows] += one.scores
    chosen = _largest(sums, part.allowed, limit)
    return chosen.tolist(), sums[chosen].tolist()


def _idf(holding: int, total: int) -> np.float32:
    return np.float32(max(math.log((total - holding + 0.5) / (holding + 0.5)), _LEAST_IDF))


def holding(postings: Postings, phrase: Phrase) -> Found:
    """The passages that hold a phrase. Of several terms it is enough that all are there: whether
    they follow one another is looked at by whoever reads the passages."""
    field = postings.fields[phrase.field]
    first, *others = phrase.text.split(" ")
    if not others:
        return field.found(first, begins=phrase.begins)
    rows = reduce(
        lambda some, term: np.intersect1d(some, field.rows(term), assume_unique=True),
        others,
        field.rows(first),
    )
    return Found(rows, np.ones(len(rows), np.float32))


def _largest(scores: NDArray[np.float32], allowed: Mask | None, limit: int) -> NDArray[np.int64]:
    """The rows of the ``limit`` largest scores above 0, in no order.

    The best of each block of rows are different rows: as many of them as are wanted stand at or
    above the least one that can be among the largest, so that few rows are left to look at.
    """
    if allowed is not None:
        scores = np.where(allowed, scores, np.float32(0))
    least = np.float32(0)
    blocks = len(scores) // _BLOCK
    if blocks > limit:
        tops = scores[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        least = np.partition(tops, blocks - limit)[blocks - limit]
    rows = np.flatnonzero(scores >= least) if least > 0 else np.flatnonzero(scores)
    if len(rows) <= limit:
        return rows
    # By score, then by row: of equals the oldest, as everywhere.
    return rows[np.lexsort((rows, -scores[rows]))[:limit]]


def occurs(part: Part, phrase: Phrase) -> bool:
    """Whether a phrase is in any passage that may be found."""
    rows = _rows(part.postings, phrase)
    return bool(len(rows) if part.allowed is None else part.allowed[rows].any())


def frequency(part: Part, phrase: Phrase) -> int:
    """In how many passages that may be found a phrase, no beginning, occurs."""
    rows = _rows(part.postings, phrase)
    return int(len(rows) if part.allowed is None else part.allowed[rows].sum())


def _rows(postings: Postings, phrase: Phrase) -> Rows:
    if " " in phrase.text:
        return holding(postings, phrase).rows
    return postings.fields[phrase.field].rows(phrase.text, begins=phrase.begins)
