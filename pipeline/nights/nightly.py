"""One night, unattended: take in, work off, publish, check, keep, and note what happened.

Every step stands for itself: what goes wrong in one is noted for the morning and the next goes on.
Only a data directory that cannot be used ends the night.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from pipeline.catalog import corrections, generations, recordings
from pipeline.catalog.connection import Catalogue, now_ms
from pipeline.errors import HomeUnusable, InterviewsError, Missing
from pipeline.inbox import scan
from pipeline.inbox.scan import InboxReport
from pipeline.index import opening
from pipeline.nights import gate, keeping, retention
from pipeline.nights.gate import Verdict
from pipeline.nights.watch import Watch
from pipeline.reports import store
from pipeline.reports.forgetting import unquoted, without
from pipeline.reports.values import (
    Done,
    Failed,
    Forecast,
    Leaving,
    Night,
    Published,
    Refused,
    Space,
    Taken,
    ToReview,
)
from pipeline.run import correcting, publish
from pipeline.run.alone import alone
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.observer import Observer
from pipeline.run.options import RunOptions
from pipeline.run.outlook import outlook
from pipeline.values import Failure

logger = logging.getLogger(__name__)

_REASONS = {
    "current": "nothing_new",
    "building": "building",
    "first": "first",
    "emptied": "emptied",
    "passed": "published",
    "no_gold": "no_gold",
    "no_question": "gold_bad",
    "fell": "refused",
    "refused_before": "still_refused",
}


class AlreadyNight(InterviewsError):
    """Another ``nightly`` is at work in this home."""


@dataclass(slots=True)
class _Notes:
    """What the steps have yielded so far."""

    taken: list[Taken] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    leaving: list[Leaving] = field(default_factory=list)
    partial: list[Failed] = field(default_factory=list)
    to_review: list[ToReview] = field(default_factory=list)
    published: Published | None = None
    index_sound: bool | None = None
    backup: str | None = None
    space: Space | None = None
    forecast: Forecast | None = None
    stopped: bool = False
    midway: Verdict | None = None
    troubles: list[tuple[str, Failure]] = field(default_factory=list)
    gravest: InterviewsError | None = None


@dataclass(frozen=True, slots=True)
class NightOptions:
    """How to work through the night. ``until`` is the end of its window as written, for the
    report; ``run.stop_at`` is what ends it."""

    run: RunOptions
    until: str | None = None


def night(
    context: Context, options: NightOptions, observer: Observer
) -> tuple[Night, InterviewsError | None]:
    """Everything a night does, in order. What was noted, and the gravest of what kept steps from
    being done: a data directory that cannot be used, or something that is missing.

    Raises AlreadyNight (``nightly.running``), HomeUnusable where not even the catalogue opens.
    """
    started_ms = now_ms()
    watch, notes = Watch(observer), _Notes()
    busy = AlreadyNight("nightly.running")
    with alone(context.home, "nightly", busy), context.catalogue() as catalogue:
        _steps(_Night(context, catalogue, options, watch, notes), notes)
    told = Night(
        started_ms=started_ms,
        ended_ms=now_ms(),
        until=options.until,
        stopped=notes.stopped,
        demonstration=_demonstration_models(context, watch.done),
        taken=tuple(notes.taken),
        waiting=tuple(notes.waiting),
        refused=tuple(notes.refused),
        done=tuple(watch.done),
        failed=tuple(watch.failures),
        partial=tuple(notes.partial),
        retold=tuple(watch.changed),
        to_review=tuple(notes.to_review),
        leaving=tuple(notes.leaving),
        published=notes.published,
        index_sound=notes.index_sound,
        backup=notes.backup,
        space=notes.space,
        forecast=notes.forecast,
        troubles=tuple(notes.troubles),
    )
    return _discreet(context, told), notes.gravest


def _discreet(context: Context, told: Night) -> Night:
    """A recording that was removed while the night went on is not to be told of; one of which
    something is withheld is not quoted, since no word tells whether it was said in there."""
    named = {one.recording_id for part in (told.taken, told.done, told.failed) for one in part}
    with context.catalogue() as catalogue, catalogue.read() as db:
        gone = named - recordings.get_many(db, named).keys()
        reticent = corrections.withheld_ids(db)
    return unquoted(without(told, gone), reticent)


def write_report(context: Context, told: Night, language: str) -> Path:
    """Write the night's report, and return the path of its JSON. Raises HomeUnusable.

    What somebody began to withhold up to this moment is in no report.
    """
    path = store.write(context.home.reports, told, language)
    with context.catalogue() as catalogue, catalogue.read() as db:
        reticent = corrections.withheld_ids(db)
    store.unquote(context.home.reports, reticent)
    return path


def _steps(work: _Night, notes: _Notes) -> None:
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("inbox", work.take_in),
        ("run", work.work_off),
        ("publish", work.publish),
        ("check", work.check),
        ("retention", work.let_go),
        ("backup", work.keep),
        ("outlook", work.look_ahead),
    )
    for name, step in steps:
        try:
            step()
        except HomeUnusable as error:
            notes.troubles.append((name, error.failure()))
            notes.gravest = error
            return
        except Missing as error:
            notes.troubles.append((name, error.failure()))
            notes.gravest = error
        except InterviewsError as error:
            notes.troubles.append((name, error.failure()))
        except Exception as error:
            logger.debug("unexpected", exc_info=error)
            what: dict[str, str | int | float] = {"what": type(error).__name__}
            notes.troubles.append((name, Failure("unexpected", "run.unexpected", what, False)))


@dataclass(frozen=True, slots=True)
class _Night:
    """The steps, each on its own."""

    context: Context
    catalogue: Catalogue
    options: NightOptions
    watch: Watch
    notes: _Notes

    def take_in(self) -> None:
        report = scan.scan(self.context, now_ms())
        if any(one.reason == "settling" for one in report.waiting):
            # A network share's files are told to stand still by two looks only.
            time.sleep(self.context.settings.inbox_settle_seconds + 1)
            report = _together(report, scan.scan(self.context, now_ms()))
        for one in report.taken:
            recording = one.recording
            taken = Taken(recording.id, recording.facts.title, str(one.path), one.known)
            self.notes.taken.append(taken)
        self.notes.waiting += [str(one.path) for one in report.waiting]
        bad = [(one.path, one.error) for one in report.refused]
        bad += [(one.path, one.error) for one in report.left]
        self.notes.refused += [Refused(str(path), error.failure()) for path, error in bad]

    def work_off(self) -> None:
        options = replace(
            self.options.run, new_first=True, publish=False, catch_up=self._publish_midway
        )
        report = run(self.context, options, self.watch)
        self.notes.stopped = report.stopped
        with self.catalogue.read() as db:
            self.notes.partial += _partial(db, self.watch.done)
        if report.no_hints is not None:
            self.notes.troubles.append(("glossary", report.no_hints))

    def _publish_midway(self, catalogue: Catalogue) -> None:
        """What a long night yields is not to wait for the morning; what was refused once is."""
        before = self.notes.midway
        if before is None or before.published:
            self.notes.midway = gate.publish(self.context, catalogue, worked=True)

    def publish(self) -> None:
        worked = bool(self.watch.done or self.notes.taken)
        verdict = gate.publish(self.context, self.catalogue, worked=worked)
        if verdict.reason == "current" and self.notes.midway is not None:
            verdict = self.notes.midway
        self.notes.published = Published(
            generation=verdict.generation,
            flipped=verdict.published,
            questions=verdict.questions,
            before=verdict.before,
            after=verdict.after,
            reason=f"report.publish.{_REASONS[verdict.reason]}",
        )
        self.notes.troubles += [("gold", mistake) for mistake in verdict.mistakes]

    def check(self) -> None:
        """A published index that cannot be read whole is built anew at once."""
        with self.catalogue.read() as db:
            generation = generations.published(db)
        if generation is None:
            return
        home = self.context.home
        try:
            opening.check(home.index, generation)
        except InterviewsError as error:
            self.notes.index_sound = False
            self.notes.troubles.append(("check", error.failure()))
            publish.publish(home, self.catalogue, generation.model)
        else:
            self.notes.index_sound = True

    def let_go(self) -> None:
        today = date.today()
        done = retention.enforce(self.context, self.catalogue, today)
        for gone, expiries in ((False, done.warnings), (True, done.removed)):
            self.notes.leaving += [
                Leaving(one.recording_id, one.title, one.goes.isoformat(), gone) for one in expiries
            ]

    def keep(self) -> None:
        publish.tidy(self.context.home, self.catalogue)
        kept = keeping.keep(self.context, self.catalogue, date.today())
        self.notes.backup = None if kept is None else str(kept)
        self.notes.space = keeping.disk(self.context.home)

    def look_ahead(self) -> None:
        with self.catalogue.read() as db:
            self.notes.to_review += _to_review(db)
            left = outlook(self.context, db)
        self.notes.forecast = Forecast(len(left.works), left.audio_ms, left.expected_ms)


def _together(first: InboxReport, second: InboxReport) -> InboxReport:
    """What two scans did; of what stays in the folder the second one tells."""
    taken, left = [*first.taken, *second.taken], [*first.left, *second.left]
    return replace(second, taken=taken, left=left)


def _demonstration_models(context: Context, done: Sequence[Done]) -> tuple[str, ...]:
    """The bundled models that were at work."""
    stages = {stage for one in done for stage in one.stages}
    used = [context.speech[0]] if "transcribe" in stages else []
    used += [context.text[0]] if "embed" in stages else []
    return tuple(one.name for one in used if one.bundled)


def _partial(db: sqlite3.Connection, done: Sequence[Done]) -> list[Failed]:
    """What was heard this night, and not to its end, or was to be played and cannot be."""
    known = recordings.get_many(db, {one.recording_id for one in done})
    return [
        Failed(one.recording_id, one.title, warning)
        for one in done
        if one.recording_id in known
        and (warning := known[one.recording_id].warning) is not None
        and ("rendition" if warning.key.startswith("rendition.") else "transcribe") in one.stages
    ]


def _to_review(db: sqlite3.Connection) -> list[ToReview]:
    counts = Counter(one.recording_id for one in correcting.reviews(db))
    known = recordings.get_many(db, counts)
    return [ToReview(key, known[key].facts.title, count) for key, count in counts.items()]
