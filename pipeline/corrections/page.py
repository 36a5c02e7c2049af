"""A page: a transcript being worked on, its segments as lines of tokens.

Lines that nobody touches stay the very segments they were. Places are found by time; a line is
taken apart only when something near it is looked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import accumulate, chain, groupby, pairwise, repeat
from operator import attrgetter
from typing import NamedTuple

from pipeline.corrections.phrases import closed, key, parts, put_together, stays_of
from pipeline.corrections.timing import NEAR_MS, Token, extent, tokens_of
from pipeline.values import Segment, Span, Transcript, Word

_LONGEST_DOUBT_MS = 30_000


@dataclass(slots=True, eq=False)
class Line:
    """A segment, its tokens (None until they are needed) and whether people changed it.

    ``worded``: its words have times. Elsewhere a token's time is a guess, which a pause or a slow
    speaker puts off by up to a quarter of the segment.
    """

    segment: Segment
    worded: bool
    touched: bool = False
    taken_apart: list[Token] | None = None

    @property
    def tokens(self) -> list[Token]:
        if self.taken_apart is None:
            self.taken_apart = tokens_of(self.segment)
        return self.taken_apart

    @property
    def text(self) -> str:
        if not self.touched:
            return self.segment.text
        end = self.segment.text[len(self.segment.text.rstrip()) :]
        return "".join(token.gap + token.text for token in self.tokens) + end

    @property
    def doubt_ms(self) -> int:
        if self.worded:
            return 0
        return min((self.segment.end_ms - self.segment.start_ms) // 4, _LONGEST_DOUBT_MS)

    def replace(self, begin: int, end: int, texts: Sequence[str], asked: Span | None) -> None:
        """Put ``texts``, sharing out the time, in place of ``tokens[begin:end]``, at least one.

        They may have been said at any time at which these were.
        """
        old = self.tokens[begin:end]
        span = whole = extent(old)
        if end < len(self.tokens):
            next_ms = self.tokens[end].start_ms
            span = Span(span.start_ms, max(min(span.end_ms, next_ms), span.start_ms))
        said = dict.fromkeys([whole, *(one for token in old for one in token.said)])
        new = Token(old[0].gap, "", 0, 0, (), tuple(said), asked or old[0].asked)
        self._put(begin, end, self._written(new, texts, span))

    def insert(self, at: int, texts: Sequence[str], span: Span) -> None:
        """Put ``texts`` before ``tokens[at]``, as near to ``span`` as the neighbours let them."""
        last_ms = self.tokens[at].start_ms if at < len(self.tokens) else self.segment.end_ms
        first_ms = min(self.tokens[at - 1].end_ms if at else self.segment.start_ms, last_ms)
        start_ms = min(max(span.start_ms, first_ms), last_ms)
        free = Span(start_ms, min(max(span.end_ms, start_ms), last_ms))
        self._put(at, at, self._written(Token(" ", "", 0, 0, (), (), span), texts, free))

    def amend(self, at: int, text: str) -> None:
        """Give a token other punctuation."""
        token = self.tokens[at]
        words = token.words
        if len(words) == 1:
            words = (replace(words[0], text=text),)
        self.tokens[at] = replace(token, text=text, words=words)
        self.touched = True

    def _written(self, like: Token, texts: Sequence[str], span: Span) -> list[Token]:
        said = (*like.said, like.asked) if like.asked else like.said
        gaps = chain([like.gap], repeat(" "))
        return [
            Token(
                gap,
                text,
                time.start_ms,
                time.end_ms,
                (Word(time.start_ms, time.end_ms, text),) if self.worded else (),
                said,
                like.asked,
            )
            for gap, text, time in zip(gaps, texts, shared_out(span, texts), strict=False)
        ]

    def _put(self, begin: int, end: int, new: Sequence[Token]) -> None:
        margin = self.tokens[0].gap if self.tokens else ""
        self.tokens[begin:end] = new
        following = begin + len(new)
        if following < len(self.tokens):
            token = self.tokens[following]
            self.tokens[following] = replace(token, gap=token.gap or " ")
        if self.tokens:
            self.tokens[0] = replace(self.tokens[0], gap=margin)
        self.touched = True


class Spot(NamedTuple):
    """A token's place on a page, good until its line changes."""

    line: Line
    at: int

    @property
    def token(self) -> Token:
        return self.line.tokens[self.at]


