"""A query that names a term of the glossary finds the term's other names, a little later."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.catalog.scope import Scope
from pipeline.errors import BadInput
from pipeline.glossary import Glossary, Term
from pipeline.messages import LANGUAGES
from pipeline.search.analysis import analyse, query_words
from pipeline.search.query import parse, readable
from pipeline.search.results import MODES, Mode, SearchResult
from pipeline.search.search import Searcher
from pipeline.search.spoken import expression
from pipeline.search.synonyms import Synonyms
from pipeline.search.words import phrases
from tests.search_home import SearchHome, interview

RADIO = Term("LoRaWAN", ("Lora Wan", "Laura Wahn"), ("Weitverkehrsfunk", "long-range radio"))
GRID = Term("Netzengpass", (), ("grid congestion", "Engpass im Netz"))
GLOSSARY = Glossary((RADIO, GRID))

OTHERS = {
    "Wetter": interview("Heute scheint die Sonne über dem Marktplatz.", "Morgen regnet es dann."),
    "Weather": interview("It is sunny on the market place today.", language="en"),
}


@pytest.fixture
def home(tmp_path: Path) -> SearchHome:
    home = SearchHome(tmp_path)
    home.add_all(
        OTHERS
        | {
            "Richtig": interview("Wir lesen die Zähler heute mit LoRaWAN aus."),
            "Falsch": interview("Wir lesen die Zähler heute mit Lora Wan aus."),
            "Deutsch": interview("Der Weitverkehrsfunk reicht bis ins Nachbardorf."),
            "English": interview("We read the meters by a long-range radio link.", language="en"),
            "Congestion": interview("The grid congestions are getting worse.", language="en"),
        }
    )
    home.publish()
    return home


def search(
    home: SearchHome,
    query: str,
    mode: Mode = "words",
    glossary: Glossary = GLOSSARY,
    scope: Scope | None = None,
) -> SearchResult:
    searcher = Searcher(home.catalogue, home.index_dir, lambda _: home.embedder, lambda: glossary)
    return searcher.search(query, mode=mode, scope=scope)


def found(home: SearchHome, query: str, glossary: Glossary = GLOSSARY) -> list[str]:
    hits = search(home, query, glossary=glossary).hits
    return [hit.recording.facts.title for hit in hits]


def lit(home: SearchHome, query: str, title: str) -> list[str]:
    """What is highlighted in the hit of that title."""
    (hit,) = [h for h in search(home, query).hits if h.recording.facts.title == title]
    return [hit.text[begin:end] for begin, end in hit.highlights]


ALL = {"Richtig", "Falsch", "Deutsch", "English"}


@pytest.mark.parametrize(
    "query",
    ["LoRaWAN", "lorawan", "Lora Wan", "LORA-WAN", "Laura Wahn", "Weitverkehrsfunk",
     "Weitverkehrsfunks", "long-range radio", "Long Range Radios", "Was bringt uns LoRaWAN?"],
)  # fmt: skip
def test_each_name_finds_all_the_others_in_both_languages(home: SearchHome, query: str) -> None:
    assert set(found(home, query)) == ALL
    assert "Richtig" not in found(home, query, Glossary()) or "LoRaWAN" in query or query.islower()


def test_what_was_asked_for_comes_before_its_synonyms(home: SearchHome) -> None:
    for query, first in (
        ("LoRaWAN", "Richtig"),
        ("Lora Wan", "Falsch"),
        ("Weitverkehrsfunk", "Deutsch"),
        ("long-range radio", "English"),
    ):
        assert found(home, query)[0] == first


def test_a_rare_synonym_does_not_outweigh_a_common_term(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    for number in range(12):
        home.add(f"Oft {number}", interview(f"Unsere Pumpe läuft im Werk {number} ohne Störung."))
    home.add("Selten", interview("Unser Förderaggregat läuft im Werk 99 ohne Störung."))
    home.publish()
    term = Glossary((Term("Pumpe", (), ("Förderaggregat",)),))
    titles = found(home, "Pumpe", term)
    assert len(titles) == 10 and "Selten" not in titles
    every = [h.recording.facts.title for h in Searcher(
        home.catalogue, home.index_dir, lambda _: home.embedder, lambda: term
    ).search("Pumpe", mode="words", limit=20).hits]  # fmt: skip
    assert every[-1] == "Selten"


def test_any_form_of_a_synonym_is_found_but_its_words_only_together(home: SearchHome) -> None:
    assert found(home, "Netzengpässe") == ["Congestion"]
    home.add("Apart", interview("The grid had a day without any congestion.", language="en"))
    assert found(home, "Netzengpass") == ["Congestion"]


def test_synonyms_are_highlighted_as_a_whole(home: SearchHome) -> None:
    assert lit(home, "LoRaWAN", "Richtig") == ["LoRaWAN"]
    assert lit(home, "LoRaWAN", "Falsch") == ["Lora Wan"]
    assert lit(home, "LoRaWAN link", "English") == ["long-range radio", "link"]
    assert lit(home, "long-range radio link", "English") == ["long", "range", "radio", "link"]


def test_playing_starts_at_the_sentence_with_the_synonym(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add(
        "Lang",
        interview("Guten Tag zusammen.", "Nun zum Weitverkehrsfunk.", "Das war alles für heute."),
    )
    (hit,) = search(home, "LoRaWAN").hits
    assert hit.jump_ms == 10_000


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_answers_with_synonyms_at_hand(home: SearchHome, mode: Mode) -> None:
    hits = search(home, "LoRaWAN", mode).hits
    assert "Richtig" in {hit.recording.facts.title for hit in hits}
    if mode != "meaning":
        assert {hit.recording.facts.title for hit in hits} >= ALL


def test_limits_hold_for_synonyms(home: SearchHome) -> None:
    hits = search(home, "LoRaWAN", scope=Scope(language="en")).hits
    assert [hit.recording.facts.title for hit in hits] == ["English"]


def test_the_longest_name_counts_and_a_part_of_a_name_does_not(home: SearchHome) -> None:
    both = Glossary((Term("Funk", (), ("Radio",)), Term("Funk am Berg", (), ("Bergsender",))))
    (word, *_) = Synonyms(both).widen("Funk am Berg", query_words("Funk am Berg"))
    assert "bergsend" in word.synonyms and "radio" not in word.synonyms
    assert found(home, "Wan") == found(home, "Wan", Glossary())


def test_without_a_named_term_nothing_changes(home: SearchHome) -> None:
    for query in ("Sonne", "Wie wird das Wetter?", "market place"):
        assert search(home, query).hits == search(home, query, glossary=Glossary()).hits


def test_a_little_word_is_no_synonym(home: SearchHome) -> None:
    little = Glossary((Term("Rechentechnik", (), ("IT", "das")), Term("Computer", ("Rechner",))))
    assert found(home, "Rechentechnik", little) == []
    assert found(home, "How is it", little) == found(home, "How is it", Glossary())


def test_one_spelling_of_two_terms_finds_both(home: SearchHome) -> None:
    two = Glossary((Term("LoRaWAN", ("Funk",)), Term("Weitverkehrsfunk", ("Funk",))))
    assert set(found(home, "Funk", two)) == {"Richtig", "Deutsch"}


def test_a_glossary_that_cannot_be_read_is_named_in_the_answer(home: SearchHome) -> None:
    def bad() -> Glossary:
        raise BadInput("glossary.unreadable", path="/home/glossary.toml", detail="line 3")

    for mode in MODES:
        answer = Searcher(
            home.catalogue, home.index_dir, lambda _: home.embedder, bad
        ).search("LoRaWAN", mode=mode)  # fmt: skip
        assert answer.hits[0].recording.facts.title == "Richtig"
        assert [notice.key for notice in answer.degraded] == ["search.degraded.glossary"]
        for language in LANGUAGES:
            assert "/home/glossary.toml" in answer.degraded[0].said(language)


TERMS = st.builds(
    Term,
    st.text(min_size=1, max_size=20),
    st.lists(st.text(max_size=20), max_size=3).map(tuple),
    st.lists(st.text(max_size=20), max_size=3).map(tuple),
)


@given(st.text(max_size=60), st.lists(TERMS, max_size=4))
def test_names_are_never_taken_for_query_syntax(query: str, terms: list[Term]) -> None:
    glossary = Synonyms(Glossary(tuple(terms)))
    for asked in (query, *(form for term in terms for form in term.forms)):
        for word in glossary.widen(asked, query_words(asked)):
            for name in word.synonyms:
                assert all(part.isalnum() for part in name.split(" "))
            assert expression(phrases([word], ())).count('"') % 2 == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TERMS, min_size=1, max_size=4))
def test_no_glossary_breaks_the_search(home: SearchHome, terms: list[Term]) -> None:
    glossary = Glossary(tuple(terms))
    for form in terms[0].forms:
        if analyse(parse(readable(form)).asked, "de"):
            assert search(home, form, glossary=glossary).query == form
