"""Figures over many questions: means and medians with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.outcomes import MEASURES

RESAMPLES = 1_000
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Figures:
    """The measures over ``n`` questions, each with its 95 % interval.

    A measure is missing where no question has anything to say to it (jumps, where whole
    recordings answer). ``jump_error_median`` is in seconds, over the first hit that counts.
    """

    n: int
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]


def figures(outcomes: NDArray[np.float64]) -> Figures:
    """``outcomes`` float64 [n, len(MEASURES)], nan where a question has no value. Intervals are
    percentiles of the bootstrap over questions (Efron 1979), seeded."""
    n = len(outcomes)
    chosen = _resamples(n)
    values: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for column, measure in enumerate(MEASURES):
        own = outcomes[:, column]
        if np.isnan(own).all():
            continue
        summary = _median if measure == "jump_error_median" else _mean
        values[measure] = float(summary(own[np.newaxis])[0])
        intervals[measure] = _interval(summary(own[chosen]))
    return Figures(n, values, intervals)


def mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The interval of the mean of ``values``, float64 [n] with n > 0 and none of them nan."""
    return _interval(values[_resamples(len(values))].mean(axis=1))


def _resamples(n: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, max(n, 1), size=(RESAMPLES, n))


def _interval(summaries: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.nanpercentile(summaries, (2.5, 97.5))
    return float(low), float(high)


def _mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row's numbers, nan for a row without any."""
    counts = (~np.isnan(rows)).sum(axis=1)
    totals = np.nansum(rows, axis=1)
    means = np.full(len(rows), np.nan)
    np.divide(totals, counts, out=means, where=counts > 0)
    return means


def _median(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each row's numbers, nan for a row without any."""
    ordered = np.sort(rows, axis=1)  # nan last
    counts = (~np.isnan(rows)).sum(axis=1)
    low, high = np.maximum(counts - 1, 0) // 2, np.maximum(counts, 1) // 2
    high = np.minimum(high, np.maximum(counts - 1, 0))
    row = np.arange(len(rows))
    medians: NDArray[np.float64] = (ordered[row, low] + ordered[row, high]) / 2
    return medians
