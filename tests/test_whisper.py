"""Speech recognition with the bundled model, on the sample interviews and on what is no speech."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contracts import (
    Audio,
    ModelError,
    ModelInfo,
    RecognisedWord,
    Recognition,
    RecognitionTask,
)
from models.speech.decoder import Encoded, Manner, SpeechDecoder
from models.speech.language import Heard, choose_languages
from models.speech.quality import Attempt, likeliest, silence_phrases
from models.speech.stretches import Piece, Stretch, pack
from models.speech.whisper import WhisperRecogniser, without_inventions
from models.speech.words import in_order, join_pieces, shorten_drawn_out

ROOT = Path(__file__).parent.parent
BUNDLED = ROOT / "models" / "bundled" / "whisper-de-en"
SAMPLES = ROOT / "tests" / "samples"
HUMAN = ROOT.parent / "shared" / "data" / "media"
FILMS = ("fernwaerme", "lorawan", "data-sovereignty", "buergerbeteiligung")
RATE = 16_000
INFO = ModelInfo("bundled", "0" * 64)


def open_model(directory: Path = BUNDLED, *, batch_size: int = 4) -> WhisperRecogniser:
    return WhisperRecogniser(
        directory,
        INFO,
        device="cpu",
        compute_type="auto",
        threads=1,
        batch_size=batch_size,
    )


@pytest.fixture(scope="module")
def recogniser() -> WhisperRecogniser:
    return open_model()


def decode(path: Path) -> Audio:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(frame)]
        parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32)


@cache
def film(stem: str) -> Audio:
    path = SAMPLES / f"{stem}.mp4"
    if not path.exists():
        pytest.skip(f"no sample interview at tests/samples/{stem}.mp4")
    return decode(path)


@cache
def reference(stem: str) -> dict[str, list[dict[str, object]]]:
    content: dict[str, list[dict[str, object]]] = json.loads(
        (SAMPLES / f"{stem}.json").read_text(encoding="utf-8")
    )
    return content


@cache
def heard(stem: str) -> Recognition:
    return open_model().recognise(film(stem), RecognitionTask(None))


def plain(text: str) -> list[str]:
    return re.sub(r"[^\w ]", "", text.lower().replace("-", " ")).split()


def word_errors(said: list[str], written: list[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(written) + 1))
    for i, a in enumerate(said, start=1):
        above, row[0] = row[:], i
        for j, b in enumerate(written, start=1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
    return row[-1]


def text_of(recognition: Recognition) -> str:
    return " ".join(segment.text for segment in recognition.segments)


def words_of(recognition: Recognition) -> list[RecognisedWord]:
    return [word for segment in recognition.segments for word in segment.words]


def loudest_second(audio: Audio) -> Audio:
    loudness = np.convolve(np.abs(audio), np.ones(RATE, np.float32), mode="valid")
    begin = int(np.argmax(loudness))
    return audio[begin : begin + RATE]


# ------------------------------------------------------------------ what is heard


@pytest.mark.parametrize("stem", FILMS)
def test_the_sample_interviews_are_understood(stem: str) -> None:
    said = [w for s in reference(stem)["segments"] for w in plain(str(s["text"]))]
    errors = word_errors(said, plain(text_of(heard(stem))))
    assert errors / len(said) < 0.10, f"{errors} errors in {len(said)} words"


@pytest.mark.parametrize("stem", FILMS)
def test_every_sentence_gets_the_language_it_is_spoken_in(stem: str) -> None:
    found = heard(stem).segments
    for sentence in reference(stem)["segments"]:
        middle_ms = (float(str(sentence["start"])) + float(str(sentence["end"]))) * 500
        languages = {s.language for s in found if s.start_ms <= middle_ms <= s.end_ms}
        assert languages == {sentence["language"]}, f"at {middle_ms:.0f} ms"


def test_a_language_given_is_kept_to(recogniser: WhisperRecogniser) -> None:
    english = film("data-sovereignty")[: 20 * RATE]
    recognition = recogniser.recognise(english, RecognitionTask("de"))
    assert {segment.language for segment in recognition.segments} == {"de"}


def test_an_unknown_language_is_refused(recogniser: WhisperRecogniser) -> None:
    with pytest.raises(ValueError, match="language"):
        recogniser.recognise(film("lorawan")[: 10 * RATE], RecognitionTask("xx"))


@pytest.mark.parametrize("stem", FILMS)
def test_words_follow_one_another_within_the_audio(stem: str) -> None:
    words = words_of(heard(stem))
    assert words[0].start_ms >= 0
    assert words[-1].end_ms <= len(film(stem)) // 16
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(words))
    assert all(word.end_ms - word.start_ms >= 20 for word in words)
    assert all(word.text and word.text == word.text.strip() for word in words)


@pytest.mark.parametrize("stem", FILMS)
def test_a_segments_text_is_its_words(stem: str) -> None:
    for segment in heard(stem).segments:
        assert segment.text == " ".join(word.text for word in segment.words)
        assert segment.start_ms == segment.words[0].start_ms
        assert segment.end_ms == segment.words[-1].end_ms


def test_words_are_timed_where_they_are_spoken() -> None:
    errors_ms = []
    for stem in FILMS:
        found = words_of(heard(stem))
        for segment in reference(stem)["segments"]:
            for word in segment["words"]:  # type: ignore[attr-defined]
                start_ms = float(word["start"]) * 1000
                twins = [w for w in found if plain(w.text) == plain(word["word"])]
                nearest = min((abs(w.start_ms - start_ms) for w in twins), default=None)
                if nearest is not None and nearest < 2000:
                    errors_ms.append(nearest)
    assert median(errors_ms) < 120
    assert quantiles(errors_ms, n=10)[-1] < 500


def test_equal_audio_gives_equal_text_and_times(recogniser: WhisperRecogniser) -> None:
    audio = film("buergerbeteiligung")[40 * RATE : 65 * RATE]
    first = recogniser.recognise(audio, RecognitionTask(None))
    assert first.segments
    assert recogniser.recognise(audio, RecognitionTask(None)) == first
    assert open_model().recognise(audio, RecognitionTask(None)) == first


def test_windows_of_several_recordings_share_batches_and_none_hears_another() -> None:
    """Each as by itself: told a language or not, with other hints, with nothing to hear."""
    task = RecognitionTask("de")
    windows = [
        (film("lorawan")[: 20 * RATE], task),
        (film("buergerbeteiligung"), RecognitionTask(None)),
        (np.zeros(5 * RATE, np.float32), task),
        (film("fernwaerme")[20 * RATE : 40 * RATE], task),
        (film("data-sovereignty")[: 20 * RATE], RecognitionTask("en", beam_size=1)),
    ]
    together = open_model(batch_size=8).recognise_all(windows)
    for (audio, own), found in zip(windows, together, strict=True):
        alone = open_model(batch_size=8).recognise(audio, own)
        assert [one.text for one in found.segments] == [one.text for one in alone.segments]
        assert found.speech == alone.speech
        starts = [word.start_ms for one in found.segments for word in one.words]
        assert starts == [word.start_ms for one in alone.segments for word in one.words]


def test_the_text_does_not_depend_on_the_batch_size(recogniser: WhisperRecogniser) -> None:
    audio = film("lorawan")[: 30 * RATE]
    one = open_model(batch_size=1).recognise(audio, RecognitionTask(None))
    four = recogniser.recognise(audio, RecognitionTask(None))
    assert text_of(one) == text_of(four) != ""


def test_what_really_ran_is_on_record(recogniser: WhisperRecogniser) -> None:
    ran = recogniser.recognise(np.zeros(RATE, np.float32), RecognitionTask("de")).ran
    assert ran["device"] == "cpu"
    assert str(ran["compute_type"]).startswith("int8")
    assert (ran["threads"], ran["batch_size"], ran["chunk_length_s"]) == (1, 4, 30)


def test_two_languages_within_thirty_seconds_are_told_apart() -> None:
    # Thirty seconds are heard at once; where two languages meet, turn by turn.
    turn = film("buergerbeteiligung")
    sentences = reference("buergerbeteiligung")["segments"]
    half = [s for s in sentences if s["language"] == "de"][-1]
    middle = int(float(str(half["end"])) * RATE)
    audio = turn[middle - 12 * RATE : middle + 18 * RATE]
    found = open_model().recognise(audio, RecognitionTask(None)).segments
    assert {segment.language for segment in found} == {"de", "en"}


# ------------------------------------------------------------------ what is not to be heard

_random = np.random.default_rng(7)
NO_SPEECH = {
    "nothing at all": np.zeros(0),
    "one sample": np.zeros(1),
    "silence": np.zeros(20 * RATE),
    "white noise": _random.standard_normal(20 * RATE) * 0.1,
    "brown noise": np.cumsum(_random.standard_normal(20 * RATE)) * 0.001,
    "a tone": np.sin(np.arange(20 * RATE) * 0.2) * 0.5,
}


@pytest.mark.parametrize("name", NO_SPEECH)
@pytest.mark.parametrize("language", [None, "de"])
def test_without_speech_there_is_no_text(
    recogniser: WhisperRecogniser, name: str, language: str | None
) -> None:
    audio = np.clip(NO_SPEECH[name], -1, 1).astype(np.float32)
    recognition = recogniser.recognise(audio, RecognitionTask(language))
    assert recognition.segments == ()


def test_a_sentence_said_nine_times_is_heard_nine_times() -> None:
    # In one piece its text fails the repetition test; by halves every one of them is right.
    sentence = reference("fernwaerme")["segments"][0]
    begin, end = (int(float(str(sentence[key])) * RATE) for key in ("start", "end"))
    once = np.concatenate([film("fernwaerme")[begin:end], np.zeros(RATE // 4, np.float32)])
    recognition = open_model().recognise(np.tile(once, 9), RecognitionTask("de"))
    assert text_of(recognition).lower().count("frau wagner") == 9
    assert any(segment.redecoded for segment in recognition.segments)


def test_a_stuttering_sound_gives_no_endless_repetition() -> None:
    syllable = loudest_second(film("fernwaerme"))[: RATE * 3 // 8]
    recognition = open_model().recognise(np.tile(syllable, 60), RecognitionTask("de"))
    assert any(segment.redecoded for segment in recognition.segments)
    assert all(segment.compression_ratio <= 2.4 for segment in recognition.segments)


class Stuck(SpeechDecoder):
    """The real decoder, but stuck in a loop whenever it hears more than ``holds_s`` seconds."""

    holds_s = 0.0

    def decode(
        self,
        encoded: Encoded,
        languages: Sequence[str],
        manner: Manner,
    ) -> list[Attempt]:
        attempts = super().decode(encoded, languages, manner)
        loop = "und dann und dann " * 30
        return [
            Attempt(a.tokens * 9, loop, -0.1, 0.0) if seconds > self.holds_s else a
            for a, seconds in zip(attempts, encoded.seconds, strict=True)
        ]


def test_a_loop_is_mended_by_shorter_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.speech.whisper.SpeechDecoder", Stuck)
    monkeypatch.setattr(Stuck, "holds_s", 4.0)
    audio = film("fernwaerme")[: 20 * RATE]
    recognition = open_model().recognise(audio, RecognitionTask("de"))
    assert "und dann und dann" not in text_of(recognition)
    assert "Fernwärme" in text_of(recognition)
    assert any(segment.redecoded for segment in recognition.segments)


def test_a_loop_that_nothing_mends_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.speech.whisper.SpeechDecoder", Stuck)
    audio = film("fernwaerme")[: 10 * RATE]
    recognition = open_model().recognise(audio, RecognitionTask("de"))
    assert recognition.segments == ()
    assert recognition.speech


def test_an_invented_closing_line_is_dropped_where_nobody_speaks() -> None:
    line = ["Und", "Tschüss.", "Vielen", "Dank", "fürs", "Zuschauen!"]
    words = [RecognisedWord(n * 400, n * 400 + 400, text, 0.9) for n, text in enumerate(line)]
    kept = without_inventions(np.zeros(4 * RATE, np.float32), words)
    assert [word.text for word in kept] == ["Und", "Tschüss."]


def test_a_closing_line_that_is_spoken_stays() -> None:
    first = reference("fernwaerme")["segments"][0]
    start_ms = int(float(str(first["start"])) * 1000)
    line = ["Vielen", "Dank", "fürs", "Zuschauen!"]
    words = [
        RecognisedWord(start_ms + n * 500, start_ms + n * 500 + 500, text, 0.9)
        for n, text in enumerate(line)
    ]
    assert without_inventions(film("fernwaerme"), words) == words


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("Untertitel der Amara.org-Community", [(0, 3)]),
        ("Danke. Thanks for watching! Ja", [(1, 4)]),
        ("Vielen Dank für das Gespräch.", []),
    ],
)
def test_known_inventions_are_recognised(text: str, ranges: list[tuple[int, int]]) -> None:
    assert list(silence_phrases(text.split())) == ranges


# ------------------------------------------------------------------ judging


def attempt(text: str = "gut", logprob: float = -0.2, no_speech: float = 0.0) -> Attempt:
    return Attempt((1,), text, logprob, no_speech)


@pytest.mark.parametrize(
    ("tried", "good"),
    [
        (attempt(), True),
        (attempt("ja " * 40), False),
        (attempt(logprob=-1.1), False),
        (attempt(logprob=-1.1, no_speech=0.7), True),
        (attempt(""), True),
        (Attempt((1,), "gut", -0.2, 0.0, finished=False), False),
    ],
    ids=["plain", "loop", "guess", "guess in silence", "empty", "cut off"],
)
def test_whispers_own_tests_decide_what_is_decoded_again(tried: Attempt, good: bool) -> None:
    assert tried.good is good


def test_a_guess_where_the_model_hears_no_speech_is_silence() -> None:
    assert attempt(logprob=-1.1, no_speech=0.7).silent
    assert not attempt(logprob=-0.9, no_speech=0.7).silent


def test_of_bad_attempts_the_likeliest_wins_but_never_a_loop() -> None:
    loop, vague = attempt("ja " * 40, -0.1), attempt("vielleicht", -1.3)
    assert likeliest([loop, attempt("unklar", -1.5), vague]) is vague
    assert likeliest([loop]) is None


# ------------------------------------------------------------------ language


def sounds(seconds: float = 5.0, **probabilities: float) -> Heard:
    return Heard(probabilities, seconds)


def test_an_unclear_stretch_gets_the_leading_language() -> None:
    stretches = [sounds(de=0.99, en=0.01), sounds(de=0.4, en=0.6), sounds(de=0.9, en=0.1)]
    assert choose_languages(stretches, "en") == ["de", "de", "de"]


def test_a_clear_stretch_keeps_its_own_language() -> None:
    stretches = [sounds(de=0.99, en=0.01), sounds(de=0.05, en=0.95), sounds(de=0.9, en=0.1)]
    assert choose_languages(stretches, "de") == ["de", "en", "de"]


def test_a_moment_of_another_language_in_hours_of_one_is_a_mistake() -> None:
    stretches = [sounds(de=0.99, nn=0.01)] * 20 + [sounds(1.0, de=0.1, nn=0.9)]
    assert set(choose_languages(stretches, "en")) == {"de"}


def test_where_nothing_is_sure_the_fallback_is_taken() -> None:
    assert choose_languages([sounds(de=0.3, en=0.35, nl=0.35)] * 3, "de") == ["de"] * 3
    assert choose_languages([], "de") == []


# ------------------------------------------------------------------ stretches and words


def _pieces(steps: list[tuple[int, int]]) -> list[Piece]:
    pieces: list[Piece] = []
    place = 0
    for pause, length in steps:
        pieces.append((place + pause, place + pause + length))
        place += pause + length
    return pieces


SPEECH = st.lists(st.tuples(st.integers(0, 80_000), st.integers(1, 120_000)), max_size=30).map(
    _pieces
)


@given(SPEECH)
def test_packing_loses_and_doubles_no_speech(pieces: list[Piece]) -> None:
    stretches = pack(pieces, 8, enough_s=1.5, pause_s=0.4)
    assert [piece for stretch in stretches for piece in stretch.pieces] == pieces
    assert all(stretch.seconds <= 8 for stretch in stretches)


@given(SPEECH.filter(len))
def test_halves_hold_the_same_speech(pieces: list[Piece]) -> None:
    whole = Stretch(tuple(pieces))
    halves = whole.halves(np.zeros(pieces[-1][1], np.float32))
    assert sum(half.samples for half in halves) == whole.samples
    assert all(a.pieces[-1][1] <= b.pieces[0][0] for a, b in pairwise(halves))


@given(SPEECH.filter(len), st.floats(0, 1), st.floats(0, 1))
def test_a_word_is_placed_inside_a_piece_of_speech(
    pieces: list[Piece], one: float, other: float
) -> None:
    stretch = Stretch(tuple(pieces))
    start_s, end_s = sorted((one * stretch.seconds, other * stretch.seconds))
    start_ms, end_ms = stretch.place_ms(start_s, end_s)
    assert start_ms <= end_ms
    assert any(a // 16 <= start_ms and end_ms <= b // 16 for a, b in pieces)


def test_a_word_after_a_long_pause_is_placed_after_it() -> None:
    stretch = Stretch(((16_000, 32_000), (80_000, 96_000)))
    assert stretch.place_ms(0.5, 0.75) == (1500, 1750)
    assert stretch.place_ms(1.25, 1.5) == (5250, 5500)


@given(
    st.lists(st.tuples(st.integers(-500, 9_000), st.integers(-500, 9_000)), max_size=60),
    st.integers(0, 2_000),
    st.integers(0, 6_000),
)
def test_words_are_put_in_order_within_bounds(
    times: list[tuple[int, int]], lower_ms: int, length_ms: int
) -> None:
    upper_ms = lower_ms + length_ms
    words = [RecognisedWord(a, b, str(n), 1.0) for n, (a, b) in enumerate(times)]
    placed = in_order(words, lower_ms, upper_ms)
    assert [w.text for w in placed] == [w.text for w in words]
    edges = [lower_ms, *(t for w in placed for t in (w.start_ms, w.end_ms)), upper_ms]
    assert edges == sorted(edges)
    if length_ms >= 20 * len(words):
        assert all(w.end_ms - w.start_ms >= 20 for w in placed)


def test_what_has_no_space_before_it_belongs_to_the_word_before() -> None:
    pieces = [
        (" E", 0.0, 0.2, 1.0),
        ("-Mail", 0.2, 0.6, 0.5),
        (",", 0.6, 0.6, 0.5),
        (" ", 0.6, 0.7, 1.0),
    ]
    assert [word[:3] for word in join_pieces(pieces, "de")] == [(" E-Mail,", 0.0, 0.6)]


def test_a_pause_is_taken_from_the_word_beside_it() -> None:
    words = [(" Ja.", 0.0, 0.3, 1.0), (" Wir", 0.3, 4.0, 1.0), (" bauen.", 4.0, 4.4, 1.0)]
    assert shorten_drawn_out(words)[1][1] > 3.0


# ------------------------------------------------------------------ opening a model


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED, tmp_path / "model"))


@pytest.mark.parametrize("file", ["tokenizer.json", "model.bin", "config.json"])
def test_a_missing_file_is_named_and_never_fetched(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(ModelError) as caught:
        open_model(copy)
    assert (caught.value.reason, caught.value.detail) == ("damaged", file)


@pytest.mark.parametrize("file", ["tokenizer.json", "config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_file_that_cannot_be_read_is_named(copy: Path, file: str, content: str) -> None:
    (copy / file).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        open_model(copy)
    assert (caught.value.reason, caught.value.detail) == ("damaged", file)


@pytest.mark.parametrize(
    ("file", "content"), [("model.bin", b"x" * 999), ("tokenizer.json", b"{}")]
)
def test_what_the_engine_refuses_is_unloadable(copy: Path, file: str, content: bytes) -> None:
    (copy / file).write_bytes(content)
    with pytest.raises(ModelError) as caught:
        open_model(copy)
    assert caught.value.reason == "unloadable"


def test_features_that_do_not_fit_the_model_are_damage(copy: Path) -> None:
    path = copy / "preprocessor_config.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(table | {"feature_size": 128}), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        open_model(copy)
    assert (caught.value.reason, caught.value.detail) == ("damaged", path.name)


def test_a_model_that_would_silently_write_english_is_refused(copy: Path) -> None:
    path = copy / "vocabulary.json"
    tokens = json.loads(path.read_text(encoding="utf-8"))
    tokens[tokens.index("")] = "<|unused|>"
    path.write_text(json.dumps(tokens), encoding="utf-8")
    with pytest.raises(ModelError, match="multilingual"):
        open_model(copy)


def test_hundreds_of_hints_leave_room_for_the_text(recogniser: WhisperRecogniser) -> None:
    hints = tuple(f"Fachwort{n}" for n in range(500))
    task = RecognitionTask("de", hotwords=hints)
    assert recogniser.recognise(film("fernwaerme")[: 10 * RATE], task).segments


# ------------------------------------------------------------------ real checkpoints, real people


def test_a_real_checkpoint_understands_people() -> None:
    directory = os.environ.get("TEST_SPEECH_CHECKPOINT")
    if not directory:
        pytest.skip("TEST_SPEECH_CHECKPOINT names no directory of a real checkpoint")
    if not HUMAN.exists():
        pytest.skip("no recordings of people at ../shared/data/media")
    rows = [
        json.loads(line)
        for line in (HUMAN / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    clips = [row for row in rows if row["kind"] == "good" and row.get("reference")]
    real = open_model(Path(directory))
    errors = total = 0
    for clip in clips:
        said = plain(clip["reference"])
        recognition = real.recognise(decode(HUMAN / clip["file"]), RecognitionTask(None))
        errors += word_errors(said, plain(text_of(recognition)))
        total += len(said)
    assert errors / total < 0.25, f"{errors} errors in {total} words of {len(clips)} clips"
