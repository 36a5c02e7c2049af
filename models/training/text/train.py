"""Trains the small German and English text model from nothing, on this machine's processor.

    python -m models.training.text.train --out models/bundled/text-de-en

Two phases: a bag of words (fast: learns what words mean and how much they weigh), then, with
`--layers 2 --full-steps 2400`, a small BERT that starts out as that bag and learns on longer
passages. A step's batch depends on the seed, the step and what the model confused when its round
of 250 steps began.
`--minutes` stops after a round; `--state FILE` saves every round and resumes from there.
"""

import argparse
import logging
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from models.training.origin import OtherOrigin, claim, digest, text_files
from models.training.text.batches import Phase, Recipe, Round, Steps, batches, flat, padded
from models.training.text.mining import Vectors, near_items
from models.training.text.network import (
    BagOfWords,
    contrastive_loss,
    embed,
    new_encoder,
    save_bag,
    save_folder,
)
from models.training.text.tokenizer import train_tokenizer

LOG = logging.getLogger(__name__)
ROUND = 250
WARM_UP = 40


def rate(top: float, step: int, steps: int) -> float:
    """Learning rate: a short warm-up, then linearly down to a fiftieth."""
    return top * min((step + 1) / WARM_UP, max(1.0 - step / steps, 0.02))


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a run computes, and how long (``deadline``: monotonic clock, seconds)."""

    deadline: float
    state: Path | None
    precision: str
    loaders: int

    def file(self, phase: Phase) -> Path | None:
        return None if self.state is None else self.state.with_name(f"{self.state.name}.{phase}")


@dataclass(frozen=True, slots=True)
class Learner:
    """What learns in a phase: the module and how it turns token ids into vectors."""

    phase: Phase
    module: nn.Module
    vectors: Vectors
    steps: int
    rate: float


def run_phase(learner: Learner, recipe: Recipe, tokenizer: Tokenizer, place: Place) -> None:
    """Trains the module in place until its steps or the time are used up: in rounds, before each
    of which it is looked up what the module still takes for each other."""
    optimizer = torch.optim.AdamW(learner.module.parameters(), weight_decay=0.0)
    file = place.file(learner.phase)
    step = resume(learner.module, optimizer, file)
    while step < learner.steps and time.monotonic() < place.deadline:
        near = near_items(learner.vectors, tokenizer) if step >= ROUND else ()
        part = Round(learner.phase, step, min(step + ROUND, learner.steps), near)
        run_round(learner, Steps(tokenizer, recipe, part), optimizer, place)
        step = part.last
        save(learner.module, optimizer, step, file)


def run_round(
    learner: Learner, steps: Steps, optimizer: torch.optim.Optimizer, place: Place
) -> None:
    began, losses = time.monotonic(), []
    low_precision = learner.phase == "full" and place.precision == "bfloat16"
    for step, batch in enumerate(batches(steps, place.loaders), start=steps.part.first):
        for parameters in optimizer.param_groups:
            parameters["lr"] = rate(learner.rate, step, learner.steps)
        with torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
            query, positive, negative = (
                learner.vectors(texts) for texts in (batch.query, batch.positive, batch.negative)
            )
        loss = contrastive_loss(query.float(), positive.float(), negative.float(), batch.group)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learner.module.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    LOG.info(
        "%s %d of %d: loss %.3f, %.0f s",
        learner.phase,
        steps.part.last,
        learner.steps,
        sum(losses) / len(losses),
        time.monotonic() - began,
    )


def resume(module: nn.Module, optimizer: torch.optim.Optimizer, file: Path | None) -> int:
    """The step to go on from; module and optimizer become as they were then."""
    if file is None or not file.exists():
        return 0
    kept = torch.load(file, weights_only=True)
    module.load_state_dict(kept["module"])
    optimizer.load_state_dict(kept["optimizer"])
    return int(kept["step"])


def save(module: nn.Module, optimizer: torch.optim.Optimizer, step: int, file: Path | None) -> None:
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    working = file.with_name(f"{file.name}.part")
    values = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(values, working)
    working.replace(file)


def train(recipe: Recipe, out: Path, bag_out: Path | None, place: Place) -> None:
    """Trains and writes the model folder; raises OSError where files cannot be written."""
    if place.state is not None:
        texts = text_files("sentences", "passages", "clouds", "text")
        claim(place.state.with_name(f"{place.state.name}.origin"), digest(asdict(recipe), texts))
    tokenizer = train_tokenizer(recipe.pieces, recipe.seed)
    bag = BagOfWords(tokenizer.get_vocab_size(), recipe.width, recipe.seed)
    learner = Learner("bag", bag, lambda t: bag(*flat(t)), recipe.bag_steps, recipe.bag_rate)
    run_phase(learner, recipe, tokenizer, place)
    if bag_out is not None:
        save_bag(bag, tokenizer, bag_out)
    model = new_encoder(bag.table.weight.detach(), recipe.layers, recipe.seed)
    learner = Learner(
        "full", model, lambda t: embed(model, *padded(t)), recipe.full_steps, recipe.full_rate
    )
    run_phase(learner, recipe, tokenizer, place)
    save_folder(model, tokenizer, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after so many minutes")
    parser.add_argument("--state", type=Path, help="file name to save to and resume from")
    parser.add_argument("--bag-out", type=Path, help="also save the bag of words (the baseline)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--loaders", type=int, default=1, help="processes that prepare data")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    for field in fields(Recipe):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default
        )
    given = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(given["threads"])
    recipe = Recipe(**{field.name: given[field.name] for field in fields(Recipe)})
    deadline = time.monotonic() + 60 * given["minutes"]
    place = Place(deadline, given["state"], given["precision"], given["loaders"])
    try:
        train(recipe, given["out"], given["bag_out"], place)
    except OtherOrigin as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
