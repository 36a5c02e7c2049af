"""Transcripts as captions: WebVTT and SubRip out, and chapters as WebVTT.

Speakers are written so that reading finds them again and takes nothing else for one: WebVTT has
voices; SubRip has ``Name:``, in bold where a name could be mistaken for speech. Speech that opens
like a name has an empty tag in front, which players drop.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.formats.characters import clean_text
from pipeline.formats.facts import ExportFacts
from pipeline.formats.markup import escape_srt, escape_vtt
from pipeline.formats.speakers import is_name_alone, learn_names, opens_like_a_turn
from pipeline.formats.vtt import header_line
from pipeline.timecode import format_time
from pipeline.values import Segment, Transcript

_NOTHING_VTT = "<c></c>"
_NOTHING_SRT = "<i></i>"


def write_vtt(transcript: Transcript, _facts: ExportFacts) -> str:
    """``transcript`` as WebVTT; its language is a line of the header."""
    blocks = [
        "WEBVTT\n" + header_line(transcript.language),
        *(_vtt_cue(segment) for segment in transcript.segments),
    ]
    return "\n".join(blocks)


def _vtt_cue(segment: Segment) -> str:
    said = escape_vtt(clean_text(segment.text))
    speaker = clean_text(segment.speaker or "")
    if speaker:
        said = f"<v {escape_vtt(speaker)}>{said}"
    elif opens_like_a_turn(said):
        said = _NOTHING_VTT + said
    return f"{format_time(segment.start_ms)} --> {format_time(segment.end_ms)}\n{said}\n"


def write_chapters(transcript: Transcript, facts: ExportFacts) -> str:
    """The recording's chapters as WebVTT for a player's ``kind="chapters"``."""
    blocks = [
        "WEBVTT\n" + header_line(transcript.language),
        *(
            f"{format_time(one.start_ms)} --> {format_time(one.end_ms)}\n"
            f"{escape_vtt(clean_text(one.title))}\n"
            for one in facts.chapters
        ),
    ]
    return "\n".join(blocks)


def write_srt(transcript: Transcript, _facts: ExportFacts) -> str:
    """``transcript`` as SubRip, numbered from 1."""
    plain = _plain_names(transcript)
    return "\n".join(
        f"{number}\n{_srt_time(segment.start_ms)} --> {_srt_time(segment.end_ms)}\n"
        f"{_srt_text(segment, plain)}\n"
        for number, segment in enumerate(transcript.segments, 1)
    )


def _plain_names(transcript: Transcript) -> frozenset[str]:
    """The speakers that a reader will know for such when ``Name:`` is all there is."""
    return learn_names(_named_texts(transcript))


def _named_texts(transcript: Transcript) -> Iterator[str]:
    for segment in transcript.segments:
        speaker = clean_text(segment.speaker or "")
        yield f"{speaker}: " if speaker and is_name_alone(speaker) else ""


def _srt_text(segment: Segment, plain: frozenset[str]) -> str:
    said = escape_srt(clean_text(segment.text))
    speaker = clean_text(segment.speaker or "")
    if speaker in plain and is_name_alone(speaker):
        return f"{speaker}: {said}"
    if speaker:
        return f"<b>{escape_vtt(speaker)}:</b> {said}"
    return _NOTHING_SRT + said if opens_like_a_turn(said) else said


def _srt_time(ms: int) -> str:
    return format_time(ms).replace(".", ",")
