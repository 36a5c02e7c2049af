"""What is said otherwise in another version of a transcript: as corrections, and as a summary."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from pipeline.corrections.aligning import Hunk, Side, differing, side_of
from pipeline.corrections.edits import Edit, edits_of
from pipeline.corrections.phrases import parts
from pipeline.values import Transcript

__all__ = ["Changes", "Edit", "changes", "differences"]

_LONG = 12
"""Changed words beyond which a passage is taken apart at the segments as read."""

_COMMONEST = 10
_SHORT_PHRASE = 3


@dataclass(frozen=True, slots=True)
class Changes:
    """A summary of what two versions of a transcript differ in, case and punctuation aside.

    ``words`` is the number of words before. ``commonest`` holds the most frequent substitutions:
    what was said, what is said, how often.
    """

    replaced: int
    inserted: int
    deleted: int
    words: int
    commonest: tuple[tuple[str, str, int], ...]


def differences(read: Transcript, edited: Transcript) -> tuple[Edit, ...]:
    """The corrections that make of ``read`` what ``edited`` says, in order.

    Laid on one after the other they yield its words with their punctuation. Cues may have been
    split, joined, deleted or moved in time a little, and speakers renamed: only words count. What
    was added is told of a word beside it; a new cue where nothing was said, of nothing.
    """
    one, other = side_of(read), side_of(edited)
    hunks = chain.from_iterable(_taken_apart(one, other, hunk) for hunk in _whole(one, other))
    return tuple(edits_of(read, one, other, hunks))


def _whole(one: Side, other: Side) -> list[Hunk]:
    """What differs, in order. Words that go leave their full stop or their capital letter to a
    word beside them in the segment: that is one change, and undone as one."""
    whole: list[Hunk] = []
    before = ""
    for hunk, respelt in differing(one, other):
        deleted = hunk.other_begin == hunk.other_end
        kind = "respelt" if respelt else "deleted" if deleted else "other"
        if {before, kind} == {"respelt", "deleted"} and _adjoin(one, whole[-1], hunk):
            last = whole.pop()
            whole.append(Hunk(last.begin, hunk.end, last.other_begin, hunk.other_end))
        else:
            whole.append(hunk)
        before = kind
    return whole


def _adjoin(one: Side, first: Hunk, second: Hunk) -> bool:
    return first.end == second.begin and one.segments[first.end - 1] == one.segments[second.begin]


def _taken_apart(one: Side, other: Side, hunk: Hunk) -> Iterator[Hunk]:
    """A long passage segment by segment; words of the other version go where they are in time."""
    cuts = [(hunk.begin, hunk.other_begin)]
    if max(hunk.end - hunk.begin, hunk.other_end - hunk.other_begin) > _LONG:
        for at in range(hunk.begin + 1, hunk.end):
            if one.segments[at] != one.segments[at - 1]:
                starts = other.starts
                cut = bisect_left(starts, one.starts[at], cuts[-1][1], hunk.other_end)
                cuts.append((at, cut))
    for (i, j), (i_end, j_end) in pairwise([*cuts, (hunk.end, hunk.other_end)]):
        yield Hunk(i, i_end, j, j_end)


# --- the summary -----------------------------------------------------------------------------


def changes(before: Transcript, after: Transcript) -> Changes:
    """How many words another version of a transcript has replaced, inserted and deleted."""
    one, other = side_of(before, marks=False), side_of(after, marks=False)
    replaced = inserted = deleted = 0
    substitutions: Counter[tuple[str, str]] = Counter()
    for hunk, only_spelling in differing(one, other):
        if only_spelling:
            continue
        was, now = (
            _words(one, hunk.begin, hunk.end),
            _words(other, hunk.other_begin, hunk.other_end),
        )
        both = min(len(was), len(now))
        replaced, inserted, deleted = (
            replaced + both,
            inserted + len(now) - both,
            deleted + len(was) - both,
        )
        substitutions.update(_substitutions(was, now))
    commonest = sorted(substitutions.items(), key=lambda item: (-item[1], item[0]))[:_COMMONEST]
    return Changes(
        replaced,
        inserted,
        deleted,
        len(one.tokens),
        tuple((was, now, count) for (was, now), count in commonest),
    )


def _words(side: Side, begin: int, end: int) -> list[str]:
    return [parts(token.text)[1] for token in side.tokens[begin:end]]


def _substitutions(was: Sequence[str], now: Sequence[str]) -> list[tuple[str, str]]:
    """Word by word where as many are left; a few words as one ("Stadt Werke")."""
    if len(was) == len(now):
        return list(zip(was, now, strict=True))
    if was and now and max(len(was), len(now)) <= _SHORT_PHRASE:
        return [(" ".join(was), " ".join(now))]
    return []
