"""What every step learns from: batches of triples as token ids, by phase and step alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from models.training.text.network import MAX_TOKENS
from models.training.text.pairs import triples
from models.training.text.triple import Triple
from models.training.text.written import Near

Phase = Literal["bag", "full"]
CUT_SHARE = 0.2
"""Of the words in every other step: they are also seen in other pieces, as in BPE dropout
(Provilkov et al. 2020), whose chance the tokenizers library draws without a seed."""
SHORT_TOKENS = 64
LONG_EVERY = 8
LONGEST_PASSAGE = 12


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what the model becomes, besides lexicon and grammars.

    No layers by default: two of them, 750 steps on, answered the questions kept back no better
    than the bag of words they started as (the model card has the figures).
    """

    seed: int = 20260
    pieces: int = 9728
    width: int = 192
    layers: int = 0
    bag_batch: int = 320
    full_batch: int = 128
    long_batch: int = 16
    bag_steps: int = 4000
    full_steps: int = 0
    bag_rate: float = 1e-2
    full_rate: float = 5e-4


@dataclass(frozen=True, slots=True)
class Batch:
    """Queries, positives and near misses as lists of token ids; groups int64 [n]."""

    query: list[list[int]]
    positive: list[list[int]]
    negative: list[list[int]]
    group: Tensor


def batch_at(tokenizer: Tokenizer, drawn: Sequence[Triple], rng: Random, cut: float) -> Batch:
    rows = [[cut_words(rng, text, cut) for text in triple.texts] for triple in drawn]
    query, positive, negative = (
        [encoded.ids for encoded in tokenizer.encode_batch(list(texts))]
        for texts in zip(*rows, strict=True)
    )
    return Batch(query, positive, negative, torch.tensor([t.group for t in drawn]))


def cut_words(rng: Random, text: str, share: float) -> str:
    """A share of the words cut in two: a space is no piece, so only the pieces change."""
    if not share:
        return text
    words = []
    for word in text.split():
        at = rng.randrange(1, len(word)) if len(word) > 3 and rng.random() < share else 0
        words.append(f"{word[:at]} {word[at:]}" if at else word)
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Round:
    """Some steps of a phase, between which `near` stays the same."""

    phase: Phase
    first: int
    last: int
    near: Near


class Steps(Dataset[Batch]):
    """A round's batches. A step depends on seed, phase, its number and `near` alone, so that a
    resumed run sees the same data."""

    def __init__(self, tokenizer: Tokenizer, recipe: Recipe, part: Round) -> None:
        self.tokenizer, self.recipe, self.part = tokenizer, recipe, part
        self.seed = recipe.seed * 1_000_003 + (0 if part.phase == "bag" else 500_000)

    def __len__(self) -> int:
        return self.part.last - self.part.first

    def __getitem__(self, number: int) -> Batch:
        step, full = self.part.first + number, self.part.phase == "full"
        long_step = full and step % LONG_EVERY == 0
        size = self.recipe.full_batch if full else self.recipe.bag_batch
        self.tokenizer.enable_truncation(MAX_TOKENS if long_step else SHORT_TOKENS)
        longest = LONGEST_PASSAGE if long_step else step % 3
        drawn = islice(
            triples(self.seed + step, longest, self.part.near),
            self.recipe.long_batch if long_step else size,
        )
        cut = CUT_SHARE if step % 2 else 0.0
        return batch_at(self.tokenizer, list(drawn), Random(self.seed + step), cut)


def batches(steps: Steps, loaders: int) -> Iterator[Batch]:
    """The batches in order, made beforehand by ``loaders`` processes of their own."""
    if not loaders:
        return (steps[number] for number in range(len(steps)))
    return iter(DataLoader(steps, batch_size=None, num_workers=loaders))


def flat(texts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """All ids in a row and where each text starts, as `EmbeddingBag` reads them."""
    lengths = torch.tensor([0, *(len(ids) for ids in texts[:-1])])
    return torch.tensor([i for ids in texts for i in ids]), lengths.cumsum(0)


def padded(texts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Ids and mask int64 [n, longest]."""
    rows = nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids in texts], batch_first=True)
    return rows, (rows != 0).long()
