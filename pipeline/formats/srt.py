"""SubRip files, and whatever else has lines with two times and an arrow.

There is no standard. This reads dots for commas, no numbers, no empty lines between the cues,
empty lines within them, no space around the arrow, one to three digits of a fraction.
"""

from __future__ import annotations

import re

from pipeline.formats.vtt import Cue

_TIME = r"-?(?:[0-9]{1,9}:)?[0-9]{1,2}:[0-9]{1,2}(?:[.,:][ ]?[0-9]{1,6})?"
TIMING_LINE = rf"[ \t]*({_TIME})[ \t]*-{{1,3}}>[ \t]*({_TIME})(?![0-9])"
"""The pattern of a line of times as captions have it, from the line's start."""

_TIMINGS = re.compile(TIMING_LINE)
_NUMBER = re.compile(r"[ \t]*[0-9]{1,9}[ \t]*")


def parse_srt(text: str) -> tuple[Cue, ...]:
    """The cues of ``text`` in the file's order. Never fails: what precedes the first is skipped."""
    cues: list[Cue] = []
    times: tuple[int, int] | None = None
    said: list[str] = []
    for line in text.split("\n"):
        found = _TIMINGS.match(line) if "->" in line else None
        if found is None:
            said.append(line)
            continue
        if times is not None:
            cues.append(Cue(*times, _text_before_next(said, len(cues) + 2)))
        times = _milliseconds(found[1]), _milliseconds(found[2])
        said = []
    if times is not None:
        cues.append(Cue(*times, "\n".join(said).strip("\n")))
    return tuple(cues)


def _text_before_next(said: list[str], next_number: int) -> str:
    """The lines of a cue without the next cue's number, which they end with."""
    if said and _NUMBER.fullmatch(said[-1]):
        stands_alone = len(said) == 1 or not said[-2].strip()
        if stands_alone or int(said[-1]) == next_number:
            said = said[:-1]
    return "\n".join(said).strip("\n")


def _milliseconds(written: str) -> int:
    """Milliseconds of ``[h:]mm:ss[,mmm]``; a time before the start is the start."""
    if written[0] == "-":
        return 0
    clock, fraction = written.replace(" ", ""), ""
    for mark in ",.":
        if mark in clock:
            clock, _, fraction = clock.partition(mark)
    first, second, *rest = clock.split(":")
    if len(rest) == 2:
        fraction = rest.pop()
    hours, minutes, seconds = (first, second, rest[0]) if rest else ("0", first, second)
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int(fraction[:3].ljust(3, "0"))
