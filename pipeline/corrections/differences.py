"""What is said otherwise in another version of a transcript: as corrections, and as a summary."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from pipeline.corrections.aligning import Hunk, Side, differing, same_words, side_of
from pipeline.corrections.edits import Edit, edits_of
from pipeline.corrections.phrases import parts
from pipeline.corrections.timing import overlap
from pipeline.corrections.walls import Compared, Guard, compared
from pipeline.corrections.withholding import Beneath
from pipeline.values import Span, Transcript

__all__ = ["Changes", "Differences", "Edit", "changes", "differences"]

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


@dataclass(frozen=True, slots=True)
class Differences:
    """What an edited version of a transcript says otherwise.

    ``left_out`` is when it says what would touch a withheld stretch, ``speakers`` when its cues
    begin that name another speaker: neither is among the ``edits``. ``words`` are those of the
    version that has more, ``alike`` is which share of them is the same in both.
    """

    edits: tuple[Edit, ...]
    left_out: tuple[int, ...]
    speakers: tuple[int, ...]
    words: int
    alike: float


def differences(below: Beneath, edited: Transcript) -> Differences:
    """The corrections that make of what is read what ``edited`` says, in order.

    Laid on one after the other they yield its words with their punctuation. Cues may have been
    split, joined, deleted or moved in time a little: only words count. What was added is told of a
    word beside it; a new cue where nothing was said, of nothing.
    """
    both = compared(below, edited)
    guard, left_out = Guard(below), list(both.left_out)
    edits: list[Edit] = []
    for section in both.sections:
        for edit in _edits(below.whole, edited, both, section):
            if guard.allows(edit):
                edits.append(edit)
            else:
                left_out.append(edit.span.start_ms)
    words = max(len(both.one.tokens), len(both.other.tokens), 1)
    return Differences(
        tuple(edits),
        tuple(sorted(left_out)),
        tuple(_other_speakers(below.whole, edited, both)),
        words,
        len(both.same) / words,
    )


def _edits(read: Transcript, edited: Transcript, both: Compared, section: Hunk) -> Iterator[Edit]:
    one = both.one.part(section.begin, section.end)
    other = both.other.part(section.other_begin, section.other_end)
    same = [
        (at - section.begin, other_at - section.other_begin)
        for at, other_at in both.same
        if section.begin <= at < section.end
    ]
    untangled = (
        part
        for hunk in _whole(one, other, same)
        for part in _untangled(read, edited, one, other, hunk)
    )
    hunks = chain.from_iterable(_taken_apart(one, other, hunk) for hunk in untangled)
    return edits_of(read, one, other, hunks)


def _other_speakers(read: Transcript, edited: Transcript, both: Compared) -> Iterator[int]:
    if not any(cue.speaker for cue in edited.segments):
        return
    speakers: defaultdict[int, set[str | None]] = defaultdict(set)
    for at, other_at in both.same:
        speaker = read.segments[both.one.segments[at]].speaker
        speakers[both.other.segments[other_at]].add(speaker)
    for number, before in speakers.items():
        if edited.segments[number].speaker not in before:
            yield edited.segments[number].start_ms


def _whole(one: Side, other: Side, same: Sequence[tuple[int, int]]) -> list[Hunk]:
    """What differs, in order. Words that go leave their full stop or their capital letter to a
    word beside them in the segment: that is one change, and undone as one."""
    whole: list[Hunk] = []
    before = ""
    for hunk, respelt in differing(one, other, same):
        deleted = hunk.other_begin == hunk.other_end
        kind = "respelt" if respelt else "deleted" if deleted else "other"
        if {before, kind} == {"respelt", "deleted"} and _adjoin(one, whole[-1], hunk):
            last = whole.pop()
            whole.append(Hunk(last.begin, hunk.end, last.other_begin, hunk.other_end))
        else:
            whole.append(hunk)
        before = kind
    return whole


def _untangled(
    read: Transcript, edited: Transcript, one: Side, other: Side, hunk: Hunk
) -> tuple[Hunk, ...]:
    """Cues that went and cues that are new, at another time, have nothing to do with each other."""
    if hunk.begin == hunk.end or hunk.other_begin == hunk.other_end:
        return (hunk,)
    gone = _cues(read, one, hunk.begin, hunk.end)
    new = _cues(edited, other, hunk.other_begin, hunk.other_end)
    if gone is None or new is None or overlap(gone, new):
        return (hunk,)
    deleted = Hunk(hunk.begin, hunk.end, hunk.other_end, hunk.other_end)
    if new.end_ms <= gone.start_ms:
        return Hunk(hunk.begin, hunk.begin, hunk.other_begin, hunk.other_end), deleted
    return (
        replace(deleted, other_begin=hunk.other_begin, other_end=hunk.other_begin),
        Hunk(hunk.end, hunk.end, hunk.other_begin, hunk.other_end),
    )


def _cues(transcript: Transcript, side: Side, begin: int, end: int) -> Span | None:
    """The time of the cues that the words are, None where others are in them, too."""
    numbers = side.segments
    if (begin > 0 and numbers[begin - 1] == numbers[begin]) or (
        end < len(numbers) and numbers[end - 1] == numbers[end]
    ):
        return None
    cues = [transcript.segments[number] for number in numbers[begin:end]]
    return Span(min(cue.start_ms for cue in cues), max(cue.end_ms for cue in cues))


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
    for hunk, only_spelling in differing(one, other, same_words(one, other)):
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
