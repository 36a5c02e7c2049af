"""What pages are made of, before any page: excerpts, strips, paragraphs, addresses, words."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.marking import marks
from pipeline.search.results import Corrected
from pipeline.values import Chapter, Hit, Recording, RecordingFacts, Segment, Span, Transcript, Word
from pipeline.web.asked import Asked, asked
from pipeline.web.asking import preferred
from pipeline.web.excerpts import excerpt, pieces
from pipeline.web.grouping import by_recording
from pipeline.web.pages.signing import local
from pipeline.web.reading import LONG, PAUSE_MS, parts
from pipeline.web.strip import runs, speech
from pipeline.web.wording import Wording

SPANS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda two: (min(two), max(two)))


def recording(key: str = "k", duration_ms: int = 100_000) -> Recording:
    return Recording(
        key, RecordingFacts(key), None, "done", None, 0.0, 0, duration_ms, "de", None, 0
    )


def hit(
    text: str, sentence: tuple[int, int], jump_ms: int = 0, key: str = "k", rank: int = 1
) -> Hit:
    return Hit(
        rank=rank,
        recording=recording(key),
        start_ms=jump_ms,
        end_ms=jump_ms + 1000,
        jump_ms=jump_ms,
        text=text,
        speaker=None,
        language="de",
        highlights=(),
        score=1.0,
        chunk_id=rank,
        sentence=sentence,
    )


def spoken(*segments: Segment, gaps: tuple[Span, ...] = ()) -> Transcript:
    return Transcript("de", segments[-1].end_ms if segments else 0, segments, gaps=gaps)


def unmarked(_text: str, _language: str | None) -> tuple[tuple[int, int], ...]:
    return ()


# --- excerpts ----------------------------------------------------------------------------------


@given(st.text(max_size=60), st.lists(SPANS, max_size=6), SPANS)
def test_pieces_are_the_text_and_are_marked_where_it_is(
    text: str, found: list[tuple[int, int]], best: tuple[int, int]
) -> None:
    made = pieces(text, found, best)
    assert "".join(piece.text for piece in made) == text
    place = 0
    for piece in made:
        for at in range(place, place + len(piece.text)):
            assert piece.found == any(begin <= at < end for begin, end in found)
            assert piece.best == (best[0] <= at < best[1])
        place += len(piece.text)


@given(st.lists(st.text("abcdefg", min_size=1, max_size=12), min_size=1, max_size=120), st.data())
def test_an_excerpt_holds_the_best_sentence_whole_and_no_word_cut(
    words: list[str], data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    text = " ".join(words)
    begin = len(" ".join(words[:first])) + (1 if first else 0)
    end = begin + len(" ".join(words[first : last + 1]))
    shown = excerpt(hit(text, (begin, end)))
    written = "".join(piece.text for piece in shown.pieces)
    assert " ".join(words[first : last + 1]) in written
    assert f" {' '.join(written.split())} " in f" {text} "
    assert shown.before == (not text.startswith(written))


def test_recordings_stand_in_the_order_of_their_best_moments() -> None:
    hits = [
        hit("a", (0, 1), 9000, "x", 1),
        hit("b", (0, 1), 0, "y", 2),
        hit("c", (0, 1), 50, "x", 3),
    ]
    first, second = by_recording(hits)
    assert (first.recording.id, second.recording.id) == ("x", "y")
    assert [one.hit.text for one in first.moments] == ["a", "c"]
    assert [one.hit.text for one in first.in_time] == ["c", "a"]


def test_words_of_a_query_are_marked_in_any_text_as_they_are_in_hits() -> None:
    text = "Die Zählerstände liest der Wasserzähler selbst."
    found = marks("Was misst ein Zähler?")(text, "de")
    assert [text[begin:end] for begin, end in found] == ["Zählerstände", "Wasserzähler"]
    assert marks("")(text, "de") == ()


def test_what_was_searched_for_instead_of_a_slip_is_marked() -> None:
    found = marks("Fenrwärme", (Corrected("Fenrwärme", "Fernwärme"),))("Fernwärme lohnt", "de")
    assert found == ((0, 9),)


# --- the strip ---------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 800)), max_size=30),
    st.integers(1, 5000),
    st.integers(1, 40),
)
def test_a_strip_shows_shares_of_time(spans: list[tuple[int, int]], length: int, bars: int) -> None:
    segments = tuple(Segment(start, start + more, "x") for start, more in spans)
    shares = speech(Transcript("de", length, segments), bars)
    assert len(shares) == bars and all(0 <= share <= 1 for share in shares)
    assert sum(count for _, count, _ in runs(shares)) <= bars


def test_a_strip_is_high_where_words_are() -> None:
    words = (Word(0, 500, "ja"), Word(2000, 2500, "nein"))
    shares = speech(Transcript("de", 4000, (Segment(0, 2500, "ja nein", words=words),)), 8)
    assert shares == pytest.approx([1, 0, 0, 0, 1, 0, 0, 0])
    assert runs(shares) == [(0, 1, 5), (4, 1, 5)]


# --- reading -----------------------------------------------------------------------------------


def test_a_paragraph_ends_with_its_speaker_with_a_pause_and_with_a_chapter() -> None:
    made = parts(
        spoken(
            Segment(0, 1000, "Guten Tag.", speaker="A"),
            Segment(1000, 2000, "Ja.", speaker="B"),
            Segment(2000 + PAUSE_MS, 5000, "Und nun?", speaker="B"),
            Segment(5000, 6000, "Weiter.", speaker="B"),
        ),
        (Chapter(5000, 6000, "Weiter"),),
        unmarked,
    )
    assert [part.chapter and part.chapter.title for part in made] == [None, "Weiter"]
    texts = [
        [line.pieces[0].text for line in paragraph.lines]
        for part in made
        for paragraph in part.paragraphs
    ]
    assert texts == [["Guten Tag."], ["Ja."], ["Und nun?"], ["Weiter."]]


def test_a_long_paragraph_ends_with_a_sentence() -> None:
    long = "Wort " * (LONG // 5 + 1)
    made = parts(
        spoken(Segment(0, 1, f"{long}und"), Segment(1, 2, "Schluss."), Segment(2, 3, "Neu.")),
        (),
        unmarked,
    )
    assert [len(paragraph.lines) for paragraph in made[0].paragraphs] == [2, 1]


def test_a_paragraph_ends_where_no_sentence_ever_does() -> None:
    said = "so geht es " * 10
    made = parts(spoken(*(Segment(n, n + 1, said) for n in range(100))), (), unmarked)
    lengths = [len(said) * len(paragraph.lines) for paragraph in made[0].paragraphs]
    assert max(lengths) <= 2 * LONG + len(said)


@given(
    st.lists(
        st.tuples(st.integers(1, 3000), st.integers(1, 4000), st.sampled_from(["A", "B", None])),
        max_size=25,
    ),
    st.lists(st.integers(0, 60_000), unique=True, max_size=4),
)
def test_every_line_is_read_once_and_in_order(
    pauses: list[tuple[int, int, str | None]], starts: list[int]
) -> None:
    segments, now = [], 0
    for pause, length, speaker in pauses:
        segments.append(Segment(now + pause, now + pause + length, f"s{now}.", speaker=speaker))
        now += pause + length
    chapters = tuple(Chapter(start, start + 1, "c") for start in sorted(starts))
    made = parts(spoken(*segments), chapters, unmarked)
    read = [line.start_ms for part in made for p in part.paragraphs for line in p.lines]
    assert read == [segment.start_ms for segment in segments]


def test_what_nobody_could_write_down_is_said_where_it_was() -> None:
    made = parts(
        spoken(Segment(0, 1000, "Eins."), Segment(9000, 9500, "Zwei."), gaps=(Span(2000, 8000),)),
        (),
        unmarked,
    )
    assert [paragraph.lost for paragraph in made[0].paragraphs] == [None, Span(2000, 8000), None]


# --- addresses ---------------------------------------------------------------------------------


@given(
    st.builds(
        Asked,
        query=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).map(str.strip),
        mode=st.sampled_from(["hybrid", "words"]),
        collection=st.sampled_from(["", "Wärme & Strom", "a=b"]),
        language=st.sampled_from(["", "de", "en"]),
        person=st.sampled_from(["", "Å?"]),
        year=st.sampled_from(["", "2024"]),
        count=st.sampled_from([10, 30, 50]),
    )
)
def test_an_address_asks_for_what_it_was_made_from(question: Asked) -> None:
    given_ = dict(parse_qsl(urlsplit(question.address).query, keep_blank_values=True))
    assert asked(given_) == question


@pytest.mark.parametrize(
    "values",
    [{"n": "0"}, {"n": "9999"}, {"n": "-1"}, {"n": "x"}, {"year": "20x4"}, {"mode": "sql"}],
)
def test_what_makes_no_sense_in_an_address_is_left_out(values: dict[str, str]) -> None:
    assert asked({"q": "a"} | values) == Asked("a")


@given(st.text(st.characters(codec="utf-8"), max_size=1500))
def test_a_question_is_carried_as_far_as_links_can_and_no_word_is_cut(written: str) -> None:
    read, whole = asked({"q": written}), written.strip()
    assert whole.startswith(read.query) and len(quote_plus(read.query)) <= 480
    assert read.cut == (read.query != whole) == (len(quote_plus(whole)) > 480)
    assert asked({"q": read.query}) == replace(read, cut=False)
    if read.cut and " " in read.query.strip():
        assert whole[len(read.query)].isspace() or " " not in whole[: len(read.query) + 1]


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("/r/abc?t=1", "/r/abc?t=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_led_to_another_site(back: str, leads: str) -> None:
    assert local(back) == leads


# --- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "de"),
        ("fr", "de"),
        ("en-GB,en;q=0.9", "en"),
        ("de-AT, en;q=0.8", "de"),
        ("fr, en;q=0.3, de;q=0.7", "de"),
        ("en;q=0", "de"),
        ("en;q=nonsense, de;q=0.1", "de"),
    ],
)
def test_the_browser_s_language_is_spoken(header: str, language: str) -> None:
    assert preferred(header) == language


def test_dates_numbers_and_lengths_are_written_as_in_each_language() -> None:
    german, english = Wording("de"), Wording("en")
    assert german.day("2024-05-17") == "17. Mai 2024"
    assert english.day("2024-05-17") == "17 May 2024"
    assert german.day("2024-05") == "Mai 2024" and german.day("2024") == "2024"
    assert german.day("2024-02-31") == "2024-02-31"
    assert (german.number(1234.5), english.number(1234.5)) == ("1.234,5", "1,234.5")
    assert german.count("search.moments", 1) == "1 Stelle"
    assert german.count("search.moments", 1200) == "1.200 Stellen"
    assert german.length(4_320_000) == "1 Std. 12 Min."
    assert german.spoken(3_661_000) == "1 Stunde 1 Minute 1 Sekunde"
    assert english.language_name("de") == "German"
