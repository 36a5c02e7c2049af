"""Chunks: passages of whole sentences that fit the text model, counted with its own tokenizer.

Sentences are laid end to end until the token limit or a minute is reached; the end is then moved
back, within the last third, to the best place to stop. The last sentences of a chunk are repeated
at the head of the next. Nothing is cut off: what does not fit is split and kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from itertools import count as count_up

from pipeline.errors import BadInput
from pipeline.stages.sentences import (
    TimedSentence,
    ends_clause,
    sentence_of,
    split_sentences,
)
from pipeline.stages.tokens import TimedToken, gap_ms
from pipeline.values import Chunk, Sentence, Transcript

VERSION = 1
"""Raised whenever the same transcript would yield other chunks."""

Count = Callable[[Sequence[str]], list[int]]
"""Tokens of each string as the text model would encode it, prefix and special tokens included."""

_BREATH_MS = 250
"""A silence worth splitting an overlong sentence at."""

_PATIENCE = 3
"""Rounds after which estimates get a growing allowance, so that planning ends for any tokenizer."""


@dataclass(frozen=True, slots=True)
class ChunkParameters:
    """How large chunks may be.

    ``max_tokens`` bounds a chunk and ``overlap_tokens`` the text it repeats from its predecessor,
    both counted as a passage of its own; ``max_ms`` bounds the time from start to end and yields
    only where a single sentence is longer.
    """

    max_tokens: int
    overlap_tokens: int
    max_ms: int = 60_000


def chunk(transcript: Transcript, parameters: ChunkParameters, count: Count) -> tuple[Chunk, ...]:
    """The transcript's chunks in order, numbered from 0. Together they hold its whole text.

    A chunk holds one language. Raises BadInput (``chunk.size_too_small``) where not even a single
    character fits into ``max_tokens``.
    """
    sentences, sizes = _fitting(split_sentences(transcript), parameters.max_tokens, count)
    if not sentences:
        return ()
    layout = _measured(sentences, sizes, parameters, count)
    return tuple(
        _assembled(number, sentences[span.begin : span.end])
        for number, span in enumerate(_settled(layout, count))
    )


def _assembled(number: int, sentences: Sequence[TimedSentence]) -> Chunk:
    begins = accumulate((len(s.text) + 1 for s in sentences), initial=0)
    first_words = [s.first_word for s in sentences if s.first_word is not None]
    last_words = [s.last_word for s in sentences if s.last_word is not None]
    return Chunk(
        number=number,
        start_ms=sentences[0].start_ms,
        end_ms=max(s.end_ms for s in sentences),
        text=_joined(sentences),
        language=sentences[0].language,
        sentences=tuple(
            Sentence(s.start_ms, s.end_ms, begin, begin + len(s.text), s.speaker)
            for s, begin in zip(sentences, begins, strict=False)
        ),
        first_segment=sentences[0].first_segment,
        last_segment=sentences[-1].last_segment,
        first_word=first_words[0] if first_words else None,
        last_word=last_words[-1] if last_words else None,
    )


def _joined(sentences: Sequence[TimedSentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


# --- sentences beyond the limit --------------------------------------------------------------


def _fitting(
    sentences: Sequence[TimedSentence], limit: int, count: Count
) -> tuple[list[TimedSentence], list[int]]:
    """The sentences and their sizes, those beyond the limit halved until they fit."""
    counted = list(zip(sentences, count([s.text for s in sentences]), strict=True))
    while any(size > limit for _, size in counted):
        halves = [half for s, size in counted if size > limit for half in _halved(s, size, limit)]
        measured = iter(list(zip(halves, count([h.text for h in halves]), strict=True)))
        counted = [
            piece
            for sentence, size in counted
            for piece in (
                ((sentence, size),) if size <= limit else (next(measured), next(measured))
            )
        ]
    return [sentence for sentence, _ in counted], [size for _, size in counted]


def _halved(sentence: TimedSentence, size: int, limit: int) -> tuple[TimedSentence, TimedSentence]:
    tokens = sentence.tokens
    if len(tokens) == 1:
        if len(tokens[0].text) == 1:
            raise BadInput("chunk.size_too_small", size=limit, needed=size)
        left, right = _broken(tokens[0])
        return sentence_of([left]), sentence_of([right])
    cut = _cut(tokens)
    return sentence_of(tokens[:cut]), sentence_of(tokens[cut:])


def _cut(tokens: Sequence[TimedToken]) -> int:
    """Where to halve: at a clause mark, else at the longest pause, else in the middle."""
    middle = len(tokens) / 2
    places = range(max(len(tokens) // 4, 1), max(len(tokens) * 3 // 4, 1) + 1)
    if clauses := [at for at in places if ends_clause(tokens[at - 1])]:
        return min(clauses, key=lambda at: abs(at - middle))
    return max(places, key=lambda at: (_audible(tokens, at), -abs(at - middle)))


def _audible(tokens: Sequence[TimedToken], at: int) -> int:
    pause = gap_ms(tokens, at)
    return pause if pause >= _BREATH_MS else 0


def _broken(token: TimedToken) -> tuple[TimedToken, TimedToken]:
    """A word in two, its time shared in proportion; an accent stays with its letter."""
    text = token.text
    cut = next(
        (at for at in range(len(text) // 2, 0, -1) if not unicodedata.combining(text[at])),
        len(text) // 2,
    )
    border = token.start_ms + (token.end_ms - token.start_ms) * cut // len(text)
    return replace(token, text=text[:cut], end_ms=border), replace(
        token, text=text[cut:], start_ms=border
    )


# --- planning --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Span:
    """A chunk to be: sentences ``begin..end``, of which those before ``fresh`` are repeated."""

    begin: int
    fresh: int
    end: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """The sentences with all that is known of their sizes.

    The size of a range is the sum of its sentences' sizes and of what each join adds (mostly the
    special tokens counted once too often). That is exact for a tokenizer that works word by word;
    for the others, ``exact`` holds what was counted.
    """

    sentences: Sequence[TimedSentence]
    parameters: ChunkParameters
    size_sums: Sequence[int]
    join_sums: Sequence[int]
    exact: dict[tuple[int, int], int]

    def size(self, begin: int, end: int, allowance: int) -> int:
        known = self.exact.get((begin, end))
        if known is not None:
            return known
        joins = self.join_sums[end - 1] - self.join_sums[begin]
        return self.size_sums[end] - self.size_sums[begin] + joins + allowance

    def fits(self, begin: int, end: int, allowance: int) -> bool:
        """Whether a range of one language keeps to the token limit and to the time limit."""
        passage = self.sentences[begin:end]
        length_ms = max(s.end_ms for s in passage) - passage[0].start_ms
        return (
            passage[0].language == passage[-1].language
            and length_ms <= self.parameters.max_ms
            and self.size(begin, end, allowance) <= self.parameters.max_tokens
        )

    def text(self, begin: int, end: int) -> str:
        return _joined(self.sentences[begin:end])


def _measured(
    sentences: Sequence[TimedSentence], sizes: list[int], parameters: ChunkParameters, count: Count
) -> _Layout:
    pairs = count([_joined(sentences[n : n + 2]) for n in range(len(sentences) - 1)])
    joins = (pair - sizes[n] - sizes[n + 1] for n, pair in enumerate(pairs))
    return _Layout(
        sentences=sentences,
        parameters=parameters,
        size_sums=list(accumulate(sizes, initial=0)),
        join_sums=list(accumulate(joins, initial=0)),
        exact={(n, n + 1): size for n, size in enumerate(sizes)},
    )


def _settled(layout: _Layout, count: Count) -> list[_Span]:
    """A plan whose every chunk and overlap was counted as it stands and found to fit."""
    limits = layout.parameters
    for attempt in count_up():
        spans = list(_planned(layout, max(0, attempt - _PATIENCE)))
        asked = {(s.begin, s.end) for s in spans} | {
            (s.begin, s.fresh) for s in spans if s.begin < s.fresh
        }
        unknown = sorted(asked - layout.exact.keys())
        if unknown:
            layout.exact.update(
                zip(unknown, count([layout.text(*place) for place in unknown]), strict=True)
            )
        if all(
            layout.exact[s.begin, s.end] <= limits.max_tokens
            and (s.begin == s.fresh or layout.exact[s.begin, s.fresh] <= limits.overlap_tokens)
            for s in spans
        ):
            return spans
    raise AssertionError("unreachable")


def _planned(layout: _Layout, allowance: int) -> Iterator[_Span]:
    span = _Span(0, 0, 0)
    while span.end < len(layout.sentences):
        fresh = span.end
        begin = _overlap_begin(layout, span, allowance)
        end = fresh + 1
        while end < len(layout.sentences) and layout.fits(begin, end + 1, allowance):
            end += 1
        if end < len(layout.sentences) and _same_language(layout, end):
            end = _best_end(layout, begin, fresh, end, allowance)
        span = _Span(begin, fresh, end)
        yield span


def _same_language(layout: _Layout, at: int) -> bool:
    return layout.sentences[at].language == layout.sentences[at - 1].language


def _overlap_begin(layout: _Layout, previous: _Span, allowance: int) -> int:
    """Where the next chunk begins: as many whole sentences back as the overlap holds, never the
    whole of its predecessor, and leaving room for one new sentence."""
    fresh = previous.end
    begin = fresh
    while (
        begin - 1 > previous.begin
        and layout.sentences[begin - 1].language == layout.sentences[fresh].language
        and layout.size(begin - 1, fresh, allowance) <= layout.parameters.overlap_tokens
    ):
        begin -= 1
    while begin < fresh and not layout.fits(begin, fresh + 1, allowance):
        begin += 1
    return begin


# --- where to stop ---------------------------------------------------------------------------


def _best_end(layout: _Layout, begin: int, fresh: int, end: int, allowance: int) -> int:
    """The best place to stop in the last third of what would fit; the fullest among equals."""
    full = layout.size(begin, end, allowance)
    candidates = [
        at
        for at in range(fresh + 1, end + 1)
        if layout.size(begin, at, allowance) * 3 >= full * 2 and layout.fits(begin, at, allowance)
    ]
    return max(
        candidates,
        key=lambda at: (
            _stop_quality(layout.sentences[at - 1], layout.sentences[at])
            + layout.size(begin, at, allowance) / full,
            at,
        ),
        default=end,
    )


def _stop_quality(last: TimedSentence, following: TimedSentence) -> float:
    """How good it is to stop between two sentences: after a long pause, where the speaker
    changes, before a question; bad between a question and its answer."""
    quality = min(max(following.start_ms - last.end_ms, 0), 3_000) / 1_500
    if following.speaker is not None and following.speaker != last.speaker:
        quality += 1.0
    asked, asks = _is_question(last), _is_question(following)
    if asks and not asked:
        quality += 1.0
    if asked and not asks:
        quality -= 2.0
    return quality


def _is_question(sentence: TimedSentence) -> bool:
    return "?" in sentence.text[-3:]
