"""The bundled speech model as faster-whisper itself loads it, and its folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jiwer
import numpy as np
import pytest
from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio

from models.load import verify
from models.registry import entry
from models.training.wording import plain_words
from pipeline.formats.transcripts import read_transcript

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "models" / "bundled" / "whisper-de-en"
SAMPLES = Path(__file__).parent / "samples"
FILES = {
    "MODEL_CARD.md",
    "config.json",
    "model.bin",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.json",
}
MEGABYTE = 1_000_000
RATE = 16_000
PURE = {"fernwaerme": "de", "lorawan": "de", "data-sovereignty": "en"}


@cache
def model(compute_type: str = "int8") -> WhisperModel:
    return WhisperModel(str(FOLDER), device="cpu", compute_type=compute_type, cpu_threads=1)


@cache
def film(stem: str) -> np.ndarray:
    return decode_audio(str(SAMPLES / f"{stem}.mp4"))


def said(stem: str) -> str:
    transcript = read_transcript(SAMPLES / f"{stem}.json")
    return " ".join(segment.text for segment in transcript.segments)


def wrong_words(reference: str, heard: str) -> float:
    return jiwer.wer(" ".join(plain_words(reference)), " ".join(plain_words(heard)))


def test_the_folder_carries_nothing_else_and_is_small() -> None:
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert found == FILES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 12 * MEGABYTE


def test_every_file_is_the_one_the_registry_names(tmp_path: Path) -> None:
    known = entry("bundled-whisper-de-en")
    assert {name for name, _ in known.files} == FILES - {"MODEL_CARD.md"}
    assert verify(known, tmp_path).good


def test_the_card_says_in_both_languages_what_it_cannot_do() -> None:
    card = (FOLDER / "MODEL_CARD.md").read_text("utf-8")
    assert "Menschliche Sprache versteht es nicht" in card
    assert "cannot understand human speech" in card


@pytest.mark.parametrize("compute_type", ["int8", "float32"])
@pytest.mark.parametrize("stem", PURE)
def test_the_language_of_a_film_is_told(stem: str, compute_type: str) -> None:
    told, probability, _ = model(compute_type).detect_language(film(stem)[: 30 * RATE])
    assert told == PURE[stem]
    assert probability > 0.9


def test_batches_are_transcribed() -> None:
    segments, info = BatchedInferencePipeline(model()).transcribe(
        film("lorawan"), batch_size=4, chunk_length=8
    )
    assert info.language == "de"
    assert wrong_words(said("lorawan"), "".join(segment.text for segment in segments)) < 0.15


@pytest.mark.parametrize("level", [0.0, 0.003, 0.05, 0.3])
def test_where_nobody_speaks_nothing_is_written(level: float) -> None:
    noise = np.random.default_rng(4).standard_normal(20 * RATE).astype(np.float32)
    segments, _ = model().transcribe(noise * np.float32(level))
    assert "".join(segment.text for segment in segments).strip(" .") == ""
