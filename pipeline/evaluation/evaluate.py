"""How good search is: every question asked in every mode, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.figures import Figures, figures
from pipeline.evaluation.gold import Question
from pipeline.evaluation.outcomes import MEASURES, outcome
from pipeline.values import Hit

DEPTH = 100
"""Hits that are looked at for each question."""

Search = Callable[[Question, str], Sequence[Hit]]
"""The first ``DEPTH`` hits for a question in a mode."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question in a mode: its value for each of ``MEASURES``, nan where it has
    none, and what was found first."""

    question: Question
    values: tuple[float, ...]
    first: Hit | None

    @property
    def reciprocal_rank(self) -> float:
        return self.values[MEASURES.index("mrr")]


Run = dict[str, tuple[Asked, ...]]
"""Mode to what came of each question, in the order of the file."""

Measures = dict[str, dict[str, Figures]]
"""Mode to direction ("all", "de→en": question's to recording's language) to figures."""


def evaluate(search: Search, questions: Sequence[Question], modes: Sequence[str]) -> Measures:
    """Ask every question in every mode and measure what comes back. The questions' recordings
    must be named by id."""
    return measured(ask(search, questions, modes))


def ask(search: Search, questions: Sequence[Question], modes: Sequence[str]) -> Run:
    """Ask every question in every mode."""
    return {
        mode: tuple(_asked(question, search(question, mode)) for question in questions)
        for mode in modes
    }


def _asked(question: Question, hits: Sequence[Hit]) -> Asked:
    return Asked(question, tuple(outcome(question, hits[:DEPTH])), hits[0] if hits else None)


def measured(run: Run) -> Measures:
    """The figures of each mode and direction."""
    measures: Measures = {}
    for mode, every in run.items():
        outcomes = np.array([asked.values for asked in every], dtype=np.float64)
        outcomes = outcomes.reshape(len(every), len(MEASURES))
        rows = by_direction(asked.question.direction for asked in every)
        measures[mode] = {direction: figures(outcomes[own]) for direction, own in rows.items()}
    return measures


def by_direction(directions: Iterable[str | None]) -> dict[str, list[int]]:
    """The rows that belong to each direction, "all" first; None is a direction not known."""
    known = list(directions)
    rows: dict[str, list[int]] = {"all": list(range(len(known)))}
    for row, direction in enumerate(known):
        if direction is not None:
            rows.setdefault(direction, []).append(row)
    return dict(sorted(rows.items()))


def worst(run: Run, count: int) -> Run:
    """The ``count`` questions of each mode with the lowest reciprocal rank, worst first; of
    equals the one that stands earlier in the file."""
    return {
        mode: tuple(sorted(every, key=lambda asked: asked.reciprocal_rank)[:count])
        for mode, every in run.items()
    }
