"""``interviews add``: take recordings in."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import BadInput
from pipeline.run.intake import Added, Refused, Wishes
from pipeline.run.intake import add as take_in

LANGUAGE_CHOICE = click.Choice(["de", "en", "auto"])


def people_of(written: str | None) -> tuple[str, ...] | None:
    """``"A; B"`` as names; None stays None."""
    if written is None:
        return None
    return tuple(name for part in written.split(";") if (name := part.strip()))


def audiences_of(written: str | None) -> tuple[str, ...] | None:
    """``members``, ``staff`` or organisations, comma-separated."""
    if written is None:
        return None
    audiences = tuple(part.strip() for part in written.split(",") if part.strip())
    if not audiences:
        raise BadInput("add.no_audience")
    return audiences


def date_of(written: str | None) -> str | None:
    """An ISO date, checked; an empty string clears it."""
    if not written:
        return written
    try:
        return datetime.date.fromisoformat(written).isoformat()
    except ValueError as error:
        raise BadInput("add.bad_date", date=written[:40]) from error


@click.command(cls=Localised)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--title")
@click.option("--language", type=LANGUAGE_CHOICE)
@click.option("--collection")
@click.option("--people")
@click.option("--recorded", metavar="YYYY-MM-DD")
@click.option("--visibility", metavar="members|staff|ORG,…")
@click.option("--priority", type=click.IntRange(-1000, 1000))
@click.option("--transcript", type=click.Path(path_type=Path))
@click.option("--track", type=click.IntRange(1, 1000))
@click.option("--copy", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def add(
    session: Session,
    paths: tuple[Path, ...],
    title: str | None,
    language: str | None,
    collection: str | None,
    people: str | None,
    recorded: str | None,
    visibility: str | None,
    priority: int | None,
    transcript: Path | None,
    track: int | None,
    copy: bool,
    as_json: bool,
) -> int:
    wishes = Wishes(
        title=title,
        language=language,
        collection=collection,
        people=people_of(people),
        recorded=date_of(recorded),
        visibility=audiences_of(visibility),
        priority=priority,
        track=track,
        copy=copy,
    ).checked()
    session.catalogue(thorough=True).close()

    def told(outcome: Added | Refused) -> None:
        if isinstance(outcome, Refused):
            session.complain(outcome.error, str(outcome.path))
        elif not as_json:
            _say(session, outcome)

    outcomes = take_in(session.context, paths, wishes, transcript, told)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    if as_json:
        echo_json(_json(session, outcomes))
    elif not outcomes:
        session.note("add.nothing_found")
    elif len(refused) < len(outcomes):
        session.say("add.next")
    return _exit_code(outcomes, refused)


def _exit_code(outcomes: list[Added | Refused], refused: list[Refused]) -> int:
    """One of several refused: 1; all there was refused: the kind of the refusal."""
    if not outcomes:
        return 2
    if not refused:
        return 0
    return refused[0].error.exit_code if len(outcomes) == 1 else 1


def _say(session: Session, added: Added) -> None:
    recording = added.recording
    key = "add.known" if added.known else "add.added"
    session.say(key, id=recording.id, title=recording.facts.title, state=recording.state)
    if added.notice == "moved" and recording.media:
        session.say("add.moved", path=recording.media.path)


def _json(session: Session, outcomes: list[Added | Refused]) -> dict[str, object]:
    return {
        "recordings": [
            {
                "id": one.recording.id,
                "path": str(one.path),
                "title": one.recording.facts.title,
                "state": one.recording.state,
                "known": one.known,
            }
            for one in outcomes
            if isinstance(one, Added)
        ],
        "errors": [
            {
                "path": str(one.path),
                "kind": one.error.kind,
                "message": one.error.message(session.language),
                "advice": one.error.advice(session.language),
            }
            for one in outcomes
            if isinstance(one, Refused)
        ],
    }
