"""What ``evaluate`` says to people: plain text tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.evaluation.comparison import COMPARED, Comparison, Paired
from pipeline.evaluation.evaluate import Asked, Measures, Run
from pipeline.evaluation.figures import RESAMPLES, Figures
from pipeline.evaluation.gold import Answer
from pipeline.evaluation.outcomes import MEANS, MEASURES
from pipeline.messages import text
from pipeline.timecode import format_short


def measures_table(measures: Measures, language: str) -> str:
    """The measures, one row for each mode and direction."""
    jump = text("evaluate.jump_error_median", language)
    rows = [[*_headings(language), *MEANS, jump]]
    for mode, directions in measures.items():
        for direction, one in directions.items():
            shown = _direction(direction, language)
            rows.append([mode, shown, str(one.n), *(_cell(one, m) for m in MEASURES)])
    note = text("evaluate.interval", language, resamples=RESAMPLES)
    return "\n".join([*_columns(rows), "", note])


def _headings(language: str) -> list[str]:
    return [text("evaluate.mode", language), text("evaluate.direction", language), "n"]


def _direction(direction: str, language: str) -> str:
    return text("evaluate.all", language) if direction == "all" else direction


def _cell(one: Figures, measure: str) -> str:
    if measure not in one.values:
        return "–"
    low, high = one.intervals[measure]
    digits = 1 if measure == "jump_error_median" else 3
    return f"{one.values[measure]:.{digits}f} [{low:.{digits}f} {high:.{digits}f}]"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]


def against_table(compared: Mapping[str, Comparison], path: str, language: str) -> str:
    """The differences, one row for each mode and direction, and what was left out."""
    rows = [[*_headings(language), *COMPARED]]
    for mode, own in compared.items():
        for direction, one in own.directions.items():
            cells = (_difference_cell(one, measure) for measure in COMPARED)
            rows.append([mode, _direction(direction, language), str(one.n), *cells])
    lines = [text("evaluate.against", language, path=path), ""]
    if len(rows) > 1:
        note = text("evaluate.against_interval", language, resamples=RESAMPLES)
        lines += [*_columns(rows), "", note]
    else:
        lines.append(text("evaluate.nothing_common", language))
    for mode, own in compared.items():
        if own.only_now or own.only_before:
            counts = {"now": own.only_now, "before": own.only_before}
            lines.append(text("evaluate.left_out", language, mode=mode, **counts))
    return "\n".join(lines)


def _difference_cell(one: Paired, measure: str) -> str:
    if measure not in one.differences:
        return "–"
    difference = one.differences[measure]
    low, high = difference.interval
    mark = " *" if difference.excludes_0 else ""
    return f"{difference.value:+.3f} [{low:+.3f} {high:+.3f}]{mark}"


def worst_text(worst: Run, titles: Mapping[str, str], language: str) -> str:
    """The worst questions of each mode: asked, expected, found instead."""
    lines: list[str] = []
    for mode, every in worst.items():
        lines += [text("evaluate.worst", language, mode=mode), ""]
        for asked in every:
            lines += [*_asked_lines(asked, titles, language), ""]
    return "\n".join(lines[:-1])


def _asked_lines(asked: Asked, titles: Mapping[str, str], language: str) -> Iterator[str]:
    question = asked.question
    yield f"{_line(question.text)}  [{question.line}]"
    wanted = "; ".join(_place(answer, titles) for answer in question.answers)
    yield f"   {text('evaluate.expected', language)}: {wanted}"
    rank = asked.reciprocal_rank
    place = str(round(1 / rank)) if rank else text("evaluate.not_found", language)
    yield f"   {text('evaluate.rank', language)}: {place}"
    if (hit := asked.first) is None:
        yield f"   {text('evaluate.found_nothing', language)}"
    else:
        where = f"{_line(hit.recording.facts.title)} {format_short(hit.jump_ms)}"
        yield f"   {text('evaluate.found', language)}: {where}: {_line(hit.sentence_text)}"


def _place(answer: Answer, titles: Mapping[str, str]) -> str:
    title = _line(titles[answer.recording])
    at = answer.target_ms
    return title if at is None else f"{title} {format_short(at)}"


def _line(written: str) -> str:
    return " ".join(written.split())
