"""``interviews correct``: human text over what was recognised."""

from __future__ import annotations

import re
from pathlib import Path

import click

from pipeline.catalog import corrections, recordings
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.cli.texts import refresh, who
from pipeline.corrections.differences import Differences
from pipeline.errors import BadInput
from pipeline.run import correcting
from pipeline.timecode import format_short, parse_time, to_seconds
from pipeline.values import Span


@click.command(cls=Localised)
@click.argument("recording_id", metavar="ID")
@click.option("--at", metavar="TIME")
@click.option("--was", metavar="TEXT")
@click.option("--now", metavar="TEXT")
@click.option("--from", "file", type=click.Path(path_type=Path))
@click.option("--undo", metavar="N[-M]")
@click.option("--list", "listing", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def correct(
    session: Session,
    recording_id: str,
    at: str | None,
    was: str | None,
    now: str | None,
    file: Path | None,
    undo: str | None,
    listing: bool,
    as_json: bool,
) -> int:
    spoken = at is not None and was is not None and now is not None
    partly = (at, was, now) != (None, None, None)
    if [spoken, file is not None, undo is not None, listing].count(True) != 1 or (
        partly and not spoken
    ):
        raise BadInput("correct.one_way")
    if listing:
        return _list(session, recording_id, as_json)
    made: list[int] = []
    undone: list[int] = []
    found: Differences | None = None
    with session.catalogue() as catalogue:
        if at is not None and was is not None and now is not None:
            made.append(
                correcting.correct(catalogue, recording_id, parse_time(at), was, now, who())
            )
        elif file is not None:
            made, found = correcting.correct_from(catalogue, recording_id, file, who())
        else:
            undone = correcting.undo(catalogue, recording_id, _numbers(undo or ""))
    refresh(session, [recording_id])
    if as_json:
        echo_json(_corrected_json(recording_id, made, undone, found))
    else:
        _say_corrected(session, recording_id, made, undone, found)
    return 0


def _numbers(written: str) -> range:
    """``7`` or ``7-12``. Raises BadInput."""
    given = re.fullmatch(r"([0-9]{1,15})(?:-([0-9]{1,15}))?", written)
    numbers = range(int(given[1]), int(given[2] or given[1]) + 1) if given else range(0)
    if not numbers:
        raise BadInput("correct.no_numbers", written=written[:30])
    return numbers


def _corrected_json(
    recording_id: str, made: list[int], undone: list[int], found: Differences | None
) -> dict[str, object]:
    return {
        "recording": recording_id,
        "corrections": made,
        "undone": undone[0] if len(undone) == 1 else undone or None,
        "left_out": [to_seconds(ms) for ms in found.left_out] if found else [],
        "speakers": [to_seconds(ms) for ms in found.speakers] if found else [],
    }


def _say_corrected(
    session: Session,
    recording_id: str,
    made: list[int],
    undone: list[int],
    found: Differences | None,
) -> None:
    if len(undone) == 1:
        session.say("correct.undone", number=undone[0])
    elif undone:
        session.say("correct.undone_several", count=len(undone), first=undone[0], last=undone[-1])
    elif len(made) == 1:
        session.say("correct.done", number=made[0], id=recording_id)
    elif made:
        session.say("correct.several", count=len(made), first=made[0], last=made[-1])
    if found is None:
        return
    if found.left_out:
        first = format_short(found.left_out[0])
        session.say("correct.left_out", count=len(found.left_out), time=first)
    if found.speakers:
        first = format_short(found.speakers[0])
        session.say("correct.speakers", count=len(found.speakers), time=first)
    if not (made or found.left_out or found.speakers):
        session.say("correct.no_difference")


def _list(session: Session, recording_id: str, as_json: bool) -> int:
    with session.catalogue() as catalogue, catalogue.read() as db:
        recordings.get(db, recording_id)
        rows = corrections.history(db, recording_id)
    if as_json:
        echo_json(
            {
                "corrections": [
                    {
                        "number": row.correction.id,
                        "start": _at(row.correction.span),
                        "was": row.correction.was,
                        "now": row.correction.now,
                        "who": row.who,
                        "made": row.made_ms / 1000,
                        "undone": None if row.undone_ms is None else row.undone_ms / 1000,
                    }
                    for row in rows
                ]
            }
        )
        return 0
    for row in rows:
        key = "correct.row" if row.undone_ms is None else "correct.row_undone"
        span = row.correction.span or Span(0, 0)
        session.say(
            key,
            number=row.correction.id,
            time=format_short(span.start_ms),
            was=row.correction.was,
            now=row.correction.now or "–",
            who=row.who,
        )
    return 0


def _at(span: Span | None) -> float | None:
    return None if span is None else to_seconds(span.start_ms)
