"""``interviews replace``: one term for another, wherever it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from pipeline.catalog import corrections, recordings
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.cli.texts import refresh, who
from pipeline.errors import BadInput
from pipeline.run import replacing
from pipeline.run.replacing import Occurrence
from pipeline.timecode import format_short, to_seconds

_SHOWN = 20
"""Occurrences shown on a terminal; ``--json`` has them all."""


@click.command(cls=Localised, many=("--only",))
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--only", metavar="ID…", multiple=True)
@click.option("--collection")
@click.option("--dry-run", is_flag=True)
@click.option("--undo", metavar="N", type=click.IntRange(1))
@click.option("--list", "listing", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def replace(
    session: Session,
    old: str | None,
    new: str | None,
    only: tuple[str, ...],
    collection: str | None,
    dry_run: bool,
    undo: int | None,
    listing: bool,
    as_json: bool,
) -> int:
    given = old is not None and new is not None
    if [given, undo is not None, listing].count(True) != 1:
        raise BadInput("replace.one_way")
    if listing:
        return _list_replacements(session, as_json)
    if undo is not None:
        with session.catalogue() as catalogue:
            touched = replacing.undo_replacement(catalogue, undo)
        refresh(session, touched)
        if as_json:
            echo_json({"undone": undo, "recordings": touched})
        else:
            session.say("replace.undone", number=undo, count=len(touched))
        return 0
    return _replace(session, old or "", new or "", only, collection, dry_run, as_json)


def _replace(
    session: Session,
    old: str,
    new: str,
    only: tuple[str, ...],
    collection: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    if not old.strip():
        raise BadInput("correct.empty")
    if old == new:
        raise BadInput("correct.same")
    number: int | None = None
    touched: list[str] = []
    with session.catalogue() as catalogue:
        with catalogue.read() as db:
            scope = _scope(db, only, collection)
            found = list(replacing.occurrences(db, old, new, scope))
            titles = {
                key: one.facts.title
                for key, one in recordings.get_many(db, {o.recording_id for o in found}).items()
            }
        if not dry_run:
            number, touched = replacing.replace(catalogue, old, new, scope, who())
    if as_json:
        echo_json(_replaced_json(number, old, new, found, titles))
    else:
        _say_occurrences(session, found, titles, new)
        _say_replaced(session, number, found)
    refresh(session, touched)
    return 0


def _scope(
    db: recordings.Database, only: tuple[str, ...], collection: str | None
) -> tuple[str, ...] | None:
    """The recordings meant, or None for all, also those to come. Raises NotFound."""
    chosen = [recordings.get(db, one).id for one in only]
    if collection is not None:
        inside = [one.id for one in recordings.every(db) if one.facts.collection == collection]
        if not inside:
            raise BadInput("replace.no_collection", collection=collection[:60])
        chosen += inside
    return tuple(dict.fromkeys(chosen)) if only or collection is not None else None


def _replaced_json(
    number: int | None, old: str, new: str, found: Sequence[Occurrence], titles: dict[str, str]
) -> dict[str, object]:
    return {
        "number": number,
        "old": old,
        "new": new,
        "recordings": len(titles),
        "occurrences": [
            {
                "recording": one.recording_id,
                "title": titles[one.recording_id],
                "at": to_seconds(one.start_ms),
                "before": one.before,
                "found": one.found,
                "after": one.after,
            }
            for one in found
        ],
    }


def _say_occurrences(
    session: Session, found: Sequence[Occurrence], titles: dict[str, str], new: str
) -> None:
    if session.quiet:
        return
    for key, count in Counter(one.recording_id for one in found).items():
        session.say("replace.recording", id=key, title=titles[key], count=count)
    for one in found[:_SHOWN]:
        change = f"{click.style(one.found, strikethrough=True)} {click.style(new, bold=True)}"
        where = f"{one.recording_id} [{format_short(one.start_ms)}]"
        click.echo(f"{where} …{one.before}{change}{one.after}…")
    if len(found) > _SHOWN:
        session.say("replace.more", count=len(found) - _SHOWN)


def _say_replaced(session: Session, number: int | None, found: Sequence[Occurrence]) -> None:
    if number is None:
        session.say("replace.preview", count=len(found))
    else:
        session.say("replace.done", number=number, count=len(found))


def _list_replacements(session: Session, as_json: bool) -> int:
    with session.catalogue() as catalogue, catalogue.read() as db:
        rows = [row for row in corrections.history(db, None) if row.undone_ms is None]
    if as_json:
        echo_json(
            {
                "replacements": [
                    {
                        "number": row.correction.id,
                        "old": row.correction.was,
                        "new": row.correction.now,
                        "recordings": row.scope,
                        "who": row.who,
                        "made": row.made_ms / 1000,
                    }
                    for row in rows
                ]
            }
        )
        return 0
    for row in rows:
        one = row.correction
        session.say("replace.row", number=one.id, was=one.was, now=one.now or "–", who=row.who)
    return 0
