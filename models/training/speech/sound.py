"""Sound as the recogniser sees it: rooms, noises, music that nobody speaks in, and the log-mel.

All sound is float32 at 16 kHz; all chance comes from the given generator.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter, oaconvolve
from torch import Tensor

SAMPLE_RATE = 16_000
HOP = 160
WINDOW = 400

ROOM_SHARE = 0.3
TILT_SHARE = 0.25
NOISE_SHARE = 0.65
QUIETEST_NOISE_DB, LOUDEST_NOISE_DB = 40.0, 5.0
_NOISE_SECONDS = 90

Sound = NDArray[np.float32]


@cache
def _mel_filters() -> Tensor:
    return torch.from_numpy(FeatureExtractor().mel_filters).float()


@cache
def _hann() -> Tensor:
    return torch.from_numpy(np.hanning(WINDOW + 1)[:-1].astype(np.float32))


def log_mel(sound: Sound) -> Tensor:
    """What faster-whisper's feature extractor computes, float32 [80, samples / 160]."""
    padded = torch.nn.functional.pad(torch.from_numpy(sound), (0, HOP))
    spectrum = torch.stft(
        padded, WINDOW, HOP, window=_hann(), center=True, pad_mode="reflect", return_complex=True
    )[:, :-1]
    power = spectrum.real.square() + spectrum.imag.square()
    log = (_mel_filters() @ power).clamp(min=1e-10).log10()
    return (torch.maximum(log, log.max() - 8.0) + 4.0) / 4.0


@cache
def _noises(seed: int = 5) -> tuple[Sound, ...]:
    """Long stretches of noise to cut from: white, three coloured ones, breathing, mains hum."""
    rng = np.random.default_rng(seed)
    count = _NOISE_SECONDS * SAMPLE_RATE
    seconds = np.arange(count) / SAMPLE_RATE
    white = rng.standard_normal(count)
    coloured = [lfilter([1], [1, -pole], rng.standard_normal(count)) for pole in (0.7, 0.9, 0.97)]
    breath = rng.standard_normal(count) * (1 + 0.8 * np.sin(2 * np.pi * 0.7 * seconds))
    flutter = lfilter([1], [1, -0.8], rng.standard_normal(count))
    flutter *= 1 + 0.8 * np.sin(2 * np.pi * 3.1 * seconds)
    hum = sum(np.sin(2 * np.pi * 50 * k * seconds + k) / k for k in range(1, 9))
    hum = hum + 0.1 * rng.standard_normal(count)
    return tuple(at_unit(sound) for sound in (white, *coloured, breath, flutter, hum))


def at_unit(sound: NDArray[np.floating]) -> Sound:
    """The sound at loudness 1 (root mean square)."""
    loudness = float(np.sqrt(np.mean(np.square(sound))))
    scaled: Sound = (sound / max(loudness, 1e-9)).astype(np.float32)
    return scaled


def noise(rng: Generator, samples: int) -> Sound:
    """Noise of loudness 1 (root mean square)."""
    source = _noises()[rng.integers(len(_noises()))]
    start = int(rng.integers(len(source)))
    return at_unit(np.take(source, np.arange(start, start + samples), mode="wrap"))


def music(rng: Generator, samples: int) -> Sound:
    """A simple made-up tune of loudness 1: notes with overtones, chords, now and then a drum."""
    sound = np.zeros(samples, np.float32)
    beat = rng.uniform(0.15, 0.7)
    root = rng.uniform(90, 400)
    overtones = rng.integers(1, 9)
    decay = rng.uniform(0.5, 6)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    for begin in np.arange(0, samples / SAMPLE_RATE, beat):
        start = int(begin * SAMPLE_RATE)
        length = min(samples - start, int(beat * rng.choice([1, 1, 2, 4]) * SAMPLE_RATE))
        if length < 100 or rng.random() < 0.15:
            continue
        seconds = np.arange(length, dtype=np.float32) / SAMPLE_RATE
        fall = np.exp(-decay * seconds) * np.minimum(1, seconds * 100)
        for step in rng.choice(scale, size=int(rng.choice([1, 1, 3])), replace=False):
            pitch = root * 2 ** (step / 12)
            for k in range(1, overtones + 1):
                if k * pitch < SAMPLE_RATE / 2:
                    wave = np.sin(2 * np.pi * k * pitch * seconds + rng.uniform(0, 6))
                    sound[start : start + length] += fall * wave / k
        if rng.random() < 0.3:
            drum = np.exp(-30 * seconds) * rng.standard_normal(length)
            sound[start : start + length] += drum
    return at_unit(sound)


def room(rng: Generator, sound: Sound) -> Sound:
    """The sound with an exponentially dying echo of 50 to 350 ms."""
    samples = int(SAMPLE_RATE * rng.uniform(0.05, 0.35))
    fall = np.exp(-6.9 * np.arange(samples) / samples)
    echo = rng.standard_normal(samples) * fall
    echo *= rng.uniform(0.1, 0.5) / np.sqrt(np.square(echo).sum())
    echo[0] = 1
    mixed: Sound = oaconvolve(sound, echo.astype(np.float32))[: len(sound)].astype(np.float32)
    return mixed


def with_noise(rng: Generator, sound: Sound, ratio_db: float) -> Sound:
    """The sound and noise ``ratio_db`` below its loudness."""
    return blend(sound, noise(rng, len(sound)), ratio_db)


def blend(sound: Sound, other: Sound, ratio_db: float) -> Sound:
    """The sound and another of loudness 1, brought ``ratio_db`` below the first one's loudness."""
    loudness = float(np.sqrt(np.square(sound).mean() + 1e-9))
    mixed: Sound = sound + other * np.float32(loudness * 10 ** (-ratio_db / 20))
    return mixed


def roughen(rng: Generator, sound: Sound) -> Sound:
    """A recording's troubles by chance: a room, a tilted spectrum, noise, any loudness."""
    if rng.random() < ROOM_SHARE:
        sound = room(rng, sound)
    if rng.random() < TILT_SHARE:
        tilted = sound.copy()
        tilted[1:] += np.float32(rng.uniform(-0.5, 0.5)) * sound[:-1]
        sound = tilted
    if rng.random() < NOISE_SHARE:
        sound = with_noise(rng, sound, rng.uniform(LOUDEST_NOISE_DB, QUIETEST_NOISE_DB))
    peak = float(np.abs(sound).max()) + 1e-6
    scaled: Sound = sound * np.float32(rng.uniform(0.05, 0.95) / peak)
    return scaled


def nobody_speaks(rng: Generator, samples: int) -> Sound:
    """Noise, music or nothing at all, from very soft to loud."""
    draw = rng.random()
    if draw < 0.15:
        return np.zeros(samples, np.float32)
    sound = noise(rng, samples) if draw < 0.65 else music(rng, samples)
    peak = float(np.abs(sound).max()) + 1e-6
    scaled: Sound = sound * np.float32(10 ** rng.uniform(-4, -0.1) / peak)
    return scaled
