"""What is left of a page without what was said in withheld stretches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pipeline.corrections.page import Line, Page
from pipeline.corrections.timing import Token, overlap
from pipeline.values import Segment, Span, Transcript, Word


@dataclass(frozen=True, slots=True)
class Beneath:
    """A transcript as it would be read were nothing withheld, beside what is ``shown`` of it.

    ``tokens`` are the words of ``whole`` in order, with the numbers of their segments; ``hidden``
    holds for each the withheld stretches in which it may have been said: none if it is shown.
    ``reaches`` are the stretches with all that had to go for want of word times.
    """

    whole: Transcript
    shown: Transcript
    tokens: tuple[tuple[int, Token], ...]
    hidden: tuple[tuple[Span, ...], ...]
    withheld: tuple[Span, ...]
    reaches: tuple[Span, ...]


def beneath_of(page: Page, transcript: Transcript, withheld: Sequence[Span]) -> Beneath:
    """What lies beneath on a page made of ``transcript``."""
    spans = tuple(sorted(_lasting(withheld), key=lambda span: span.start_ms))
    whole: list[Segment] = []
    tokens: list[tuple[int, Token]] = []
    hidden: list[tuple[Span, ...]] = []
    for line in page.lines:
        own = list(_kept(line, ()))
        tokens += [(len(whole), token) for token in line.tokens]
        hidden += [_hiding(line, token, spans) for token in line.tokens]
        whole += own
    return Beneath(
        replace(transcript, segments=tuple(whole)),
        replace(transcript, segments=segments_of(page, spans)),
        tuple(tokens),
        tuple(hidden),
        spans,
        reaches_of(page, spans),
    )


def reaches_of(page: Page, withheld: Sequence[Span]) -> tuple[Span, ...]:
    """Each withheld stretch with all the time from which words may have to go for its sake."""
    found = []
    for span in withheld:
        reaches = [span, *(_reach(line, span) for line in page.lines)]
        begin, end = min(one.start_ms for one in reaches), max(one.end_ms for one in reaches)
        found.append(Span(begin, end))
    return tuple(found)


def _lasting(withheld: Sequence[Span]) -> list[Span]:
    return [span for span in withheld if span.length_ms > 0]


def segments_of(page: Page, withheld: Sequence[Span]) -> tuple[Segment, ...]:
    """The page's segments, without every word that may have been said in a withheld stretch.

    Where the middle of a segment goes, two are left, so that nothing is shown at that time. A
    segment without text is none.
    """
    spans = _lasting(withheld)
    return tuple(segment for line in page.lines for segment in _kept(line, spans))


def _kept(line: Line, withheld: Sequence[Span]) -> Iterator[Segment]:
    hidden = any(_is_touched(line, span) for span in withheld)
    if not line.touched and not hidden:
        yield line.segment
        return
    segment = replace(line.segment, corrected=line.segment.corrected or line.touched)
    if not hidden and line.tokens:
        yield replace(segment, text=line.text, words=_words(line.tokens))
    elif hidden:
        yield from _cut(line, segment, withheld)


def _is_touched(line: Line, span: Span) -> bool:
    if not line.worded and overlap(Span(line.segment.start_ms, line.segment.end_ms), span):
        return True
    if line.touched:
        return any(token.overlaps(span) for token in line.tokens)
    words = line.segment.words
    return any(overlap(Span(word.start_ms, word.end_ms), span) for word in words)


def _reach(line: Line, span: Span) -> Span:
    """A withheld stretch with the time by which a guess at a word's time may be off."""
    own = Span(line.segment.start_ms, line.segment.end_ms)
    doubt_ms = line.doubt_ms if overlap(own, span) else 0
    return Span(max(span.start_ms - doubt_ms, 0), span.end_ms + doubt_ms)


def _hiding(line: Line, token: Token, withheld: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(span for span in withheld if token.overlaps(_reach(line, span)))


def _cut(line: Line, segment: Segment, withheld: Sequence[Span]) -> Iterator[Segment]:
    kept = [token for token in line.tokens if not _hiding(line, token, withheld)]

    def passed(token: Token) -> list[Span]:
        return [span for span in withheld if span.end_ms <= token.start_ms]

    for before, group in groupby(kept, key=passed):
        own = list(group)
        start_ms = max([segment.start_ms, *(span.end_ms for span in before)])
        end_ms = min([segment.end_ms, *(span.start_ms for span in withheld if span not in before)])
        yield replace(
            segment,
            start_ms=start_ms,
            end_ms=max(start_ms, end_ms),
            text="".join(token.gap + token.text for token in own).strip(),
            words=_words(own),
        )


def _words(tokens: Sequence[Token]) -> tuple[Word, ...]:
    return tuple(word for token in tokens for word in token.words)
