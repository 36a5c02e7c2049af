"""What every step of the training learns from: by seed, step and process number alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from models.training.speech.clips import Clip
from models.training.speech.windows import FULL_S, Batch, Window, WindowMaker

MEDIUM_S = (8.0, 10.0, 12.0)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what the model becomes, besides the text."""

    seed: int = 20261
    hours: float = 128.0
    parts: int = 64
    text_tokens: int = 2400
    width: int = 192
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 3
    steps: int = 6_800
    second_steps: int = 8_000
    third_steps: int = 8_000
    """Steps of the three cycles; with each, the rate rises once more. The third sees mostly full
    windows."""
    rate: float = 1.8e-3
    second_rate: float = 1.2e-3
    third_rate: float = 1.0e-3
    warm_up: int = 300
    seconds: float = 36.0
    """Sound of one process's share of a step."""
    processes: int = 2
    """They share every step; on a graphics card there is one."""

    @property
    def all_steps(self) -> int:
        return self.steps + self.second_steps + self.third_steps

    def progress(self, step: int) -> float:
        """From 0 to 1 in the first cycle, to 2 and 3 in the others."""
        done = 0.0
        for length in (self.steps, self.second_steps, self.third_steps):
            if step < length:
                return done + step / length
            step, done = step - length, done + 1.0
        return done

    def highest_rate(self, cycle: int) -> float:
        return (self.rate, self.second_rate, self.third_rate)[cycle]

    def steps_of(self, cycle: int) -> int:
        return (self.steps, self.second_steps, self.third_steps)[cycle]


@dataclass(frozen=True, slots=True)
class Mixture:
    """Shares of a step's kinds, by steps: single sentences (the rest), a few, full windows."""

    few: float
    full: float

    @staticmethod
    def at(progress: float) -> Mixture:
        if progress < 0.3:
            return Mixture(0.16, 0.04)
        if progress < 0.6:
            return Mixture(0.28, 0.14)
        if progress < 2.0:
            return Mixture(0.30, 0.40)
        return Mixture(0.25, 0.55)


def batch_at(maker: WindowMaker, recipe: Recipe, step: int, process: int) -> Batch:
    """The share of one process in one step. All processes of a step make the same kind, so that
    none waits for another; language and length differ."""
    progress = recipe.progress(step)
    kind = Random(f"{recipe.seed} {step}").random()
    rng = Random(f"{recipe.seed} {step} {process}")
    noise = np.random.default_rng(rng.getrandbits(64))
    mixture = Mixture.at(progress)
    if kind < mixture.full:
        count = max(1, int(recipe.seconds / FULL_S))
        windows = [several(maker, rng, noise, FULL_S) for _ in range(count)]
        return maker.batch(rng, windows, full=True, prompts=0.3)
    if kind < mixture.full + mixture.few:
        longest_s = rng.choice(MEDIUM_S)
        count = max(1, int(recipe.seconds / longest_s))
        windows = [several(maker, rng, noise, longest_s) for _ in range(count)]
        return maker.batch(rng, windows, full=False, prompts=0.25)
    windows = single_sentences(maker, rng, noise, recipe.seconds)
    return maker.batch(rng, windows, full=False, prompts=0.1 if progress > 0.3 else 0.0)


def several(
    maker: WindowMaker, rng: Random, noise: np.random.Generator, longest_s: float
) -> Window:
    if rng.random() < 0.05:
        return maker.silent(rng, noise, longest_s)
    return maker.several(rng, noise, longest_s)


def single_sentences(
    maker: WindowMaker, rng: Random, noise: np.random.Generator, seconds: float
) -> list[Window]:
    """Sentences of like length, so that little is padded."""
    drawn = sorted(rng.choices(maker.clips.clips, k=80), key=lambda clip: clip.samples)
    first = rng.randrange(60)
    chosen: list[Clip] = []
    for clip in drawn[first:]:
        if chosen and (clip.seconds + 0.8) * (len(chosen) + 1) > seconds:
            break
        chosen.append(clip)
    return [maker.one(rng, noise, clip) for clip in chosen]


class _Steps(Dataset[Batch]):
    """The steps still to do, as a loader's workers count them."""

    def __init__(self, maker: WindowMaker, recipe: Recipe, first: int, process: int) -> None:
        self.maker, self.recipe, self.first, self.process = maker, recipe, first, process

    def __len__(self) -> int:
        return self.recipe.all_steps - self.first

    def __getitem__(self, number: int) -> Batch:
        torch.set_num_threads(1)
        return batch_at(self.maker, self.recipe, self.first + number, self.process)


def batches(
    maker: WindowMaker, recipe: Recipe, first: int, process: int, loaders: int
) -> Iterator[Batch]:
    steps = _Steps(maker, recipe, first, process)
    if not loaders:
        return (steps[number] for number in range(len(steps)))
    return iter(
        DataLoader(steps, batch_size=None, num_workers=loaders, prefetch_factor=4, pin_memory=True)
    )
