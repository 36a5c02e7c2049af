"""A mistyped word finds what was meant, and the search says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.catalog.scope import Scope
from pipeline.glossary import Glossary, Term
from pipeline.search.results import MODES, Corrected, SearchResult, result_json
from pipeline.search.search import Searcher
from tests.conftest import SAMPLES, Interviews
from tests.search_home import SearchHome, interview

TALKS = {
    "Netz": interview("Die Fernwärme kommt bis zum Marktplatz.", "Das dauert zwei Jahre."),
    "Daten": interview("Uns ist Datensouveränität wichtig.", "Darum bleibt alles im Haus."),
    "Wasser": interview("Der Wasserzähler meldet sich über Funk.", "Jede Nacht um drei."),
    "Grid": interview(
        "The transformers were replaced last year.", "That was costly.", language="en"
    ),
}


@pytest.fixture
def home(tmp_path: Path) -> SearchHome:
    home = SearchHome(tmp_path)
    home.add_all(TALKS)
    home.publish()
    return home


def search(home: SearchHome, query: str, scope: Scope | None = None) -> SearchResult:
    return home.searcher().search(query, mode="words", scope=scope)


def first(home: SearchHome, query: str) -> str | None:
    hits = search(home, query).hits
    return hits[0].recording.facts.title if hits else None


def corrected(home: SearchHome, query: str) -> list[tuple[str, str]]:
    return [(one.was, one.now) for one in search(home, query).corrected]


@pytest.mark.parametrize(
    ("typed", "meant", "title"),
    [
        ("Fenrwärme", "Fernwärme", "Netz"),
        ("fernwaerne", "Fernwärme", "Netz"),
        ("Fenrwräme", "Fernwärme", "Netz"),
        ("Markplatz", "Marktplatz", "Netz"),
        ("Datensouverenität", "Datensouveränität", "Daten"),
        ("Datenssouverenität", "Datensouveränität", "Daten"),
        ("Wasserzäler", "Wasserzähler", "Wasser"),
        ("Funck", "Funk", "Wasser"),
        ("transfomers", "transformers", "Grid"),
        ("repalced", "replaced", "Grid"),
    ],
)
def test_a_mistyped_word_finds_what_was_meant_and_it_is_said(
    home: SearchHome, typed: str, meant: str, title: str
) -> None:
    assert first(home, typed) == title
    assert corrected(home, typed) == [(typed, meant)]
    assert meant in [
        hit.text[begin:end] for hit in search(home, typed).hits for begin, end in hit.highlights
    ]


@pytest.mark.parametrize(
    "query",
    [
        "Fernwärme",  # said
        "Fernwärmen",  # a form of it
        "Fern",  # begins a word
        "Zähler",  # ends one
        "Datenhaus",  # made of words that were said
        "Brandt",  # known of a recording
        "Funi 12345 2,5 kV",  # numbers are none; the letters of one are
        "Hat",  # too short
        "Gernwärme",  # another first letter
        "Wasserstoffnetz",  # too far
        "Fahrscheine",
    ],
)
def test_a_word_that_is_known_or_too_unlike_is_left_alone(home: SearchHome, query: str) -> None:
    home.add("Leitung", interview("Ich leite das seit 12346."), people=("Eva Brandt",))
    home.add("Brand", interview("Der Brand war schnell gelöscht, Hut ab."))
    said = [one for one in corrected(home, query) if one[0] != "Funi"]
    assert said == []


def test_a_correction_weighs_less_than_the_same_word_typed_rightly(home: SearchHome) -> None:
    right, wrong = (search(home, one).hits[0] for one in ("Fernwärme", "Fenrwärme"))
    assert (right.chunk_id, right.jump_ms) == (wrong.chunk_id, wrong.jump_ms)
    assert wrong.score < right.score


def test_only_the_nearest_words_stand_in(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Nah", interview("Die Ladesäulen stehen am Bahnhof.", "Dort ist Platz."))
    home.add("Fern", interview("Die Lagersäulen stehen im Keller.", "Dort ist es kühl."))
    assert corrected(home, "Ladeäulen") == [("Ladeäulen", "Ladesäulen")]
    hits = search(home, "Ladeäulen").hits
    assert [hit.recording.facts.title for hit in hits if hit.highlights] == ["Nah"]


def test_a_name_is_not_taken_for_the_little_word_it_resembles(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add_all({"Winter": interview("Das wird ein langer Winter.", "Es war schon kalt.")})
    assert corrected(home, "Ward") == []
    assert corrected(home, "Wintr") == [("Wintr", "Winter")]


def test_unlike_words_with_like_stems_are_not_taken_for_each_other(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Satz", interview("Das haben sie nicht verhalten gesagt.", "Nein."))
    assert corrected(home, "verhaftet") == []


def test_what_a_search_may_not_see_is_not_told(home: SearchHome) -> None:
    found = search(home, "Fenrwärme", Scope(language="en"))
    assert (found.hits, found.corrected) == ((), ())


def test_a_term_of_the_glossary_is_no_slip(home: SearchHome) -> None:
    glossary = Glossary((Term("Fernwarte", (), ("Leitstelle",)),))
    searcher = Searcher(home.catalogue, home.index_dir, lambda _: home.embedder, lambda: glossary)
    assert searcher.search("Fernwarte", mode="words").corrected == ()
    assert corrected(home, "Fernwarte") == [("Fernwarte", "Fernwärme")]


def test_words_that_are_not_searched_are_not_corrected(home: SearchHome) -> None:
    said = {mode: home.searcher().search("Fenrwärme", mode=mode).corrected for mode in MODES}
    one = (Corrected("Fenrwärme", "Fernwärme"),)
    assert said == {"hybrid": one, "words": one, "meaning": ()}


def test_the_json_names_a_correction_only_where_there_is_one(home: SearchHome) -> None:
    answer = result_json(search(home, "Wann kommt die Fenrwärme?"), "de")
    assert answer["corrected"] == [{"was": "Fenrwärme", "now": "Fernwärme"}]
    assert answer["degraded"] is None
    assert "corrected" not in result_json(search(home, "Fernwärme"), "de")


SLIPS = st.sampled_from(["swap", "drop", "double", "other"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([("Fernwärme", "Netz"), ("Marktplatz", "Netz"), ("transformers", "Grid"),
                     ("Datensouveränität", "Daten"), ("Wasserzähler", "Wasser")]),
    st.integers(min_value=1, max_value=5),
    SLIPS,
)  # fmt: skip
def test_one_slip_anywhere_but_in_the_first_letter_is_forgiven(
    home: SearchHome, meant: tuple[str, str], at: int, slip: str
) -> None:
    word, title = meant
    typed = {
        "swap": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        "drop": word[:at] + word[at + 1 :],
        "double": word[:at] + word[at] + word[at:],
        "other": word[:at] + "q" + word[at + 1 :],
    }[slip]
    assert first(home, typed) == title


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=40))
def test_what_is_said_of_a_correction_was_typed_and_stands_in_a_hit(
    home: SearchHome, noise: str
) -> None:
    query = f"Fenrwärme {noise}"
    found = search(home, query)
    for one in found.corrected:
        assert one.was in query
        assert any(one.now in hit.text for hit in found.hits)


def test_the_command_line_says_what_was_searched_for(
    interviews: Interviews, tmp_path: Path
) -> None:
    captions = tmp_path / "talk.vtt"
    captions.write_text(
        "WEBVTT\n\n00:00.000 --> 00:04.000\nDie Fernwärme kommt bis zum Marktplatz.\n",
        encoding="utf-8",
    )
    interviews("add", SAMPLES / "lorawan.mp4", "--transcript", captions)
    interviews("run")
    asked = ("search", "Fenrwärme", "--mode", "words")
    german = interviews("--lang", "de", *asked).out
    assert german.startswith("Nichts zu „Fenrwärme“; gesucht wurde nach „Fernwärme“.\n")
    english = interviews("--lang", "en", *asked).out
    assert english.startswith('Nothing for "Fenrwärme"; "Fernwärme" was searched for instead.\n')
    assert "Nichts zu" not in interviews("--lang", "de", "search", "Fernwärme").out
