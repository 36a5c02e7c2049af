"""``interviews correct``: human text over what was recognised."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.catalog import corrections, recordings
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.cli.texts import refresh, who
from pipeline.errors import BadInput
from pipeline.formats.transcripts import read_transcript
from pipeline.run import correcting
from pipeline.timecode import format_short, parse_time, to_seconds
from pipeline.values import Span


@click.command(cls=Localised)
@click.argument("recording_id", metavar="ID")
@click.option("--at", metavar="TIME")
@click.option("--was", metavar="TEXT")
@click.option("--now", metavar="TEXT")
@click.option("--from", "file", type=click.Path(path_type=Path))
@click.option("--undo", metavar="N", type=click.IntRange(1))
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
    undo: int | None,
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
    with session.catalogue() as catalogue:
        if at is not None and was is not None and now is not None:
            at_ms = parse_time(at)
            made = [correcting.correct(catalogue, recording_id, at_ms, was, now, who())]
        elif file is not None:
            edited = read_transcript(file)
            made = correcting.correct_from(catalogue, recording_id, edited, who())
        else:
            made = []
            correcting.undo(catalogue, recording_id, undo or 0)
    refresh(session, [recording_id])
    _say_corrected(session, recording_id, made, undo, as_json)
    return 0


def _say_corrected(
    session: Session, recording_id: str, made: list[int], undo: int | None, as_json: bool
) -> None:
    if as_json:
        echo_json({"recording": recording_id, "corrections": made, "undone": undo})
    elif undo is not None:
        session.say("correct.undone", number=undo)
    elif not made:
        session.say("correct.no_difference")
    elif len(made) == 1:
        session.say("correct.done", number=made[0], id=recording_id)
    else:
        session.say("correct.several", count=len(made), first=made[0], last=made[-1])


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
