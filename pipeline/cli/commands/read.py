"""``interviews show`` and ``interviews export``: transcripts to read and to take away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pipeline.catalog import chapters, recordings
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.cli.output import save, unwritable
from pipeline.errors import BadInput
from pipeline.formats.facts import ExportFacts
from pipeline.formats.transcripts import EXPORTS, file_suffix, write_transcript
from pipeline.messages import text
from pipeline.run import reading
from pipeline.search.results import Related, moment_json
from pipeline.timecode import format_short, parse_time
from pipeline.values import Chapter, Recording, Segment, Transcript


@click.command(cls=Localised)
@click.argument("recording_id", metavar="ID")
@click.option("--at", metavar="TIME")
@click.option("--related", "elsewhere", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def show(
    session: Session, recording_id: str, at: str | None, elsewhere: bool, as_json: bool
) -> None:
    begin_ms = parse_time(at) if at else None
    read = _read(session, recording_id)
    found = _related(session, read, begin_ms) if elsewhere else None
    if found:
        for notice in found.degraded:
            session.warn(notice.said(session.language))
    if as_json:
        echo_json(_json(read, begin_ms or 0, found))
        return
    _say_facts(session, read.recording, read.transcript)
    if found:
        _say_related(session, found)
    else:
        _say_chapters(session, read.chapters)
        _say_transcript(session, read.transcript, begin_ms or 0)


@dataclass(frozen=True, slots=True)
class _Read:
    """A recording as it is read at one moment."""

    recording: Recording
    transcript: Transcript
    chapters: tuple[Chapter, ...]


def _read(session: Session, recording_id: str) -> _Read:
    with session.catalogue() as catalogue, catalogue.read() as db:
        return _Read(
            recordings.get(db, recording_id),
            reading.read(db, recording_id),
            chapters.load(db, recording_id),
        )


def _related(session: Session, read: _Read, at_ms: int | None) -> Related:
    """Moments like the one at a time, or like the beginning of the first chapter."""
    from pipeline.search.indexes import Indexes
    from pipeline.search.related import related  # loads FAISS

    if at_ms is None:
        at_ms = read.chapters[0].start_ms if read.chapters else 0
    context = session.context
    with session.catalogue() as catalogue:
        indexes = Indexes(context.home.index)
        with catalogue.read() as db:
            return related(indexes, db, read.recording.id, at_ms)


def _json(read: _Read, begin_ms: int, found: Related | None) -> dict[str, object]:
    facts = facts_of(read.recording, read.chapters)
    shown: dict[str, Any] = json.loads(write_transcript(read.transcript, "json", facts))
    shown["segments"] = [one for one in shown["segments"] if one["end"] * 1000 > begin_ms]
    shown.setdefault("chapters", [])
    if found:
        shown["related"] = [moment_json(one) for one in found.moments]
    return shown


def _say_chapters(session: Session, parts: Sequence[Chapter]) -> None:
    if parts:
        session.say("show.chapters")
        for one in parts:
            click.echo(f"  {format_short(one.start_ms):>7}  {one.title}")
        click.echo()


def _say_related(session: Session, found: Related) -> None:
    session.say("show.related" if found.moments else "show.nothing_related")
    for one in found.moments:
        where = f"{click.style(one.recording.facts.title, bold=True)} [{format_short(one.jump_ms)}]"
        click.echo(f"  {where}  {one.recording.id}")
        click.echo(f"    {one.sentence}")


def _say_transcript(session: Session, transcript: Transcript, begin_ms: int) -> None:
    for segment in transcript.segments:
        if segment.end_ms > begin_ms:
            click.echo(_line(segment))
    for gap in transcript.gaps:
        if gap.end_ms > begin_ms:
            session.say("show.gap", start=format_short(gap.start_ms), end=format_short(gap.end_ms))


def facts_of(recording: Recording, parts: tuple[Chapter, ...]) -> ExportFacts:
    """What an export says of the recording besides its transcript."""
    return ExportFacts(
        title=recording.facts.title,
        people=recording.facts.people,
        recorded=recording.facts.recorded,
        collection=recording.facts.collection,
        recording_id=recording.id,
        chapters=parts,
    )


def _say_facts(session: Session, recording: Recording, transcript: Transcript) -> None:
    facts = recording.facts
    click.echo(click.style(facts.title, bold=True))
    lines = {
        "id": recording.id,
        "language": transcript.language,
        "duration": format_short(transcript.duration_ms),
        "collection": facts.collection,
        "people": "; ".join(facts.people),
        "recorded": facts.recorded,
        "visibility": ", ".join(facts.visibility),
        "model": transcript.model.name if transcript.model else None,
        "media": recording.media.path if recording.media else None,
    }
    for name, value in lines.items():
        if value:
            click.echo(f"{text(f'cli.show.{name}', session.language)}: {value}")
    click.echo()


def _line(segment: Segment) -> str:
    speaker = f"{segment.speaker}: " if segment.speaker else ""
    return f"[{format_short(segment.start_ms)}] {speaker}{segment.text}"


@click.command(cls=Localised)
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(EXPORTS), required=True)
@click.option("--output", type=click.Path(path_type=Path))
@pass_session
def export(session: Session, ids: tuple[str, ...], form: str, output: Path | None) -> None:
    read = [_read(session, recording_id) for recording_id in dict.fromkeys(ids)]
    written = [
        (
            one.recording,
            write_transcript(one.transcript, form, facts_of(one.recording, one.chapters)),
        )
        for one in read
    ]
    if output is None:
        if len(written) > 1:
            raise BadInput("export.several_need_folder", count=len(written))
        click.echo(written[0][1], nl=False)
        return
    if len(written) == 1 and not output.is_dir():
        save(output, written[0][1])
        return
    _make_folder(output)
    for recording, content in written:
        path = output / f"{recording.id}{file_suffix(form)}"
        save(path, content)
        session.say("export.written", path=str(path))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
