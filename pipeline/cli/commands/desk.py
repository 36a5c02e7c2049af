"""``set``, ``retry``, ``cancel``, ``remove``: what staff do with recordings that are known."""

from __future__ import annotations

import sys

import click

from pipeline.catalog import queue, recordings
from pipeline.catalog.standing import about
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.commands.add import LANGUAGE_CHOICE, audiences_of, date_of, people_of
from pipeline.cli.localise import Localised
from pipeline.cli.texts import refresh
from pipeline.errors import BadInput
from pipeline.run import removal
from pipeline.run.intake import Wishes


@click.command(cls=Localised, name="set")
@click.argument("recording_id", metavar="ID")
@click.option("--title")
@click.option("--people")
@click.option("--visibility", metavar="members|staff|ORG,…")
@click.option("--collection")
@click.option("--language", type=LANGUAGE_CHOICE)
@click.option("--recorded", metavar="YYYY-MM-DD")
@click.option("--priority", type=click.IntRange(-1000, 1000))
@pass_session
def set_facts(
    session: Session,
    recording_id: str,
    title: str | None,
    people: str | None,
    visibility: str | None,
    collection: str | None,
    language: str | None,
    recorded: str | None,
    priority: int | None,
) -> None:
    wishes = Wishes(
        title=title,
        people=people_of(people),
        visibility=audiences_of(visibility),
        collection=collection,
        language=language,
        recorded=date_of(recorded),
        priority=priority,
    ).checked()
    if wishes == Wishes():
        raise BadInput("set.nothing")
    with session.catalogue() as catalogue, catalogue.write() as db:
        recording = recordings.get(db, recording_id)
        facts = wishes.facts(recording.facts)
        recordings.set_facts(db, recording_id, facts)
    session.say("set.done", id=recording_id)
    if about(recording.facts) != about(facts):
        refresh(session, [recording_id])


@click.command(cls=Localised)
@click.argument("ids", metavar="[ID…]", nargs=-1)
@pass_session
def retry(session: Session, ids: tuple[str, ...]) -> None:
    """Without an id: every failed recording."""
    with session.catalogue() as catalogue, catalogue.write() as db:
        chosen = list(ids) or [one.id for one in recordings.every(db) if one.state == "failed"]
        for recording_id in chosen:
            recordings.get(db, recording_id)
        queued = [recording_id for recording_id in chosen if queue.retry(db, recording_id)]
    session.say("retry.done", count=len(queued))


@click.command(cls=Localised)
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@pass_session
def cancel(session: Session, ids: tuple[str, ...]) -> None:
    with session.catalogue() as catalogue, catalogue.write() as db:
        for recording_id in ids:
            recordings.get(db, recording_id)
        cancelled = [recording_id for recording_id in ids if queue.cancel(db, recording_id)]
    session.say("cancel.done", count=len(cancelled))


@click.command(cls=Localised)
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--yes", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def remove(session: Session, ids: tuple[str, ...], yes: bool, as_json: bool) -> int:
    with session.catalogue(thorough=True) as catalogue:
        with catalogue.read() as db:
            doomed = [recordings.get(db, recording_id) for recording_id in dict.fromkeys(ids)]
        if not yes:
            if not sys.stdin.isatty():
                raise BadInput("remove.needs_yes", count=len(doomed))
            for recording in doomed:
                session.say("remove.about", id=recording.id, title=recording.facts.title)
            session.confirm("remove.sure")
        receipts = removal.remove(session.context.home, catalogue, [one.id for one in doomed])
    if as_json:
        echo_json({"removed": [_json(receipt) for receipt in receipts]})
        return 0 if all(receipt.complete for receipt in receipts) else 1
    for receipt in receipts:
        session.say(
            "remove.receipt",
            id=receipt.recording_id,
            chunks=receipt.chunks,
            backups=receipt.backups_rewritten,
        )
        if receipt.media_left:
            session.say("remove.left", path=receipt.media_left)
        if receipt.judgements:
            session.say("remove.judgements", count=receipt.judgements)
    if standing := receipts[0].standing_replacements:
        session.say("remove.standing", count=standing)
    if all(receipt.complete for receipt in receipts):
        return 0
    session.note("remove.incomplete")
    return 1


def _json(receipt: removal.Receipt) -> dict[str, object]:
    return {
        "id": receipt.recording_id,
        "chunks": receipt.chunks,
        "copy_deleted": receipt.copy_deleted,
        "media_left": receipt.media_left,
        "standing_replacements": receipt.standing_replacements,
        "judgements": receipt.judgements,
        "backups_rewritten": receipt.backups_rewritten,
        "complete": receipt.complete,
    }
