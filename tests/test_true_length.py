"""Speech models hear at true length only where somebody measured that it does no harm."""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contracts import Audio, ModelInfo, RecognitionTask
from models.conversion.convert import convert
from models.load import model_info, resolve
from models.registry import ModelEntry, bundled_entry
from models.speech.true_length import NOTE_NAME, Means, Verdict, keep, spare_of, verdict_of
from models.speech.whisper import WhisperRecogniser
from pipeline.catalog import transcripts
from pipeline.catalog.connection import open_catalogue
from pipeline.evaluation import harmless
from pipeline.evaluation.harmless import (
    LEAST_SPEED,
    LEAST_WORDS,
    MOST_WORSE,
    MOST_WORSE_SURELY,
    Way,
    rates,
    verdict,
)
from pipeline.evaluation.word_errors import BLOCK_WORDS, Block, blocks, plain_words
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.true_length import compare
from pipeline.settings import load_settings
from tests import checkpoints
from tests.bench import sound
from tests.conftest import SAMPLES, Interviews

RATE = 16_000
INFO = ModelInfo("speaking", "a" * 64)
OTHER = ModelInfo("speaking", "b" * 64)
ON = Verdict("harmless", 2.0, 5000, 0.1, 0.1, 1.4)
OFF = replace(ON, outcome="harmful")
HERE = Means("cpu", "auto", 5)
LISTED = ModelEntry("listed", "speech", files=(("model.bin", "0"),), spare_s=1.0)

WORDS = st.lists(st.sampled_from("der die netz wärme meter the a".split()), max_size=200)


# ------------------------------------------------------------------ word errors


@given(WORDS, WORDS)
def test_blocks_have_the_least_errors_there_can_be(said: list[str], heard: list[str]) -> None:
    found = blocks(said, heard)
    assert sum(one.words for one in found) == len(said)
    assert all(one.words <= BLOCK_WORDS for one in found)
    if said:
        wrong = jiwer.process_words(" ".join(said), " ".join(heard) or " ")
        least = wrong.substitutions + wrong.deletions + wrong.insertions
        assert sum(one.errors for one in found) == least


@given(WORDS, st.integers(0, 300), st.lists(st.just("erfunden"), min_size=1, max_size=30))
def test_what_nobody_said_is_told_apart(said: list[str], place: int, more: list[str]) -> None:
    found = blocks(said, said[:place] + more + said[place:])
    counts = [(sum(one.errors for one in found)), sum(one.insertions for one in found)]
    assert counts == [len(more), len(more)]


def test_words_are_told_without_their_dress() -> None:
    assert plain_words("„Straßen-Bau“, u\u0308ber ALLES: it’s") == plain_words(
        "strassen bau über alles it's"
    )


# ------------------------------------------------------------------ the rule


def way(errors: Sequence[int], seconds: float, spare_s: float | None = None) -> Way:
    """Blocks of 50 words with so many errors each."""
    return Way(spare_s, (tuple(Block(50, count, 0) for count in errors),), seconds)


def told(padded: Sequence[int], true_length: Sequence[int], *, speed: float = 2.0) -> str:
    return verdict(way(padded, speed), [way(true_length, 1.0, 2.0)]).outcome


ENOUGH = LEAST_WORDS // 50


def test_equal_words_sooner_are_harmless() -> None:
    assert told([5] * ENOUGH, [5] * ENOUGH) == "harmless"
    assert told([5] * ENOUGH, [4] * ENOUGH) == "harmless"


def test_a_few_minutes_are_too_little_to_tell() -> None:
    assert told([5] * (ENOUGH - 1), [5] * (ENOUGH - 1)) == "too_little"


def test_harm_shows_however_few_the_words_are() -> None:
    assert told([1] * 6, [9] * 6) == "harmful"


def test_one_block_in_twenty_that_runs_on_is_harm() -> None:
    assert told([5] * 100, [5] * 95 + [25] * 5) == "harmful"


def test_what_might_be_harm_is_none_to_be_trusted() -> None:
    # On the whole no worse, but so uneven that it may well be.
    uneven = [0, 10] * (ENOUGH // 2)
    assert told(uneven, uneven[1:] + uneven[:1]) == "harmful"


def test_a_model_that_understands_nothing_tells_nothing() -> None:
    assert told([50] * ENOUGH, [50] * ENOUGH) == "not_understood"


def test_what_gains_nothing_is_not_done() -> None:
    assert told([5] * ENOUGH, [5] * ENOUGH, speed=1.0) == "no_gain"


COUNTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=120)


@given(COUNTS, st.floats(0.5, 3))
def test_nothing_is_called_harmless_but_by_the_rule(
    counts: list[tuple[int, int]], speed: float
) -> None:
    padded, true_length = ([pair[n] for pair in counts] for n in (0, 1))
    before, after = way(padded, speed), way(true_length, 1.0, 2.0)
    found = rates(before.blocks, after.blocks)
    assert found.interval[0] <= found.interval[1]
    if verdict(before, [after]).on:
        assert found.worse <= MOST_WORSE and found.interval[1] < MOST_WORSE_SURELY
        assert found.words >= LEAST_WORDS and speed >= LEAST_SPEED


