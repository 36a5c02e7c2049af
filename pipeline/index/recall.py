"""How many inverted lists a search must read, measured on the collection's own vectors.

What is asked for lies as far from any passage as a question does: among some passages, and near
none. (Asked for passages themselves, 8 of 2,000 lists brought 99.7 % of the ten nearest; of those
of people's questions they brought 46 %.) How near the ten truly nearest are is found by comparing
all while the index is filled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.index.vectors import Vectors

NEIGHBOURS = 10
TARGET = 0.98
"""Of the true ten nearest, how many must be found."""

ASKED = 200
"""Vectors that are asked for: 2,000 neighbours tell the recall to half a percent."""

_AMONG = 4
"""Passages that each of them lies among. Measured on a million of real talk: lists that bring 98 %
of the ten nearest to what lies among four bring 93 % of those to people's questions."""

READ = 60
"""Found vectors that are compared with the true ones, as every search does at least."""

_FEWEST_LISTS = 8

TrueVectors = Callable[[Iterable[int]], Mapping[int, NDArray[np.float32]]]
"""The vectors of these ids as they are stored."""


def like_questions(sample: Vectors) -> Vectors:
    """float32 [at most ``ASKED``, dimension], normalised: vectors among those of the collection,
    of which ``sample`` has some in no order."""
    shifted = (np.roll(sample, -turn * ASKED, axis=0)[:ASKED] for turn in range(_AMONG))
    total = np.sum(list(shifted), axis=0)
    among: Vectors = total / np.linalg.norm(total, axis=1, keepdims=True)
    return among


class Nearest:
    """How near the ten nearest of the collection are to each query."""

    def __init__(self, queries: Vectors) -> None:
        self.queries = queries
        self._best = np.full((len(queries), NEIGHBOURS), -np.inf, np.float32)

    def look_at(self, vectors: Vectors) -> None:
        """Some more of the collection."""
        every = np.concatenate((self._best, self.queries @ vectors.T), axis=1)
        self._best = -np.partition(-every, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]

    def recall(self, found: NDArray[np.int64], true_vectors: TrueVectors) -> float:
        """The share of the nearest that are among ``found``, int64 [queries, k] (-1: none). What
        is as near as the last of them is as good."""
        least = self._best.min(axis=1) - 1e-4  # the rounding of half precision
        known = true_vectors({int(one) for one in found.ravel() if one >= 0})
        hits = 0
        for query, row, last in zip(self.queries, found, least, strict=True):
            near = sum(bool(query @ known[one] >= last) for one in row.tolist() if one in known)
            hits += min(near, NEIGHBOURS)
        return hits / (NEIGHBOURS * len(self.queries))


def tune(index: Any, nearest: Nearest, true_vectors: TrueVectors) -> float:
    """Have ``index`` read as few lists as ``TARGET`` allows; the recall it has then."""
    index.nprobe = min(_FEWEST_LISTS, index.nlist)
    while True:
        _, found = index.search(nearest.queries, READ)
        recall = nearest.recall(found, true_vectors)
        if recall >= TARGET or index.nprobe == index.nlist:
            return recall
        index.nprobe = min(2 * index.nprobe, index.nlist)
