"""What one answered question is worth: a value for each measure.

A hit counts where it starts playing inside the answer, from two seconds before it to its end, so
that large passages buy nothing. Where whole recordings answer, any hit of the recording counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipeline.evaluation.gold import Answer, Question
from pipeline.values import Hit

LEAD_MS = 2_000
"""So much before the answer a hit may start and still count."""

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
