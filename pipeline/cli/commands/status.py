"""``interviews status``: what waits, runs, is done, failed, and why."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace

import click

from pipeline.catalog import generations, overview, queue, recordings, renditions, throughput
from pipeline.catalog.generations import IndexState
from pipeline.catalog.recordings import Database
from pipeline.cli.app import Session, pass_session
from pipeline.cli.failures import failure_json
from pipeline.cli.localise import Localised
from pipeline.errors import failure_advice, failure_message
from pipeline.messages import text
from pipeline.run import runner
from pipeline.timecode import format_short, to_seconds
from pipeline.values import Recording, State

SHOWN = 20
"""Recordings of each state that are named; of the others there is a number."""

_IN_TURN: tuple[State, ...] = ("running", "queued", "failed", "cancelled")


@click.command(cls=Localised)
@click.argument("recording_id", metavar="[ID]", required=False)
@click.option("--all", "show_all", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def status(session: Session, recording_id: str | None, show_all: bool, as_json: bool) -> None:
    with session.catalogue() as catalogue, catalogue.read() as db:
        working = runner.working(db, session.context.home)
        found = [
            _as_it_is(one, working) for one in _found(db, recording_id, every=show_all or as_json)
        ]
        counts = _counts(db, working)
        index = generations.index_state(db)
        room = renditions.room(db)
        left_ms = overview.audio_left_ms(db, recording_id)
        speed = throughput.speed(db, "transcribe") if left_ms else None
    if as_json:
        _echo_json([_json(session, one) for one in found], counts, index, room)
        return
    for recording in found:
        _say(session, recording)
    if not show_all and recording_id is None:
        _say_unnamed(session, counts)
    _say_counts(session, counts, index)
    if room[0]:
        session.say("status.renditions", count=room[0], size=session.size(room[1]))
    if speed is not None:
        expected = format_short(round(left_ms * speed))
        session.say("status.expected", audio=format_short(left_ms), expected=expected)


def _as_it_is(recording: Recording, working: Collection[str]) -> Recording:
    """Whoever was at work on a recording may have been killed: then it waits."""
    if recording.state != "running" or recording.id in working:
        return recording
    return replace(recording, state="queued")


def _counts(db: Database, working: Collection[str]) -> dict[str, int]:
    counts = queue.counts(db)
    running = sum(1 for one in recordings.get_many(db, working).values() if one.state == "running")
    counts["queued"] += counts["running"] - running
    counts["running"] = running
    return counts


def _found(db: Database, recording_id: str | None, *, every: bool) -> list[Recording]:
    """What is to be shown, what calls for attention first."""
    if recording_id is not None:
        return [recordings.get(db, recording_id)]
    if every:
        return recordings.every(db)
    waiting = [one for state in _IN_TURN for one in overview.next_in_turn(db, state, SHOWN)]
    return waiting + overview.done_last(db, SHOWN)


def _echo_json(
    rows: Sequence[dict[str, object]],
    counts: dict[str, int],
    index: IndexState,
    room: tuple[int, int],
) -> None:
    """A recording a line: json's own indentation takes longer than all the rest."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    taken = {"recordings": room[0], "bytes": room[1]}
    rest = json.dumps(
        {"counts": counts, "index": _index_json(index), "renditions": taken}, ensure_ascii=False
    )
    click.echo(f'{{"recordings": [\n{lines}\n],\n{rest.removeprefix("{")}')


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


def _say_unnamed(session: Session, counts: dict[str, int]) -> None:
    more = ", ".join(
        f"{count - SHOWN} {text(f'cli.state.{state}', session.language)}"
        for state, count in counts.items()
        if count > SHOWN
    )
    if more:
        session.say("status.more", more=more)


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
