"""How good search is: measures over ranked hits, with bootstrap intervals.

A hit counts where it starts playing inside the answer, from two seconds before it to its end, so
that large passages buy nothing. Where whole recordings answer, any hit of the recording counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.messages import text
from pipeline.search.gold import Answer, Question
from pipeline.values import Hit

LEAD_MS = 2_000
"""So much before the answer a hit may start and still count."""

DEPTH = 100
"""Hits that are looked at for each question."""

RESAMPLES = 1_000
_SEED = 20_240_229

MEANS = (
    "hit@1",
    "hit@5",
    "hit@10",
    "mrr",
    "ndcg@10",
    "recall@100",
    "within_3s@1",
    "within_10s@1",
)
MEASURES = (*MEANS, "jump_error_median")

Search = Callable[[Question, str], Sequence[Hit]]
"""The first ``DEPTH`` hits for a question in a mode."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The measures over ``n`` questions, each with its 95 % interval.

    A measure is missing where no question has anything to say to it (jumps, where whole
    recordings answer). ``jump_error_median`` is in seconds, over the first hit that counts.
    """

    n: int
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]


Measures = dict[str, dict[str, Figures]]
"""Mode to direction ("all", "de→en": question's to recording's language) to figures."""


def evaluate(search: Search, questions: Sequence[Question], modes: Sequence[str]) -> Measures:
    """Ask every question in every mode and measure what comes back. The questions' recordings
    must be resolved to ids."""
    measures: Measures = {}
    for mode in modes:
        outcomes = np.array(
            [outcome(question, search(question, mode)[:DEPTH]) for question in questions],
            dtype=np.float64,
        ).reshape(len(questions), len(MEASURES))
        measures[mode] = {
            direction: figures(outcomes[rows]) for direction, rows in _directions(questions).items()
        }
    return measures


def _directions(questions: Sequence[Question]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {"all": list(range(len(questions)))}
    for row, question in enumerate(questions):
        heard = question.answers[0].language
        if heard:
            rows.setdefault(f"{question.language}→{heard}", []).append(row)
    return dict(sorted(rows.items()))


def outcome(question: Question, hits: Sequence[Hit]) -> list[float]:
    """One question's value for each of ``MEASURES``, in that order; nan where it has none."""
    gains = _gains(question.answers, hits)
    first = next((rank for rank, answer in enumerate(gains) if answer is not None), None)
    error = math.nan
    if first is not None and (answer := gains[first]) is not None:
        error = _error_s(answer, hits[first])
    found = sum(answer is not None for answer in gains)
    return [
        *(float(first is not None and first < k) for k in (1, 5, 10)),
        0.0 if first is None else 1 / (first + 1),
        _ndcg(question.answers, gains, 10),
        found / len(question.answers),
        *(_within(question.answers, hits, limit) for limit in (3, 10)),
        error,
    ]


def _gains(answers: Sequence[Answer], hits: Sequence[Hit]) -> list[Answer | None]:
    """For each hit the answer it is the first to give, else None."""
    left = list(answers)
    gains: list[Answer | None] = []
    for hit in hits:
        given = next((answer for answer in left if _counts(answer, hit)), None)
        if given is not None:
            left.remove(given)
        gains.append(given)
    return gains


def _counts(answer: Answer, hit: Hit) -> bool:
    if answer.recording != hit.recording.id:
        return False
    if answer.start_ms is None or answer.end_ms is None:
        return True
    return answer.start_ms - LEAD_MS <= hit.jump_ms <= answer.end_ms


def _error_s(answer: Answer, hit: Hit) -> float:
    if answer.target_ms is None or answer.recording != hit.recording.id:
        return math.nan
    return abs(hit.jump_ms - answer.target_ms) / 1000


def _within(answers: Sequence[Answer], hits: Sequence[Hit], limit: float) -> float:
    """Whether the very first hit starts within ``limit`` seconds of an answer."""
    if all(answer.target_ms is None for answer in answers):
        return math.nan
    return float(any(_error_s(answer, hit) <= limit for hit in hits[:1] for answer in answers))


def _ndcg(answers: Sequence[Answer], gains: Sequence[Answer | None], depth: int) -> float:
    """Normalised discounted cumulative gain (Järvelin, Kekäläinen 2002), gain = grade."""
    given = [answer.grade if answer else 0.0 for answer in gains[:depth]]
    ideal = sorted((answer.grade for answer in answers), reverse=True)[:depth]
    best = _discounted(ideal)
    return _discounted(given) / best if best else 0.0


def _discounted(grades: Sequence[float]) -> float:
    return sum(grade / math.log2(rank + 2) for rank, grade in enumerate(grades))


def figures(outcomes: NDArray[np.float64]) -> Figures:
    """``outcomes`` float64 [n, len(MEASURES)], nan where a question has no value. Intervals are
    percentiles of the bootstrap over questions (Efron 1979), seeded."""
    n = len(outcomes)
    chosen = np.random.default_rng(_SEED).integers(0, max(n, 1), size=(RESAMPLES, n))
    values: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for column, measure in enumerate(MEASURES):
        own = outcomes[:, column]
        if np.isnan(own).all():
            continue
        summary = _median if measure == "jump_error_median" else _mean
        values[measure] = float(summary(own[np.newaxis])[0])
        low, high = np.nanpercentile(summary(own[chosen]), (2.5, 97.5))
        intervals[measure] = (float(low), float(high))
    return Figures(n, values, intervals)


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


def measures_json(measures: Measures) -> dict[str, object]:
    """The contract of ``evaluate --json``; null where a measure does not apply."""
    return {
        "modes": {
            mode: {direction: _figures_json(one) for direction, one in directions.items()}
            for mode, directions in measures.items()
        }
    }


def _figures_json(one: Figures) -> dict[str, object]:
    rounded: dict[str, object] = {"n": one.n}
    interval: dict[str, object] = {}
    for measure in MEASURES:
        value, bounds = one.values.get(measure), one.intervals.get(measure)
        rounded[measure] = None if value is None else round(value, 4)
        interval[measure] = None if bounds is None else [round(bound, 4) for bound in bounds]
    return {**rounded, "interval": interval}


def measures_table(measures: Measures, language: str) -> str:
    """The measures as a plain text table, one row for each mode and direction."""
    jump = text("evaluate.jump_error_median", language)
    header = [text("evaluate.mode", language), text("evaluate.direction", language), "n"]
    rows = [[*header, *MEANS, jump]]
    for mode, directions in measures.items():
        for direction, one in directions.items():
            shown = text("evaluate.all", language) if direction == "all" else direction
            rows.append([mode, shown, str(one.n), *(_cell(one, m) for m in MEASURES)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    note = text("evaluate.interval", language, resamples=RESAMPLES)
    return "\n".join([*(line.rstrip() for line in lines), "", note])


def _cell(one: Figures, measure: str) -> str:
    if measure not in one.values:
        return "–"
    low, high = one.intervals[measure]
    digits = 1 if measure == "jump_error_median" else 3
    return f"{one.values[measure]:.{digits}f} [{low:.{digits}f} {high:.{digits}f}]"
