"""From channels to one, and from any level to one that speech models expect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.values import SAMPLE_RATE, Audio

BLOCK = SAMPLE_RATE
"""Samples that are mixed with one set of weights: a second."""
RAMP = BLOCK // 10
"""Samples over which weights pass from one block's to the next's, so that nothing clicks."""
INVERTED = -0.5
"""Correlation below which a channel counts as another's mirror image."""

QUIET = 10 ** (-35 / 20)
TARGET = 10 ** (-23 / 20)
"""Speech level aimed at where a recording is too quiet: EBU R 128's -23 dB."""
SILENT = 10 ** (-75 / 20)
"""Below this there is nothing but the recorder's own noise, which is not to be made loud."""
GRID = 1 << 15
"""Steps of a sample of 16 bits from silence to full scale."""
_LEVEL_FRAME = SAMPLE_RATE // 10


@dataclass(slots=True)
class Mixer:
    """Mixes blocks of one recording, in order, to mono.

    A channel that mirrors the loudest one is turned round first, so that a phase-inverted pair
    does not cancel. The sum is divided by what the channels would add up to if they were alike:
    equal channels give their mean, a lone channel among silent ones passes whole, and of two
    people on two channels neither is lost.
    """

    _weights: NDArray[np.float32] | None = None

    def mix(self, block: NDArray[np.float32]) -> Audio:
        """Mono float32 [n] of ``block`` float32 [n, channels]; n is ``BLOCK`` but at the end."""
        if block.shape[1] == 1:
            only: Audio = block[:, 0].copy()
            return only
        before = self._weights
        after = self._weights = _weights(block, before)
        mono: Audio = block @ after
        if before is not None and not np.array_equal(before, after):
            share = np.linspace(1, 0, RAMP, dtype=np.float32)[: len(mono)]
            mono[:RAMP] += share * (block[:RAMP] @ (before - after))
        return mono


def _weights(block: NDArray[np.float32], before: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Weight of each channel, float32 [channels]; the signs of ``before`` stay where in doubt."""
    wide = block.astype(np.float64)
    products = wide.T @ wide
    amplitude = np.sqrt(np.diag(products))
    loudest = int(np.argmax(amplitude))
    if amplitude[loudest] == 0:
        return np.full(len(amplitude), 1 / len(amplitude), np.float32) if before is None else before
    likeness = products[loudest] / np.maximum(amplitude * amplitude[loudest], 1e-30)
    signs = np.where(likeness < INVERTED, -1.0, 1.0)
    if before is not None:
        kept = np.where(before < 0, -1.0, 1.0)
        # An inverted pair may be turned either way; keep its way, or it would flip in speech.
        relative = signs * kept[loudest]
        unsure = np.abs(likeness) < -INVERTED
        signs = np.where(unsure, kept, relative)
    weights: NDArray[np.float32] = signs * amplitude[loudest] / amplitude.sum()
    return weights.astype(np.float32)


def level(audio: Audio) -> float:
    """How loud the louder passages are: the 95th percentile of the RMS of 100 ms frames, 0 to 1."""
    if not len(audio):
        return 0.0
    frame = min(_LEVEL_FRAME, len(audio))
    whole = audio[: len(audio) // frame * frame].reshape(-1, frame)
    power = np.einsum("ij,ij->i", whole, whole, dtype=np.float64) / frame
    return float(np.sqrt(np.percentile(power, 95)))


def on_grid(audio: Audio) -> Audio:
    """``audio`` in [-1, 1], rounded to the 16 bits that speech models were trained on (whisper's
    and faster-whisper's own decoders yield them), so that it travels to workers without loss."""
    stepped: Audio = audio * np.float32(GRID)
    np.rint(stepped, out=stepped)
    np.clip(stepped, -GRID, GRID - 1, out=stepped)
    stepped /= np.float32(GRID)
    return stepped


def levelled(audio: Audio) -> Audio:
    """``audio`` in [-1, 1], brought to ``TARGET`` where it is very quiet or beyond full scale.

    Whatever lies between is left as it is. One gain for the whole window: windows meet in pauses.
    """
    heard = level(audio)
    if SILENT < heard < QUIET or heard > 1:
        audio = audio * np.float32(TARGET / heard)
    return np.clip(audio, -1, 1)
