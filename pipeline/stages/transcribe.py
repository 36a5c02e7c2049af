"""From recognised windows to the transcript of a recording.

Pure: what the speech model heard in each window comes in, placed in the recording, joined, and cut
into segments that can be read.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from models.contracts import RecognisedSegment, Recognition
from pipeline.values import ModelRef, Segment, Span, Transcript, Word

VERSION = 1
"""Part of the stage's fingerprint: raised whenever equal input would give another transcript."""

LONGEST_SEGMENT_MS = 15_000
LONGEST_SEGMENT_CHARACTERS = 200
LONG_PAUSE_MS = 1_500
"""A pause that always ends a segment."""

SHORTEST_WORD_MS = 20
SHORTEST_GAP_MS = 1_000
SHORTEST_PARTIAL_GAP_MS = 4_000
"""Speech without text is reported from one second on, beside text of the same stretch from four:
the detector pads what it hears, and the ends of words are known to a fraction of a second."""

_SENTENCE_ENDS = (".", "!", "?", "…")
_CLAUSE_ENDS = (",", ";", ":", "–")
_CLOSING = "\"'”“«»’)]"


@dataclass(frozen=True, slots=True)
class WindowTranscript:
    """What was heard in one window, in the recording's own time: the unit of progress.

    ``speech`` holds the spans in which speech was detected; ``ran`` says what really ran.
    """

    start_ms: int
    end_ms: int
    segments: tuple[Segment, ...]
    speech: tuple[Span, ...]
    model: ModelRef
    ran: dict[str, str | int | float]


def window_transcript(
    recognition: Recognition, window_start_ms: int, window_end_ms: int
) -> WindowTranscript:
    """A window's recognition, moved to the window's place in the recording and kept within it."""
    bounds = Span(window_start_ms, window_end_ms)
    segments = [_segment(s, window_start_ms) for s in recognition.segments if s.text.strip()]
    speech = [
        Span(
            min(start_ms + window_start_ms, window_end_ms),
            min(end_ms + window_start_ms, window_end_ms),
        )
        for start_ms, end_ms in recognition.speech
    ]
    return WindowTranscript(
        start_ms=window_start_ms,
        end_ms=window_end_ms,
        segments=tuple(in_order(segments, bounds)),
        speech=tuple(span for span in speech if span.length_ms > 0),
        model=ModelRef(recognition.model.name, recognition.model.hash),
        ran=dict(recognition.ran),
    )


def merge(windows: Sequence[WindowTranscript], duration_ms: int) -> Transcript:
    """The transcript of a recording from its windows, which do not overlap.

    Raises ValueError where windows overlap or were heard by different models.
    """
    ordered = sorted(windows, key=lambda window: window.start_ms)
    if any(a.end_ms > b.start_ms for a, b in pairwise(ordered)):
        raise ValueError("windows overlap")
    if len({window.model for window in ordered}) > 1:
        raise ValueError("windows were heard by different models")
    segments: list[Segment] = []
    for window in ordered:
        bounds = Span(min(window.start_ms, duration_ms), min(window.end_ms, duration_ms))
        segments += in_order(window.segments, bounds)
    readable = tuple(part for segment in segments for part in split(segment))
    speech = [span for window in ordered for span in window.speech]
    return Transcript(
        language=spoken_language(readable),
        duration_ms=duration_ms,
        segments=readable,
        model=ordered[0].model if ordered else None,
        gaps=tuple(find_gaps(speech, readable, duration_ms)),
    )


def spoken_language(segments: Sequence[Segment]) -> str | None:
    """The language spoken longest; None without any."""
    spoken: Counter[str] = Counter()
    for segment in segments:
        if segment.language:
            spoken[segment.language] += max(segment.end_ms - segment.start_ms, 1)
    return max(sorted(spoken), key=lambda language: spoken[language], default=None)


def find_gaps(
    speech: Sequence[Span], segments: Sequence[Segment], duration_ms: int
) -> Iterator[Span]:
    """Stretches where speech was heard but no text came out. Spans and segments are in order."""
    for span in _joined(speech):
        bare = list(_bare(span, segments))
        least_ms = SHORTEST_GAP_MS if bare == [span] else SHORTEST_PARTIAL_GAP_MS
        for gap in bare:
            if gap.length_ms >= least_ms and gap.start_ms < duration_ms:
                yield Span(gap.start_ms, min(gap.end_ms, duration_ms))


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in spans:
        if current and span.start_ms <= current.end_ms:
            current = Span(current.start_ms, max(current.end_ms, span.end_ms))
            continue
        if current:
            yield current
        current = span
    if current:
        yield current


def _bare(span: Span, segments: Sequence[Segment]) -> Iterator[Span]:
    free_ms = span.start_ms
    for segment in segments:
        if segment.end_ms <= free_ms or segment.start_ms >= span.end_ms:
            continue
        if segment.start_ms > free_ms:
            yield Span(free_ms, segment.start_ms)
        free_ms = segment.end_ms
    if free_ms < span.end_ms:
        yield Span(free_ms, span.end_ms)