class Page:
    """The lines of a transcript, in order."""

    def __init__(self, transcript: Transcript) -> None:
        self.lines = [Line(one, bool(one.words)) for one in transcript.segments]
        self._worded = not self.lines or any(line.worded for line in self.lines)
        self._language = transcript.language
        self._duration_ms = transcript.duration_ms
        self._doubt_ms = max((line.doubt_ms for line in self.lines), default=0)
        self._number()

    def _number(self) -> None:
        self._starts = [line.segment.start_ms for line in self.lines]
        self._ends = list(accumulate((line.segment.end_ms for line in self.lines), max))

    def near(self, span: Span) -> Iterator[list[Spot]]:
        """Tokens that may be meant by ``span``: runs of neighbours in order of the page.

        A run goes on in the next line where a line is in it to its end.
        """
        reach_ms = NEAR_MS + self._doubt_ms
        first = bisect_left(self._ends, span.start_ms - reach_ms)
        last = bisect_right(self._starts, span.end_ms + reach_ms)
        run: list[Spot] = []
        to_its_end = False
        for line in self.lines[first:last]:
            begin, end = _reached(line, span)
            if run and not (to_its_end and begin == 0):
                yield run
                run = []
            run += [Spot(line, at) for at in range(begin, end)]
            to_its_end = end == len(line.tokens)
        if run:
            yield run

    def put(
        self, run: Sequence[Spot], before: str, now: str, after: str, asked: Span | None = None
    ) -> None:
        """Put human text in place of neighbouring tokens, between the punctuation around it.

        ``asked`` is the span for which people wrote it; None for a term replaced everywhere.
        """
        if not now and not any(parts(around)[1] for around in (before, after)):
            self._strike(run, before, after)
            return
        texts = put_together(before, now, after).split()
        lines = [list(spots) for _, spots in groupby(run, key=lambda spot: id(spot.line))]
        for spots, own in zip(lines, _dealt(lines, texts), strict=True):
            spots[0].line.replace(spots[0].at, spots[-1].at + 1, own, asked)

    def _strike(self, run: Sequence[Spot], before: str, after: str) -> None:
        first, last = run[0], run[-1]
        before, after = stays_of(before, after)
        if before and last.at + 1 < len(last.line.tokens):
            last.line.amend(last.at + 1, before + last.line.tokens[last.at + 1].text)
        for _, spots in groupby(run, key=lambda spot: id(spot.line)):
            own = list(spots)
            own[0].line.replace(own[0].at, own[-1].at + 1, (), None)
        if after and first.at > 0:
            first.line.amend(first.at - 1, closed(first.line.tokens[first.at - 1].text, after))

    def insert(self, span: Span, text: str) -> Span:
        """Put human text where nothing stood; where it lies now. Where several people talk at
        once it goes to the one who began last; where nobody does it is a segment of its own."""
        middle_ms = (span.start_ms + span.end_ms) // 2
        begun = bisect_right(self._starts, middle_ms)
        talking = [
            line
            for line in self.lines[bisect_right(self._ends, middle_ms) : begun]
            if line.segment.end_ms > middle_ms
        ]
        line = talking[-1] if talking else self._new_line(begun, span)
        at = sum(token.middle_ms <= middle_ms for token in line.tokens)
        while 0 < at < len(line.tokens) and _belong_together(*line.tokens[at - 1 : at + 1]):
            at += 1
        texts = text.split()
        line.insert(at, texts, span)
        return extent(line.tokens[at : at + len(texts)])

    def _new_line(self, number: int, span: Span) -> Line:
        before_ms = self._ends[number - 1] if number else 0
        after_ms = max(self._duration_ms, before_ms)
        if number < len(self.lines):
            after_ms = self._starts[number]
        start_ms = min(max(span.start_ms, before_ms), after_ms)
        end_ms = max(min(span.end_ms, after_ms), start_ms)
        neighbours = self.lines[max(number - 1, 0) : number + 1]
        language = neighbours[0].segment.language if neighbours else self._language
        line = Line(Segment(start_ms, end_ms, "", language), self._worded)
        self.lines.insert(number, line)
        self._number()
        return line


def _belong_together(one: Token, other: Token) -> bool:
    return one.asked is not None and one.asked == other.asked


def shared_out(span: Span, texts: Sequence[str]) -> list[Span]:
    """The time of ``span`` shared out to texts that follow one another, by their characters."""
    ends = list(accumulate(map(len, texts), initial=0))
    times = [span.start_ms + span.length_ms * end // max(ends[-1], 1) for end in ends]
    return [Span(start_ms, end_ms) for start_ms, end_ms in pairwise(times)]


def _reached(line: Line, span: Span) -> tuple[int, int]:
    reach_ms = NEAR_MS + line.doubt_ms
    begin = bisect_left(line.tokens, span.start_ms - reach_ms, key=attrgetter("end_ms"))
    end = bisect_right(line.tokens, span.end_ms + reach_ms, key=attrgetter("start_ms"))
    return begin, max(begin, end)


def _dealt(lines: Sequence[Sequence[Spot]], texts: Sequence[str]) -> list[list[str]]:
    """``texts`` dealt out to the lines whose words they replace: what stayed stays in its line,
    what is new goes where it stands between."""
    old = [(number, spot.token.text) for number, spots in enumerate(lines) for spot in spots]
    dealt: list[list[str]] = [[] for _ in lines]
    keys = [key(text) for _, text in old], [key(text) for text in texts]
    for _, i, i_end, j, j_end in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        for number in range(j, j_end):
            owner = i + (number - j) * (i_end - i) // (j_end - j) if i_end > i else max(i - 1, 0)
            dealt[old[owner][0]].append(texts[number])
    return dealt
