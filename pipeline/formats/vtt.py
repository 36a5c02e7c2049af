"""A WebVTT file parser that reads the cues a browser reads.

Follows the parser algorithm of the W3C WebVTT standard (https://www.w3.org/TR/webvtt1/, section
6.1 to 6.3), line by line. Cue settings, regions and style sheets are recognised so that they are
skipped where a browser skips them; nothing else is made of them. What is in a cue's text (tags,
entities) is the business of ``captions``.

In three places we side with the W3C's validator, which reads what the author meant, where the
algorithm alone would not: a comment stays a comment when it holds a timing line, the identifier
is the line right before the timing line, and a broken signature does not cost the cues.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPACE = r"[ \t\n\f\r]*"
_TIMESTAMP = r"([0-9]+):([0-9]{2})(?::([0-9]{2}))?\.([0-9]{3})(?![0-9])"
_TIMINGS = re.compile(rf"{_SPACE}{_TIMESTAMP}{_SPACE}-->{_SPACE}{_TIMESTAMP}")
_DEFINITION = re.compile(r"(?:STYLE|REGION)[ \t\f\r]*")
_COMMENT = re.compile(r"NOTE(?:[ \t]|$)")
_LANGUAGE = re.compile(r"Language:[ \t]*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4})[ \t]*")
_ENDLESS_MS = 10**18


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue as it stands in the file: the text still carries its tags, entities and line breaks."""

    start_ms: int
    end_ms: int
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class VttFile:
    """What a WebVTT file holds; ``language`` is the one its header names, if it does."""

    cues: tuple[Cue, ...]
    language: str | None = None


def is_vtt(text: str) -> bool:
    """Whether ``text`` carries the signature of a WebVTT file."""
    text = text.removeprefix("\ufeff")
    return text.startswith("WEBVTT") and text[6:7] in ("", " ", "\t", "\n", "\r")


def header_line(language: str | None) -> str:
    """The header's line that names ``language``, ended; empty where it is no language tag."""
    line = f"Language: {language}"
    return f"{line}\n" if language and _LANGUAGE.fullmatch(line) else ""


def parse_vtt(text: str) -> VttFile:
    """The cues of a WebVTT file, in the file's order. Never fails: what is no cue is skipped."""
    text = text.removeprefix("\ufeff").replace("\0", "\ufffd")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    position, language = _skip_header(lines)
    cues: list[Cue] = []
    definitions_allowed = True
    while position < len(lines):
        if not lines[position]:
            position += 1
            continue
        cue, position = _block(lines, position, definitions_allowed)
        if cue is not None:
            cues.append(cue)
            definitions_allowed = False
    return VttFile(tuple(cues), language)


def _skip_header(lines: list[str]) -> tuple[int, str | None]:
    """Where the first block begins, and the language that the header names."""
    language = None
    position = 0 if "-->" in lines[0] else 1
    while position < len(lines) and lines[position] and "-->" not in lines[position]:
        if named := _LANGUAGE.fullmatch(lines[position]):
            language = named[1]
        position += 1
    return position, language


def _block(lines: list[str], begin: int, definitions_allowed: bool) -> tuple[Cue | None, int]:
    """The cue that the block at ``begin`` holds, if any, and the line after the block.

    A second line with an arrow starts a block of its own, also without an empty line before it.
    """
    if _COMMENT.match(lines[begin]):
        return None, _next_empty(lines, begin)
    arrow = _end_of_block(lines, begin)
    if arrow == len(lines) or not lines[arrow]:
        return None, arrow
    definition = definitions_allowed and _DEFINITION.fullmatch(lines[begin]) is not None
    identifier = lines[arrow - 1] if arrow > begin and not definition else ""
    end = _end_of_block(lines, arrow + 1)
    times = _timings(lines[arrow])
    if times is None:
        return None, end
    return Cue(*times, "\n".join(lines[arrow + 1 : end]), identifier), end


def _next_empty(lines: list[str], position: int) -> int:
    while position < len(lines) and lines[position]:
        position += 1
    return position


def _end_of_block(lines: list[str], position: int) -> int:
    while position < len(lines) and lines[position] and "-->" not in lines[position]:
        position += 1
    return position


def _timings(line: str) -> tuple[int, int] | None:
    """Start and end in milliseconds, or None where a browser drops the cue."""
    found = _TIMINGS.match(line)
    if found is None:
        return None
    parts: tuple[str | None, ...] = found.groups()
    start, end = _milliseconds(parts[:4]), _milliseconds(parts[4:])
    return None if start is None or end is None else (start, end)


def _milliseconds(parts: tuple[str | None, ...]) -> int | None:
    first, second, third, fraction = (part or "" for part in parts)
    hours, minutes, seconds = (first, second, third) if third else ("0", first, second)
    if len(minutes) != 2 or int(minutes) > 59 or int(seconds) > 59:
        return None
    if len(hours) > 11:
        return _ENDLESS_MS
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction)
