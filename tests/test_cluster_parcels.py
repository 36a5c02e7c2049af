"""Audio travels whole: what a worker hears is to the bit what an engine was given."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.run.cluster.parcels import packed, unpacked
from pipeline.stages import extract, probe
from pipeline.stages.mixing import on_grid
from tests.conftest import SAMPLES

STEPS = arrays(np.int16, st.integers(0, 5000), elements=st.integers(-32768, 32767))
ANYTHING = arrays(np.float32, st.integers(0, 200), elements=st.floats(-2, 2, width=32))


@given(STEPS)
def test_sixteen_bits_come_back_to_the_bit(steps: np.ndarray) -> None:
    audio = steps.astype("<f4") / np.float32(32768)
    assert np.array_equal(unpacked(packed(audio.tobytes())), audio)


@given(ANYTHING)
def test_so_does_everything_else(audio: np.ndarray) -> None:
    back = unpacked(packed(audio.astype("<f4").tobytes()))
    assert back.dtype == np.float32
    assert np.array_equal(back, audio)


@given(ANYTHING)
def test_the_grid_changes_no_sample_by_more_than_half_a_step(audio: np.ndarray) -> None:
    inside = np.clip(audio, -1, 1)
    stepped = on_grid(inside)
    assert np.array_equal(on_grid(stepped), stepped)
    assert np.abs(stepped - np.minimum(inside, 32767 / 32768)).max(initial=0) <= 0.5 / 32768


def test_a_real_window_travels_at_a_third_of_its_size_and_loses_nothing() -> None:
    film = SAMPLES / "lorawan.mp4"
    with extract.windows(
        film, probe.probe(film), None, window_ms=600_000, limit_ms=10**7
    ) as stream:
        [window] = list(stream)
    raw = window.audio.astype("<f4").tobytes()
    parcel = packed(raw)
    assert np.array_equal(unpacked(parcel), window.audio)
    assert 3 * len(parcel) < len(raw)
