"""``interviews status``: what waits, runs, is done, failed, and why."""

from __future__ import annotations

import click

from pipeline.catalog import generations, queue, recordings, transcripts
from pipeline.catalog.generations import IndexState
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.failures import failure_json
from pipeline.cli.localise import Localised
from pipeline.errors import failure_advice, failure_message
from pipeline.messages import text
from pipeline.timecode import format_short, to_seconds
from pipeline.values import Recording


@click.command(cls=Localised)
@click.argument("recording_id", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def status(session: Session, recording_id: str | None, as_json: bool) -> None:
    with session.catalogue() as catalogue, catalogue.read() as db:
        every = recordings.every(db) if recording_id is None else [recordings.get(db, recording_id)]
        counts = queue.counts(db)
        index = generations.index_state(db)
        speed = transcripts.speed(db)
    if as_json:
        echo_json(
            {
                "recordings": [_json(session, recording) for recording in every],
                "counts": counts,
                "index": _index_json(index),
            }
        )
        return
    for recording in every:
        _say(session, recording)
    _say_counts(session, counts, index)
    _say_expected_end(session, every, speed)


def _json(session: Session, recording: Recording) -> dict[str, object]:
    return {
        "id": recording.id,
        "title": recording.facts.title,
        "state": recording.state,
        "stage": recording.stage,
        "progress": round(recording.progress, 4),
        "duration": None if recording.duration_ms is None else to_seconds(recording.duration_ms),
        "language": recording.shown_language,
        "collection": recording.facts.collection,
        "attempts": recording.attempts,
        "error": failure_json(recording.failure, session.language),
        "warning": failure_json(recording.warning, session.language),
    }


def _index_json(index: IndexState) -> dict[str, int | None]:
    generation = index.generation
    return {
        "generation": generation.id if generation else None,
        "chunks": index.chunks,
        "behind": index.behind,
    }


def _say(session: Session, recording: Recording) -> None:
    state = text(f"cli.state.{recording.state}", session.language)
    if recording.state == "running" and recording.stage:
        stage = text(f"cli.stage.{recording.stage}", session.language)
        state = f"{state}: {stage} {recording.progress:.0%}"
    duration = "–" if recording.duration_ms is None else format_short(recording.duration_ms)
    click.echo(f"{recording.id}  {duration:>8}  {state:<12}  {recording.facts.title}")
    for trouble in (recording.failure, recording.warning):
        if trouble:
            click.echo(f"{'':14}{failure_message(trouble, session.language)}")
            click.echo(f"{'':14}{failure_advice(trouble, session.language)}")


def _say_counts(session: Session, counts: dict[str, int], index: IndexState) -> None:
    named = ", ".join(
        f"{count} {text(f'cli.state.{state}', session.language)}"
        for state, count in counts.items()
        if count
    )
    session.say("status.counts", counts=named or "0")
    if index.generation:
        session.say(
            "status.index", generation=index.generation.id, chunks=index.chunks, behind=index.behind
        )
    else:
        session.say("status.no_index", chunks=index.chunks)


def _say_expected_end(session: Session, every: list[Recording], speed: float | None) -> None:
    waiting = sum(
        round((recording.duration_ms or 0) * (1 - recording.progress))
        for recording in every
        if recording.state in ("queued", "running") and not recording.imported
    )
    if waiting and speed is not None:
        session.say(
            "status.expected",
            audio=format_short(waiting),
            expected=format_short(round(waiting * speed)),
        )
