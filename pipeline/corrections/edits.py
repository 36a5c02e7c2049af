"""Edits: human text over a stretch of a recording, told so that it cannot be mistaken."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from pipeline.corrections.aligning import Hunk, Side
from pipeline.corrections.phrases import Match, exact_matches, matches, trimmed
from pipeline.corrections.timing import NEAR_MS, extent
from pipeline.values import Span, Transcript


@dataclass(frozen=True, slots=True)
class Edit:
    """Human text ``now`` in place of ``was``, whole words over a stretch of a recording.

    ``was`` is empty where nothing stood, ``now`` where nothing is to stay.
    """

    span: Span
    was: str
    now: str


def edits_of(read: Transcript, one: Side, other: Side, hunks: Iterable[Hunk]) -> Iterator[Edit]:
    """What is another in ``other``, in order, given the hunks in which it differs.

    Laid on one after the other the edits make ``other`` of ``one``; and laid on again, upon a
    machine's text that says by now what they say, they leave it alone. Where the changed words
    alone would not do, words around them are part of an edit: what was added is told of a word
    beside it, and so is what was deleted if it is said again close by.
    """
    comparison = _Comparison(read, one, other)
    return (edit for hunk in comparison.clear(hunks) for edit in comparison.edits(hunk))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The transcript as read and the words of both versions."""

    read: Transcript
    one: Side
    other: Side

    def clear(self, hunks: Iterable[Hunk]) -> list[Hunk]:
        """Hunks that cannot be mistaken."""
        todo, done = deque(hunks), list[Hunk]()
        while todo:
            hunk = todo.popleft()
            while (side := self._lacks(hunk)) is not None:
                hunk = _grown_left(hunk, done) if side == "left" else _grown_right(hunk, todo)
            done.append(hunk)
        return done

    def _lacks(self, hunk: Hunk) -> Literal["left", "right"] | None:
        """On which side a hunk needs another word to be clear; None where it is, or is all."""
        left, right = hunk.begin > 0, hunk.end < len(self.one.tokens)
        added = hunk.begin == hunk.end
        if not (left or right) or (added and self._is_apart(hunk)):
            return None
        if added:
            return "right" if not left or (right and self._opens(hunk)) else "left"
        if left and self._at_once(hunk.begin - 1):
            return "left"
        if (right and self._at_once(hunk.end - 1)) or self._stands(hunk) or self._returns(hunk):
            return "right" if right and (not left or self._goes_on(hunk)) else "left"
        return None

    def _goes_on(self, hunk: Hunk) -> bool:
        """Whether the next word is said in the same segment, or the one before is not either."""
        segments, begin, end = self.one.segments, hunk.begin, hunk.end
        return segments[end] == segments[end - 1] or segments[begin - 1] != segments[begin]

    def _opens(self, hunk: Hunk) -> bool:
        """Whether added words open a cue, so that they belong to the word behind them."""
        cues, begin, end = self.other.segments, hunk.other_begin, hunk.other_end
        opening = begin == 0 or cues[begin - 1] != cues[begin]
        return opening and end < len(cues) and cues[end] == cues[end - 1]

    def _at_once(self, at: int) -> bool:
        """Whether a word and the next cannot be told apart by time."""
        return self.one.tokens[at].middle_ms == self.one.tokens[at + 1].middle_ms

    def _stands(self, hunk: Hunk) -> bool:
        """Whether the words as edited would be taken to stand there already when the hunk's turn
        comes: "ja" becomes "ja ja" before another "ja"."""
        was, now = self._texts(hunk)
        wanted = now.split()
        before = self.other.tokens[max(hunk.other_begin - len(wanted), 0) : hunk.other_begin]
        behind = self.one.tokens[hunk.begin : hunk.end + len(wanted)]
        first, last = len(before), len(before) + hunk.end - hunk.begin - 1
        own = Match(first, last, "", "", len(was))
        texts = [token.text for token in (*before, *behind)]
        return any(match.surrounds(own) for match in exact_matches(texts, wanted))

    def _returns(self, hunk: Hunk) -> bool:
        """Whether the words as read are found again in what the hunk leaves: "ja ja" becomes
        "ja" beside another "ja"."""
        was, now = self._texts(hunk)
        wanted = was.split()
        if not now:
            return self._recurs(hunk, wanted)
        begin = max(hunk.other_begin - len(wanted), 0)
        tokens = self.other.tokens[begin : hunk.other_end + len(wanted)]
        own = Match(hunk.other_begin - begin, hunk.other_end - begin - 1, "", "", len(now))
        return any(found.surrounds(own) for found in matches([t.text for t in tokens], wanted))

    def _recurs(self, hunk: Hunk, wanted: Sequence[str]) -> bool:
        """Whether words to be deleted are said again close by, as read or as edited."""
        span, segments = extent(self.one.tokens[hunk.begin : hunk.end]), self.one.segments
        begin = bisect_left(self.one.starts, span.start_ms - NEAR_MS)
        end = max(bisect_right(self.one.starts, span.end_ms + NEAR_MS), hunk.end)
        begin = bisect_left(segments, segments[min(begin, hunk.begin)])
        end = bisect_right(segments, segments[end - 1])
        around = [token.text for token in self.one.tokens[begin:end]]
        size = 2 * (end - begin)
        edited = self.other.tokens[max(hunk.other_begin - size, 0) : hunk.other_end + size]
        return any(begin + match.first != hunk.begin for match in matches(around, wanted)) or bool(
            matches([token.text for token in edited], wanted)
        )

    def _texts(self, hunk: Hunk) -> tuple[str, str]:
        was = self.one.text(hunk.begin, hunk.end)
        return trimmed(was, self.other.text(hunk.other_begin, hunk.other_end))

    def _cues(self, hunk: Hunk) -> list[tuple[Span, str]]:
        """Added words as cues of their own, those that overlap as one."""
        cues: list[tuple[Span, str]] = []
        numbers = range(hunk.other_begin, hunk.other_end)
        for _, cue in groupby(numbers, key=self.other.segments.__getitem__):
            tokens = [self.other.tokens[number] for number in cue]
            span, text = extent(tokens), " ".join(token.text for token in tokens)
            if cues and span.start_ms < cues[-1][0].end_ms:
                last, said = cues.pop()
                span = Span(last.start_ms, max(last.end_ms, span.end_ms))
                text = f"{said} {text}"
            cues.append((span, text))
        return cues

    def _is_apart(self, hunk: Hunk) -> bool:
        """Whether words were added where nobody speaks as read."""
        return all(self._is_free(hunk, span) for span, _ in self._cues(hunk))

    def _is_free(self, hunk: Hunk, span: Span) -> bool:
        tokens, middle_ms = self.one.tokens, (span.start_ms + span.end_ms) // 2
        return (
            (hunk.begin == 0 or tokens[hunk.begin - 1].end_ms < span.start_ms)
            and (hunk.end == len(tokens) or tokens[hunk.end].start_ms > span.end_ms)
            and span.end_ms <= self.read.duration_ms
            and not any(one.start_ms <= middle_ms < one.end_ms for one in self.read.segments)
        )

    def edits(self, hunk: Hunk) -> Iterator[Edit]:
        if hunk.begin < hunk.end:
            yield Edit(extent(self.one.tokens[hunk.begin : hunk.end]), *self._texts(hunk))
            return
        for span, text in self._cues(hunk):
            yield Edit(span, "", text)


def _grown_left(hunk: Hunk, done: list[Hunk]) -> Hunk:
    if done and done[-1].end == hunk.begin:
        last = done.pop()
        return Hunk(last.begin, hunk.end, last.other_begin, hunk.other_end)
    return Hunk(hunk.begin - 1, hunk.end, hunk.other_begin - 1, hunk.other_end)


def _grown_right(hunk: Hunk, todo: deque[Hunk]) -> Hunk:
    if todo and todo[0].begin == hunk.end:
        following = todo.popleft()
        return Hunk(hunk.begin, following.end, hunk.other_begin, following.other_end)
    return Hunk(hunk.begin, hunk.end + 1, hunk.other_begin, hunk.other_end + 1)
