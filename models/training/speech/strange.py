"""Noises and tunes for measuring alone: made otherwise than those of the training."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import sawtooth

from models.training.speech.sound import SAMPLE_RATE, Sound, at_unit


def noise(rng: Generator, samples: int) -> Sound:
    """Noise of loudness 1 whose spectrum falls by 0 to 9 dB an octave above a random corner, with
    slow swells."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    corner = rng.uniform(80, 1500)
    spectrum *= (1 + frequencies / corner) ** -rng.uniform(0, 1.5)
    sound = np.fft.irfft(spectrum, samples)
    seconds = np.arange(samples) / SAMPLE_RATE
    swell = 1 + rng.uniform(0, 0.5) * np.sin(2 * np.pi * rng.uniform(0.05, 1) * seconds)
    return at_unit(sound * swell)


def tune(rng: Generator, samples: int) -> Sound:
    """Sawtooth voices in slow slides and trills, loudness 1."""
    seconds = np.arange(samples) / SAMPLE_RATE
    whole: NDArray[np.float64] = np.zeros(samples)
    for _ in range(3):
        sway = np.sin(2 * np.pi * rng.uniform(0.05, 0.4) * seconds + rng.uniform(0, 6))
        slide = 2 ** (0.5 * sway)
        trill = 1 + 0.03 * np.sign(np.sin(2 * np.pi * rng.uniform(2, 7) * seconds))
        phase = 2 * np.pi * np.cumsum(rng.uniform(110, 700) * slide * trill) / SAMPLE_RATE
        beat = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.3, 3) * seconds)
        whole += beat * sawtooth(phase, rng.uniform(0.1, 0.9))
    return at_unit(whole)
