"""Arithmetic of the figures: word errors, intervals, and how far times are off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
Timed = tuple[str, float, float]
"""A plain word, start and end in seconds."""


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """The least number of words to exchange, drop or insert (Levenshtein)."""
    row = np.arange(len(heard) + 1)
    for number, word in enumerate(said, start=1):
        changed = row[:-1] + [other != word for other in heard]
        below = np.minimum(changed, row[1:] + 1)
        new = np.empty_like(row)
        new[0] = number
        for column, value in enumerate(below, start=1):
            new[column] = min(value, new[column - 1] + 1)
        row = new
    return int(row[-1])


@dataclass(frozen=True, slots=True)
class Rate:
    """Errors per word with a 95 % interval by bootstrap over the sentences."""

    value: float
    low: float
    high: float
    sentences: int

    def __str__(self) -> str:
        return (
            f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}] "
            f"of {self.sentences}"
        )


def error_rate(pairs: Sequence[tuple[Sequence[str], Sequence[str]]], seed: int = 1) -> Rate:
    """Word error rate of (said, heard) pairs of plain words."""
    wrong = np.array([errors(said, heard) for said, heard in pairs], dtype=float)
    words = np.array([len(said) for said, _ in pairs], dtype=float)
    drawn = np.random.default_rng(seed).integers(len(pairs), size=(DRAWS, len(pairs)))
    rates = wrong[drawn].sum(1) / words[drawn].sum(1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return Rate(float(wrong.sum() / words.sum()), float(low), float(high), len(pairs))


def start_errors(said: Sequence[Timed], heard: Sequence[Timed]) -> NDArray[np.float64]:
    """How far the starts of rightly heard words are off, in seconds."""
    matcher = SequenceMatcher(None, [w for w, *_ in said], [w for w, *_ in heard], autojunk=False)
    return np.array(
        [
            abs(said[block.a + k][1] - heard[block.b + k][1])
            for block in matcher.get_matching_blocks()
            for k in range(block.size)
        ]
    )


def nearest_errors(said: Sequence[float], heard: Sequence[float]) -> NDArray[np.float64]:
    """For every true time, how far the nearest found one is; infinite where none was found."""
    found = np.array(heard, dtype=float)
    if not len(found):
        return np.full(len(said), np.inf)
    nearest: NDArray[np.float64] = np.abs(np.array(said)[:, None] - found[None]).min(1)
    return nearest


def spread(values: NDArray[np.float64]) -> str:
    if not len(values):
        return "none"
    median, late = np.quantile(values, [0.5, 0.9])
    return f"median {1000 * median:.0f} ms, 90th percentile {1000 * late:.0f} ms of {len(values)}"
