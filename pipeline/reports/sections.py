"""What a report says, in words: one source for the text and for the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.reports import verdicts
from pipeline.reports.forgetting import settled
from pipeline.reports.values import Done, Failed, Night, Retold
from pipeline.reports.wording import Wording, local, plain

Form = Literal["name", "value", "label", "number", "text", "advice"]
"""How a column reads: what a row is about, what that is, a labelled fact, a labelled number, a
sentence, a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    form: Form


@dataclass(frozen=True, slots=True)
class Cell:
    """``detail`` is the id of a recording."""

    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A table under a heading. ``points``: how many of its rows need a person."""

    name: str
    heading: str
    lead: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    points: int = 0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """A report: ``summary`` is its one most important line, ``about`` is about the run."""

    title: str
    summary: str
    about: tuple[str, ...]
    sections: tuple[Section, ...]


def told(night: Night, language: str) -> Told:
    """The night in words; what needs a person comes first, what is empty is left out."""
    night, words = settled(night), Wording(language)
    sections = [section for section in _sections(night, words) if section.rows]
    sections.sort(key=lambda section: not section.points)
    return Told(
        title=words("title", date=words.day(local(night.started_ms).date())),
        summary=_summary(night, sum(section.points for section in sections), words),
        about=_about(night, words),
        sections=tuple(sections),
    )


def _summary(night: Night, points: int, words: Wording) -> str:
    done = words.count("summary.done", len(night.done))
    failed = words.count("summary.failed", len(night.failed))
    needed = words.count("summary.points", points) if points else words("nothing_to_do")
    return f"{words('summary.both', done=done, failed=failed)} {needed}"


def _about(night: Night, words: Wording) -> tuple[str, ...]:
    start, end = local(night.started_ms), local(night.ended_ms)
    span = words(
        "span_one_day" if start.date() == end.date() else "span",
        start_time=words.clock(start),
        end_time=words.clock(end),
        start_day=words.day(start.date()),
        end_day=words.day(end.date()),
        length=words.length(night.ended_ms - night.started_ms),
    )
    until = words("until", time=words("clock", time=plain(night.until))) if night.until else ""
    stopped = words("stopped") if night.stopped else ""
    models = ", ".join(map(plain, night.demonstration))
    demonstration = words("demonstration", models=models) if models else ""
    return tuple(line for line in (span, until, stopped, demonstration) if line)


def _sections(night: Night, words: Wording) -> Iterable[Section]:
    """Every section, the empty ones too, the most important first."""
    yield _troubles(night, words)
    yield _failed("failed", night.failed, words)
    yield _failed("partial", night.partial, words)
    yield _refused(night, words)
    yield _to_review(night, words)
    yield _retold(night, words)
    yield _new(night, words)
    yield _again(night, words)
    yield _taken(night, words)
    yield _waiting(night, words)
    yield _slowest(night, words)
    yield _pairs("index", verdicts.index(night, words), words, verdicts.index_points(night))
    yield _leaving(night, words, removed=False)
    yield _leaving(night, words, removed=True)
    yield _pairs("space", verdicts.space(night, words), words, verdicts.space_points(night))
    yield _pairs("forecast", verdicts.forecast(night, words), words)


def _section(
    name: str,
    words: Wording,
    columns: Iterable[tuple[str, Form]],
    rows: Iterable[Iterable[Cell | str]],
    points: int = 0,
) -> Section:
    return Section(
        name=name,
        heading=words(f"section.{name}.heading"),
        lead=words(f"section.{name}.lead"),
        columns=tuple(Column(words(f"column.{key}"), form) for key, form in columns),
        rows=tuple(
            tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows
        ),
        points=points,
    )


def _pairs(name: str, pairs: Iterable[tuple[str, str]], words: Wording, points: int = 0) -> Section:
    columns: tuple[tuple[str, Form], ...] = (("what", "name"), ("state", "value"))
    return replace(_section(name, words, columns, pairs, points), counted=False)


def _whose(title: str, recording_id: str) -> Cell:
    """A recording without a title, or whose title must not be told, goes by its id."""
    name = plain(title)
    return Cell(name, plain(recording_id)) if name else Cell(plain(recording_id))


_ADVICE: tuple[tuple[str, Form], ...] = (("happened", "text"), ("advice", "advice"))


def _troubles(night: Night, words: Wording) -> Section:
    rows = (
        (words.known(f"step.{step}", step), words.message(failure), words.advice(failure))
        for step, failure in night.troubles
    )
    return _section("troubles", words, (("step", "name"), *_ADVICE), rows, len(night.troubles))


def _failed(name: str, recordings: tuple[Failed, ...], words: Wording) -> Section:
    rows = (
        (
            _whose(one.title, one.recording_id),
            words.message(one.failure),
            words.advice(one.failure),
            words("outlook.permanent" if one.failure.permanent else "outlook.passing"),
        )
        for one in recordings
    )
    columns: tuple[tuple[str, Form], ...] = (("recording", "name"), *_ADVICE, ("outlook", "label"))
    return _section(name, words, columns, rows, len(recordings))


def _refused(night: Night, words: Wording) -> Section:
    rows = (
        (plain(one.path), words.message(one.failure), words.advice(one.failure))
        for one in night.refused
    )
    return _section("refused", words, (("file", "name"), *_ADVICE), rows, len(night.refused))


def _to_review(night: Night, words: Wording) -> Section:
    rows = (
        (_whose(one.title, one.recording_id), words.count("review", one.count))
        for one in night.to_review
    )
    columns: tuple[tuple[str, Form], ...] = (("recording", "name"), ("count", "value"))
    return _section("to_review", words, columns, rows, len(night.to_review))


def _retold(night: Night, words: Wording) -> Section:
    rows = (
        (
            _whose(one.title, one.recording_id),
            _changes(one, words),
            words(
                "retold.detail",
                replaced=words.number(one.replaced),
                inserted=words.number(one.inserted),
                deleted=words.number(one.deleted),
            ),
        )
        for one in night.retold
    )
    columns: tuple[tuple[str, Form], ...] = (
        ("recording", "name"),
        ("changes", "text"),
        ("detail", "label"),
    )
    return _section("retold", words, columns, rows)


def _changes(one: Retold, words: Wording) -> str:
    commonest = ", ".join(
        words(
            "retold.common",
            before=plain(before) or words("retold.nothing"),
            after=plain(after) or words("retold.nothing"),
            count=words.number(count),
        )
        for before, after, count in one.commonest
    )
    return words(
        "retold.changes_often" if commonest else "retold.changes",
        changed=words.count("retold.changed", one.replaced + one.inserted + one.deleted),
        words=words.number(one.words),
        commonest=commonest,
    )


def _new(night: Night, words: Wording) -> Section:
    rows = (
        (_whose(one.title, one.recording_id), words.length(one.duration_ms))
        for one in night.done
        if one.new
    )
    return _section("new", words, (("recording", "name"), ("audio", "label")), rows)


def _again(night: Night, words: Wording) -> Section:
    rows = (
        (
            _whose(one.title, one.recording_id),
            ", ".join(words.known(f"stage.{stage}", stage) for stage in one.stages),
        )
        for one in night.done
        if not one.new
    )
    return _section("again", words, (("recording", "name"), ("steps", "label")), rows)


def _taken(night: Night, words: Wording) -> Section:
    rows = (
        (
            _whose(one.title, one.recording_id),
            plain(one.path),
            words("yes" if one.known else "no"),
        )
        for one in night.taken
    )
    columns: tuple[tuple[str, Form], ...] = (
        ("recording", "name"),
        ("file", "text"),
        ("known", "label"),
    )
    return _section("taken", words, columns, rows)


def _waiting(night: Night, words: Wording) -> Section:
    return _section(
        "waiting", words, (("file", "name"),), ((plain(path),) for path in night.waiting)
    )


def _slowest(night: Night, words: Wording) -> Section:
    rows = (
        (
            _whose(one.title, one.recording_id),
            words.length(one.took_ms),
            words.length(one.duration_ms),
            _pace(one, words),
        )
        for one in night.slowest
    )
    columns: tuple[tuple[str, Form], ...] = (
        ("recording", "name"),
        ("took", "number"),
        ("audio", "number"),
        ("pace", "number"),
    )
    return _section("slowest", words, columns, rows)


def _pace(one: Done, words: Wording) -> str:
    """How fast speech was recognised; where none was, a pace says nothing."""
    if not one.duration_ms or one.took_ms <= 0 or "transcribe" not in one.stages:
        return words("unknown")
    return words("pace.realtime", factor=words.number(one.duration_ms / one.took_ms, 1))


def _leaving(night: Night, words: Wording, *, removed: bool) -> Section:
    rows = (
        (_whose(one.title, one.recording_id), words.iso_day(one.day))
        for one in night.leaving
        if one.removed is removed
    )
    name = "removed" if removed else "leaving"
    return _section(name, words, (("recording", "name"), ("day", "label")), rows)