def test_of_harmless_silences_the_fastest_is_taken_and_of_equals_the_longest() -> None:
    same = [5] * ENOUGH
    ways = [way(same, 1.0, 1.0), way(same, 1.005, 2.0), way(same, 1.4, 5.0)]
    assert verdict(way(same, 2.0), ways).spare_s == 2.0
    worse = way([6] * ENOUGH, 0.9, 0.5)
    assert verdict(way(same, 2.0), [worse, *ways]).spare_s == 2.0


# ------------------------------------------------------------------ what is kept


def test_a_verdict_holds_for_the_very_files_it_is_about(tmp_path: Path) -> None:
    entry = ModelEntry("speaking", "speech")
    assert spare_of(entry, INFO, HERE, tmp_path) is None
    keep(ON, INFO, HERE, tmp_path)
    assert verdict_of(INFO, HERE, tmp_path) == ON and spare_of(entry, INFO, HERE, tmp_path) == 2.0
    assert (
        verdict_of(OTHER, HERE, tmp_path) is None and spare_of(entry, OTHER, HERE, tmp_path) is None
    )
    keep(OFF, OTHER, HERE, tmp_path)
    assert (
        spare_of(entry, OTHER, HERE, tmp_path) is None
        and spare_of(entry, INFO, HERE, tmp_path) == 2.0
    )


