"""Two runs of the same questions side by side: is the difference more than chance?

The questions are paired, so what makes one question harder than another cancels out; the interval
of the mean difference is the bootstrap's over the pairs (Efron 1979).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.evaluate import by_direction
from pipeline.evaluation.figures import mean_interval
from pipeline.evaluation.saved_run import SavedQuestion, SavedRun

COMPARED = ("hit@1", "hit@5", "mrr", "ndcg@10", "within_10s@1")

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """The means of a measure now and before, and the 95 % interval of their difference."""

    now: float
    before: float
    interval: tuple[float, float]

    @property
    def value(self) -> float:
        return self.now - self.before

    @property
    def excludes_0(self) -> bool:
        low, high = self.interval
        return low > _ROUNDING or high < -_ROUNDING


@dataclass(frozen=True, slots=True)
class Paired:
    """The differences over ``n`` questions; a measure is missing where none has a value."""

    n: int
    differences: Mapping[str, Difference]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A mode now and before: the pairs by direction (that of the run now), and how many questions
    only one of the two asked in this mode, which are left out."""

    directions: Mapping[str, Paired]
    only_now: int
    only_before: int


_Key = tuple[str, str, int]
_Pair = tuple[SavedQuestion, SavedQuestion]


def compare(now: SavedRun, before: SavedRun) -> dict[str, Comparison]:
    """Each mode that either run has. Questions are the same where text and language are; of
    several such questions in one run the first goes with the first, and so on."""
    mine, theirs = _by_key(now.questions), _by_key(before.questions)
    common = [(one, theirs[key]) for key, one in mine.items() if key in theirs]
    compared: dict[str, Comparison] = {}
    for mode in dict.fromkeys((*now.modes, *before.modes)):
        here = len(mine) if mode in now.modes else 0
        there = len(theirs) if mode in before.modes else 0
        pairs = common if here and there else []
        compared[mode] = Comparison(_directions(pairs, mode), here - len(pairs), there - len(pairs))
    return compared


def _by_key(questions: Sequence[SavedQuestion]) -> dict[_Key, SavedQuestion]:
    seen: Counter[tuple[str, str]] = Counter()
    keyed: dict[_Key, SavedQuestion] = {}
    for one in questions:
        seen[one.question, one.language] += 1
        keyed[one.question, one.language, seen[one.question, one.language]] = one
    return keyed


def _directions(pairs: Sequence[_Pair], mode: str) -> dict[str, Paired]:
    if not pairs:
        return {}
    rows = by_direction(now.direction for now, _ in pairs)
    return {
        direction: _paired([pairs[row] for row in own], mode) for direction, own in rows.items()
    }


def _paired(pairs: Sequence[_Pair], mode: str) -> Paired:
    differences: dict[str, Difference] = {}
    for measure in COMPARED:
        both = [(now.modes[mode].values[measure], before.modes[mode].values[measure])
                for now, before in pairs]  # fmt: skip
        told = np.array([pair for pair in both if None not in pair], dtype=np.float64)
        if len(told):
            now_mean, before_mean = told.mean(axis=0)
            interval = mean_interval(told[:, 0] - told[:, 1])
            differences[measure] = Difference(float(now_mean), float(before_mean), interval)
    return Paired(len(pairs), differences)
