"""Two versions of a transcript side by side: which word of one is which of the other.

They are compared as one run of words each, whatever their segments. Where that is long, places
are taken for certain at which three words in a row are found just once in both (patience diff,
Bram Cohen); where there is none it is cut in time. So three hours take a second, also for texts
that have nothing in common.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from pipeline.corrections.phrases import is_word, key
from pipeline.corrections.timing import Token, tokens_of
from pipeline.values import Transcript

_SMALL = 250_000
"""Words times words that are compared all at once."""

_CERTAIN_WORDS = 3


@dataclass(frozen=True, slots=True)
class Side:
    """One version: its tokens, what they are compared by, and the number of each one's segment."""

    tokens: Sequence[Token]
    keys: Sequence[str]
    starts: Sequence[int]
    segments: Sequence[int]

    @classmethod
    def of(cls, placed: Sequence[tuple[int, Token]]) -> Side:
        """From tokens with the numbers of their segments."""
        tokens = [token for _, token in placed]
        return cls(
            tokens,
            [key(token.text) for token in tokens],
            [token.start_ms for token in tokens],
            [number for number, _ in placed],
        )

    def text(self, begin: int, end: int) -> str:
        return " ".join(token.text for token in self.tokens[begin:end])

    def part(self, begin: int, end: int) -> Side:
        own = slice(begin, end)
        return Side(self.tokens[own], self.keys[own], self.starts[own], self.segments[own])


@dataclass(frozen=True, slots=True)
class Hunk:
    """Words ``begin:end`` of one version that are ``other_begin:other_end`` of the other."""

    begin: int
    end: int
    other_begin: int
    other_end: int


def side_of(transcript: Transcript, *, marks: bool = True) -> Side:
    """A version; without ``marks``, tokens of mere punctuation are left out."""
    return Side.of(
        [
            (number, token)
            for number, segment in enumerate(transcript.segments)
            for token in tokens_of(segment)
            if marks or is_word(token.text)
        ]
    )


def differing(
    one: Side, other: Side, same: Sequence[tuple[int, int]]
) -> Iterator[tuple[Hunk, bool]]:
    """What differs, in order, given the words that are the same; True where it is one word,
    written with another case or other punctuation around it."""
    begin = other_begin = 0
    ends = (len(one.tokens), len(other.tokens))
    for at, other_at in [*same, ends]:
        if (at, other_at) != (begin, other_begin):
            yield Hunk(begin, at, other_begin, other_at), False
        begin, other_begin = at + 1, other_at + 1
        if at < ends[0] and one.tokens[at].text != other.tokens[other_at].text:
            yield Hunk(at, begin, other_at, other_begin), True


def same_words(one: Side, other: Side) -> list[tuple[int, int]]:
    """Words that are the same, in order of both versions."""
    same: list[tuple[int, int]] = []
    regions = [Hunk(0, len(one.keys), 0, len(other.keys))]
    while regions:
        region = _stripped(one, other, regions.pop(), same)
        size, other_size = region.end - region.begin, region.other_end - region.other_begin
        if size * other_size > _SMALL:
            regions += _parted(one, other, region)
        elif size and other_size:
            matcher = SequenceMatcher(
                None,
                one.keys[region.begin : region.end],
                other.keys[region.other_begin : region.other_end],
                autojunk=False,
            )
            for i, j, length in matcher.get_matching_blocks():
                first, other_first = region.begin + i, region.other_begin + j
                same += [(first + n, other_first + n) for n in range(length)]
    return sorted(same)


def _stripped(one: Side, other: Side, region: Hunk, same: list[tuple[int, int]]) -> Hunk:
    """``region`` without the words that are the same at its two ends, which go to ``same``."""
    begin, other_begin = region.begin, region.other_begin
    end, other_end = region.end, region.other_end
    while begin < end and other_begin < other_end and one.keys[begin] == other.keys[other_begin]:
        same.append((begin, other_begin))
        begin, other_begin = begin + 1, other_begin + 1
    while (
        begin < end and other_begin < other_end and one.keys[end - 1] == other.keys[other_end - 1]
    ):
        end, other_end = end - 1, other_end - 1
        same.append((end, other_end))
    return Hunk(begin, end, other_begin, other_end)


def _parted(one: Side, other: Side, region: Hunk) -> list[Hunk]:
    cuts = _certain(one, other, region) or [_middle(one, other, region)]
    corners = [(region.begin, region.other_begin), *cuts, (region.end, region.other_end)]
    return [Hunk(i, i_end, j, j_end) for (i, j), (i_end, j_end) in pairwise(corners)]


def _middle(one: Side, other: Side, region: Hunk) -> tuple[int, int]:
    """Where both versions are in the middle of the region's time; if that parts nothing off, in
    the middle of their words."""
    first_ms = min(one.starts[region.begin], other.starts[region.other_begin])
    last_ms = max(one.starts[region.end - 1], other.starts[region.other_end - 1])
    middle_ms = (first_ms + last_ms + 1) // 2
    at = bisect_left(one.starts, middle_ms, region.begin, region.end)
    other_at = bisect_left(other.starts, middle_ms, region.other_begin, region.other_end)
    corners = ((region.begin, region.other_begin), (region.end, region.other_end))
    if (at, other_at) in corners:
        return (region.begin + region.end) // 2, (region.other_begin + region.other_end) // 2
    return at, other_at


def _certain(one: Side, other: Side, region: Hunk) -> list[tuple[int, int]]:
    """Where words in a row that occur once in both versions begin: as many as are in one order."""
    places = _once(one.keys, region.begin, region.end)
    other_places = _once(other.keys, region.other_begin, region.other_end)
    return _rising([(at, other_places[row]) for row, at in places.items() if row in other_places])


def _once(keys: Sequence[str], begin: int, end: int) -> dict[tuple[str, ...], int]:
    rows = {
        at: tuple(keys[at : at + _CERTAIN_WORDS]) for at in range(begin, end - _CERTAIN_WORDS + 1)
    }
    counts = Counter(rows.values())
    return {row: at for at, row in rows.items() if counts[row] == 1}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of ``pairs``, which rise in the first, that rises in the second, too."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for number, (_, value) in enumerate(pairs):
        length = bisect_left(tails, value)
        previous.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [value]
        ends[length : length + 1] = [number]
    chain = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    return chain[::-1]
