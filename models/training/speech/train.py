"""Trains the small Whisper from nothing: speaks the text, learns the tokens, learns to listen.

    python -m models.training.speech.train --work FOLDER --out models/bundled/whisper-de-en

Every step's data depend on seed, step and process number alone; the state is saved every few
minutes and a second start goes on from there. On a processor several single-thread processes share
each step; on a graphics card one process learns and others prepare its data.
"""

from __future__ import annotations

import argparse
import logging
import math
import signal
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.distributed as group
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from models.training.items import LANGUAGES
from models.training.origin import OtherOrigin, claim, digest, text_files
from models.training.speech import clips as speech_clips
from models.training.speech.clips import Clips
from models.training.speech.export import export
from models.training.speech.losses import losses
from models.training.speech.network import Shape, SmallWhisper
from models.training.speech.steps import Recipe, batches
from models.training.speech.text import forbidden, vocabulary, written
from models.training.speech.tokenizer import TextTokens, build, learn
from models.training.speech.windows import Batch, WindowMaker, phoneme_symbols
from models.training.wording import five_grams

LOG = logging.getLogger(__name__)
LOWEST_RATE = 0.02
SAVE_EVERY_S = 240
REPORT_EVERY_S = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a run computes; decides the speed alone, besides rounding."""

    work: Path
    device: str
    precision: str
    loaders: int

    @property
    def state(self) -> Path:
        return self.work / "state.pt"

    @property
    def tokenizer(self) -> Path:
        return self.work / "tokenizer.json"


def rate_at(recipe: Recipe, step: int) -> float:
    """In each cycle a warm-up, then half a cosine (warm restarts: Loshchilov & Hutter 2017)."""
    cycle, progress = divmod(recipe.progress(step), 1.0)
    falling = 0.5 * (1 + math.cos(math.pi * max(0.0, (progress - 0.1) / 0.9)))
    within = progress * recipe.steps_of(int(cycle))
    warm = min(1.0, (within + 1) / recipe.warm_up)
    return recipe.highest_rate(int(cycle)) * warm * (LOWEST_RATE + (1 - LOWEST_RATE) * falling)


def optimizer_of(model: SmallWhisper) -> torch.optim.AdamW:
    """Matrices decay, vectors and tables do not."""
    plain = {"tokens", "times", "text_positions"}
    decays: list[Tensor] = []
    stays: list[Tensor] = []
    for name, parameter in model.named_parameters():
        (stays if parameter.ndim < 2 or name in plain else decays).append(parameter)
    return torch.optim.AdamW(
        [{"params": decays, "weight_decay": 0.02}, {"params": stays, "weight_decay": 0.0}],
        lr=1e-3,
        betas=(0.9, 0.98),
    )


def share_gradients(model: nn.Module, processes: int) -> None:
    """Every process's gradients become their mean."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    group.all_reduce(flat)
    flat /= processes
    begin = 0
    for gradient in gradients:
        gradient.copy_(flat[begin : begin + gradient.numel()].view_as(gradient))
        begin += gradient.numel()


class Trainer:
    """One process's part in the training."""

    def __init__(self, recipe: Recipe, place: Place, process: int) -> None:
        self.recipe, self.place, self.process = recipe, place, process
        self.device = torch.device(place.device)
        clips = Clips(place.work / "clips", "train")
        tokens = TextTokens(load_tokenizer(place))
        phonemes = phoneme_symbols(clips)
        self.maker = WindowMaker(clips, tokens, phonemes)
        torch.manual_seed(recipe.seed)
        self.model = SmallWhisper(shape_of(recipe, tokens.size, len(phonemes) + 1))
        self.model.to(self.device)
        self.optimizer = optimizer_of(self.model)
        self.step = 0
        if place.state.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.place.state, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def save(self) -> None:
        working = self.place.state.with_suffix(".part")
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "shape": self.model.shape.as_dict(),
            },
            working,
        )
        working.replace(self.place.state)

    def run(self) -> None:
        loader = batches(self.maker, self.recipe, self.step, self.process, self.place.loaders)
        began = saved = reported = time.monotonic()
        sums: list[list[float]] = []
        seconds = 0.0
        for batch in loader:
            sums.append(self.learn(batch.to(self.device)))
            seconds += batch.seconds * self.recipe.processes
            self.step += 1
            now = time.monotonic()
            if self.process == 0 and now - reported > REPORT_EVERY_S:
                self._report(sums, seconds / (now - began))
                sums, reported = [], now
            if self.process == 0 and now - saved > SAVE_EVERY_S:
                self.save()
                saved = now
        if self.process == 0:
            self.save()

    def learn(self, batch: Batch) -> list[float]:
        progress = min(self.recipe.progress(self.step), 1.0)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = rate_at(self.recipe, self.step)
        low_precision = self.place.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=low_precision):
            found = losses(self.model, batch)
        # Naming phonemes comes first, looking at the right place gains weight when it sits.
        loss = found.text + (1.0 - 0.6 * progress) * found.phonemes
        loss = loss + (0.5 + 0.5 * progress) * found.looks
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.processes > 1:
            share_gradients(self.model, self.recipe.processes)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return [
            float(found.text.detach()),
            float(found.phonemes.detach()),
            float(found.looks.detach()),
            found.text_right,
            found.phonemes_right,
        ]

    def _report(self, sums: list[list[float]], speed: float) -> None:
        text, phonemes, looks, text_right, phonemes_right = np.nanmean(sums, axis=0)
        LOG.info(
            "step %d of %d, %.0f x real time, text %.3f, phonemes %.3f, looks %.3f; "
            "right: text %.3f, phonemes %.3f",
            self.step,
            self.recipe.all_steps,
            speed,
            text,
            phonemes,
            looks,
            text_right,
            phonemes_right,
        )


