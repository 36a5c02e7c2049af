"""Spoken sentences on disk: many clips in a few files, each with its words and phonemes.

A set `NAME` is `NAME-K.pcm` (int16, 16 kHz, clip after clip) and `NAME-K.jsonl` for K in 0…parts-1.
Part K depends on seed and K alone: espeak-ng carries state from sentence to sentence, so every part
is spoken by a process of its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from models.training.items import LANGUAGES
from models.training.speech import espeak
from models.training.speech.espeak import SAMPLE_RATE, Manner
from models.training.speech.text import read_held_out, test_sentence, training_sentence

LOG = logging.getLogger(__name__)

BASES = {
    "de": ("gmw/de",),
    "en": ("gmw/en-US", "gmw/en-US", "gmw/en", "gmw/en-GB-x-rp"),
}
"""espeak-ng's own paths: short names (`en-gb+m1`) fail for some variants."""
TRAINING_VOICES = (
    "", "m1", "m2", "m3", "m4", "m5", "m7", "m8", "f1", "f2", "f3", "f5", "Andy", "Lee", "Mario",
    "Michael", "linda", "steph", "belinda", "robert", "max", "Alex", "david", "ed", "Denis",
    "anika", "victor", "zac",
)  # fmt: skip
HELD_OUT_VOICES = ("m6", "f4", "Annie", "Gene")
"""Never heard in training."""
RATES = (120, 190)
PITCHES = (20, 80)
RANGES = (30, 70)


@dataclass(frozen=True, slots=True)
class Clip:
    """One spoken sentence: where it lies in its file, what is said, and when (seconds)."""

    part: int
    offset: int
    samples: int
    language: str
    voice: str
    text: str
    words: tuple[tuple[str, float, float], ...]
    phonemes: tuple[tuple[float, str], ...]
    end_s: float

    @property
    def seconds(self) -> float:
        return self.samples / SAMPLE_RATE


Line = tuple[str, str, str]
"""Language, voice variant, text."""


class Clips:
    """A set opened for reading; the sound stays on disk until it is asked for."""

    def __init__(self, folder: Path, name: str) -> None:
        self.clips: list[Clip] = []
        self._sound: list[NDArray[np.int16]] = []
        for part, path in enumerate(sorted(folder.glob(f"{name}-*.pcm"), key=_part_number)):
            self._sound.append(np.memmap(path, dtype=np.int16, mode="r"))
            for line in path.with_suffix(".jsonl").read_text("utf-8").splitlines():
                self.clips.append(_clip(json.loads(line), part))
        if not self.clips:
            raise FileNotFoundError(f"there is no set of clips {name} in {folder}")

    def sound(self, clip: Clip) -> NDArray[np.float32]:
        """float32 [samples] between -1 and 1."""
        raw = self._sound[clip.part][clip.offset : clip.offset + clip.samples]
        sound: NDArray[np.float32] = np.asarray(raw, dtype=np.float32) / np.float32(32768)
        return sound

    def of(self, language: str) -> list[Clip]:
        return [clip for clip in self.clips if clip.language == language]


def _part_number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _clip(value: dict[str, object], part: int) -> Clip:
    value |= {"part": part}
    for key in ("words", "phonemes"):
        value[key] = tuple(tuple(row) for row in value[key])  # type: ignore[attr-defined]
    return Clip(**value)  # type: ignore[arg-type]


def random_manner(rng: Random, language: str, voice: str) -> Manner:
    base = rng.choice(BASES[language])
    return Manner(
        f"{base}+{voice}" if voice else base,
        rng.randint(*RATES),
        rng.randint(*PITCHES),
        rng.randint(*RANGES),
    )


def training_lines(rng: Random, *, wider: bool) -> Iterator[Line]:
    """Without end; languages alternate."""
    while True:
        for language in LANGUAGES:
            yield (
                language,
                rng.choice(TRAINING_VOICES),
                training_sentence(rng, language, wider=wider),
            )


def grammar_lines(rng: Random, count: int) -> Iterator[Line]:
    """Unseen sentences of the grammar, unseen voices: ``count`` of each language."""
    for _ in range(count):
        for language in LANGUAGES:
            yield language, rng.choice(HELD_OUT_VOICES), test_sentence(rng, language)


def held_out_lines(rng: Random) -> Iterator[Line]:
    """Every held-out sentence once, in an unseen voice."""
    for language, sentences in read_held_out().items():
        for text in sentences:
            yield language, rng.choice(HELD_OUT_VOICES), text


def write_part(
    folder: Path, name: str, part: int, lines: Iterable[Line], rng: Random, hours: float | None
) -> float:
    """Speaks the lines, up to ``hours`` of sound, and returns the hours made."""
    path = folder / f"{name}-{part}.pcm"
    offset = 0
    limit = None if hours is None else hours * 3600 * SAMPLE_RATE
    working = path.with_suffix(".part")
    with working.open("wb") as sound, path.with_suffix(".jsonl").open("w", encoding="utf-8") as out:
        for language, voice, text in lines:
            spoken = espeak.say(text, random_manner(rng, language, voice))
            sound.write(spoken.samples.tobytes())
            clip = Clip(
                part,
                offset,
                len(spoken.samples),
                language,
                voice,
                text,
                spoken.words,
                spoken.phonemes,
                spoken.end_s,
            )
            values = asdict(clip)
            values.pop("part")
            out.write(json.dumps(values, ensure_ascii=False) + "\n")
            offset += clip.samples
            if limit is not None and offset >= limit:
                break
    working.replace(path)
    return offset / SAMPLE_RATE / 3600


def _training_part(folder: Path, seed: int, hours: float, wider_from: int, part: int) -> float:
    rng = Random(f"{seed} {part}")
    lines = training_lines(rng, wider=part >= wider_from)
    return write_part(folder, "train", part, lines, rng, hours)


def make_training(folder: Path, seed: int, hours: float, parts: int, processes: int) -> None:
    """The training set, its second half of wider text; parts that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [part for part in range(parts) if not (folder / f"train-{part}.pcm").exists()]
    if missing:
        espeak.check()
        in_parallel(
            partial(_training_part, folder, seed, hours / parts, parts // 2), missing, processes
        )


def make_tests(folder: Path, seed: int, per_language: int) -> None:
    """The sets `grammar` (unseen sentences) and `handwritten` (held out), in unseen voices."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(f"{seed} grammar")
    write_part(folder, "grammar", 0, grammar_lines(rng, per_language), rng, None)
    rng = Random(f"{seed} handwritten")
    write_part(folder, "handwritten", 0, held_out_lines(rng), rng, None)


def in_parallel(work: Callable[[int], float], numbers: Sequence[int], processes: int) -> None:
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        made = 0.0
        for number, hours in zip(numbers, pool.map(work, numbers), strict=True):
            made += hours
            LOG.info("part %d, %.1f hours made", number, made)
