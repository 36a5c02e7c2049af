"""How much is said when: the strip under a recording's timeline."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from pipeline.values import Transcript

BARS = 160
"""Bars of a strip: two to three pixels each on a telephone."""


def speech(transcript: Transcript, bars: int = BARS) -> list[float]:
    """The share of each of ``bars`` equal stretches of the recording in which somebody speaks,
    0 to 1. Words where the transcript has them, else its segments."""
    length = max(transcript.duration_ms, 1)
    spoken = [0.0] * bars
    for start_ms, end_ms in _spans(transcript):
        begin, end = max(start_ms, 0) * bars / length, min(end_ms, length) * bars / length
        for bar in range(int(begin), min(int(end) + 1, bars)):
            spoken[bar] += max(min(end, bar + 1) - max(begin, bar), 0.0)
    return [min(share, 1.0) for share in spoken]


def _spans(transcript: Transcript) -> Iterable[tuple[int, int]]:
    for segment in transcript.segments:
        if segment.words:
            yield from ((word.start_ms, word.end_ms) for word in segment.words)
        else:
            yield segment.start_ms, segment.end_ms


def runs(shares: list[float], levels: int = 5) -> list[tuple[int, int, int]]:
    """Equal neighbours as one: (first bar, number of bars, height from 1 to ``levels``); silence is
    left out. A page carries a strip in some hundred bytes so."""
    heights = [round(share * levels) for share in shares]
    found: list[tuple[int, int, int]] = []
    place = 0
    for height, group in groupby(heights):
        count = sum(1 for _ in group)
        if height:
            found.append((place, count, height))
        place += count
    return found
