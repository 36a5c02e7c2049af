"""From what a file says to a transcript: times mended, order kept, loops closed.

Readers hand over passages with times as found, missing ones as None. ``assemble`` makes segments
of them that are sorted by start, end no earlier than they start, and hold text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.formats.characters import clean_text
from pipeline.values import ModelRef, Segment, Span, Transcript, Word

LAST_MS = 240 * 3_600_000
"""Ten days. No recording is longer: a later time is a slip of the pen and counts as missing."""

_LOOP_LENGTH = 3
_LOOP_GAP_MS = 3000
_MS_PER_CHARACTER = 65
_LEAST_GUESS_MS = 1000
_LONGEST_GUESS_MS = 60_000


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as found; recognisers leave out the times of numbers and the like."""

    start_ms: int | None
    end_ms: int | None
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A segment as found, in the file's order."""

    start_ms: int | None
    end_ms: int | None
    text: str
    language: str | None = None
    speaker: str | None = None
    confidence: float | None = None
    corrected: bool = False
    words: tuple[TimedWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says of the whole. ``verbatim``: it was written by us or is as exact, so runs of
    equal segments are speech, not a recogniser's loop."""

    passages: tuple[Passage, ...]
    language: str | None = None
    duration_ms: int | None = None
    model: ModelRef | None = None
    gaps: tuple[Span, ...] = ()
    recording_id: str | None = None
    verbatim: bool = False


def assemble(source: Source) -> Transcript:
    """The transcript of ``source``; its duration is never shorter than its last segment's end."""
    segments = _segments(source.passages)
    if not source.verbatim:
        segments = merge_loops(segments)
    duration_ms = believable(source.duration_ms) or 0
    return Transcript(
        language=source.language,
        duration_ms=max([duration_ms, *(segment.end_ms for segment in segments)]),
        segments=tuple(segments),
        model=source.model,
        gaps=source.gaps,
        recording_id=source.recording_id,
    )


def believable(time_ms: int | None) -> int | None:
    """``time_ms``, 0 where it lies before the start, None where no recording reaches."""
    if time_ms is None or time_ms > LAST_MS:
        return None
    return max(time_ms, 0)


def merge_loops(segments: Sequence[Segment]) -> list[Segment]:
    """``segments`` with every run of three or more equal texts, no pause between them, made one.

    Two in a row are left alone: people do say "Ja." twice.
    """
    merged: list[Segment] = []
    run: list[Segment] = []
    for segment in segments:
        if run and not _repeats(run[-1], segment):
            merged.extend(_closed(run))
            run = []
        run.append(segment)
    merged.extend(_closed(run))
    return merged


def _repeats(earlier: Segment, later: Segment) -> bool:
    return (
        earlier.text == later.text
        and earlier.speaker == later.speaker
        and later.start_ms - earlier.end_ms <= _LOOP_GAP_MS
    )


def _closed(run: list[Segment]) -> list[Segment]:
    if len(run) < _LOOP_LENGTH:
        return run
    return [replace(run[0], end_ms=max(segment.end_ms for segment in run))]


def _segments(passages: Iterable[Passage]) -> list[Segment]:
    spoken = [(passage, text) for passage in passages if (text := clean_text(passage.text))]
    started: list[tuple[int, Passage, str]] = []
    previous_ms = 0
    for passage, text in spoken:
        if passage.start_ms is not None and passage.start_ms > LAST_MS:
            continue
        start_ms = _start(passage, previous_ms)
        started.append((start_ms, passage, text))
        previous_ms = max(start_ms, believable(passage.end_ms) or 0)
    started.sort(key=lambda item: item[0])
    starts = [start_ms for start_ms, _, _ in started]
    return [
        _segment(start_ms, next_ms, passage, text)
        for (start_ms, passage, text), next_ms in zip(started, [*starts, None][1:], strict=True)
    ]


def _start(passage: Passage, previous_ms: int) -> int:
    if passage.start_ms is not None:
        return max(passage.start_ms, 0)
    known = (believable(word.start_ms) for word in passage.words)
    return next((start_ms for start_ms in known if start_ms is not None), previous_ms)


def _segment(start_ms: int, next_ms: int | None, passage: Passage, text: str) -> Segment:
    end_ms = believable(passage.end_ms)
    if end_ms is None or end_ms < start_ms:
        end_ms = _missing_end(start_ms, next_ms, passage, text)
    return Segment(
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        language=passage.language,
        speaker=clean_text(passage.speaker or "") or None,
        confidence=share(passage.confidence),
        corrected=passage.corrected,
        words=_words(passage.words, start_ms, end_ms),
    )


def _missing_end(start_ms: int, next_ms: int | None, passage: Passage, text: str) -> int:
    """The last word's end; else the next segment's start, if near; else the time to read it."""
    word_ends = [end for word in passage.words if (end := believable(word.end_ms)) is not None]
    if word_ends and max(word_ends) > start_ms:
        return max(word_ends)
    guess_ms = min(max(len(text) * _MS_PER_CHARACTER, _LEAST_GUESS_MS), _LONGEST_GUESS_MS)
    if next_ms is not None and start_ms < next_ms <= start_ms + max(guess_ms * 2, 10_000):
        return next_ms
    return min(start_ms + guess_ms, LAST_MS)


def share(value: float | None) -> float | None:
    """A confidence as a number from 0 to 1, None where it is no number."""
    if value is None or not math.isfinite(value):
        return None
    return min(max(value, 0.0), 1.0)


def _words(found: tuple[TimedWord, ...], start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """The words in order of time. A run without times shares the time between its neighbours."""
    words: list[Word] = []
    untimed: list[tuple[TimedWord, str]] = []
    for word in found:
        text = clean_text(word.text)
        if not text:
            continue
        word_start = believable(word.start_ms)
        if word_start is None:
            untimed.append((word, text))
            continue
        if untimed:
            words.extend(_spread(untimed, words[-1].end_ms if words else start_ms, word_start))
            untimed.clear()
        word_end = max(believable(word.end_ms) or 0, word_start)
        words.append(Word(word_start, word_end, text, share(word.confidence)))
    if untimed:
        words.extend(_spread(untimed, words[-1].end_ms if words else start_ms, end_ms))
    words.sort(key=lambda word: word.start_ms)
    return tuple(words)


def _spread(run: list[tuple[TimedWord, str]], left_ms: int, right_ms: int) -> list[Word]:
    step = max(right_ms - left_ms, 0) / len(run)
    return [
        Word(
            left_ms + round(number * step),
            left_ms + round((number + 1) * step),
            text,
            share(word.confidence),
        )
        for number, (word, text) in enumerate(run)
    ]
