"""``interviews show`` and ``interviews export``: transcripts to read and to take away."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.catalog import recordings
from pipeline.cli.app import Session, pass_session
from pipeline.cli.localise import Localised
from pipeline.cli.output import save, unwritable
from pipeline.errors import BadInput
from pipeline.formats.facts import ExportFacts
from pipeline.formats.transcripts import FORMATS, write_transcript
from pipeline.messages import text
from pipeline.run import reading
from pipeline.timecode import format_short, parse_time
from pipeline.values import Recording, Segment, Transcript


@click.command(cls=Localised)
@click.argument("recording_id", metavar="ID")
@click.option("--at", metavar="TIME")
@click.option("--json", "as_json", is_flag=True)
@pass_session
def show(session: Session, recording_id: str, at: str | None, as_json: bool) -> None:
    begin_ms = parse_time(at) if at else 0
    recording, transcript = _read(session, recording_id)
    if as_json:
        shown = json.loads(write_transcript(transcript, "json", facts_of(recording)))
        shown["segments"] = [one for one in shown["segments"] if one["end"] * 1000 > begin_ms]
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    _say_facts(session, recording, transcript)
    for segment in transcript.segments:
        if segment.end_ms > begin_ms:
            click.echo(_line(segment))
    for gap in transcript.gaps:
        if gap.end_ms > begin_ms:
            session.say("show.gap", start=format_short(gap.start_ms), end=format_short(gap.end_ms))


def _read(session: Session, recording_id: str) -> tuple[Recording, Transcript]:
    with session.catalogue() as catalogue, catalogue.read() as db:
        return recordings.get(db, recording_id), reading.read(db, recording_id)


def facts_of(recording: Recording) -> ExportFacts:
    """What an export says of the recording besides its transcript."""
    return ExportFacts(
        title=recording.facts.title,
        people=recording.facts.people,
        recorded=recording.facts.recorded,
        collection=recording.facts.collection,
        recording_id=recording.id,
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
@click.option("--format", "form", type=click.Choice(FORMATS), required=True)
@click.option("--output", type=click.Path(path_type=Path))
@pass_session
def export(session: Session, ids: tuple[str, ...], form: str, output: Path | None) -> None:
    read = [_read(session, recording_id) for recording_id in dict.fromkeys(ids)]
    written = [
        (recording, write_transcript(transcript, form, facts_of(recording)))
        for recording, transcript in read
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
        save(output / f"{recording.id}.{form}", content)
        session.say("export.written", path=str(output / f"{recording.id}.{form}"))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
