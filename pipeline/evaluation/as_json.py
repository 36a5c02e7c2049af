"""What ``evaluate --json`` says."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.evaluation.comparison import COMPARED, Comparison, Difference, Paired
from pipeline.evaluation.evaluate import Asked, Measures, Run
from pipeline.evaluation.figures import Figures
from pipeline.evaluation.gold import Answer
from pipeline.evaluation.outcomes import MEASURES
from pipeline.timecode import to_seconds


def measures_json(measures: Measures) -> dict[str, object]:
    """The figures; null where a measure does not apply."""
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


def against_json(compared: Mapping[str, Comparison]) -> dict[str, object]:
    """The comparison; null where a measure does not apply."""
    return {
        "modes": {
            mode: {direction: _paired_json(one) for direction, one in own.directions.items()}
            for mode, own in compared.items()
            if own.directions
        },
        "left_out": {
            mode: {"only_now": own.only_now, "only_before": own.only_before}
            for mode, own in compared.items()
        },
    }


def _paired_json(one: Paired) -> dict[str, object]:
    found = one.differences
    return {"n": one.n, **{m: _difference_json(found[m]) if m in found else None for m in COMPARED}}


def _difference_json(one: Difference) -> dict[str, object]:
    return {
        "now": round(one.now, 4),
        "before": round(one.before, 4),
        "difference": round(one.value, 4),
        "interval": [round(bound, 4) for bound in one.interval],
        "excludes_0": one.excludes_0,
    }


def worst_json(worst: Run, titles: Mapping[str, str]) -> dict[str, object]:
    """The worst questions of each mode. ``titles`` are the recordings' by id."""
    return {mode: [_asked_json(one, titles) for one in every] for mode, every in worst.items()}


def _asked_json(asked: Asked, titles: Mapping[str, str]) -> dict[str, object]:
    question, hit = asked.question, asked.first
    found = hit and {
        "recording": hit.recording.id,
        "title": hit.recording.facts.title,
        "jump": to_seconds(hit.jump_ms),
        "sentence": hit.sentence_text,
    }
    return {
        "question": question.text,
        "language": question.language,
        "line": question.line,
        "reciprocal_rank": round(asked.reciprocal_rank, 4),
        "expected": [_answer_json(answer, titles) for answer in question.answers],
        "found": found,
    }


def _answer_json(answer: Answer, titles: Mapping[str, str]) -> dict[str, object]:
    times = {"start": answer.start_ms, "end": answer.end_ms, "jump": answer.target_ms}
    return {
        "recording": answer.recording,
        "title": titles[answer.recording],
        **{name: None if ms is None else to_seconds(ms) for name, ms in times.items()},
    }
