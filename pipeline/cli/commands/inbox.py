"""``interviews inbox``: take in what was dropped into the watched folder."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path

import click

from pipeline.catalog.connection import now_ms
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import InterviewsError, Missing
from pipeline.formats.characters import clean_text
from pipeline.inbox.scan import (
    AlreadyScanning,
    Event,
    InboxReport,
    Left,
    Waiting,
    inbox_folder,
    scan,
)
from pipeline.run.intake import Added, Refused
from pipeline.stages.probe import shown


@click.command(cls=Localised)
@click.option("--watch", type=click.IntRange(1, 86_400), metavar="SECONDS")
@click.option("--json", "as_json", is_flag=True)
@pass_session
def inbox(session: Session, watch: int | None, as_json: bool) -> int:
    teller = _Teller(session, quiet=as_json)
    if watch is None:
        report = _scan(session, teller)
        if as_json:
            echo_json(_json(session, report))
        else:
            _say_end(session, report)
        return 1 if report.refused else 0
    if not as_json:
        session.say("inbox.watching", folder=str(inbox_folder(session.context)), seconds=watch)
    try:
        while True:
            _watch(session, teller, as_json)
            time.sleep(watch)
    except KeyboardInterrupt:
        return 0


def _watch(session: Session, teller: _Teller, as_json: bool) -> None:
    """One of many scans: only what is new is said."""
    teller.begin()
    try:
        report = _scan(session, teller)
    except (AlreadyScanning, Missing) as error:
        teller.trouble(error)  # another scan, a share that is away: a watch outlasts both
        return
    finally:
        teller.end()
    if as_json and teller.news:
        click.echo(json.dumps(_json(session, report), ensure_ascii=False))
    elif not as_json and report.taken:
        session.say("add.next")


def _scan(session: Session, teller: _Teller) -> InboxReport:
    session.catalogue(thorough=True).close()
    return scan(session.context, now_ms(), teller.told)


class _Teller:
    """Says each thing once for as long as it lasts, one line each."""

    def __init__(self, session: Session, *, quiet: bool) -> None:
        self._session = session
        self._quiet = quiet
        self._before: set[tuple[str, ...]] = set()
        self._now: set[tuple[str, ...]] = set()
        self.news = False

    def begin(self) -> None:
        self._now, self.news = set(), False

    def end(self) -> None:
        self._before = self._now

    def told(self, event: Event) -> None:
        match event:
            case Added():
                self.news = True
                self._added(event)
            case Waiting():
                if self._is_new("waiting", shown(event.path), event.reason):
                    self._waiting(event)
            case Refused():
                self.trouble(event.error, _line(event.path))
            case Left():
                self.trouble(event.error, event.recording.id)

    def trouble(self, error: InterviewsError, about: str | None = None) -> None:
        said = error.message(self._session.language)
        if self._is_new("trouble", about or "", said):
            # With --json errors go to standard error, too, as they do for ``add``.
            self._session.complain(error, None if about and about in said else about)

    def _is_new(self, *what: str) -> bool:
        self._now.add(what)
        self.news = self.news or what not in self._before
        return what not in self._before

    def _added(self, added: Added) -> None:
        if not self._quiet:
            facts = added.recording.facts
            key = "inbox.known" if added.known else "inbox.taken"
            self._session.say(
                key,
                id=added.recording.id,
                title=facts.title,
                collection=facts.collection or "–",
                path=_line(added.path),
            )

    def _waiting(self, waiting: Waiting) -> None:
        if not self._quiet:
            self._session.say(
                f"inbox.waiting.{waiting.reason}",
                path=_line(waiting.path),
                since=_moment(waiting.since_ms).strftime("%H:%M:%S"),
            )


def _line(path: Path) -> str:
    """A path as text that does nothing to a terminal."""
    return clean_text(shown(path))


def _moment(ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(ms / 1000).astimezone()


def _say_end(session: Session, report: InboxReport) -> None:
    if report.taken:
        session.say("add.next")
    elif not (report.waiting or report.refused or report.left):
        session.say("inbox.nothing", folder=str(report.folder))
    if report.waiting:
        session.note("inbox.look_again", count=len(report.waiting))


def _json(session: Session, report: InboxReport) -> dict[str, object]:
    return {
        "folder": str(report.folder),
        "recordings": [
            {
                "id": one.recording.id,
                "path": shown(one.path),
                "title": one.recording.facts.title,
                "collection": one.recording.facts.collection,
                "state": one.recording.state,
                "known": one.known,
            }
            for one in report.taken
        ],
        "waiting": [
            {
                "path": shown(one.path),
                "since": _moment(one.since_ms).isoformat(timespec="seconds"),
                "reason": one.reason,
            }
            for one in report.waiting
        ],
        "errors": [
            {"path": shown(one.path), **_error(session, one.error)} for one in report.refused
        ],
        "left": [
            {"id": one.recording.id, "path": shown(one.path), **_error(session, one.error)}
            for one in report.left
        ],
    }


def _error(session: Session, error: InterviewsError) -> dict[str, str]:
    return {
        "kind": error.kind,
        "message": error.message(session.language),
        "advice": error.advice(session.language),
    }
