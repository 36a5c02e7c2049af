"""Transcripts as people read them: plain text and Markdown, written so that we can read them back.

Plain text has a line a segment, ``[hh:mm:ss.mmm – hh:mm:ss.mmm] Speaker:<tab>what was said``.
Markdown has chapters as headings and paragraphs with a line of their own in front (speaker, time to
jump to); the exact times of each segment stand behind it as comments, which no viewer shows.
"""

from __future__ import annotations

import re

from pipeline.formats.characters import clean_text
from pipeline.formats.facts import ExportFacts
from pipeline.formats.passages import Passage, Source
from pipeline.formats.srt import TIMING_LINE
from pipeline.timecode import format_short, format_time, to_ms
from pipeline.values import Chapter, Segment, Transcript

_CLOCK = r"([0-9]{2,5}):([0-9]{2}):([0-9]{2})\.([0-9]{3})"
_TXT = re.compile(rf"\[{_CLOCK} [–-] {_CLOCK}\] (?:([^\t]*):\t)?(.*)")
TXT_LINE = rf"\[{_CLOCK} [–-] {_CLOCK}\] "
_MD_HEAD = re.compile(r"(?:\*\*(.+)\*\* )?\[[0-9]{1,6}:[0-9:]{2,5}\]")
MD_HEAD_LINE = r"(?:\*\*[^\n]+\*\* )?\[[0-9]{1,6}:[0-9:]{2,5}\]$"
_MD_SEGMENT = re.compile(r"(.*) <!-- t=([0-9]{1,9}\.[0-9]{3}),([0-9]{1,9}\.[0-9]{3}) -->")
_MD_SPECIAL = re.compile(r"([\\`*_\[\]<>&~|]|^[#+=-])")
_MD_LIST_NUMBER = re.compile(r"^([0-9]{1,9})([.)])")
_MD_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
OPENING = re.compile(
    rf"^(?:(?P<captions>{TIMING_LINE})|(?P<txt>{TXT_LINE})|(?P<md>{MD_HEAD_LINE}))", re.MULTILINE
)
"""The first line that tells what kind of text file this is."""

_PARAGRAPH_MS = 60_000
_PAUSE_MS = 4_000
_SENTENCE_ENDS = (".", "!", "?", "…", ".“", ".”", '."')


def write_txt(transcript: Transcript, facts: ExportFacts) -> str:
    """``transcript`` as plain text under a head of title, people, date and collection."""
    lines = [_unlike_a_cue(line) for line in _head(facts)]
    if lines:
        lines.append("")
    for segment in transcript.segments:
        speaker = clean_text(segment.speaker or "")
        said = clean_text(segment.text)
        times = f"[{format_time(segment.start_ms)} – {format_time(segment.end_ms)}]"
        lines.append(f"{times} {speaker}:\t{said}" if speaker else f"{times} {said}")
    return "\n".join(lines) + "\n"


def source_of_txt(text: str) -> Source:
    """What a plain text of ours says; lines that are no segments are skipped."""
    passages: list[Passage] = []
    for line in text.split("\n"):
        if found := _TXT.fullmatch(line):
            parts = found.groups()
            start_ms, end_ms = _clock_ms(parts[:4]), _clock_ms(parts[4:8])
            passages.append(Passage(start_ms, end_ms, parts[9], speaker=parts[8]))
    return Source(tuple(passages), verbatim=True)


def _clock_ms(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, millis = (int(part) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis


def _head(facts: ExportFacts) -> list[str]:
    people = ", ".join(clean_text(person) for person in facts.people)
    rest = " · ".join(
        part
        for part in (people, clean_text(facts.recorded or ""), clean_text(facts.collection or ""))
        if part
    )
    return [line for line in (clean_text(facts.title), clean_text(rest)) if line]


def _unlike_a_cue(line: str) -> str:
    """A title may look like anything; a dash in front keeps readers from taking it for more."""
    return f"– {line}" if OPENING.match(line) else line


def write_md(transcript: Transcript, facts: ExportFacts) -> str:
    """``transcript`` as Markdown: title, people and date, then chapters, and paragraphs by turn and
    pause."""
    head = [_escape_md(line) for line in _head(facts)]
    lines: list[str] = []
    if facts.title and head:
        lines += [f"# {head.pop(0)}", ""]
    if head:
        lines += [f"*{head[0]}*", ""]
    paragraph: Segment | None = None
    previous: Segment | None = None
    coming = list(facts.chapters)
    for segment in transcript.segments:
        begun = _begun(coming, segment)
        opens = paragraph is None or previous is None or _opens(paragraph, previous, segment)
        if begun or opens:
            lines += [""] if previous else []
            lines += [line for one in begun for line in (f"## {_title(one)}", "")]
            lines += _paragraph_head(segment)
            paragraph = segment
        times = f"{segment.start_ms / 1000:.3f},{segment.end_ms / 1000:.3f}"
        lines.append(f"{_escape_md(clean_text(segment.text))} <!-- t={times} -->")
        previous = segment
    return "\n".join(lines) + "\n"


def _begun(coming: list[Chapter], segment: Segment) -> list[Chapter]:
    """Takes from ``coming`` the chapters that have begun by the middle of the segment."""
    middle_ms = (segment.start_ms + segment.end_ms) // 2
    begun = [one for one in coming if one.start_ms <= middle_ms]
    del coming[: len(begun)]
    return begun


def _title(chapter: Chapter) -> str:
    return _escape_md(clean_text(chapter.title))


def _paragraph_head(segment: Segment) -> list[str]:
    speaker = clean_text(segment.speaker or "")
    name = f"**{_escape_md(speaker)}** " if speaker else ""
    return [f"{name}[{format_short(segment.start_ms)}]", ""]


def _opens(paragraph: Segment, previous: Segment, segment: Segment) -> bool:
    """A new paragraph: another speaker, a pause, or a full stop after a minute of speech."""
    if clean_text(segment.speaker or "") != clean_text(paragraph.speaker or ""):
        return True
    if segment.start_ms - previous.end_ms > _PAUSE_MS:
        return True
    long = segment.start_ms - paragraph.start_ms > _PARAGRAPH_MS
    return long and previous.text.rstrip().endswith(_SENTENCE_ENDS)


def source_of_md(text: str) -> Source:
    """What a Markdown of ours says."""
    passages: list[Passage] = []
    speaker: str | None = None
    for line in text.split("\n"):
        if found := _MD_SEGMENT.fullmatch(line):
            start_ms, end_ms = to_ms(float(found[2])), to_ms(float(found[3]))
            passages.append(Passage(start_ms, end_ms, _unescape_md(found[1]), speaker=speaker))
        elif head := _MD_HEAD.fullmatch(line):
            speaker = _unescape_md(head[1]) if head[1] else None
    return Source(tuple(passages), verbatim=True)


def _escape_md(text: str) -> str:
    return _MD_LIST_NUMBER.sub(r"\1\\\2", _MD_SPECIAL.sub(r"\\\1", text))


def _unescape_md(text: str) -> str:
    return _MD_ESCAPED.sub(r"\1", text)
