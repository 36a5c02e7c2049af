"""From what a person points at to a correction that can be stored."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate

from pipeline.corrections.aligning import Hunk, Side
from pipeline.corrections.edits import Edit, edits_of
from pipeline.corrections.timing import extent, tokens_of
from pipeline.corrections.walls import is_wall
from pipeline.corrections.withholding import Beneath
from pipeline.errors import BadInput
from pipeline.timecode import format_short
from pipeline.values import Segment, Span, Transcript

__all__ = ["Edit", "Located", "correction_for", "locate"]


@dataclass(frozen=True, slots=True)
class Located:
    """Whole words of a transcript, and when they were said.

    ``was`` is how they stand in segment ``segment`` (counted from 0), ``tokens[first:last + 1]``
    of it; ``before`` and ``after`` is what belongs to them beside the text looked for.
    """

    span: Span
    was: str
    before: str
    after: str
    segment: int
    first: int
    last: int


def locate(read: Transcript, at_ms: int, was: str) -> Located | None:
    """The first ``was`` in the segment that covers ``at_ms``, widened to whole words.

    A whole word goes before a part of one, the case as typed before any other. At a border the
    segment that starts there is meant; where people talk at once, the one that began last and
    holds the text. None in a pause and where the text is not found.
    """
    covering = [
        (-one.start_ms, number)
        for number, one in enumerate(read.segments)
        if one.start_ms <= at_ms < one.end_ms or at_ms == one.start_ms
    ]
    found = (_located(read.segments[number], number, was) for _, number in sorted(covering))
    return next((one for one in found if one), None)


def _located(segment: Segment, number: int, was: str) -> Located | None:
    match = _first(segment.text, was)
    if match is None:
        return None
    tokens = tokens_of(segment)
    ends = list(accumulate(len(token.gap) + len(token.text) for token in tokens))
    first, last = bisect_right(ends, match.start()), bisect_left(ends, match.end())
    begin, end = ends[first] - len(tokens[first].text), ends[last]
    return Located(
        extent(tokens[first : last + 1]),
        segment.text[begin:end],
        segment.text[begin : match.start()],
        segment.text[match.end() : end],
        number,
        first,
        last,
    )


def _first(text: str, was: str) -> re.Match[str] | None:
    term = r"\s+".join(map(re.escape, was.split()))
    if not term:
        return None
    # A word ends where letters and digits do; what ends in a mark ends there.
    whole = rf"(?:(?<!\w)|(?!\w)){term}(?:(?!\w)|(?<!\w))"
    for pattern in (whole, term):
        for flags in (0, re.IGNORECASE):
            if match := re.search(pattern, text, flags):
                return match
    return None


def correction_for(below: Beneath, at_ms: int, was: str, now: str) -> Edit | None:
    """The correction that a person asks for who names a time and the text to be replaced there;
    None where ``locate`` finds nothing in what is shown.

    It is about whole words, without the punctuation around them that stays, and with a word beside
    them where they alone could be mistaken (``edits_of``). Raises BadInput
    (``correct.across_withheld``).
    """
    found = locate(below.shown, at_ms, was)
    if found is None:
        return None
    one, first = _shown_around(below, found)
    begin, end = first, first + found.last - found.first + 1
    new = [
        (one.segments[begin], replace(one.tokens[begin], text=text))
        for text in f"{found.before}{now}{found.after}".split()
    ]
    placed = list(zip(one.segments, one.tokens, strict=True))
    other = Side.of([*placed[:begin], *new, *placed[end:]])
    return next(edits_of(below.whole, one, other, [Hunk(begin, end, begin, begin + len(new))]))


def _shown_around(below: Beneath, found: Located) -> tuple[Side, int]:
    """The words shown around a place, as far as nothing is withheld between them, and which of
    them is the first found."""
    shown = [n for n, hidden in enumerate(below.hidden) if not hidden]
    before = sum(len(one.text.split()) for one in below.shown.segments[: found.segment])
    begin = shown[before + found.first]
    end = shown[before + found.last] + 1
    first, last = begin, end
    while first > 0 and not is_wall(below, first - 1, first):
        first -= 1
    while last < len(below.tokens) and not is_wall(below, last - 1, last):
        last += 1
    if any(is_wall(below, at - 1, at) for at in range(begin + 1, end)):
        raise BadInput("correct.across_withheld", time=format_short(found.span.start_ms))
    return Side.of(below.tokens[first:last]), begin - first
