"""``interviews withhold``: stretches that nobody is to read or find."""

from __future__ import annotations

import click

from pipeline.catalog import corrections, recordings
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.cli.texts import refresh, who
from pipeline.errors import BadInput
from pipeline.run import correcting
from pipeline.timecode import format_short, parse_time, to_seconds
from pipeline.values import Span


@click.command(cls=Localised)
@click.argument("recording_id", metavar="ID")
@click.option("--from", "begin", metavar="TIME")
@click.option("--to", "end", metavar="TIME")
@click.option("--undo", metavar="N", type=click.IntRange(1))
@click.option("--list", "listing", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def withhold(
    session: Session,
    recording_id: str,
    begin: str | None,
    end: str | None,
    undo: int | None,
    listing: bool,
    as_json: bool,
) -> int:
    given = begin is not None and end is not None
    partly = (begin is None) != (end is None)
    if partly or [given, undo is not None, listing].count(True) != 1:
        raise BadInput("withhold.one_way")
    if listing:
        return _list_withheld(session, recording_id, as_json)
    number, hit = None, False
    with session.catalogue() as catalogue:
        home = session.context.home
        if begin is not None and end is not None:
            span = Span(parse_time(begin), parse_time(end))
            number, hit = correcting.withhold(home, catalogue, recording_id, span, who())
        else:
            correcting.release(home, catalogue, recording_id, undo or 0)
    refresh(session, [recording_id])
    if as_json:
        echo_json({"recording": recording_id, "number": number, "hit": hit, "undone": undo})
    elif number is not None:
        session.say("withhold.done" if hit else "withhold.silent", number=number, id=recording_id)
    else:
        session.say("withhold.undone", number=undo, id=recording_id)
    return 0


def _list_withheld(session: Session, recording_id: str, as_json: bool) -> int:
    with session.catalogue() as catalogue, catalogue.read() as db:
        recordings.get(db, recording_id)
        rows = corrections.withheld(db, recording_id)
    if as_json:
        spans = [
            {
                "number": row.id,
                "start": to_seconds(row.span.start_ms),
                "end": to_seconds(row.span.end_ms),
                "who": row.who,
            }
            for row in rows
        ]
        echo_json({"recording": recording_id, "withheld": spans})
        return 0
    for row in rows:
        start, end = format_short(row.span.start_ms), format_short(row.span.end_ms)
        session.say("withhold.row", number=row.id, start=start, end=end, who=row.who)
    return 0
