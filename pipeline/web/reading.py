"""A transcript laid out to be read beside its recording: chapters, paragraphs, lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipeline.values import Chapter, Segment, Span, Transcript
from pipeline.web.excerpts import Piece, pieces

PAUSE_MS = 2_000
"""A pause that ends a paragraph."""

LONG = 550
"""Characters after which a paragraph ends with the next sentence; with any line after twice as
many, since not everybody writes down where sentences end."""

_ENDS = (".", "!", "?", "…", ".«", ".“", ".”")

Marks = Callable[[str, str | None], Iterable[tuple[int, int]]]
"""Where in a text of a language stands what is looked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """A segment: what a click starts to play."""

    start_ms: int
    pieces: Sequence[Piece]
    language: str | None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of one speaker. ``lost``: speech was heard here that nobody could write down."""

    start_ms: int
    speaker: str | None
    lines: Sequence[Line]
    lost: Span | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter, or what comes before the first (without a title)."""

    chapter: Chapter | None
    paragraphs: Sequence[Paragraph]


def parts(transcript: Transcript, chapters: Sequence[Chapter], marks: Marks) -> list[Part]:
    """All of ``transcript``, chapter by chapter."""
    paragraphs = _with_losses(_paragraphs(transcript.segments, chapters, marks), transcript.gaps)
    made: list[Part] = []
    begins = [0, *(chapter.start_ms for chapter in chapters)]
    ends = [*begins[1:], None]
    titles: list[Chapter | None] = [None, *chapters]
    for chapter, begin, end in zip(titles, begins, ends, strict=True):
        own = [p for p in paragraphs if begin <= p.start_ms and (end is None or p.start_ms < end)]
        if own:
            made.append(Part(chapter, own))
    return made


def _paragraphs(
    segments: Iterable[Segment], chapters: Sequence[Chapter], marks: Marks
) -> list[Paragraph]:
    starts = sorted(chapter.start_ms for chapter in chapters)
    made: list[Paragraph] = []
    lines: list[Line] = []
    speaker, length, before = None, 0, None
    for segment in segments:
        if before is not None and _breaks(before, segment, speaker, length, starts):
            made.append(Paragraph(lines[0].start_ms, speaker, lines))
            lines, length = [], 0
        lines.append(_line(segment, marks))
        speaker, before = segment.speaker, segment
        length += len(segment.text)
    if lines:
        made.append(Paragraph(lines[0].start_ms, speaker, lines))
    return made


def _breaks(
    before: Segment, segment: Segment, speaker: str | None, length: int, chapters: Sequence[int]
) -> bool:
    """Whether a new paragraph begins with ``segment``."""
    return (
        segment.speaker != speaker
        or segment.start_ms - before.end_ms >= PAUSE_MS
        or any(before.start_ms < start <= segment.start_ms for start in chapters)
        or length > 2 * LONG
        or (length > LONG and before.text.rstrip().endswith(_ENDS))
    )


def _line(segment: Segment, marks: Marks) -> Line:
    said = segment.text.strip()
    found = marks(said, segment.language)
    return Line(segment.start_ms, pieces(said, found), segment.language)


def _with_losses(paragraphs: list[Paragraph], gaps: Iterable[Span]) -> list[Paragraph]:
    losses = (Paragraph(gap.start_ms, None, (), gap) for gap in gaps)
    return sorted([*paragraphs, *losses], key=lambda one: one.start_ms)
