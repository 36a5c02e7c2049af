"""Hotwords reach the model whole, within its limit, and never at the cost of what was said."""

from __future__ import annotations

import json
import sqlite3
import wave
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from checkpoints import OLD_ROWS, SENTENCE, save, tokenizer
from conftest import SAMPLES, Interviews
from faster_whisper import decode_audio
from tokenizers import Tokenizer

from models.contracts import Audio, ModelError, Recogniser, Recognition, RecognitionTask
from models.conversion.convert import convert
from models.load import load_recogniser, resolve
from models.registry import ModelEntry, entry
from models.speech.decoder import SpeechDecoder
from models.speech.engine import load_model
from models.speech.hotwords import MAX_TOKENS, fitting, fitting_for
from models.speech.quality import echoes

BUNDLED = entry("bundled-whisper-de-en")
TERMS = tuple(f"Fachwort {number}" for number in range(300))


def folder_of(known: ModelEntry) -> Path:
    assert known.directory is not None
    if not (known.directory / "model.bin").is_file():
        pytest.skip("the bundled speech model is not built")
    return known.directory


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    """The bundled speech model's own tokenizer."""
    return Tokenizer.from_file(str(folder_of(BUNDLED) / "tokenizer.json"))


def fits(words: Tokenizer, *terms: str) -> tuple[str, ...]:
    return fitting(
        terms,
        lambda text: words.encode(text, add_special_tokens=False).ids,
        words.token_to_id("<|endoftext|>"),
    )


def cost(words: Tokenizer, terms: tuple[str, ...]) -> int:
    return len(words.encode(" " + ", ".join(terms), add_special_tokens=False).ids)


# ------------------------------------------------------------------ the limit


def test_whole_terms_are_taken_from_the_first_on_until_no_more_fit(words: Tokenizer) -> None:
    kept = fits(words, *TERMS)
    assert kept == TERMS[: len(kept)] != TERMS
    assert cost(words, kept) <= MAX_TOKENS < cost(words, TERMS[: len(kept) + 1])


def test_a_term_that_is_too_long_alone_does_not_hold_up_the_others(words: Tokenizer) -> None:
    long = "Donaudampfschifffahrt" * 30
    assert fits(words, "LoRaWAN", long, "Redispatch 2.0") == ("LoRaWAN", "Redispatch 2.0")


def test_a_term_that_spells_a_mark_of_the_model_is_never_told(words: Tokenizer) -> None:
    assert fits(words, "LoRaWAN", "<|endoftext|>", "x<|de|>y") == ("LoRaWAN",)


def test_no_terms_are_no_hotwords(words: Tokenizer) -> None:
    assert fits(words) == ()


def test_what_fits_is_told_without_loading_the_model(tmp_path: Path) -> None:
    own = ModelEntry("own", "speech", directory=folder_of(BUNDLED))
    assert fitting_for(own, folder_of(BUNDLED), TERMS[:3]) == TERMS[:3]
    assert fitting_for(BUNDLED, folder_of(BUNDLED), TERMS[:3]) == ()
    with pytest.raises(ModelError) as caught:
        fitting_for(own, tmp_path, TERMS)
    assert (caught.value.reason, caught.value.detail) == ("damaged", "tokenizer.json")


# ------------------------------------------------------------------ the prompt


@pytest.fixture(scope="module")
def decoder() -> SpeechDecoder:
    return SpeechDecoder(load_model(folder_of(BUNDLED), BUNDLED.name, "cpu", "auto", 1))


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_prompt_is_what_went_before_then_the_usual_start(
    decoder: SpeechDecoder, words: Tokenizer, language: str
) -> None:
    marks = ("startoftranscript", language, "transcribe", "notimestamps")
    start = [words.token_to_id(f"<|{mark}|>") for mark in marks]
    terms = ("LoRaWAN", "Redispatch 2.0")
    told = words.encode(" LoRaWAN, Redispatch 2.0", add_special_tokens=False).ids
    assert decoder.prompt(language) == start
    assert decoder.prompt(language, terms) == [words.token_to_id("<|startofprev|>"), *told, *start]


def test_a_prompt_leaves_half_of_the_positions_to_the_text(decoder: SpeechDecoder) -> None:
    start = len(decoder.prompt("de"))
    assert start + 200 < len(decoder.prompt("de", TERMS)) <= start + 1 + MAX_TOKENS


# ------------------------------------------------------------------ recognising


