"""Audio on its way through a network: FLAC, which gives back the very samples.

Windows come from ``stages.extract`` on the grid of 16 bits, so that a quarter of their bytes
carries all of them. Anything off that grid travels as it is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from models.contracts import Audio
from pipeline.stages.mixing import GRID
from pipeline.values import SAMPLE_RATE

_PIECE = 1 << 16
"""Samples handed to the encoder at a time."""
_FLAC, _PLAIN = b"F", b"P"


def packed(audio: bytes) -> bytes:
    """``audio``, mono float32 at 16 kHz, little-endian, made small. Loses nothing."""
    samples = np.frombuffer(audio, dtype="<f4")
    scaled = samples * np.float32(GRID)
    whole = np.rint(scaled)
    fits = len(samples) and np.array_equal(whole, scaled) and whole.min() >= -GRID
    if not fits or whole.max() >= GRID:
        return _PLAIN + audio
    return _FLAC + _flac(whole.astype(np.int16))


def unpacked(parcel: bytes) -> Audio:
    """The samples that were packed: float32 [n]."""
    kind, content = parcel[:1], memoryview(parcel)[1:]
    if kind == _PLAIN:
        return np.frombuffer(content, dtype="<f4")
    with av.open(io.BytesIO(content), "r", format="flac") as container:
        pieces = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(pieces).astype(np.float32) / np.float32(GRID)


def _flac(samples: NDArray[np.int16]) -> bytes:
    made = io.BytesIO()
    with av.open(made, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono", format="s16")
        for frame in _frames(samples):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made.getvalue()


def _frames(samples: NDArray[np.int16]) -> Iterator[av.AudioFrame]:
    for start in range(0, len(samples), _PIECE):
        piece = samples[None, start : start + _PIECE]
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start
        yield frame
