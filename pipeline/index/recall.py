"""How many inverted lists a search must read, measured on the collection's own vectors.

Some of them are asked for; how near the ten truly nearest others are is found by comparing all
while the index is filled.
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

READ = 60
"""Found vectors that are compared with the true ones, as every search does at least."""

_FEWEST_LISTS = 8

TrueVectors = Callable[[Iterable[int]], Mapping[int, NDArray[np.float32]]]
"""The vectors of these ids as they are stored."""


class Nearest:
    """How near the ten nearest others are to each query, which are vectors of the collection."""

    def __init__(self, queries: Vectors) -> None:
        self.queries = queries
        # The nearest of all is the query itself.
        self._best = np.full((len(queries), NEIGHBOURS + 1), -np.inf, np.float32)

    def look_at(self, vectors: Vectors) -> None:
        """Some more of the collection."""
        every = np.concatenate((self._best, self.queries @ vectors.T), axis=1)
        self._best = -np.partition(-every, NEIGHBOURS, axis=1)[:, : NEIGHBOURS + 1]

    def recall(self, found: NDArray[np.int64], true_vectors: TrueVectors) -> float:
        """The share of the nearest that are among ``found``, int64 [queries, k] (-1: none). What
        is as near as the last of them is as good."""
        least = self._best.min(axis=1) - 1e-4  # the rounding of half precision
        known = true_vectors({int(one) for one in found.ravel() if one >= 0})
        hits = 0
        for query, row, last in zip(self.queries, found, least, strict=True):
            near = sum(bool(query @ known[one] >= last) for one in row.tolist() if one in known)
            hits += min(max(near - 1, 0), NEIGHBOURS)
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
