"""What is left of a page without what was said in withheld stretches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from pipeline.corrections.page import Line, Page
from pipeline.corrections.timing import Token, overlap
from pipeline.values import Segment, Span, Word


def segments_of(page: Page, withheld: Sequence[Span]) -> tuple[Segment, ...]:
    """The page's segments, without every word that may have been said in a withheld stretch.

    Where the middle of a segment goes, two are left, so that nothing is shown at that time. A
    segment without text is none.
    """
    spans = [span for span in withheld if span.length_ms > 0]
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
        yield from _cut(segment, line.tokens, withheld)


def _is_touched(line: Line, span: Span) -> bool:
    if not line.worded and overlap(Span(line.segment.start_ms, line.segment.end_ms), span):
        return True
    if line.touched:
        return any(token.overlaps(span) for token in line.tokens)
    words = line.segment.words
    return any(overlap(Span(word.start_ms, word.end_ms), span) for word in words)


def _cut(segment: Segment, tokens: Sequence[Token], withheld: Sequence[Span]) -> Iterator[Segment]:
    kept = [token for token in tokens if not any(token.overlaps(span) for span in withheld)]

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