@pytest.mark.parametrize(
    "other", [{"device": "cuda"}, {"compute_type": "float32"}, {"beam_size": 1}], ids=str
)
def test_a_verdict_holds_for_the_means_it_was_measured_with(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    entry = ModelEntry("speaking", "speech")
    keep(ON, INFO, HERE, tmp_path)
    assert spare_of(entry, INFO, replace(HERE, **other), tmp_path) is None
    keep(OFF, INFO, replace(HERE, **other), tmp_path)
    assert spare_of(entry, INFO, HERE, tmp_path) == 2.0


def test_a_measurement_of_ones_own_overrules_the_registry(tmp_path: Path) -> None:
    assert spare_of(LISTED, INFO, HERE, tmp_path) == 1.0
    assert spare_of(replace(LISTED, files=()), INFO, HERE, tmp_path) is None
    keep(OFF, INFO, HERE, tmp_path)
    assert spare_of(LISTED, INFO, HERE, tmp_path) is None


@pytest.mark.parametrize(
    "said",
    ["", "[]", json.dumps({f"{INFO.hash} {HERE}": 1}), json.dumps({f"{INFO.hash} {HERE}": {}})],
)
def test_a_damaged_note_is_none(said: str, tmp_path: Path) -> None:
    (tmp_path / NOTE_NAME).write_text(said, encoding="utf-8")
    assert verdict_of(INFO, HERE, tmp_path) is None
    keep(ON, INFO, HERE, tmp_path)
    assert verdict_of(INFO, HERE, tmp_path) == ON


# ------------------------------------------------------------------ hearing


@pytest.fixture(scope="module")
def bundled() -> WhisperRecogniser:
    directory = bundled_entry("speech").directory
    assert directory is not None
    return WhisperRecogniser(
        directory, INFO, device="cpu", compute_type="auto", threads=1, batch_size=4
    )


@pytest.fixture(scope="module")
def sentences() -> list[Audio]:
    """Sentences of the sample interviews, one by one."""
    found = []
    for stem in ("fernwaerme", "lorawan"):
        film = sound(SAMPLES / f"{stem}.mp4")
        told = json.loads((SAMPLES / f"{stem}.json").read_text(encoding="utf-8"))
        for one in told["segments"]:
            begin, end = int(one["start"] * RATE), int((one["end"] + 0.3) * RATE)
            found.append(film[begin:end])
    return found


def test_sound_at_true_length_is_heard_alike_alone_and_in_company(
    bundled: WhisperRecogniser, sentences: list[Audio]
) -> None:
    ours = bundled.with_spare(1.0)
    task = RecognitionTask("de")
    together = ours.recognise_all([(one, task) for one in sentences[:12]])
    alone = [ours.recognise(one, task) for one in sentences[:12]]
    assert [[s.text for s in one.segments] for one in together] == [
        [s.text for s in one.segments] for one in alone
    ]


def test_words_keep_their_times(bundled: WhisperRecogniser, sentences: list[Audio]) -> None:
    task = RecognitionTask("de")
    jobs = [(one, task) for one in sentences[:20]]
    padded = bundled.recognise_all(jobs)
    apart_ms = []
    for (audio, _), one, other in zip(
        jobs, padded, bundled.with_spare(1.0).recognise_all(jobs), strict=True
    ):
        words = [[w for s in found.segments for w in s.words] for found in (one, other)]
        if [w.text for w in words[0]] == [w.text for w in words[1]]:
            apart_ms += [
                abs(a.start_ms - b.start_ms) for a, b in zip(words[0], words[1], strict=True)
            ]
        assert all(0 <= w.start_ms < w.end_ms <= len(audio) * 1000 // RATE for w in words[1])
    assert len(apart_ms) > 50
    assert np.quantile(apart_ms, 0.95) <= 100


def test_it_is_told_what_ran(bundled: WhisperRecogniser, sentences: list[Audio]) -> None:
    task = RecognitionTask("de")
    assert "true_length_spare_s" not in bundled.recognise(sentences[0], task).ran
    assert bundled.with_spare(2.0).recognise(sentences[0], task).ran["true_length_spare_s"] == 2.0


# ------------------------------------------------------------------ the command

SAID = (
    "Das ist gut und wir sind im Rat mit dem Amt auf Weg zum See, wo ein Rohr am Tor neu war, "
    "aber alt da, wer es sah, nur ja sagt, ob man nun Gas hat oder Öl will, sei nie ganz klar, "
    "doch Tag für Nacht geht was."
)


def written(path: Path, audio: Audio, said: str, suffix: str = ".txt") -> None:
    with wave.open(str(path.with_suffix(".wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
    path.with_suffix(suffix).write_text(said, encoding="utf-8")


def test_a_model_that_says_the_same_either_way_hears_at_true_length_from_now_on(
    interviews: Interviews, sentences: list[Audio], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = interviews.home.parent
    source = checkpoints.save(place / "source", text=SAID)
    model = convert(source, "speaking", place / "models")
    folder = place / "spoken"
    folder.mkdir()
    for number, audio in enumerate(sentences[:8]):
        written(folder / f"clip{number:02}", audio, SAID)
    there = {
        "INTERVIEWS_MODELS_DIR": str(model.parent),
        "INTERVIEWS_SPEECH_MODEL": "speaking",
        "INTERVIEWS_BEAM_SIZE": "1",
    }
    first, second = folder / "clip00.wav", folder / "clip01.wav"
    interviews("add", first, "--language", "de", **there)
    interviews("run", **there)
    # How many words are enough is the rule's own question, and answered above.
    monkeypatch.setattr(harmless, "LEAST_WORDS", 8 * len(plain_words(SAID)))
    found = compare(context(interviews, there), "speaking", folder, lambda _: None)
    assert found.verdict.outcome == "harmless" and found.kept
    assert found.verdict.padded == found.verdict.true_length
    info = model_info(resolve("speech", "speaking", model.parent), model.parent)
    assert verdict_of(info, found.means, model.parent) == found.verdict
    listed = interviews("models", "list", "--json", **there).json["models"]
    assert [one["name"] for one in listed if one["true_length"]] == ["speaking"]
    # What was heard before stays as it is; what comes is heard the new way.
    assert interviews("run", "--dry-run", "--json", **there).json["work"] == []
    added = interviews("add", second, "--language", "de", "--json", **there).json
    interviews("run", **there)
    assert ran(interviews.home, added["recordings"][0]["id"])["true_length_spare_s"] > 0


def context(interviews: Interviews, environment: dict[str, str]) -> Context:
    settings, _ = load_settings(interviews.home, environment)
    return Context(open_home(interviews.home), settings)


def ran(home: Path, recording_id: str) -> dict[str, float]:
    with open_catalogue(home / "catalogue.db") as catalogue, catalogue.read() as db:
        return dict(transcripts.ran(db, recording_id, "transcribe"))  # type: ignore[arg-type]


def test_a_sample_interview_is_too_few_words(interviews: Interviews) -> None:
    folder = interviews.home.parent / "spoken"
    folder.mkdir()
    for suffix in (".mp4", ".json"):
        shutil.copy(SAMPLES / f"lorawan{suffix}", folder)
    said = interviews("models", "verify", "--speed-accuracy", folder, INTERVIEWS_BEAM_SIZE="1")
    assert "Too little to tell" in said.out
    assert "lorawan.mp4" in said.out
    assert not (interviews.home / "models" / NOTE_NAME).exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--speed-accuracy", "nowhere"], "There is no folder nowhere."),
        (["--speed-accuracy", "{folder}"], "no media file has a transcript beside it"),
        (["one", "two", "--speed-accuracy", "{folder}"], "one model at a time"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_sentence(
    arguments: list[str], sentence: str, interviews: Interviews, sentences: list[Audio]
) -> None:
    folder = interviews.home.parent / "spoken"
    folder.mkdir()
    written(folder / "talk", sentences[0], "", ".md")
    filled = [one.format(folder=folder) for one in arguments]
    done = interviews("models", "verify", *filled, check=False)
    assert done.code == 2 and sentence in done.err and not done.out


def test_a_model_nobody_knows_is_named(interviews: Interviews) -> None:
    done = interviews("models", "verify", "larg", "--speed-accuracy", SAMPLES, check=False)
    assert done.code == 4 and "“larg”" in done.err
