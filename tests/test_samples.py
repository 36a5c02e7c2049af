"""The sample interviews: real films, within bounds, and honest test material."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from models.training.speech.spoken import english_number, german_number
from models.training.speech.text import forbidden, vocabulary, word_types, written
from models.training.wording import five_grams, plain_words

NUMBERS = [word for n in range(1000) for word in f"{german_number(n)} {english_number(n)}".split()]
SAMPLES = Path(__file__).parent / "samples"
STEMS = ["fernwaerme", "lorawan", "data-sovereignty", "buergerbeteiligung"]
KINDS = {"same words", "other words", "cross-language"}

each_sample = pytest.mark.parametrize("stem", STEMS)


def transcript(stem: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / f"{stem}.json").read_text("utf-8"))
    return loaded


def questions() -> list[dict[str, Any]]:
    lines = (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@each_sample
def test_a_sample_is_small_and_one_to_two_and_a_half_minutes_long(stem: str) -> None:
    assert (SAMPLES / f"{stem}.mp4").stat().st_size < 1_500_000
    with av.open(str(SAMPLES / f"{stem}.mp4")) as film:
        assert film.duration is not None
        seconds = film.duration / av.time_base
    assert 60 <= seconds <= 150
    assert transcript(stem)["duration"] == pytest.approx(seconds, abs=0.2)


@each_sample
def test_a_sample_plays_in_a_browser(stem: str) -> None:
    path = SAMPLES / f"{stem}.mp4"
    with av.open(str(path)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        assert film.streams.audio[0].codec_context.name == "aac"
        frames = sum(1 for _ in film.decode(video=0))
    assert frames > 60 * 5
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "the index comes first: faststart"


@each_sample
def test_a_sample_names_itself_and_has_chapters_without_gaps(stem: str) -> None:
    with av.open(str(SAMPLES / f"{stem}.mp4")) as film:
        title, chapters = film.metadata["title"], film.chapters()
    assert title
    assert len(chapters) >= 3
    assert all(chapter["metadata"]["title"] for chapter in chapters)
    assert chapters[0]["start"] == 0
    for earlier, later in pairwise(chapters):
        assert earlier["end"] == later["start"]


@each_sample
def test_a_reference_transcript_is_in_order_and_its_words_make_its_sentences(stem: str) -> None:
    reference = transcript(stem)
    last = 0.0
    for segment in reference["segments"]:
        words = segment["words"]
        assert " ".join(word["word"] for word in words) == segment["text"]
        assert (words[0]["start"], words[-1]["end"]) == (segment["start"], segment["end"])
        for word in words:
            assert last <= word["start"] < word["end"]
            last = word["end"]
    assert last <= reference["duration"]
    assert len({segment["speaker"] for segment in reference["segments"]}) == 2


def test_the_samples_hold_german_english_and_one_that_switches() -> None:
    languages = {s: [seg["language"] for seg in transcript(s)["segments"]] for s in STEMS}
    assert set(languages["fernwaerme"]) == set(languages["lorawan"]) == {"de"}
    assert set(languages["data-sovereignty"]) == {"en"}
    assert set(languages["buergerbeteiligung"]) == {"de", "en"}


@each_sample
def test_a_sample_keeps_to_the_words_the_speech_model_was_taught(stem: str) -> None:
    for segment in transcript(stem)["segments"]:
        language = segment["language"]
        known = word_types([*written(language), *vocabulary(language)])
        assert set(plain_words(segment["text"])) <= known | set(NUMBERS)


@each_sample
def test_a_sample_repeats_no_five_words_of_the_speech_models_training_text(stem: str) -> None:
    for segment in transcript(stem)["segments"]:
        assert five_grams(segment["text"]) <= forbidden()


@each_sample
def test_every_sample_has_at_least_three_planted_questions(stem: str) -> None:
    assert sum(question["recording"] == stem for question in questions()) >= 3


def test_a_planted_question_points_at_whole_sentences_of_its_recording() -> None:
    assert len(questions()) >= 16
    assert {question["kind"] for question in questions()} == KINDS
    for question in questions():
        segments = transcript(question["recording"])["segments"]
        answer = [s for s in segments if s["start"] == question["start"]]
        assert len(answer) == 1, question["query"]
        assert answer[0]["end"] == question["end"]
        assert question["sent_start"] == question["start"]
        crosses = answer[0]["language"] != question["language"]
        assert crosses == (question["kind"] == "cross-language")
