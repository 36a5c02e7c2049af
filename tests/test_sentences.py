"""What a listener would call a sentence, with the time at which it is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.sentences import LOOSE_WORDS, TimedSentence, split_sentences
from pipeline.values import Segment, Transcript, Word


def spoken(text: str, start_ms: int = 0, pace_ms: int = 400) -> Segment:
    """A recognised segment: every word takes ``pace_ms``, without pauses."""
    words = tuple(
        Word(start_ms + n * pace_ms, start_ms + (n + 1) * pace_ms, written)
        for n, written in enumerate(text.split())
    )
    return Segment(start_ms, start_ms + len(words) * pace_ms, text, words=words)


def cue(start_ms: int, end_ms: int, text: str, speaker: str | None = None) -> Segment:
    return Segment(start_ms, end_ms, text, speaker=speaker)


def transcript(*segments: Segment, language: str = "de") -> Transcript:
    return Transcript(language, max((s.end_ms for s in segments), default=0), segments)


def texts(sentences: Sequence[TimedSentence]) -> list[str]:
    return [sentence.text for sentence in sentences]


def split(text: str, language: str = "de") -> list[str]:
    return texts(split_sentences(transcript(spoken(text), language=language)))


@pytest.mark.parametrize(
    "sentence",
    [
        "Das ist z. B. Trinkwasser aus der Region.",
        "Das ist z.B. Trinkwasser, d. h. Leitungswasser.",
        "Der Rat tagt am 3. Mai im Rathaus.",
        "Die Leitung stammt aus dem 19. Jahrhundert.",
        "Frau Dr. Weber und Prof. Klein leiten das Werk.",
        "Es kostet ca. Tausend Euro, also rd. Zweitausend Mark.",
        "Wir haben 20.000 Kunden und 2,5 Millionen Euro Umsatz.",
        "Das steht in Nr. Vier bzw. Art. 5 Abs. 2 der Satzung.",
        "Wasser, Strom, Gas usw. Anlagen gehören der Stadt.",
        "Heinrich I. Fürst zu Wald und J. S. Bach waren da.",
        "Das sind 3 Mio. Euro im Jahr.",
        "Er sagte „Was?“ und ging.",
        "Ich habe ... nun ja … nichts gesagt.",
        "Die i. d. R. Ehrenamtlichen kommen.",
        "Ludwig XIV. Statuen stehen hier.",
    ],
)
def test_a_german_full_stop_that_ends_nothing_does_not_split(sentence: str) -> None:
    assert split(sentence) == [sentence]


@pytest.mark.parametrize(
    "sentence",
    [
        "Mr. Smith and Dr. Jones met Mrs. Brown vs. St. James.",
        "Use a renewable source, e.g. Wind, i.e. Moving air.",
        "The U.S. Government met John F. Kennedy.",
        "See No. 5 and Fig. 3 at 2.5 percent.",
        'She asked "why?" and left.',
    ],
)
def test_an_english_full_stop_that_ends_nothing_does_not_split(sentence: str) -> None:
    assert split(sentence, "en") == [sentence]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das war gut.|Dann kam der Regen.", "de"),
        ("Wie geht das?|Ganz einfach!|Man fragt.", "de"),
        ("Wir reinigen, filtern usw.|Das dauert.", "de"),
        ("Es waren 35.|Dann kamen mehr.", "de"),
        ("Das war 2019.|Heute ist es anders.", "de"),
        ("Ja...|Also ich weiß nicht.", "de"),
        ("„Das geht nicht.“|„Doch!“|Sie lachten.", "de"),
        ("Das ist meine Art.|Sie gefällt mir.", "de"),
        ("There are 5.|Pumps come next.", "en"),
        ("So am I.|Nobody knows.", "en"),
        ("He said no.|It's fine.", "en"),
        ("We left at 5 p.m.|Then it rained.", "en"),
    ],
)
def test_sentences_end_where_a_reader_says(text: str, language: str) -> None:
    assert split(text.replace("|", " "), language) == text.split("|")


def test_a_transcript_without_capitals_still_ends_at_full_stops() -> None:
    assert split("das war gut. dann kam regen.") == ["das war gut.", "dann kam regen."]


def test_missing_spaces_between_sentences_are_seen_where_they_are_the_custom() -> None:
    glued = "Das war gut.Dann kam Regen.Wir gingen heim.Es war spät."
    assert split(glued) == [
        "Das war gut.",
        "Dann kam Regen.",
        "Wir gingen heim.",
        "Es war spät.",
    ]
    assert split("Das ist Vue.Js für alle. Es ist gut.") == [
        "Das ist Vue.Js für alle.",
        "Es ist gut.",
    ]


def test_a_sentence_runs_through_cues_that_are_fragments() -> None:
    sentences = split_sentences(
        transcript(cue(0, 2000, "Das Wasserwerk"), cue(2000, 4000, "wurde gebaut. Es"))
    )
    assert texts(sentences) == ["Das Wasserwerk wurde gebaut.", "Es"]
    assert (sentences[0].first_segment, sentences[0].last_segment) == (0, 1)
    assert (sentences[1].first_segment, sentences[1].last_segment) == (1, 1)


def test_times_inside_a_cue_without_words_are_shared_by_characters() -> None:
    first, second = split_sentences(transcript(cue(10_000, 20_000, "Abcd. Efgh.")))
    assert (first.start_ms, first.end_ms) == (10_000, 15_000)
    assert (second.start_ms, second.end_ms) == (15_000, 20_000)
    assert first.first_word is None


def test_times_come_from_words_where_there_are_any() -> None:
    words = (Word(500, 900, "Ja."), Word(1300, 1500, "Gut"), Word(1600, 2100, "so."))
    first, second = split_sentences(transcript(Segment(0, 5000, "Ja. Gut so.", words=words)))
    assert (first.start_ms, first.end_ms, first.first_word, first.last_word) == (500, 900, 0, 0)
    assert (second.start_ms, second.end_ms, second.first_word, second.last_word) == (
        1300,
        2100,
        1,
        2,
    )


def test_a_corrected_text_keeps_the_times_of_the_words_around_it() -> None:
    heard = spoken("Das Wasser Werk Lübek steht hier. Danke schön.", pace_ms=1000)
    corrected = Segment(
        0, heard.end_ms, "Das Wasserwerk Lübeck steht hier. Danke.", words=heard.words
    )
    first, second = split_sentences(transcript(corrected))
    assert (first.start_ms, first.end_ms) == (0, 6000)
    assert second.start_ms == 6000
    assert (second.first_word, second.last_word) == (6, 7)


def test_a_change_of_speaker_ends_a_sentence_but_an_unknown_speaker_does_not() -> None:
    sentences = split_sentences(
        transcript(
            cue(0, 1000, "Und wie war", "Anna"),
            cue(1000, 2000, "das so", None),
            cue(2000, 3000, "Na ja", "Bernd"),
        )
    )
    assert [(s.text, s.speaker) for s in sentences] == [
        ("Und wie war das so", "Anna"),
        ("Na ja", "Bernd"),
    ]


def test_a_change_of_language_ends_a_sentence() -> None:
    german = Segment(0, 1000, "Er sagte", language="de")
    english = Segment(1000, 2000, "well done", language="en")
    sentences = split_sentences(transcript(german, english))
    assert [(s.text, s.language) for s in sentences] == [("Er sagte", "de"), ("well done", "en")]


def test_a_long_silence_ends_a_sentence() -> None:
    sentences = split_sentences(transcript(cue(0, 1000, "Und dann"), cue(2500, 3000, "kam er.")))
    assert texts(sentences) == ["Und dann", "kam er."]


def test_talk_without_any_marks_is_split_at_its_pauses() -> None:
    before, after = spoken("wort " * 20), spoken("wort " * 25, start_ms=8900)
    sentences = split_sentences(transcript(before, after))
    assert [len(s.tokens) for s in sentences] == [20, 25]


def test_endless_talk_without_marks_or_pauses_is_split_by_length() -> None:
    sentences = split_sentences(transcript(cue(0, 3_600_000, "wort " * 9000)))
    assert max(len(s.tokens) for s in sentences) <= LOOSE_WORDS
    assert max(s.end_ms - s.start_ms for s in sentences) <= 16_000


def test_one_cue_for_the_whole_recording_is_split_into_its_sentences() -> None:
    sentences = split_sentences(transcript(cue(0, 600_000, "Das ist ein Satz. " * 200)))
    assert texts(sentences) == ["Das ist ein Satz."] * 200
    assert sentences[100].start_ms == 300_000


def test_a_cue_that_overlaps_its_successor_a_little_ends_where_that_begins() -> None:
    first, second = split_sentences(transcript(cue(0, 5000, "Ja."), cue(4000, 8000, "Nein.")))
    assert (first.end_ms, second.start_ms) == (4000, 4000)


def test_nothing_said_gives_no_sentences() -> None:
    assert split_sentences(transcript()) == ()
    assert split_sentences(transcript(cue(0, 1000, "  "))) == ()


SAMPLE = "das Wasser, Und z. B. Dr. 3. Mai kam. wie? „Ja!“ … – J. usw. 2,5 20.000 Ende. Netz.Neu"
WRITTEN = st.sampled_from(SAMPLE.split())


@st.composite
def segments(draw: st.DrawFn, ends: int) -> Segment:
    """Any segment: with words or without, with words that do not match, even out of order."""
    start = draw(st.integers(0, ends))
    end = start + draw(st.integers(0, 60_000))
    written = draw(st.lists(WRITTEN, max_size=30))
    heard = draw(st.sampled_from([[], written, draw(st.lists(WRITTEN, max_size=30))]))
    words = tuple(
        Word(at, at + draw(st.integers(0, 900)), word)
        for word in heard
        for at in (draw(st.integers(start, end)),)
    )
    speaker = draw(st.sampled_from([None, None, "A", "B"]))
    language = draw(st.sampled_from([None, None, None, "en"]))
    return Segment(start, end, " ".join(written), language, speaker, words=words)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    duration = draw(st.integers(1, 600_000))
    parts = sorted(draw(st.lists(segments(duration), max_size=6)), key=lambda s: s.start_ms)
    return Transcript("de", duration, tuple(parts))


@given(transcripts())
def test_sentences_hold_the_whole_text_and_nothing_else(given_transcript: Transcript) -> None:
    whole = "".join(s.text for s in given_transcript.segments)
    said = "".join(texts(split_sentences(given_transcript)))
    assert "".join(said.split()) == "".join(whole.split())


@given(transcripts())
def test_sentence_times_go_forward_and_stay_inside(given_transcript: Transcript) -> None:
    sentences = split_sentences(given_transcript)
    starts = [s.start_ms for s in sentences]
    assert starts == sorted(starts)
    assert all(0 <= s.start_ms <= s.end_ms <= given_transcript.duration_ms for s in sentences)


@given(transcripts())
def test_every_word_of_a_segment_with_text_lies_in_a_sentence(given_transcript: Transcript) -> None:
    covered = {
        ordinal
        for s in split_sentences(given_transcript)
        if s.first_word is not None and s.last_word is not None
        for ordinal in range(s.first_word, s.last_word + 1)
    }
    expected: set[int] = set()
    ordinal = 0
    for segment in given_transcript.segments:
        if segment.text:
            expected.update(range(ordinal, ordinal + len(segment.words)))
        ordinal += len(segment.words)
    assert expected <= covered
