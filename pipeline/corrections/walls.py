"""Walls: withheld stretches between two versions of a transcript, which no edit may cross or touch.

A file may have been written before a stretch was withheld, or after. Only one from before has a cue
at that time, and its words there are compared with the withheld ones, so that they are no edit.
Where what it says beside them might be theirs, it is left out, and the caller is told.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pipeline.corrections.aligning import Hunk, Side, same_words, side_of
from pipeline.corrections.edits import Edit
from pipeline.corrections.phrases import key
from pipeline.corrections.timing import NEAR_MS, extent, overlap
from pipeline.corrections.withholding import Beneath
from pipeline.values import Segment, Span, Transcript

Pair = tuple[int, int]
"""A word of either version, the same; or where either of them is cut."""


@dataclass(slots=True)
class Compared:
    """Both versions word by word. ``sections`` lie between walls: what differs in each of them is
    an edit of its own. ``left_out`` is when the edited version says what is not taken from it."""

    one: Side
    other: Side
    same: list[Pair]
    sections: list[Hunk]
    left_out: list[int] = field(default_factory=list)


def compared(below: Beneath, edited: Transcript) -> Compared:
    known = _known(below, edited.segments)
    told = [at for at, spans in enumerate(below.hidden) if not spans or known.intersection(spans)]
    one, other = Side.of([below.tokens[at] for at in told]), side_of(edited)
    found = Compared(one, other, same_words(one, other), [])
    hidden = [bool(below.hidden[at]) for at in told]
    parts = [at for at in range(1, len(told)) if is_wall(below, told[at - 1], told[at])]
    found.sections += _Walls(below, found, hidden, frozenset(parts)).sections()
    return found


def _known(below: Beneath, cues: Sequence[Segment]) -> set[Span]:
    """Withheld stretches in which the edited version has a cue that is not one of those shown."""
    shown = {(one.start_ms, one.end_ms) for one in below.shown.segments}
    times = [Span(*time) for one in cues if (time := (one.start_ms, one.end_ms)) not in shown]
    return {span for span in below.withheld if any(overlap(time, span) for time in times)}


# --- sections ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Walls:
    below: Beneath
    found: Compared
    hidden: Sequence[bool]
    parts: frozenset[int]
    """Words between which and the one before something is withheld."""

    def sections(self) -> Iterator[Hunk]:
        begin, other_begin = 0, 0
        for wall in self._merged():
            left, right = self._between(wall, other_begin)
            yield Hunk(begin, left[0], other_begin, left[1])
            begin, other_begin = right
        yield Hunk(begin, len(self.hidden), other_begin, len(self.found.other.tokens))

    def _all(self) -> Iterator[Pair]:
        """Runs of withheld words; places between shown words with a withheld stretch between."""
        begin = 0
        for at in range(len(self.hidden) + 1):
            if at < len(self.hidden) and self.hidden[at]:
                continue
            if begin < at:
                yield begin, at
            elif at in self.parts:
                yield at, at
            begin = at + 1

    def _merged(self) -> list[Pair]:
        """Walls with nothing certain between them as one."""
        walls: list[Pair] = []
        for begin, end in self._all():
            last = walls[-1] if walls else None
            ranges = last and (last[0] < last[1] or begin < end)
            if last and ranges and self._first_same(last[1]) == self._first_same(begin):
                walls[-1] = (last[0], end)
            else:
                walls.append((begin, end))
        return walls

    def _first_same(self, at: int) -> int:
        """Which of the same words is the first from ``at`` on."""
        return bisect_left(self.found.same, (at, 0))

    def _between(self, wall: Pair, least: int) -> tuple[Pair, Pair]:
        """Where the section before a wall ends and the one behind it begins."""
        same, ends = self.found.same, (len(self.hidden), len(self.found.other.tokens))
        first, last = self._first_same(wall[0]), self._first_same(wall[1])
        before = same[first - 1] if first else (-1, -1)
        before = (before[0] + 1, max(before[1] + 1, least))
        behind = same[last] if last < len(same) else ends
        if wall[0] == wall[1]:
            return self._at_place(wall[0], before, behind)
        return self._around(wall, before, same[first:last], behind)

    def _at_place(self, at: int, before: Pair, behind: Pair) -> tuple[Pair, Pair]:
        """Words of the other version go where they are in time. A cue of its own that is new
        beside a withheld stretch may be what was said in it, with times that are a little off."""
        one, other = self.found.one.tokens, self.found.other
        gap = extent(one[at - 1 : at + 1])
        wall = next((span for span in self.below.withheld if overlap(gap, span)), gap)
        middle_ms = (wall.start_ms + wall.end_ms) // 2
        cut = bisect_left(other.starts, middle_ms, before[1], behind[1])
        begin, end = before[1], behind[1]
        if before[0] == at and self._is_new_beside(begin, cut):
            self._leave_out(begin, cut)
            left = begin
        else:
            left = cut
        if behind[0] == at and self._is_new_beside(cut, end):
            self._leave_out(cut, end)
            right = end
        else:
            right = cut
        return (at, left), (at, right)

    def _is_new_beside(self, begin: int, end: int) -> bool:
        cues = self.found.other.segments
        if begin == end or (begin > 0 and cues[begin - 1] == cues[begin]):
            return False
        if end < len(cues) and cues[end - 1] == cues[end]:
            return False
        span = extent(self.found.other.tokens[begin:end])
        return any(overlap(_wider(one), span) for one in self.below.reaches)

    def _around(
        self, wall: Pair, before: Pair, inside: Sequence[Pair], behind: Pair
    ) -> tuple[Pair, Pair]:
        """Around withheld words that the other version may know: only what stands for a shown word
        next to one that is the same is surely not one of them."""
        if not inside:
            if before[1] == behind[1]:
                return (wall[0], before[1]), (wall[1], behind[1])
            self._leave_out(before[1], behind[1])
            return before, behind
        for (_, other_at), (_, following) in pairwise(inside):
            self._leave_out(other_at + 1, following)
        for at, other_at in inside:
            if self.found.one.tokens[at].text != self.found.other.tokens[other_at].text:
                self._leave_out(other_at, other_at + 1)
        (first, other_first), (last, other_last) = inside[0], inside[-1]
        left, right = before, behind
        words, shown = other_first - before[1], wall[0] - before[0]
        if not words or (first == wall[0] and words <= shown):
            left = (wall[0], other_first)
        else:
            self._leave_out(before[1], other_first)
        words, shown = behind[1] - other_last - 1, behind[0] - wall[1]
        if not words or (last == wall[1] - 1 and words <= shown):
            right = (wall[1], other_last + 1)
        else:
            self._leave_out(other_last + 1, behind[1])
        return left, right

    def _leave_out(self, begin: int, end: int) -> None:
        if begin < end:
            self.found.left_out.append(self.found.other.starts[begin])


def is_wall(below: Beneath, at: int, following: int) -> bool:
    """Whether anything is withheld between two words, or one of them is."""
    if following > at + 1 or below.hidden[at] or below.hidden[following]:
        return True
    both = extent([below.tokens[at][1], below.tokens[following][1]])
    return any(overlap(both, span) for span in below.withheld)


def _wider(span: Span) -> Span:
    return Span(max(span.start_ms - NEAR_MS, 0), span.end_ms + NEAR_MS)


# --- edits -------------------------------------------------------------------------------------


class Guard:
    """Tells the edits that may not be stored: over a withheld stretch they would not be seen
    either, and near one they must not bring what is said in it and nowhere else."""

    def __init__(self, below: Beneath) -> None:
        hidden, shown = set[str](), set[str]()
        for (_, token), spans in zip(below.tokens, below.hidden, strict=True):
            (hidden if spans else shown).add(key(token.text))
        self._secret = hidden - shown
        self._below = below

    def allows(self, edit: Edit) -> bool:
        # What is told of no word goes wherever words may have been withheld.
        covered = self._below.withheld if edit.was else self._below.reaches
        if any(overlap(one, edit.span) for one in covered):
            return False
        near = any(overlap(_wider(one), edit.span) for one in self._below.reaches)
        return not (near and self._secret.intersection(map(key, edit.now.split())))
