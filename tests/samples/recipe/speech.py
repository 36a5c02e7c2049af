"""The scripts' sentences spoken, each at one loudness, by the speech recipe's synthesiser."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.speech import espeak
from models.training.speech.espeak import SAMPLE_RATE, Manner

from .script import Voice

__all__ = ["SAMPLE_RATE", "Spoken", "SpokenWord", "say_each"]

PEAK = 0.6


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as written, punctuation included, with its times in seconds."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence: float32 [n] at 16 kHz, peak 0.6, and its words."""

    samples: NDArray[np.float32]
    words: tuple[SpokenWord, ...]


def say_each(lines: Sequence[tuple[str, Voice]]) -> list[Spoken]:
    """Speaks every line in a process that has said nothing before.

    espeak-ng carries random state from one sentence to the next; so a sentence sounds the same
    whatever was said before it, and changing one line leaves all others as they were. Raises
    OSError where the synthesiser is not installed.
    """
    with multiprocessing.get_context("forkserver").Pool(1, maxtasksperchild=1) as pool:
        return pool.map(_say, lines, chunksize=1)


def _say(line: tuple[str, Voice]) -> Spoken:
    text, voice = line
    said = espeak.say(text, Manner(voice.voice, voice.rate, voice.pitch))
    samples = said.samples.astype(np.float32)
    samples *= np.float32(PEAK / float(np.abs(samples).max()))
    return Spoken(samples, tuple(SpokenWord(*word) for word in said.words))