@pytest.fixture(scope="module")
def audio() -> Audio:
    """The first words of a sample interview."""
    sound: Audio = decode_audio(str(SAMPLES / "fernwaerme.mp4"))[: 16_000 * 8]
    return sound


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model "speaking", which says ``SENTENCE`` word by word, by the position
    alone; so whatever is put in front of the text pushes it out of the sentence."""
    place = tmp_path_factory.mktemp("models")
    convert(save(place / "checkpoint"), "speaking", place)
    return place


def recognise(known: ModelEntry, models_dir: Path, audio: Audio, *hotwords: str) -> Recognition:
    recogniser: Recogniser = load_recogniser(
        known, models_dir, device="cpu", compute_type="auto", threads=2, batch_size=2
    )
    return recogniser.recognise(audio, RecognitionTask("de", beam_size=1, hotwords=hotwords))


def speaking(models_dir: Path, audio: Audio, *hotwords: str) -> Recognition:
    return recognise(resolve("speech", "speaking", models_dir), models_dir, audio, *hotwords)


def test_hotwords_stand_before_the_text_when_it_is_decoded(models_dir: Path, audio: Audio) -> None:
    spoken = tokenizer(OLD_ROWS).encode(" " + SENTENCE).ids
    pushed = len(tokenizer(OLD_ROWS).encode(" A").ids) + 1
    found = speaking(models_dir, audio, "A")
    rest = tokenizer(OLD_ROWS).decode(spoken[pushed:]).strip()
    assert {segment.text for segment in found.segments} == {rest}
    assert found.ran["hotwords"] == 1


def test_what_hotwords_spoil_is_decoded_again_without_them(models_dir: Path, audio: Audio) -> None:
    found = speaking(models_dir, audio, *TERMS)
    assert {segment.text for segment in found.segments} == {SENTENCE}
    assert all(segment.redecoded for segment in found.segments)
    told = found.ran["hotwords"]
    assert isinstance(told, int) and 5 < told < len(TERMS)


def test_a_model_that_hints_lead_astray_gets_none(tmp_path: Path, audio: Audio) -> None:
    folder_of(BUNDLED)
    assert not BUNDLED.prompts
    plain = recognise(BUNDLED, tmp_path, audio)
    told = recognise(BUNDLED, tmp_path, audio, *TERMS)
    assert told == plain
    assert told.segments and told.ran["hotwords"] == 0


@pytest.mark.parametrize(
    ("text", "reads_out"),
    [
        ("LoRaWAN, Redispatch 2.0, Stadtwerke Musterstadt.", True),
        ("Ja. redispatch 2.0 Stadtwerke Musterstadt Quartiersspeicher", True),
        ("LoRaWAN und Redispatch 2.0 und Stadtwerke Musterstadt", False),
        ("Stadtwerke Musterstadt, Redispatch 2.0, LoRaWAN", False),
        ("LoRaWAN, Redispatch 2.0", False),
        ("", False),
    ],
)
def test_hotwords_read_out_are_no_speech(text: str, reads_out: bool) -> None:
    terms = ("LoRaWAN", "Redispatch 2.0", "Stadtwerke Musterstadt", "Quartiersspeicher")
    assert echoes(text, terms) is reads_out


def test_one_or_two_hotwords_are_never_taken_for_an_echo() -> None:
    assert not echoes("LoRaWAN, Redispatch", ("LoRaWAN", "Redispatch"))


# ------------------------------------------------------------------ from the glossary to the model


def test_a_run_tells_the_model_the_glossary_and_a_new_term_makes_nothing_stale(
    interviews: Interviews, models_dir: Path, audio: Audio, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.wav"
    with wave.open(str(clip), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((np.clip(audio, -1, 1) * 32_767).astype("<i2").tobytes())
    own = {"INTERVIEWS_MODELS_DIR": str(models_dir), "INTERVIEWS_SPEECH_MODEL": "speaking"}
    interviews("add", clip, "--collection", "Netze", **own)
    glossary = interviews.home / "glossary.toml"
    glossary.write_text(
        '[[term]]\nterm = "A"\n[[term]]\nterm = "B"\ncollection = "Netze"\n'
        '[[term]]\nterm = "C"\ncollection = "Wasser"\n',
        encoding="utf-8",
    )
    interviews("run", **own)
    with closing(sqlite3.connect(interviews.home / "catalogue.db")) as db:
        (ran,) = db.execute("SELECT ran FROM results WHERE stage = 'transcribe'").fetchone()
    assert json.loads(ran)["hotwords"] == 2
    glossary.write_text('[[term]]\nterm = "D"\n', encoding="utf-8")
    assert interviews("run", "--dry-run", "--json", **own).json["work"] == []
