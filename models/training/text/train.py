"""Trains the small German and English text model from nothing, on this machine's processor.

    python -m models.training.text.train --out models/bundled/text-de-en

Two phases: a bag of words (fast: learns what words mean and how much they weigh), then a small
BERT that starts out as that bag and learns on longer passages. Batches depend on seed and step
alone. `--minutes` stops early; `--state FILE` saves every hundred steps and resumes from there.
"""

import argparse
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from models.training.text.network import (
    MAX_TOKENS,
    BagOfWords,
    contrastive_loss,
    embed,
    new_encoder,
    save_bag,
    save_folder,
)
from models.training.text.pairs import triples
from models.training.text.tokenizer import train_tokenizer

LOG = logging.getLogger(__name__)
PIECE_DROPOUT = 0.08  # BPE dropout: words are also seen in smaller pieces (Provilkov et al., 2020)
SAVE_EVERY = 100
WARM_UP = 40
SHORT_TOKENS = 64
LONG_EVERY = 6


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what the model becomes, besides lexicon and grammars."""

    seed: int = 20260
    pieces: int = 9728
    width: int = 192
    layers: int = 2
    bag_batch: int = 320
    full_batch: int = 96
    long_batch: int = 16
    bag_steps: int = 2000
    full_steps: int = 1200
    bag_rate: float = 1e-2
    full_rate: float = 5e-4


DEFAULT = Recipe()


@dataclass(frozen=True, slots=True)
class Batch:
    """Queries, positives and near misses as lists of token ids; groups int64 [n]."""

    query: list[list[int]]
    positive: list[list[int]]
    negative: list[list[int]]
    group: Tensor


def batch_at(tokenizer: Tokenizer, seed: int, size: int, longest: int) -> Batch:
    drawn = list(islice(triples(seed, longest), size))
    query, positive, negative = (
        [encoded.ids for encoded in tokenizer.encode_batch([getattr(t, name) for t in drawn])]
        for name in ("query", "positive", "negative")
    )
    return Batch(query, positive, negative, torch.tensor([t.group for t in drawn]))


def batches(tokenizer: Tokenizer, recipe: Recipe, phase: str, first: int) -> Iterator[Batch]:
    """Batch `step` of a phase depends on seed and step alone: a resumed run sees the same data."""
    step = first
    seed = recipe.seed * 1_000_003 + (0 if phase == "bag" else 500_000)
    while True:
        long_step = phase == "full" and step % LONG_EVERY == 0
        longest = 12 if long_step else step % 3
        size = recipe.long_batch if long_step else recipe.full_batch
        tokenizer.model.dropout = PIECE_DROPOUT if step % 2 else None
        tokenizer.enable_truncation(MAX_TOKENS if long_step else SHORT_TOKENS)
        yield batch_at(
            tokenizer, seed + step, recipe.bag_batch if phase == "bag" else size, longest
        )
        step += 1


def flat(texts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """All ids in a row and where each text starts, as `EmbeddingBag` reads them."""
    lengths = torch.tensor([0, *(len(ids) for ids in texts[:-1])])
    return torch.tensor([i for ids in texts for i in ids]), lengths.cumsum(0)


def padded(texts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Ids and mask int64 [n, longest]."""
    rows = nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids in texts], batch_first=True)
    return rows, (rows != 0).long()


def rate(top: float, step: int, steps: int) -> float:
    """Learning rate: a short warm-up, then linearly down to a fiftieth."""
    return top * min((step + 1) / WARM_UP, max(1.0 - step / steps, 0.02))


def run_phase(
    module: nn.Module,
    vectors: Callable[[list[list[int]]], Tensor],
    recipe: Recipe,
    tokenizer: Tokenizer,
    phase: str,
    deadline: float,
    state: Path | None,
    precision: str,
) -> None:
    """Trains `module` in place until its steps or the time are used up."""
    bag = phase == "bag"
    steps, top = (
        (recipe.bag_steps, recipe.bag_rate) if bag else (recipe.full_steps, recipe.full_rate)
    )
    optimizer = torch.optim.AdamW(module.parameters(), weight_decay=0.0)
    file = None if state is None else state.with_name(f"{state.name}.{phase}")
    step = 0
    if file is not None and file.exists():
        kept = torch.load(file, weights_only=True)
        module.load_state_dict(kept["module"])
        optimizer.load_state_dict(kept["optimizer"])
        step = kept["step"]
    began, mean = time.monotonic(), 0.0
    stream = batches(tokenizer, recipe, phase, step)
    while step < steps and time.monotonic() < deadline:
        batch = next(stream)
        for parameters in optimizer.param_groups:
            parameters["lr"] = rate(top, step, steps)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16" and not bag):
            found = [vectors(texts) for texts in (batch.query, batch.positive, batch.negative)]
        loss = contrastive_loss(*(rows.float() for rows in found), batch.group)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        mean = loss.item() if mean == 0.0 else 0.98 * mean + 0.02 * loss.item()
        step += 1
        if step % SAVE_EVERY == 0:
            LOG.info("%s %d loss %.3f, %.0f s", phase, step, mean, time.monotonic() - began)
            if file is not None:
                values = {"module": module.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save({**values, "step": step}, file)


def train(
    recipe: Recipe,
    out: Path,
    minutes: float,
    state: Path | None,
    bag_out: Path | None,
    precision: str,
) -> None:
    """Trains and writes the model folder; raises OSError where files cannot be written."""
    deadline = time.monotonic() + 60 * minutes
    tokenizer = train_tokenizer(recipe.pieces, recipe.seed)
    bag = BagOfWords(tokenizer.get_vocab_size(), recipe.width, recipe.seed)
    run_phase(bag, lambda t: bag(*flat(t)), recipe, tokenizer, "bag", deadline, state, precision)
    if bag_out is not None:
        save_bag(bag, tokenizer, bag_out)
    model = new_encoder(bag.table.weight.detach(), recipe.layers, recipe.seed)
    run_phase(
        model,
        lambda t: embed(model, *padded(t)),
        recipe,
        tokenizer,
        "full",
        deadline,
        state,
        precision,
    )
    save_folder(model, tokenizer, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after so many minutes")
    parser.add_argument("--state", type=Path, help="file name to save to and resume from")
    parser.add_argument("--bag-out", type=Path, help="also save the bag of words (the baseline)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bag-steps", type=int, default=DEFAULT.bag_steps)
    parser.add_argument("--full-steps", type=int, default=DEFAULT.full_steps)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(given.threads)
    recipe = Recipe(bag_steps=given.bag_steps, full_steps=given.full_steps)
    train(recipe, given.out, given.minutes, given.state, given.bag_out, given.precision)


if __name__ == "__main__":
    main()
