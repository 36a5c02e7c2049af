"""From recognised windows to a transcript: nothing lost, nothing doubled, times in order."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contracts import ModelInfo, RecognisedSegment, RecognisedWord, Recognition
from pipeline.stages.transcribe import (
    LONGEST_SEGMENT_CHARACTERS,
    LONGEST_SEGMENT_MS,
    WindowTranscript,
    find_gaps,
    from_json,
    merge,
    split,
    to_json,
    window_transcript,
)
from pipeline.values import ModelRef, Segment, Span, Transcript, Word

MODEL = ModelInfo("bundled", "abc")
RAN: dict[str, str | int | float] = {"device": "cpu", "batch_size": 4}

TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=12)
LENGTHS = st.tuples(st.integers(0, 3_000), st.integers(0, 900), TEXTS)


@st.composite
def recognitions(draw: st.DrawFn) -> tuple[Recognition, int]:
    """A window's recognition and the window's length, which may cut into the last words."""
    place_ms = 0
    segments = []
    for steps in draw(st.lists(st.lists(LENGTHS, min_size=1, max_size=40), max_size=5)):
        words = []
        for pause_ms, length_ms, text in steps:
            place_ms += pause_ms
            words.append(RecognisedWord(place_ms, place_ms + length_ms, text, 0.5))
            place_ms += length_ms
        language = draw(st.sampled_from(["de", "en"]))
        segments.append(recognised(words, language))
    length_ms = max(place_ms + draw(st.integers(-200, 2_000)), 1)
    speech = tuple((s.start_ms, s.end_ms) for s in segments)
    return Recognition(tuple(segments), speech, MODEL, dict(RAN)), length_ms


def recognised(words: list[RecognisedWord], language: str = "de") -> RecognisedSegment:
    return RecognisedSegment(
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        text=" ".join(word.text for word in words),
        language=language,
        words=tuple(words),
        mean_logprob=-0.2,
        compression_ratio=1.2,
        no_speech_probability=0.0,
    )


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Recognition], list[WindowTranscript], int]:
    heard, windows, start_ms = [], [], 0
    for recognition, length_ms in draw(st.lists(recognitions(), max_size=4)):
        heard.append(recognition)
        windows.append(window_transcript(recognition, start_ms, start_ms + length_ms))
        start_ms += length_ms
    return heard, windows, start_ms


def said(recognitions: list[Recognition]) -> list[str]:
    return [word.text for r in recognitions for s in r.segments for word in s.words]


@given(recordings())
def test_no_word_is_lost_or_doubled_where_windows_meet(
    recording: tuple[list[Recognition], list[WindowTranscript], int],
) -> None:
    heard, windows, duration_ms = recording
    transcript = merge(windows, duration_ms)
    assert [word.text for word in transcript.words()] == said(heard)
    assert " ".join(s.text for s in transcript.segments).split() == said(heard)


@given(recordings())
def test_times_run_forward_within_the_recording(
    recording: tuple[list[Recognition], list[WindowTranscript], int],
) -> None:
    _, windows, duration_ms = recording
    transcript = merge(windows, duration_ms)
    edges = [0, *(t for w in transcript.words() for t in (w.start_ms, w.end_ms)), duration_ms]
    assert edges == sorted(edges)
    for segment in transcript.segments:
        assert segment.start_ms == segment.words[0].start_ms
        assert segment.end_ms == segment.words[-1].end_ms


@given(recordings())
def test_words_stay_within_their_window(
    recording: tuple[list[Recognition], list[WindowTranscript], int],
) -> None:
    for window in recording[1]:
        for segment in window.segments:
            assert window.start_ms <= segment.start_ms <= segment.end_ms <= window.end_ms


@given(recordings())
def test_segments_are_short_enough_to_read(
    recording: tuple[list[Recognition], list[WindowTranscript], int],
) -> None:
    _, windows, duration_ms = recording
    for segment in merge(windows, duration_ms).segments:
        if len(segment.words) > 1:
            assert len(segment.text) <= LONGEST_SEGMENT_CHARACTERS
            assert segment.end_ms - segment.start_ms <= LONGEST_SEGMENT_MS


@given(recordings())
def test_a_kept_window_is_read_back_as_it_was(
    recording: tuple[list[Recognition], list[WindowTranscript], int],
) -> None:
    for window in recording[1]:
        assert from_json(to_json(window)) == window


@given(recordings())
def test_windows_may_be_finished_in_any_order(
    recording: tuple[list[Recognition], list[WindowTranscript], int],
) -> None:
    _, windows, duration_ms = recording
    assert merge(list(reversed(windows)), duration_ms) == merge(windows, duration_ms)


# ------------------------------------------------------------------ segments


def spoken(text: str, *, start_ms: int = 0, word_ms: int = 400) -> Segment:
    words = tuple(
        Word(start_ms + n * word_ms, start_ms + (n + 1) * word_ms, part, 0.9)
        for n, part in enumerate(text.split())
    )
    return Segment(words[0].start_ms, words[-1].end_ms, text, "de", confidence=0.9, words=words)


def test_a_long_segment_is_cut_where_a_sentence_ends() -> None:
    first = "Heute reden wir über die Fernwärme und über die alten Leitungen in unserer Stadt."
    second = "Das alte Kraftwerk am Wasser wird in vier Jahren ersetzt, sagt der Bürgermeister."
    third = "Die Förderung finanziert vierzig Prozent, und die Stadtwerke finanzieren sechzig."
    parts = split(spoken(f"{first} {second} {third}", word_ms=300))
    assert all(part.text.endswith(".") for part in parts)
    assert len(parts) == 2


def test_a_short_segment_stays_as_it_is() -> None:
    segment = spoken("Ja, genau. Das stimmt.")
    assert split(segment) == [segment]


def test_a_long_pause_ends_a_segment() -> None:
    before, after = spoken("Wir planen"), spoken("ein Netz.", start_ms=5_000)
    joined = replace(
        before, text="Wir planen ein Netz.", end_ms=after.end_ms, words=before.words + after.words
    )
    assert [part.text for part in split(joined)] == ["Wir planen", "ein Netz."]


def test_each_part_has_the_confidence_of_its_own_words() -> None:
    sure, unsure = spoken("Wir planen"), spoken("ein Netz.", start_ms=5_000)
    words = sure.words + tuple(replace(word, confidence=0.3) for word in unsure.words)
    parts = split(replace(sure, text="Wir planen ein Netz.", end_ms=5_800, words=words))
    assert [part.confidence for part in parts] == [0.9, 0.3]


def test_a_segment_without_word_times_stays_whole() -> None:
    segment = Segment(0, 60_000, "Ein langer Text. " * 40, "de")
    assert split(segment) == [segment]


def test_confidence_without_words_comes_from_the_likelihood() -> None:
    segment = replace(recognised([RecognisedWord(0, 500, "Ja", 0.5)]), words=())
    window = window_transcript(Recognition((segment,), (), MODEL, {}), 0, 1_000)
    assert window.segments[0].confidence == pytest.approx(0.8187, abs=1e-4)


def test_times_are_those_of_the_recording() -> None:
    segment = recognised([RecognisedWord(100, 500, "Ja", 0.5)])
    window = window_transcript(Recognition((segment,), ((50, 550),), MODEL, {}), 60_000, 70_000)
    assert (window.segments[0].start_ms, window.segments[0].end_ms) == (60_100, 60_500)
    assert window.speech == (Span(60_050, 60_550),)


# ------------------------------------------------------------------ the whole recording


def window(
    start_ms: int, end_ms: int, *segments: Segment, speech: tuple[Span, ...] = ()
) -> WindowTranscript:
    return WindowTranscript(start_ms, end_ms, segments, speech, ModelRef("bundled", "abc"), {})


def test_the_recordings_language_is_the_one_spoken_longest() -> None:
    german, english = spoken("Ja"), spoken("yes it is", start_ms=1_000)
    windows = [window(0, 5_000, german, german, replace(english, language="en"))]
    assert merge(windows, 5_000).language == "en"


def test_a_recording_without_speech_has_no_language_and_no_gaps() -> None:
    assert merge([window(0, 5_000)], 5_000) == Transcript(
        None, 5_000, (), ModelRef("bundled", "abc")
    )
    assert merge([], 0) == Transcript(None, 0, ())


def test_speech_without_text_is_said_to_be_a_gap() -> None:
    speech = (Span(0, 400), Span(3_000, 5_000))
    assert merge([window(0, 6_000, spoken("Ja"), speech=speech)], 6_000).gaps == (
        Span(3_000, 5_000),
    )


def test_speech_that_goes_on_long_after_the_text_is_a_gap() -> None:
    speech = [Span(0, 10_000)]
    assert list(find_gaps(speech, [spoken("Ja genau")], 10_000)) == [Span(800, 10_000)]


def test_short_sounds_and_the_ends_of_words_are_no_gaps() -> None:
    speech = [Span(0, 2_500), Span(4_000, 4_900)]
    assert list(find_gaps(speech, [spoken("Ja genau")], 5_000)) == []


def test_a_gap_goes_on_over_the_seam_of_two_windows() -> None:
    windows = [
        window(0, 5_000, speech=(Span(4_000, 5_000),)),
        window(5_000, 9_000, speech=(Span(5_000, 6_500),)),
    ]
    assert merge(windows, 9_000).gaps == (Span(4_000, 6_500),)


def test_windows_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        merge([window(0, 5_000), window(4_000, 9_000)], 9_000)


def test_windows_of_different_models_are_never_mixed() -> None:
    other = replace(window(5_000, 9_000), model=ModelRef("bundled", "def"))
    with pytest.raises(ValueError, match="models"):
        merge([window(0, 5_000), other], 9_000)


def test_segments_follow_one_another_across_windows() -> None:
    windows = [
        window(0, 1_000, spoken("eins zwei drei")),
        window(1_000, 3_000, spoken("vier fünf", start_ms=900)),
    ]
    segments = merge(windows, 3_000).segments
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(segments))