def in_order(segments: Sequence[Segment], bounds: Span) -> list[Segment]:
    """Segments and their words moved as little as needed so that they follow one another within
    ``bounds``; every word keeps 20 ms at least where there is room. Nothing is dropped."""
    units = sum(max(len(segment.words), 1) for segment in segments)
    least_ms = min(SHORTEST_WORD_MS, max(bounds.length_ms, 0) // max(units, 1))
    free_ms = bounds.start_ms
    result: list[Segment] = []
    for segment in segments:
        timed = segment.words or (Word(segment.start_ms, segment.end_ms, segment.text),)
        placed: list[Word] = []
        for word in timed:
            units -= 1
            latest_ms = bounds.end_ms - least_ms * units
            start_ms = min(max(word.start_ms, free_ms), latest_ms - least_ms)
            end_ms = min(max(word.end_ms, start_ms + least_ms), latest_ms)
            placed.append(replace(word, start_ms=start_ms, end_ms=end_ms))
            free_ms = end_ms
        words = tuple(placed) if segment.words else ()
        result.append(
            replace(segment, start_ms=placed[0].start_ms, end_ms=placed[-1].end_ms, words=words)
        )
    return result


def split(segment: Segment) -> list[Segment]:
    """A segment cut into readable ones, of about 15 s and 200 characters at most.

    It is cut at every long pause and, while too long, where a sentence, a clause or at least a
    breath ends, near the middle. Without word times it stays whole.
    """
    offsets = _word_offsets(segment)
    if not offsets:
        return [segment]
    cuts = [0, *_cuts(segment.words, offsets, 0, len(segment.words)), len(segment.words)]
    return [_part(segment, offsets, begin, end) for begin, end in pairwise(cuts)]


def _cuts(words: Sequence[Word], offsets: Sequence[int], begin: int, end: int) -> list[int]:
    """Numbers of the words, between ``begin`` and ``end``, that begin a new segment."""
    pending = [(begin, end)]
    cuts: list[int] = []
    while pending:
        begin, end = pending.pop()
        cut = _best_cut(words, offsets, begin, end)
        if cut is not None:
            cuts.append(cut)
            pending += [(begin, cut), (cut, end)]
    return sorted(cuts)


def _best_cut(words: Sequence[Word], offsets: Sequence[int], begin: int, end: int) -> int | None:
    if end - begin < 2:
        return None
    pauses = {n: words[n].start_ms - words[n - 1].end_ms for n in range(begin + 1, end)}
    widest = max(pauses, key=lambda n: pauses[n])
    if pauses[widest] >= LONG_PAUSE_MS:
        return widest
    characters = offsets[end - 1] + len(words[end - 1].text) - offsets[begin]
    length_ms = words[end - 1].end_ms - words[begin].start_ms
    if characters <= LONGEST_SEGMENT_CHARACTERS and length_ms <= LONGEST_SEGMENT_MS:
        return None

    def merit(number: int) -> float:
        place = (offsets[number] - offsets[begin]) / characters
        return _ending(words[number - 1].text) + pauses[number] / 1000 - 4 * abs(place - 0.5)

    return max(pauses, key=merit)


def _ending(text: str) -> float:
    bare = text.rstrip(_CLOSING)
    if bare.endswith(_SENTENCE_ENDS):
        return 2.0
    return 0.7 if bare.endswith(_CLAUSE_ENDS) else 0.0


def _word_offsets(segment: Segment) -> list[int]:
    """Where each word begins in the segment's text; empty if a word is not found in its place."""
    offsets: list[int] = []
    place = 0
    for word in segment.words:
        place = segment.text.find(word.text, place)
        if place < 0:
            return []
        offsets.append(place)
        place += len(word.text)
    return offsets


def _part(segment: Segment, offsets: Sequence[int], begin: int, end: int) -> Segment:
    words = segment.words[begin:end]
    if len(words) == len(segment.words):
        return segment
    first = offsets[begin] if begin else 0
    last = offsets[end] if end < len(offsets) else len(segment.text)
    return replace(
        segment,
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        text=segment.text[first:last].strip(),
        confidence=_mean_confidence(words),
        words=words,
    )


def _segment(recognised: RecognisedSegment, shift_ms: int) -> Segment:
    words = tuple(
        Word(word.start_ms + shift_ms, word.end_ms + shift_ms, word.text, word.confidence)
        for word in recognised.words
    )
    certainty = math.exp(min(recognised.mean_logprob, 0.0))
    return Segment(
        start_ms=recognised.start_ms + shift_ms,
        end_ms=recognised.end_ms + shift_ms,
        text=recognised.text.strip(),
        language=recognised.language,
        confidence=_mean_confidence(words) if words else round(certainty, 4),
        words=words,
    )


def _mean_confidence(words: Sequence[Word]) -> float | None:
    known = [word.confidence for word in words if word.confidence is not None]
    return round(sum(known) / len(known), 4) if known else None


def to_json(window: WindowTranscript) -> str:
    """A window's transcript as one line of JSON, times in milliseconds, for keeping."""
    return json.dumps(
        {
            "start_ms": window.start_ms,
            "end_ms": window.end_ms,
            "model": [window.model.name, window.model.hash],
            "ran": window.ran,
            "speech": [[span.start_ms, span.end_ms] for span in window.speech],
            "segments": [
                {
                    "start_ms": s.start_ms,
                    "end_ms": s.end_ms,
                    "text": s.text,
                    "language": s.language,
                    "confidence": s.confidence,
                    "words": [[w.start_ms, w.end_ms, w.text, w.confidence] for w in s.words],
                }
                for s in window.segments
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def from_json(line: str) -> WindowTranscript:
    """The value that ``to_json`` wrote. Raises ValueError or KeyError for anything else."""
    table = json.loads(line)
    return WindowTranscript(
        start_ms=table["start_ms"],
        end_ms=table["end_ms"],
        segments=tuple(
            Segment(
                start_ms=s["start_ms"],
                end_ms=s["end_ms"],
                text=s["text"],
                language=s["language"],
                confidence=s["confidence"],
                words=tuple(Word(*word) for word in s["words"]),
            )
            for s in table["segments"]
        ),
        speech=tuple(Span(*span) for span in table["speech"]),
        model=ModelRef(*table["model"]),
        ran=table["ran"],
    )