def shape_of(recipe: Recipe, text_tokens: int, phonemes: int) -> Shape:
    return Shape(
        text_tokens,
        phonemes,
        recipe.width,
        recipe.heads,
        recipe.encoder_layers,
        recipe.decoder_layers,
    )


def load_tokenizer(place: Place) -> Tokenizer:
    return Tokenizer.from_file(str(place.tokenizer))


def learn_tokenizer(recipe: Recipe, place: Place, clips: Clips) -> None:
    if place.tokenizer.exists():
        return
    texts = [clip.text for clip in clips.clips]
    for language in LANGUAGES:
        texts += [*written(language), *vocabulary(language)]
    working = place.tokenizer.with_suffix(".part")
    build(learn(texts, recipe.text_tokens)).save(str(working))
    working.replace(place.tokenizer)


def work(process: int, recipe: Recipe, place: Place) -> None:
    """One process of the training."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1 if place.device == "cpu" else 4)
    if recipe.processes > 1:
        meeting = (place.work / "meeting").resolve()
        group.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=process, world_size=recipe.processes
        )
    Trainer(recipe, place, process).run()


def clips_origin(recipe: Recipe) -> str:
    values = {"seed": recipe.seed, "hours": recipe.hours, "parts": recipe.parts}
    return digest(values, text_files("sentences", "passages", "text/lexicon", "speech/kept_out"))


def state_origin(recipe: Recipe) -> str:
    """Steps and rates may be changed between two starts, all else may not."""
    free = {"steps", "second_steps", "third_steps"}
    free |= {"rate", "second_rate", "third_rate", "warm_up"}
    values = {name: value for name, value in asdict(recipe).items() if name not in free}
    return digest({**values, "clips": clips_origin(recipe)}, ())


def refuse_leaks(clips: Clips) -> None:
    """Raises ValueError for a clip that says five words in a row of a text kept out."""
    for clip in clips.clips:
        if five_grams(clip.text) & forbidden():
            raise ValueError(f"a clip says what is kept out of training: {clip.text!r}")


def train(recipe: Recipe, place: Place) -> None:
    """Makes what is missing, in order: clips, tokenizer, weights."""
    (place.work / "meeting").unlink(missing_ok=True)
    claim(place.work / "clips" / "origin", clips_origin(recipe))
    claim(place.work / "origin", state_origin(recipe))
    speech_clips.make_training(
        place.work / "clips",
        recipe.seed,
        recipe.hours,
        recipe.parts,
        max(recipe.processes, place.loaders),
    )
    clips = Clips(place.work / "clips", "train")
    refuse_leaks(clips)
    learn_tokenizer(recipe, place, clips)
    if recipe.processes > 1:
        # Daemons, and an exit instead of a death: nobody goes on learning alone.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        spawn(work, (recipe, place), recipe.processes, daemon=True)  # type: ignore[no-untyped-call]
    else:
        work(0, recipe, place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="clips and state; some 10 GB")
    parser.add_argument("--out", type=Path, help="write the model folder here when done")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--loaders", type=int, default=0, help="processes that prepare data")
    for field in fields(Recipe):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default
        )
    given = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = Recipe(**{field.name: given[field.name] for field in fields(Recipe)})
    place = Place(
        given["work"],
        given["device"],
        given["precision"],
        given["loaders"],
    )
    try:
        train(recipe, place)
    except (OtherOrigin, OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    if given["out"] is not None:
        export(place.state, place.tokenizer, given["out"])


if __name__ == "__main__":
    main()
