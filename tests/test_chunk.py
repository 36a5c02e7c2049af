"""Chunks fit the text model, lose nothing and know where they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pipeline.errors import BadInput
from pipeline.stages.chunk import ChunkParameters, Count, chunk
from pipeline.stages.sentences import split_sentences
from pipeline.values import Chunk, Segment, Transcript, Word
from tests.conftest import SHARED

ROOT = Path(__file__).resolve().parent.parent
DATA = SHARED
BUNDLED = ROOT / "models" / "bundled"


def by_word(strings: Sequence[str]) -> list[int]:
    """A tokenizer that works word by word: one token per four letters, two special ones."""
    return [2 + sum(-(-len(word) // 4) for word in string.split()) for string in strings]


def by_context(strings: Sequence[str]) -> list[int]:
    """A tokenizer whose counts do not add up: a joined string costs what no part foretells."""
    return [2 + len(s) // 3 + (len(s) // 40) * (sum(map(ord, s)) % 3) for s in strings]


def cues(*sentences: str, pace_ms: int = 2000, language: str | None = None) -> tuple[Segment, ...]:
    return tuple(
        Segment(n * pace_ms, (n + 1) * pace_ms, text, language) for n, text in enumerate(sentences)
    )


def transcript(*segments: Segment, language: str = "de") -> Transcript:
    return Transcript(language, max((s.end_ms for s in segments), default=0), segments)


def told(chunks: Sequence[Chunk]) -> list[list[str]]:
    return [[c.text[s.begin : s.end] for s in c.sentences] for c in chunks]


def test_sentences_fill_a_chunk_up_to_the_limit_and_overlap() -> None:
    given_transcript = transcript(
        *cues("Eins aha so.", "Zwei aha so.", "Drei aha so.", "Vier aha so.")
    )
    parameters = ChunkParameters(max_tokens=11, overlap_tokens=5)
    assert told(chunk(given_transcript, parameters, by_word)) == [
        ["Eins aha so.", "Zwei aha so.", "Drei aha so."],
        ["Drei aha so.", "Vier aha so."],
    ]


def test_without_overlap_no_sentence_is_told_twice() -> None:
    given_transcript = transcript(
        *cues("Eins aha so.", "Zwei aha so.", "Drei aha so.", "Vier aha so.")
    )
    parameters = ChunkParameters(max_tokens=8, overlap_tokens=0)
    assert told(chunk(given_transcript, parameters, by_word)) == [
        ["Eins aha so.", "Zwei aha so."],
        ["Drei aha so.", "Vier aha so."],
    ]


def test_a_chunk_knows_its_segments_words_and_times() -> None:
    words = tuple(Word(n * 500, n * 500 + 400, w) for n, w in enumerate(("Ja.", "Gut", "so.")))
    heard = Segment(0, 1400, "Ja. Gut so.", words=words)
    (only,) = chunk(transcript(heard), ChunkParameters(50, 10), by_word)
    assert (only.start_ms, only.end_ms) == (0, 1400)
    assert (only.first_segment, only.last_segment) == (0, 0)
    assert (only.first_word, only.last_word) == (0, 2)
    assert (only.number, only.language, only.text) == (0, "de", "Ja. Gut so.")


def test_a_chunk_is_no_longer_than_a_minute() -> None:
    slow = cues(*(f"Satz {n}." for n in range(20)), pace_ms=14_000)
    chunks = chunk(transcript(*slow), ChunkParameters(500, 20), by_word)
    assert max(c.end_ms - c.start_ms for c in chunks) <= 60_000
    assert len(chunks) > 1


def test_a_chunk_holds_one_language_and_repeats_none_of_the_other() -> None:
    german, english = cues("Das ist es.", "Und jetzt.", language="de"), cues("Well.", language="en")
    later = tuple(Segment(s.start_ms + 4000, s.end_ms + 4000, s.text, "en") for s in english)
    chunks = chunk(transcript(*german, *later), ChunkParameters(100, 50), by_word)
    assert [(c.language, c.text) for c in chunks] == [
        ("de", "Das ist es. Und jetzt."),
        ("en", "Well."),
    ]


def test_a_chunk_rather_ends_before_a_question_than_between_question_and_answer() -> None:
    sentences = [
        "Eins aha ach so.",
        "Zwei aha ach so.",
        "Drei aha ach so.",
        "Wie aha ach so?",
        "Gut aha ach so.",
        "So ist das.",
    ]
    chunks = chunk(transcript(*cues(*sentences)), ChunkParameters(18, 0), by_word)
    assert told(chunks)[0] == sentences[:3]


def test_a_chunk_rather_ends_at_a_long_pause() -> None:
    early = cues("Eins aha ach so.", "Zwei aha ach so.", "Drei aha ach so.")
    late = tuple(
        Segment(s.start_ms + 10_000, s.end_ms + 10_000, s.text)
        for s in cues("Vier aha ach so.", "Fünf aha ach so.", "Sechs aha ach so.")
    )
    chunks = chunk(transcript(*early, *late), ChunkParameters(18, 0), by_word)
    assert told(chunks)[0] == ["Eins aha ach so.", "Zwei aha ach so.", "Drei aha ach so."]


def test_an_overlong_sentence_is_split_at_its_clauses() -> None:
    sentence = "aaaa bbbb cccc dddd, eeee ffff gggg hhhh"
    chunks = chunk(transcript(*cues(sentence)), ChunkParameters(8, 0), by_word)
    assert [c.text for c in chunks] == ["aaaa bbbb cccc dddd,", "eeee ffff gggg hhhh"]
    assert chunks[0].end_ms == chunks[1].start_ms


def test_an_overlong_clause_is_split_at_its_pause() -> None:
    words = tuple(
        Word(at, at + 300, w)
        for at, w in zip((0, 300, 600, 1300, 1600, 1900, 2200, 2500), "abcdefgh", strict=True)
    )
    heard = Segment(0, 2800, "a b c d e f g h", words=words)
    chunks = chunk(transcript(heard), ChunkParameters(7, 0), by_word)
    assert [c.text for c in chunks] == ["a b c", "d e f g h"]


def test_a_word_beyond_the_limit_is_split_into_letters_and_none_is_lost() -> None:
    word = "Donaudampfschifffahrtsgesellschaft"
    chunks = chunk(transcript(*cues(word)), ChunkParameters(4, 0), by_word)
    assert "".join(c.text for c in chunks).replace(" ", "") == word
    assert max(by_word([c.text for c in chunks])) <= 4


def test_a_limit_too_small_for_a_single_letter_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        chunk(transcript(*cues("Ja.")), ChunkParameters(2, 0), by_word)
    assert refusal.value.key == "chunk.size_too_small"
    assert refusal.value.values == {"size": 2, "needed": 3}


def test_nothing_said_gives_no_chunks() -> None:
    assert chunk(transcript(), ChunkParameters(160, 40), by_word) == ()


def test_an_early_change_leaves_later_chunks_as_they_were() -> None:
    sentences = [f"Satz Nummer {n} {'wort ' * (n * n % 13)}Ende." for n in range(200)]
    before = chunk(transcript(*cues(*sentences)), ChunkParameters(60, 15), by_word)
    sentences[3] = "Ganz etwas anderes."
    after = chunk(transcript(*cues(*sentences)), ChunkParameters(60, 15), by_word)
    kept = {c.text for c in before} & {c.text for c in after}
    assert len(kept) > len(before) // 2


def test_the_tokenizer_is_asked_a_few_times_only() -> None:
    calls = 0

    def counted(strings: Sequence[str]) -> list[int]:
        nonlocal calls
        calls += 1
        return by_word(strings)

    hours = cues(*(f"Das ist Satz {n} von vielen." for n in range(5000)))
    chunk(transcript(*hours), ChunkParameters(160, 40), counted)
    assert calls <= 4


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Talk in which every letter is another, so that any part of it is known by its text."""
    parts, at, spoken = [], 0, 0
    for _ in range(draw(st.integers(0, 8))):
        at += draw(st.sampled_from([0, 0, 300, 2000, 20_000]))
        length = draw(st.integers(0, 40))
        marks = draw(
            st.lists(st.sampled_from(["", "", ",", ".", "?"]), min_size=length, max_size=length)
        )
        width = draw(st.sampled_from([4, 8, 60]))
        written = [
            "".join(chr(ord("一") + spoken + n * width + letter) for letter in range(width)) + mark
            for n, mark in enumerate(marks)
        ]
        spoken += length * width
        pace = draw(st.sampled_from([0, 250, 3000]))
        words = tuple(Word(at + n * pace, at + (n + 1) * pace, w) for n, w in enumerate(written))
        end = at + length * pace
        parts.append(
            Segment(
                at,
                end,
                " ".join(written),
                draw(st.sampled_from(["de", "de", "en"])),
                draw(st.sampled_from([None, "A", "B"])),
                words=words if draw(st.booleans()) else (),
            )
        )
        at = end
    return Transcript("de", at, tuple(parts))


