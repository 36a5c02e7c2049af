"""Tokens with times: the text of a transcript, taken apart at white space.

Words with times are laid along the text of their segment; where there are none, or they differ,
times are spread in proportion to letters.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

from pipeline.values import Segment, Transcript, Word

# "yes.Then": some recognisers leave out the space; "Node.js" and "z.B." are other things.
_GLUED = re.compile(r"(?<=[a-zäöüß]{2}[.?!])(?=[A-ZÄÖÜ](?:[a-zäöüß]|\b))")
_SPACED = re.compile(r"[a-zäöüß]{2}[.?!]\s+[A-ZÄÖÜ]")


@dataclass(frozen=True, slots=True)
class TimedToken:
    """What stands between two white spaces, with its time, its segment and the words it covers.

    Words are ordinals in the transcript's flat word sequence, inclusive, None without word times.
    """

    text: str
    start_ms: int
    end_ms: int
    segment: int
    first_word: int | None
    last_word: int | None
    language: str | None
    speaker: str | None


def timed_tokens(transcript: Transcript) -> list[TimedToken]:
    """Every white-space separated token of the transcript, in order, with non-decreasing starts."""
    tokens: list[TimedToken] = []
    segments = transcript.segments
    glued = _is_glued(segments)
    limit = transcript.duration_ms or max((s.end_ms for s in segments), default=0)
    earliest = ordinal = 0
    for number, segment in enumerate(segments):
        following = segments[number + 1].start_ms if number + 1 < len(segments) else None
        language = segment.language or transcript.language
        for text, heard_ms, until_ms, first, last in _timed(segment, following, glued):
            earliest = min(max(heard_ms, earliest), limit)
            known = bool(segment.words)
            tokens.append(
                TimedToken(
                    text,
                    earliest,
                    min(max(until_ms, earliest), limit),
                    number,
                    ordinal + first if known else None,
                    ordinal + last if known else None,
                    language,
                    segment.speaker,
                )
            )
        ordinal += len(segment.words)
    return tokens


def _timed(
    segment: Segment, following: int | None, glued: bool
) -> Iterator[tuple[str, int, int, int, int]]:
    """(text, start, end, first word, last word) of each token; words numbered in the segment.

    Tokens and words are laid along the same line of letters, white space left out. Where they
    differ (a corrected text), equal words are matched and what lies between is spread in
    proportion. A segment without words counts as one long word.
    """
    texts = _GLUED.sub(" ", segment.text).split() if glued else segment.text.split()
    words = segment.words or (_whole(segment, following, "".join(texts)),)
    # A word without characters still needs a place on the line.
    spelled = ["".join(word.text.split()) or "\0" for word in words]
    ends = list(accumulate(len(letters) for letters in spelled))
    place = _matched(texts, spelled)
    position = 0
    for text in texts:
        begin, end = place(position), place(position + len(text))
        position += len(text)
        first = min(bisect_right(ends, begin), len(words) - 1)
        last = max(first, min(bisect_left(ends, end), len(words) - 1))
        yield (
            text,
            _time_at(words[first], ends[first] - begin, len(spelled[first])),
            _time_at(words[last], ends[last] - end, len(spelled[last])),
            first,
            last,
        )


def _is_glued(segments: Sequence[Segment]) -> bool:
    """Whether the transcript leaves out the space between sentences again and again; a single
    place may as well be a name."""
    joints = sum(len(_GLUED.findall(segment.text)) for segment in segments)
    spaced = sum(len(_SPACED.findall(segment.text)) for segment in segments)
    return joints >= 3 and joints * 4 > spaced


def _time_at(word: Word, letters_left: int, letters: int) -> int:
    passed = min(max(letters - letters_left, 0), letters)
    return word.start_ms + (word.end_ms - word.start_ms) * passed // letters


def _whole(segment: Segment, following: int | None, letters: str) -> Word:
    """A segment without words as one word. A cue that overlaps its successor a little is badly
    cut and ends where the next begins; one that overlaps it by half is two people talking."""
    start, end = segment.start_ms, segment.end_ms
    if following is not None and (start + end) // 2 <= following < end:
        end = following
    return Word(start, max(start, end), letters)


def _matched(texts: Sequence[str], spelled: Sequence[str]) -> Callable[[int], int]:
    """Maps a position in the letters of ``texts`` to one in those of ``spelled``: exact where
    words are the same, in proportion between them, monotonic and onto both ends."""
    text_ends = list(accumulate(map(len, texts), initial=0))
    word_ends = list(accumulate(map(len, spelled), initial=0))
    if "".join(texts) == "".join(spelled):
        return lambda position: position
    points = [(0, 0)]
    for block in SequenceMatcher(None, texts, spelled).get_matching_blocks():
        points.append((text_ends[block.a], word_ends[block.b]))
        points.append((text_ends[block.a + block.size], word_ends[block.b + block.size]))
    positions = [position for position, _ in points]

    def place(position: int) -> int:
        if position == 0:
            return 0
        # Of words left out, the last place: what follows them is then timed exactly.
        at = bisect_right(positions, position) - 1
        begin, target = points[at]
        if position == begin:
            return target
        end, target_end = points[at + 1]
        return target + (target_end - target) * (position - begin) // (end - begin)

    return place


# --- where sentences end ---------------------------------------------------------------------


def gap_ms(tokens: Sequence[TimedToken], at: int) -> int:
    """The silence before ``tokens[at]``."""
    return max(tokens[at].start_ms - tokens[at - 1].end_ms, 0)
