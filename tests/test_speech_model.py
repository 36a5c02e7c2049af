"""The bundled speech model as faster-whisper itself loads it, and its folder."""

from __future__ import annotations

import tomllib
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


def test_the_registry_asks_nothing_special_for_it_but_to_leave_hints_out() -> None:
    rows = tomllib.loads((ROOT / "models" / "registry.toml").read_text("utf-8"))["model"]
    (row,) = (row for row in rows if row["name"] == "bundled-whisper-de-en")
    special = set(row) - {"name", "kind", "bundled", "licence", "note_de", "note_en", "files"}
    assert special == {"size_mb", "ram_gb", "prompts"}


def test_the_card_says_in_both_languages_what_it_cannot_do() -> None:
    card = (FOLDER / "MODEL_CARD.md").read_text("utf-8")
    assert "versteht Menschen schlecht" in card
    assert "does not understand people well" in card


@pytest.mark.parametrize("compute_type", ["int8", "float32"])
@pytest.mark.parametrize("stem", PURE)
def test_whole_films_are_understood_window_by_window(stem: str, compute_type: str) -> None:
    # Without the text before, as the pipeline hears: the card says how that misleads the model.
    segments, info = model(compute_type).transcribe(film(stem), condition_on_previous_text=False)
    heard = "".join(segment.text for segment in segments)
    assert info.language == PURE[stem]
    assert wrong_words(said(stem), heard) < 0.12


@pytest.mark.parametrize("stem", PURE)
def test_batches_of_thirty_seconds_are_understood(stem: str) -> None:
    segments, info = BatchedInferencePipeline(model()).transcribe(film(stem), batch_size=4)
    heard = "".join(segment.text for segment in segments)
    assert info.language == PURE[stem]
    assert wrong_words(said(stem), heard) < 0.12


def test_segments_begin_where_sentences_do() -> None:
    reference = read_transcript(SAMPLES / "fernwaerme.json")
    starts = np.array([segment.start_ms / 1000 for segment in reference.segments])
    segments, _ = model().transcribe(film("fernwaerme"), condition_on_previous_text=False)
    found = np.array([segment.start for segment in segments])
    assert np.median(np.abs(starts[:, None] - found[None]).min(1)) < 0.2


@pytest.mark.parametrize("level", [0.0, 0.003, 0.05, 0.3])
def test_where_nobody_speaks_nothing_is_written(level: float) -> None:
    noise = np.random.default_rng(4).standard_normal(20 * RATE).astype(np.float32)
    segments, _ = model().transcribe(noise * np.float32(level))
    assert "".join(segment.text for segment in segments).strip(" .") == ""
