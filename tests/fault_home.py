"""A small catalogue in which everything is that a night deals with, made once and copied for each
blow: transcripts, speech, an inbox, a correction, a replacement, a withheld stretch."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.catalog import recordings
from pipeline.home import open_home
from pipeline.run import correcting, intake, replacing
from pipeline.run.context import Context
from pipeline.settings import Settings
from pipeline.stages import extract, probe
from pipeline.values import Span
from tests.conftest import SAMPLES

CAPTIONS = """WEBVTT

00:00.000 --> 00:04.000
<v Anna Weber>Die Stadt plant in Abschnitt {number} ein neues Netz für die Fernwärme.

00:04.500 --> 00:09.000
<v Thomas Klein>Der Ausbau kostet {number} Millionen Euro und dauert vier Jahre.
"""


def clip(sample: str, seconds: int, target: Path) -> Path:
    """The beginning of a sample interview, as a WAV file."""
    source = SAMPLES / sample
    with extract.windows(
        source, probe.probe(source), None, window_ms=30_000, limit_ms=3_600_000
    ) as stream:
        heard = next(iter(stream)).audio[: seconds * 16_000]
    return sound(target, (heard * 32_767).astype(np.int16))


def sound(target: Path, samples: NDArray[np.int16]) -> Path:
    """16 kHz, one channel."""
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return target


def prepare(home: Path, *, texts: int = 18, clips: int = 2) -> Path:
    """A home with ``texts`` transcripts and ``clips`` recordings that nothing was done with yet, an
    inbox of three recordings, and people's work on the first transcripts. It can be copied: all
    that it names outside itself lies beside it."""
    beside = home.with_name(f"{home.name}-sources")
    beside.mkdir(parents=True)
    sources = [clip(name, 6, beside / f"{name}.wav") for name in _SAMPLES[:clips]]
    for number in range(texts):
        path = beside / f"gespraech-{number:02}.vtt"
        path.write_text(CAPTIONS.format(number=number + 2), encoding="utf-8")
        sources.append(path)
    context = Context(open_home(home), Settings(inbox_settle_seconds=0))
    added = intake.add(context, sources, intake.Wishes())
    assert all(isinstance(one, intake.Added) for one in added)
    _work_of_people(context)
    _fill(home / "inbox", heard=bool(clips))
    return home


_SAMPLES = ("lorawan.mp4", "fernwaerme.mp4")


def _work_of_people(context: Context) -> None:
    with context.catalogue() as catalogue:
        with catalogue.read() as db:
            every = {one.facts.title: one.id for one in recordings.every(db)}
        texts = [every[title] for title in sorted(every) if title.startswith("gespraech")]
        correcting.correct(catalogue, texts[0], 1_000, "neues Netz", "dichtes Netz", "anna")
        replacing.replace(catalogue, "Ausbau", "Umbau", None, "anna")
        correcting.withhold(context.home, catalogue, texts[1], Span(4_500, 9_000), "anna")


def _fill(inbox: Path, *, heard: bool) -> None:
    """Sound with a transcript, a transcript alone; where there is to be speech, sound alone."""
    inbox.mkdir()
    if heard:
        clip("data-sovereignty.mp4", 5, inbox / "talk.wav")
        (inbox / "talk.toml").write_text('title = "Talk"\npeople = ["Anna"]\n', encoding="utf-8")
    sound(inbox / "said.wav", np.ones(16_000, dtype=np.int16))
    (inbox / "said.vtt").write_text(CAPTIONS.format(number=90), encoding="utf-8")
    (inbox / "words.vtt").write_text(CAPTIONS.format(number=91), encoding="utf-8")


def copied(home: Path, target: Path) -> Path:
    """A home like ``home``."""
    shutil.copytree(home, target)
    return target
