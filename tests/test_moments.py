"""The jump-in point: how long before a sentence playing starts, and what is marked in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.analysis import query_words
from pipeline.search.evidence import Evidence
from pipeline.search.moments import best_sentence, highlights, jump_ms
from pipeline.values import Chunk, Sentence


def chunk_of(*sentences: str, gap_ms: int = 0, language: str = "de") -> Chunk:
    """Sentences of five seconds each with ``gap_ms`` of silence in between, from 10 s on."""
    placed, text, start = [], "", 10_000
    for sentence in sentences:
        begin = len(text) + (1 if text else 0)
        text = f"{text} {sentence}".strip()
        placed.append(Sentence(start, start + 5_000, begin, len(text), "A"))
        start += 5_000 + gap_ms
    return Chunk(0, 10_000, placed[-1].end_ms, text, language, tuple(placed), 0, 0)


def marked(query: str, chunk: Chunk) -> list[str]:
    words = query_words(query)
    known = {term: 1 for word in words for term in word.alternatives}
    places = highlights(chunk, Evidence.of(words, known, 100))
    return [chunk.text[begin:end] for begin, end in places]


def test_of_equally_good_sentences_the_earlier_is_chosen() -> None:
    assert best_sentence((1.0, 2.0, 2.0)) == 1
    assert best_sentence((0.0, 0.0)) == 0


def test_the_words_of_the_query_are_marked_in_any_form() -> None:
    chunk = chunk_of("Neue Häuser, alte Häuser, ein Haus.")
    assert marked("Haus", chunk) == ["Häuser", "Häuser", "Haus"]


def test_compounds_are_marked_that_begin_or_end_with_a_word_of_the_query() -> None:
    chunk = chunk_of("Der Funkwasserzähler hängt, die Daten kommen an, der Einstein bleibt.")
    assert marked("Zähler", chunk) == ["Funkwasserzähler"]
    assert marked("Wasserzähler", chunk) == ["Funkwasserzähler"]
    assert marked("Funkwasser", chunk) == ["Funkwasserzähler"]
    assert marked("Stein", chunk) == []


def test_a_number_is_marked_however_it_is_said() -> None:
    assert marked("20 kV", chunk_of("Da liegen zwanzig Kilovolt an.")) == ["zwanzig Kilovolt"]


def test_an_english_passage_is_read_in_english() -> None:
    chunk = chunk_of("The pipes were leaking.", language="en")
    assert marked("leak pipe", chunk) == ["pipes", "leaking"]


def test_playing_starts_a_little_early_where_there_is_a_pause() -> None:
    assert jump_ms(chunk_of("Eins.", "Zwei.", gap_ms=1_000), 1) == 16_000 - 300


def test_the_lead_in_never_reaches_into_the_sentence_before() -> None:
    assert jump_ms(chunk_of("Eins.", "Zwei.", gap_ms=100), 1) == 15_000
    assert jump_ms(chunk_of("Eins.", "Zwei."), 1) == 15_000


def test_the_first_sentence_starts_with_the_chunk() -> None:
    assert jump_ms(chunk_of("Eins.", "Zwei."), 0) == 10_000


def test_a_chunk_without_sentences_is_played_from_its_start() -> None:
    assert jump_ms(Chunk(0, 7_000, 9_000, "Ja", "de", (), 0, 0), 0) == 7_000


TIMES = st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 9_000)), min_size=1, max_size=8)


@given(TIMES, st.data())
def test_the_jump_is_close_before_the_sentence_whatever_the_times(
    times: list[tuple[int, int]], data: st.DataObject
) -> None:
    starts = sorted(start for start, _ in times)
    sentences = tuple(
        Sentence(start, start + length, 0, 1)
        for start, (_, length) in zip(starts, times, strict=True)
    )
    chunk = Chunk(0, starts[0], sentences[-1].end_ms, "x", "de", sentences, 0, 0)
    number = data.draw(st.integers(0, len(sentences) - 1))
    jump = jump_ms(chunk, number)
    assert sentences[number].start_ms - 300 <= jump <= sentences[number].start_ms
    assert jump >= chunk.start_ms
