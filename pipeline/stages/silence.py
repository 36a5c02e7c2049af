"""Cutting a stream of audio into windows at its quietest points. Energy alone decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.values import SAMPLE_RATE, Audio

SAMPLES_PER_MS = SAMPLE_RATE // 1000
FRAME_MS = 300
"""Length of the pause looked for: shorter dips are stops within words."""
STEP_MS = 10
SEARCH_MS = 30_000
"""A cut lies at most this far before the mark, and at most a tenth of the window."""


def search_ms(window_ms: int) -> int:
    """How far before its mark a window of ``window_ms`` may be cut; at least one frame."""
    return min(max(min(SEARCH_MS, window_ms // 10), FRAME_MS), window_ms)


def quietest_ms(audio: Audio) -> int:
    """Where to cut ``audio``: the middle of its quietest 300 ms, in whole milliseconds.

    Of equally quiet places the last one, so that windows come out as long as they may. Audio
    shorter than a frame is cut at its end.
    """
    step, frame = STEP_MS * SAMPLES_PER_MS, FRAME_MS // STEP_MS
    steps = len(audio) // step
    if steps < frame:
        return len(audio) // SAMPLES_PER_MS
    whole = audio[: steps * step].astype(np.float64)
    power = np.square(whole - whole.mean()).reshape(steps, step).sum(axis=1)
    frames = np.lib.stride_tricks.sliding_window_view(power, frame).sum(axis=1)
    # Rounding makes silences equal that differ by nothing but the order of additions.
    levels = np.round(frames / (frame * step), 12)
    last_quietest = len(levels) - 1 - int(np.argmin(levels[::-1]))
    return last_quietest * STEP_MS + FRAME_MS // 2


def cut(pieces: Iterable[Audio], window_ms: int) -> Iterator[tuple[int, Audio, bool]]:
    """Windows (start in ms, audio float32 [n], is it the last) that tile the joined ``pieces``.

    Every start is a whole millisecond. All but the last are at most ``window_ms`` long; the last
    takes what is left where that is less than a window and its search range. Nothing comes of
    nothing. The cuts depend on the samples only, never on how they were divided into pieces.
    """
    window = window_ms * SAMPLES_PER_MS
    search = search_ms(window_ms) * SAMPLES_PER_MS
    start_ms, held, count = 0, list[Audio](), 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        while count > window + search:
            joined = np.concatenate(held)
            length_ms = (window - search) // SAMPLES_PER_MS
            length_ms += quietest_ms(joined[window - search : window])
            length = length_ms * SAMPLES_PER_MS
            yield start_ms, joined[:length].copy(), False
            held, count = [joined[length:].copy()], count - length
            del joined
            start_ms += length_ms
    if count:
        yield start_ms, np.concatenate(held), True
