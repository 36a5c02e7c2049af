"""Transcripts in and out: any file that people and recognisers make, six formats of ours; and
chapters out.

What a file is, its content decides; its name only appears in messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.formats.captionfiles import write_chapters, write_srt, write_vtt
from pipeline.formats.captions import passages_of_cues
from pipeline.formats.characters import clean_text, decode
from pipeline.formats.contract import load_json, source_of_json, write_json
from pipeline.formats.facts import ExportFacts
from pipeline.formats.passages import Source, assemble
from pipeline.formats.prose import (
    OPENING,
    source_of_md,
    source_of_txt,
    write_md,
    write_txt,
)
from pipeline.formats.sheet import is_csv, source_of_csv, write_csv
from pipeline.formats.speakers import Speakers
from pipeline.formats.srt import parse_srt
from pipeline.formats.vtt import is_vtt, parse_vtt
from pipeline.values import Transcript

__all__ = [
    "EXPORTS",
    "FORMATS",
    "ExportFacts",
    "file_suffix",
    "parse_transcript",
    "read_transcript",
    "write_transcript",
]

_WRITERS: dict[str, Callable[[Transcript, ExportFacts], str]] = {
    "vtt": write_vtt,
    "srt": write_srt,
    "txt": write_txt,
    "md": write_md,
    "json": write_json,
    "csv": write_csv,
}
FORMATS = tuple(_WRITERS)
"""Those that are read back as the same transcript."""

CHAPTERS = "chapters"
EXPORTS = (*FORMATS, CHAPTERS)
LARGEST_BYTES = 64 << 20


def read_transcript(path: Path, speakers: Speakers | None = None) -> Transcript:
    """The transcript in the file at ``path``; ``speakers`` as in ``parse_transcript``.

    Raises BadInput ``formats.unreadable`` where the file cannot be opened, and what
    ``parse_transcript`` raises.
    """
    try:
        if not path.is_file():
            raise BadInput("formats.unreadable", path=str(path))
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as problem:
        raise BadInput("formats.unreadable", path=str(path)) from problem
    return parse_transcript(content, path.name, speakers)


def parse_transcript(content: bytes, name: str, speakers: Speakers | None = None) -> Transcript:
    """The transcript in ``content``; ``name`` says in messages which file it was.

    Of an edited export ``speakers`` tells who speaks in what was exported: of captions' prefixes
    only their names are taken for speakers then.
    Segments come sorted by start, each with text, none ending before it starts. Raises BadInput
    ``formats.too_large``, ``.empty``, ``.unknown``, ``.broken_json``, ``.broken_csv``, ``.no_cue``,
    and nothing else, whatever the bytes.
    """
    if len(content) > LARGEST_BYTES:
        raise BadInput("formats.too_large", name=name, limit=LARGEST_BYTES >> 20)
    text = decode(content)
    if not text.strip():
        raise BadInput("formats.empty", name=name)
    source = _source(text, name, speakers)
    if source is None:
        raise BadInput("formats.unknown", name=name)
    transcript = assemble(source)
    if not transcript.segments:
        raise BadInput("formats.no_cue", name=name)
    return transcript


def write_transcript(transcript: Transcript, format: str, facts: ExportFacts) -> str:  # noqa: A002
    """``transcript`` in one of ``EXPORTS``; reading one of ``FORMATS`` back gives the same
    segments.

    Captions drop confidences, corrections and words' times; JSON keeps all. Segments' texts are
    written in the one-line form of ``characters.clean_text``. Raises BadInput
    ``formats.unknown_export``.
    """
    writer = write_chapters if format == CHAPTERS else _WRITERS.get(format)
    if writer is None:
        raise BadInput("formats.unknown_export", format=format, known=", ".join(EXPORTS))
    spoken = tuple(segment for segment in transcript.segments if clean_text(segment.text))
    return writer(replace(transcript, segments=spoken), facts)


def file_suffix(format: str) -> str:  # noqa: A002
    """What the name of a file in one of ``EXPORTS`` ends with."""
    return ".chapters.vtt" if format == CHAPTERS else f".{format}"


def _source(text: str, name: str, speakers: Speakers | None) -> Source | None:
    opening = OPENING.search(text)
    if opening and opening["txt"]:
        return source_of_txt(text)
    if opening and opening["md"]:
        return source_of_md(text)
    if opening or is_vtt(text):
        return _source_of_captions(text, speakers)
    if text.lstrip()[:1] in ("{", "["):
        return source_of_json(load_json(text, name))
    return source_of_csv(text, name) if is_csv(text) else None


def _source_of_captions(text: str, speakers: Speakers | None) -> Source:
    """WebVTT as a browser reads it; what a browser finds no cue in, as leniently as SubRip."""
    body = text.lstrip()
    if is_vtt(body):
        file = parse_vtt(body)
        if file.cues:
            return Source(passages_of_cues(file.cues, speakers), language=file.language)
    return Source(passages_of_cues(parse_srt(text), speakers))
