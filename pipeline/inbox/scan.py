"""The inbox: a folder that is looked through again and again, and what was dropped there taken in.

A file is taken when it has stood still for ``inbox_settle_seconds``, together with what belongs to
it. Two things say so: the file system's own time of change, where it is a local one; or two scans
that far apart which found the same sizes and the same times of modification. The time of
modification alone says nothing: programs that copy set it to that of the original, and network
shares may report it late.

What looks unfinished all the same must have stood still ``PATIENCE`` times as long: a temporary
file of its name lies beside it, or it ends in zeros, as a file does whose room was reserved before
it was filled. An upload that stalls for longer cannot be told from one that is complete; when it
goes on, the whole file is taken as a recording of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pipeline.catalog import inbox as rows
from pipeline.catalog import recordings
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.inbox import Seen
from pipeline.errors import BadInput, InterviewsError, Missing
from pipeline.home import disk_error
from pipeline.inbox import taking
from pipeline.inbox.dropped import Dropped, look
from pipeline.run import safekeeping
from pipeline.run.alone import alone
from pipeline.run.context import Context
from pipeline.run.intake import Added, Refused
from pipeline.values import Recording

PATIENCE = 30
"""How many times longer a thing must stand still that does not look finished."""

_TAIL = 4096


class AlreadyScanning(InterviewsError):
    """Another scan is at work in this home."""

    exit_code = 5
    http_status = 503


@dataclass(frozen=True, slots=True)
class Waiting:
    """Files that are not taken yet, unchanged ``since_ms``: they must stand still for longer, do
    not look finished, or are a side file without its recording (``media``)."""

    path: Path
    since_ms: int
    reason: Literal["settling", "unfinished", "media"]


@dataclass(frozen=True, slots=True)
class Left:
    """A recording that was taken while its files could not be deleted, and why."""

    path: Path
    recording: Recording
    error: InterviewsError


Event = Added | Waiting | Refused | Left


@dataclass(slots=True)
class InboxReport:
    """What a scan found and did."""

    folder: Path
    taken: list[Added] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def note(self, event: Event) -> None:
        match event:
            case Added():
                self.taken.append(event)
            case Waiting():
                self.waiting.append(event)
            case Refused():
                self.refused.append(event)
            case Left():
                self.left.append(event)


def scan(
    context: Context, now_ms: int, told: Callable[[Event], None] = lambda _: None
) -> InboxReport:
    """Look through the inbox once and take what has stood still; ``told`` hears of each thing.

    A bad file costs itself and nothing else. Raises BadInput (``inbox.holds_home``,
    ``inbox.own_folder``), Missing (``inbox.unreachable``), AlreadyScanning, and HomeUnusable
    (``home.full``, …), which ends the scan in the middle.
    """
    folder = inbox_folder(context)
    busy = AlreadyScanning("inbox.busy", path=str(folder))
    with alone(context.home, "inbox", busy), context.catalogue() as catalogue:
        safekeeping.tidy(context.home, catalogue)
        report = InboxReport(folder)
        try:
            for event in _Scan(context, catalogue, now_ms).events(folder):
                report.note(event)
                told(event)
        except BaseException:
            with suppress(InterviewsError, OSError):
                safekeeping.tidy(context.home, catalogue)
            raise
    return report


def inbox_folder(context: Context) -> Path:
    """The folder the settings name, by default ``inbox/`` in the home directory, which is made."""
    home, folder = context.home, context.inbox
    real, root = folder.resolve(), home.root.resolve()
    if real == root or real in root.parents:
        raise BadInput("inbox.holds_home", path=str(folder), home=str(home.root))
    for own in (home.media, home.index, home.runners, context.models_dir):
        place = own.resolve()
        if real == place or place in real.parents:
            raise BadInput("inbox.own_folder", path=str(folder))
    if not context.settings.inbox:
        try:
            folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise disk_error(error, folder) from error
    return folder


class _Scan:
    """One scan at one moment."""

    def __init__(self, context: Context, catalogue: Catalogue, now_ms: int) -> None:
        self._context = context
        self._catalogue = catalogue
        self._now_ms = now_ms
        self._settle_ms = context.settings.inbox_settle_seconds * 1000

    def events(self, folder: Path) -> Iterator[Event]:
        try:
            found = list(look(folder))
        except OSError as error:
            detail = error.strerror or str(error)
            raise Missing("inbox.unreachable", path=str(folder), detail=detail) from error
        seen = self._observe(one for one in found if isinstance(one, Dropped))
        for one in found:
            if isinstance(one, Refused):
                yield one
            else:
                yield from self._handle(one, seen[_path(one)])

    def _observe(self, dropped: Iterable[Dropped]) -> dict[str, Seen]:
        """Compare with what the last scan saw; what is gone is forgotten."""
        now: dict[str, Seen] = {}
        with self._catalogue.write() as db:
            before = rows.every(db)
            for one in dropped:
                stamp = one.bundle.stamp
                seen = before.get(_path(one))
                if seen is None or seen.stamp != stamp:
                    seen = Seen(_path(one), stamp, self._now_ms)
                elif seen.since_ms > self._now_ms:
                    # The clock was set back: waiting for it to catch up might take for ever.
                    seen = replace(seen, since_ms=self._now_ms)
                now[seen.path] = seen
            rows.forget(db, before.keys() - now.keys())
            rows.remember(db, [seen for path, seen in now.items() if before.get(path) != seen])
        return now

    def _handle(self, dropped: Dropped, seen: Seen) -> Iterator[Event]:
        bundle, path = dropped.bundle, dropped.bundle.lead.path
        if seen.recording_id and taking.is_kept(self._context, bundle, seen.recording_id):
            yield from self._clear(dropped, seen.recording_id)
            return
        since_ms = self._still_since(dropped, seen)
        still_ms = self._now_ms - since_ms
        if still_ms < self._settle_ms:
            yield Waiting(path, since_ms, "settling")
        elif still_ms < PATIENCE * self._settle_ms and _looks_unfinished(dropped):
            yield Waiting(path, since_ms, "unfinished")
        elif bundle.trouble is not None:
            yield Refused(path, bundle.trouble)
        elif bundle.lead.kind == "side":
            yield Waiting(path, since_ms, "media")
        elif (known := self._known_trouble(seen)) is not None:
            yield Refused(path, known)
        else:
            yield from self._take(dropped, seen)

    def _still_since(self, dropped: Dropped, seen: Seen) -> int:
        changed_ms = dropped.changed_ms
        if changed_ms is None or changed_ms > self._now_ms:
            return seen.since_ms
        return min(changed_ms, seen.since_ms)

    def _known_trouble(self, seen: Seen) -> BadInput | None:
        """Why this was refused when it looked just so before."""
        failure = seen.failure
        if failure is None:
            return None
        if failure.key == "inbox.removed":
            with self._catalogue.read() as db:
                if recordings.exists(db, str(failure.values["id"])):
                    return None  # somebody has added it again since
        return BadInput(failure.key, **failure.values)

    def _take(self, dropped: Dropped, seen: Seen) -> Iterator[Event]:
        path = dropped.bundle.lead.path
        try:
            added = taking.take(self._context, self._catalogue, dropped, seen)
        except taking.NotStill:
            yield Waiting(path, self._now_ms, "settling")
        except BadInput as error:
            if error.kind in ("missing", "unreadable") and not path.exists():
                return  # taken away just now
            if error.kind != "unreadable":  # which may pass without the file changing
                with self._catalogue.write() as db:
                    rows.remember(db, [replace(seen, failure=error.failure(), recording_id=None)])
            yield Refused(path, error)
        else:
            yield added
            yield from self._clear(dropped, added.recording.id)

    def _clear(self, dropped: Dropped, recording_id: str) -> Iterator[Event]:
        """Delete what was taken. Where that fails it is said at every scan."""
        bundle = dropped.bundle
        if not taking.is_kept(self._context, bundle, recording_id):
            yield Waiting(bundle.lead.path, self._now_ms, "settling")
            return
        trouble = taking.clear(bundle)
        if trouble is None:
            with self._catalogue.write() as db:
                rows.forget(db, [_path(dropped)])
            return
        with self._catalogue.read() as db:
            recording = recordings.get(db, recording_id)
        yield Left(bundle.lead.path, recording, trouble)


def _path(dropped: Dropped) -> str:
    return str(dropped.bundle.lead.path)


def _looks_unfinished(dropped: Dropped) -> bool:
    """Whether more is to come: see the head of this module."""
    lead = dropped.bundle.lead
    if dropped.bundle.unfinished:
        return True
    if lead.kind != "media" or lead.size < _TAIL:
        return False
    try:
        with lead.path.open("rb") as stream:
            stream.seek(-_TAIL, os.SEEK_END)
            return not any(stream.read(_TAIL))
    except OSError:
        return False  # taking it will meet the same trouble and say so
