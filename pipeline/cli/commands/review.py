"""``interviews review``: passages that a person should look at."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pipeline.catalog import corrections, recordings, transcripts
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import BadInput
from pipeline.run import correcting
from pipeline.run.correcting import Review
from pipeline.timecode import format_short, to_seconds
from pipeline.values import Segment

_UNSURE = 0.5
"""Confidence below which a segment is shown: every other word may be wrong."""


@click.command(cls=Localised)
@click.argument("ids", metavar="[ID…]", nargs=-1)
@click.option("--below", type=click.FloatRange(0, 1), default=_UNSURE, show_default=True)
@click.option("--accept", metavar="N", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True)
@pass_session
def review(
    session: Session, ids: tuple[str, ...], below: float, accept: int | None, as_json: bool
) -> int:
    if accept is not None:
        if len(ids) != 1:
            raise BadInput("review.whose")
        with session.catalogue() as catalogue, catalogue.write() as db:
            corrections.mark_reviewed(db, recordings.get(db, ids[0]).id, accept)
        session.say("review.accepted", number=accept)
        return 0
    with session.catalogue() as catalogue, catalogue.read() as db:
        chosen = [recordings.get(db, one) for one in ids] if ids else recordings.every(db)
        changed = {one.id: correcting.reviews(db, one.id) for one in chosen} if ids else _all(db)
        doubtful = transcripts.with_confidence_below(db, below)
        unsure = {
            one.id: correcting.unsure(db, one.id, below) if one.id in doubtful else []
            for one in chosen
        }
    if as_json:
        echo_json(_review_json(changed, unsure))
        return 0
    titles = {one.id: one.facts.title for one in chosen}
    for key, title in titles.items():
        _say_review(session, title, changed.get(key, []), unsure[key])
    if not any(changed.values()) and not any(unsure.values()):
        session.say("review.nothing")
    return 0


def _all(db: recordings.Database) -> dict[str, list[Review]]:
    found: dict[str, list[Review]] = {}
    for one in correcting.reviews(db):
        found.setdefault(one.recording_id, []).append(one)
    return found


def _say_review(
    session: Session, title: str, changed: Sequence[Review], unsure: Sequence[Segment]
) -> None:
    if changed or unsure:
        session.say("review.title", title=title)
    for one in changed:
        session.say(
            "review.changed",
            id=one.recording_id,
            number=one.number,
            time=format_short(one.span.start_ms),
            now=one.now or "–",
            found=one.found,
        )
    for segment in unsure:
        session.say(
            "review.unsure",
            time=format_short(segment.start_ms),
            share=f"{segment.confidence or 0:.0%}",
            text=segment.text,
        )


def _review_json(
    changed: dict[str, list[Review]], unsure: dict[str, list[Segment]]
) -> dict[str, object]:
    return {
        "changed": [
            {
                "recording": one.recording_id,
                "number": one.number,
                "start": to_seconds(one.span.start_ms),
                "end": to_seconds(one.span.end_ms),
                "was": one.was,
                "now": one.now,
                "found": one.found,
            }
            for each in changed.values()
            for one in each
        ],
        "unsure": [
            {
                "recording": key,
                "start": to_seconds(segment.start_ms),
                "end": to_seconds(segment.end_ms),
                "confidence": segment.confidence,
                "text": segment.text,
            }
            for key, segments in unsure.items()
            for segment in segments
        ],
    }