PARAMETERS = st.builds(
    ChunkParameters, st.integers(6, 120), st.integers(0, 40), st.sampled_from([5_000, 60_000])
)
COUNTS = st.sampled_from([by_word, by_context])


@given(transcripts(), PARAMETERS, COUNTS)
def test_every_sentence_is_told_in_order_and_no_text_is_lost(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    first_told: list[str] = []
    for sentences in told(chunk(given_transcript, parameters, count)):
        first_told += [s for s in sentences if s not in first_told]
    whole = "".join(s.text for s in given_transcript.segments)
    assert "".join("".join(first_told).split()) == "".join(whole.split())


@given(transcripts(), PARAMETERS, COUNTS)
def test_no_chunk_is_empty_or_beyond_the_token_limit(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    chunks = chunk(given_transcript, parameters, count)
    assert all(c.text for c in chunks)
    assert all(size <= parameters.max_tokens for size in count([c.text for c in chunks]))
    assert [c.number for c in chunks] == list(range(len(chunks)))


@given(transcripts(), PARAMETERS, COUNTS)
def test_only_a_single_sentence_exceeds_the_time_limit(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    for c in chunk(given_transcript, parameters, count):
        assert c.end_ms - c.start_ms <= parameters.max_ms or len(c.sentences) == 1


@given(transcripts(), PARAMETERS, COUNTS)
def test_an_overlap_keeps_to_its_limit_and_every_chunk_tells_something_new(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    for one, other in pairwise(told(chunk(given_transcript, parameters, count))):
        repeated = [s for s in other if s in one]
        assert len(repeated) < min(len(one), len(other))
        assert repeated == other[: len(repeated)]
        if repeated:
            assert count([" ".join(repeated)])[0] <= parameters.overlap_tokens


@given(transcripts(), PARAMETERS, COUNTS)
def test_times_and_offsets_are_right(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    chunks = chunk(given_transcript, parameters, count)
    assert all(a.start_ms <= b.start_ms for a, b in pairwise(chunks))
    for c in chunks:
        assert 0 <= c.start_ms <= c.end_ms <= given_transcript.duration_ms
        assert c.start_ms == c.sentences[0].start_ms
        assert c.end_ms == max(s.end_ms for s in c.sentences)
        assert " ".join(c.text[s.begin : s.end] for s in c.sentences) == c.text
        assert all(a.start_ms <= b.start_ms for a, b in pairwise(c.sentences))


@given(transcripts(), PARAMETERS, COUNTS)
def test_every_word_and_segment_is_covered(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    chunks = chunk(given_transcript, parameters, count)
    words = {
        ordinal
        for c in chunks
        if c.first_word is not None and c.last_word is not None
        for ordinal in range(c.first_word, c.last_word + 1)
    }
    assert words == set(range(len(list(given_transcript.words()))))
    told_segments = {n for c in chunks for n in range(c.first_segment, c.last_segment + 1)}
    assert {n for n, s in enumerate(given_transcript.segments) if s.text} <= told_segments


@given(transcripts(), PARAMETERS, COUNTS)
def test_the_same_transcript_yields_the_same_chunks(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    again = Transcript("de", given_transcript.duration_ms, tuple(given_transcript.segments))
    assert chunk(given_transcript, parameters, count) == chunk(again, parameters, count)


@given(transcripts(), PARAMETERS, COUNTS)
def test_a_chunk_never_mixes_languages(
    given_transcript: Transcript, parameters: ChunkParameters, count: Count
) -> None:
    for c in chunk(given_transcript, parameters, count):
        spoken = given_transcript.segments[c.first_segment : c.last_segment + 1]
        assert {s.language for s in spoken if s.text} == {c.language}


# --- real tokenizer, real talk ---------------------------------------------------------------


def real_count() -> Count:
    """The bundled text model's tokenizer, else the bundled speech model's: both are subword
    tokenizers that were learnt from text."""
    for folder in ("text-de-en", "whisper-de-en"):
        if (file := BUNDLED / folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(file))
            return lambda strings: [len(e.ids) for e in tokenizer.encode_batch(list(strings))]
    pytest.skip("no bundled model is present")


CUE = re.compile(r"((?:\d+:)?\d+:\d+[.,]\d+) --> ((?:\d+:)?\d+:\d+[.,]\d+).*\n((?:.+\n?)*)")


def milliseconds(clock: str) -> int:
    total = 0.0
    for part in clock.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return round(total * 1000)


def real_transcripts() -> list[Transcript]:
    folders = [
        DATA / kind / language for kind in ("moments", "transcripts") for language in ("de", "en")
    ]
    files = [f for folder in folders for f in sorted(folder.glob("*.[vs][tr]t"))[::16]]
    if not files:
        pytest.skip("the real transcripts are not at ../shared/data")
    return [
        transcript(
            *(
                Segment(milliseconds(start), max(milliseconds(start), milliseconds(end)), text)
                for start, end, text in CUE.findall(file.read_text(encoding="utf-8-sig"))
            ),
            language=file.parent.name,
        )
        for file in files
    ]


@pytest.mark.parametrize("parameters", [ChunkParameters(160, 40), ChunkParameters(24, 12)])
def test_real_talk_fits_a_real_tokenizer(parameters: ChunkParameters) -> None:
    count = real_count()
    for real in real_transcripts():
        chunks = chunk(real, parameters, count)
        assert max(count([c.text for c in chunks])) <= parameters.max_tokens


def test_real_talk_is_told_whole_and_in_order() -> None:
    for real in real_transcripts():
        chunks = chunk(real, ChunkParameters(500, 100), by_word)
        told_in_order = iter([text for sentences in told(chunks) for text in sentences])
        assert all(sentence.text in told_in_order for sentence in split_sentences(real))
