"""The jump-in point: which sentence, and how long before it playing starts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.analysis import asks_for_number, query_words
from pipeline.search.moments import Evidence, best_sentence, jump_ms, read
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


def asked(query: str, chunk: Chunk, **frequencies: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    words = query_words(query)
    known = {term: frequencies.get(term, 1) for word in words for term in word.terms}
    reading = read(chunk, Evidence.of(words, known, 100))
    return best_sentence(reading.strengths), reading.highlights


def test_the_sentence_with_the_words_of_the_query_is_chosen() -> None:
    chunk = chunk_of(
        "Guten Tag und willkommen.", "Die Häuser hängen am Wärmenetz.", "Das war es schon."
    )
    assert asked("Welches Haus hängt am Wärmenetz?", chunk)[0] == 1


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    chunk = chunk_of("Wasser ist Leben.", "Der Schieber klemmt.", "Wasser fließt immer.")
    assert asked("Wasser Schieber", chunk, wass=90, schieb=1)[0] == 1


def test_a_question_for_a_number_prefers_a_sentence_with_one() -> None:
    chunk = chunk_of("Die Pumpe kostet Geld.", "Eine Pumpe kostet 40 Euro.")
    query = "Wie viel kostet die Pumpe?"
    words = query_words(query)
    known = {term: 1 for word in words for term in word.terms}
    assert asks_for_number(query)
    assert not asks_for_number("Warum kostet die Pumpe Geld?")
    reading = read(chunk, Evidence.of(words, known, 100, number=True))
    assert best_sentence(reading.strengths) == 1


def test_of_equally_good_sentences_the_earlier_is_chosen() -> None:
    assert best_sentence((1.0, 2.0, 2.0)) == 1
    assert best_sentence((0.0, 0.0)) == 0


def test_the_interviewers_question_is_where_playing_starts() -> None:
    chunk = chunk_of(
        "Wie teuer war der Umbau der Kläranlage?", "Zwölf Millionen.", "Gut angelegt ist das."
    )
    assert asked("Wie teuer war der Umbau der Kläranlage?", chunk)[0] == 0


def test_highlights_are_the_places_of_the_words_in_any_form() -> None:
    chunk = chunk_of("Neue Häuser, alte Häuser, ein Haus.")
    _, highlights = asked("Haus", chunk)
    assert [chunk.text[begin:end] for begin, end in highlights] == ["Häuser", "Häuser", "Haus"]


def test_an_english_passage_is_read_in_english() -> None:
    chunk = chunk_of("The pipes were leaking.", language="en")
    _, highlights = asked("leak pipe", chunk)
    assert [chunk.text[begin:end] for begin, end in highlights] == ["pipes", "leaking"]


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
