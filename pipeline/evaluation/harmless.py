"""Whether hearing at true length leaves a model's words as right as padding does: the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.speech.true_length import Outcome, Verdict
from pipeline.evaluation.word_errors import Block

MOST_WORSE = 0.002
"""What the word error rate may rise by, as measured: one word in five hundred, some four minutes of
talk. More would buy speed with words that somebody has to correct."""

MOST_WORSE_SURELY = 0.005
"""What it may rise by at the upper end of the 95 % interval: a small set must not pass by luck."""

LEAST_WORDS = 2_000
"""Some quarter of an hour. What a model does wrong without its padding it does by stretches, of
some 75 words each: one that spoils every tenth stays unseen in 2,000 words, 27 stretches, with a
probability of 0.9 ^ 27, 6 %, and an interval cannot tell of what was never seen."""

MOST_WRONG = 0.5
"""A model that gets every second word wrong anyway, or a reference that belongs to other sound,
does not show what harm is done."""

LEAST_SPEED = 1.05
"""Below it nothing is gained that a measurement can tell from chance."""

_RESAMPLES = 2_000
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Way:
    """How the recordings of a set were heard one way: the blocks of each, in the set's order, and
    the seconds that it took. ``spare_s`` None: padded."""

    spare_s: float | None
    recordings: tuple[tuple[Block, ...], ...]
    seconds: float

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(block for recording in self.recordings for block in recording)


@dataclass(frozen=True, slots=True)
class Rates:
    """Two ways over the same words. ``interval`` is of the difference, true length minus padded;
    insertions are words that nobody said, per word that somebody did."""

    words: int
    padded: float
    true_length: float
    interval: tuple[float, float]
    padded_insertions: float
    true_insertions: float

    @property
    def worse(self) -> float:
        return self.true_length - self.padded


def rates(padded: Sequence[Block], true_length: Sequence[Block]) -> Rates:
    """The two compared block by block: the interval is the bootstrap's over pairs of blocks (Efron
    1979), seeded. Of a set without a word all is 0."""
    words = np.array([block.words for block in padded], dtype=float)
    worse = np.array(
        [two.errors - one.errors for one, two in zip(padded, true_length, strict=True)], float
    )
    total = max(words.sum(), 1.0)
    drawn = np.random.default_rng(_SEED).integers(len(words), size=(_RESAMPLES, len(words)))
    means = worse[drawn].sum(axis=1) / np.maximum(words[drawn].sum(axis=1), 1.0)
    low, high = np.percentile(means, (2.5, 97.5))

    def share(some: Sequence[Block], what: str) -> float:
        return float(sum(getattr(block, what) for block in some) / total)

    return Rates(
        words=int(words.sum()),
        padded=share(padded, "errors"),
        true_length=share(true_length, "errors"),
        interval=(float(low), float(high)),
        padded_insertions=share(padded, "insertions"),
        true_insertions=share(true_length, "insertions"),
    )


def verdict(padded: Way, others: Sequence[Way]) -> Verdict:
    """Of the ways at true length the fastest harmless one, of about equally fast ones that with the
    most spare silence; if there is none, the least harmful."""
    tried = [_verdict(padded, way) for way in others]
    harmless = [one for one in tried if one.on]
    if not harmless:
        return min(tried, key=lambda one: (one.outcome == "harmful", one.true_length))
    fast = max(one.speed for one in harmless) / 1.02
    return max((one for one in harmless if one.speed >= fast), key=lambda one: one.spare_s)


def _verdict(padded: Way, way: Way) -> Verdict:
    found = rates(padded.blocks, way.blocks)
    speed = padded.seconds / way.seconds
    return Verdict(
        outcome=_outcome(found, speed),
        spare_s=way.spare_s or 0.0,
        words=found.words,
        padded=found.padded,
        true_length=found.true_length,
        speed=speed,
    )


def _outcome(found: Rates, speed: float) -> Outcome:
    """Harm counts however few the words are, harmlessness only where they are enough."""
    if found.worse > MOST_WORSE and found.interval[0] > 0:
        return "harmful"
    if found.padded > MOST_WRONG:
        return "not_understood"
    if found.words < LEAST_WORDS:
        return "too_little"
    if found.worse > MOST_WORSE or found.interval[1] >= MOST_WORSE_SURELY:
        return "harmful"
    return "harmless" if speed >= LEAST_SPEED else "no_gain"
