"""When each word of a segment is said, as far as that is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.stages.tokens import TimedToken, timed_tokens
from pipeline.values import Segment, Span, Transcript, Word

NEAR_MS = 3_000
"""How far from a correction's span its text is looked for: word times of two speech models, or of
one and a caption file, lie up to some two seconds apart, and a second more is for words that began
in another's breath. Farther off, a frequent word would be found that is another one."""

_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Token:
    """What stands between two white spaces of a segment, ``gap`` being the one before it.

    The time is that of its words, else a share of the segment's. ``words`` are those that spell
    it, none in a segment without words. ``said`` holds further stretches in which it may have been
    said: the time of what people wrote is an estimate. ``asked`` is the span for which they did.
    """

    gap: str
    text: str
    start_ms: int
    end_ms: int
    words: tuple[Word, ...] = ()
    said: tuple[Span, ...] = ()
    asked: Span | None = None

    @property
    def middle_ms(self) -> int:
        return (self.start_ms + self.end_ms) // 2

    def overlaps(self, span: Span) -> bool:
        """Whether any part of it may have been said within ``span``."""
        own = Span(self.start_ms, self.end_ms)
        return overlap(own, span) or any(overlap(one, span) for one in self.said)


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share time. One without length counts as a millisecond."""
    return one.start_ms < max(other.end_ms, other.start_ms + 1) and other.start_ms < max(
        one.end_ms, one.start_ms + 1
    )


def extent(tokens: Sequence[Token]) -> Span:
    """From the start of the first token, at least one, to the last end."""
    return Span(tokens[0].start_ms, max(token.end_ms for token in tokens))


def tokens_of(segment: Segment) -> list[Token]:
    """The segment's tokens in order. With their gaps they are its text, white space at the end
    aside."""
    last_ms = max([segment.end_ms, *(word.end_ms for word in segment.words)])
    timed = iter(timed_tokens(Transcript(None, last_ms, (segment,))))
    pieces = [
        (match, list(_spelling(timed, len(match[0])))) for match in _TOKEN.finditer(segment.text)
    ]
    uses = Counter(number for _, piece in pieces for number in _words_of(piece))
    tokens = []
    place = 0
    for match, piece in pieces:
        gap = segment.text[place : match.start()]
        words = [segment.words[number] for number in _words_of(piece)]
        shared = any(uses[number] > 1 for number in _words_of(piece))
        tokens.append(_token(gap, match[0], piece, words, shared))
        place = match.end()
    return tokens


def _spelling(timed: Iterator[TimedToken], length: int) -> Iterator[TimedToken]:
    """The next timed tokens, ``length`` characters in all: sentences run together are several."""
    while length > 0:
        piece = next(timed)
        length -= len(piece.text)
        yield piece


def _words_of(piece: Sequence[TimedToken]) -> range:
    first, last = piece[0].first_word, piece[-1].last_word
    return range(0) if first is None or last is None else range(first, last + 1)


def _token(
    gap: str, text: str, piece: Sequence[TimedToken], words: Sequence[Word], shared: bool
) -> Token:
    start_ms, end_ms = piece[0].start_ms, piece[-1].end_ms
    if not shared:
        return Token(gap, text, start_ms, end_ms, tuple(words))
    # A word that spells several tokens was said at a time that is known for all of them only.
    said = Span(words[0].start_ms, max(word.end_ms for word in words))
    return Token(
        gap, text, start_ms, end_ms, (Word(start_ms, end_ms, text, words[0].confidence),), (said,)
    )
