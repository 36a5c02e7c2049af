"""Quotes and a leading minus, and nothing else, are more than words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.catalog.scope import Scope
from pipeline.errors import BadInput
from pipeline.search.query import Query, parse
from pipeline.search.results import MODES, Mode
from tests.conftest import Interviews
from tests.search_home import SearchHome, interview

SAID = {
    "Fernwärme": "Die erneuerbare Wärme kommt aus dem Fluss.",
    "Getrennt": "Wärme ist bei uns erneuerbare Energie.",
    "Biogas": "Unsere erneuerbare Wärme kommt aus Biogas und von der Bio-Tonne.",
    "Zähler": "Die neuen Zähler messen zwanzig Kilovolt am Tag der Wärme.",
}
ALL = set(SAID)


@pytest.fixture
def home(tmp_path: Path) -> SearchHome:
    home = SearchHome(tmp_path)
    home.add_all({title: interview(said) for title, said in SAID.items()})
    home.publish()
    home.add("Neu", interview("Neu ist erneuerbare Wärme ohne Index."))
    return home


def found(
    home: SearchHome, query: str, mode: Mode = "words", scope: Scope | None = None
) -> set[str]:
    hits = home.searcher().search(query, mode=mode, scope=scope).hits
    return {hit.recording.facts.title for hit in hits}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("quoted", ['"{}"', "„{}“", "“{}”", "„{}”", "«{}»", "»{}«"])
def test_quoted_words_must_follow_one_another(home: SearchHome, mode: Mode, quoted: str) -> None:
    query = quoted.format("erneuerbare Wärme")
    assert found(home, query, mode) == {"Fernwärme", "Biogas", "Neu"}
    assert found(home, f"Energie {query}", mode) == {"Fernwärme", "Biogas", "Neu"}


def test_what_is_in_quotes_is_found_as_it_is_written(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    said = ("Die Förderung hilft uns.", "Die Forderung hilft uns.", "Förderungen helfen uns.")
    home.add_all({sentence: interview(sentence) for sentence in said})
    home.publish()
    assert found(home, '"Förderung"') == found(home, '"foerderung"') == {said[0]}
    assert found(home, "Förderung") == set(said)


@pytest.mark.parametrize("mode", MODES)
def test_what_a_minus_stands_before_is_left_out(home: SearchHome, mode: Mode) -> None:
    left = {"Getrennt", "Fernwärme", "Zähler", "Neu"}
    assert found(home, "Wärme -Biogas", mode) == left
    assert found(home, "-biogas Wärme", mode) == left
    assert found(home, 'Wärme -"erneuerbare Wärme"', mode) == {"Getrennt", "Zähler"}
    assert found(home, "Wärme -Bio-Tonne", mode) == left
    assert found(home, '"erneuerbare Wärme" -Biogas -Index', mode) == {"Fernwärme"}


def test_words_follow_one_another_around_numbers(home: SearchHome) -> None:
    assert found(home, '"messen zwanzig Kilovolt am Tag"') == {"Zähler"}
    assert found(home, '"messen Kilovolt"') == set()


def test_limits_and_syntax_hold_together(home: SearchHome) -> None:
    assert found(home, "Wärme -Biogas", scope=Scope(language="en")) == set()


def test_the_filter_acts_before_ranking(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add_all({f"{n}": interview(f"Wärme Wärme Wärme Biogas {n}.") for n in range(120)})
    home.add("Ohne", interview("Lange Rede über vieles und am Ende auch über die Wärme im Netz."))
    home.publish()
    for mode in MODES:
        assert found(home, "Wärme -Biogas", mode) == {"Ohne"}


@pytest.mark.parametrize(
    "query",
    ["E-Mail", "Wärme - Biogas", "Wärme -", "--Biogas", '"Wärme', "Wärme“", '5" Rohr und 7" Rohr',
     "-5 Grad", "A OR B NOT C*", "(Wärme", "Wärme:Netz", "'Wärme Netz'", "Rhein-Main", '""', '"!"',
     "- -", "−20 °C"],
)  # fmt: skip
def test_all_else_is_words(query: str) -> None:
    assert parse(query) == Query(query)


def test_quotes_within_a_sentence_are_read() -> None:
    assert parse("Was heißt „Grüne Wärme“?") == Query("Was heißt  Grüne Wärme ?", ("Grüne Wärme",))
    assert parse("(„Grüne Wärme“) -Öl.") == Query("( Grüne Wärme )", ("Grüne Wärme",), ("Öl.",))


@pytest.mark.parametrize("query", ["-Biogas", '-"erneuerbare Wärme"', "-Biogas -Öl", " −Biogas"])
def test_a_query_of_exclusions_only_is_refused(home: SearchHome, query: str) -> None:
    with pytest.raises(BadInput) as refused:
        home.searcher().search(query, mode="words")
    assert refused.value.key == "search.only_exclusions"
    for language in ("de", "en"):
        assert refused.value.message(language).count(".") == 1


ODD = ["😀", "\x00\x01", "\u202e\u200d", "العربية المدينة", "日本語の検索", "“”„", "\ud800",
       "a\x00b", '"\x00"', "Wort " * 10_000, '"a b" ' * 10_000, "-x " * 10_000,
       '"' + "w " * 10_000 + '"', "„" * 10_000, "-" * 10_000, '-"' * 10_000]  # fmt: skip


def answered(home: SearchHome, query: str, mode: Mode) -> str:
    """The query as the answer repeats it, or the key of the sentence that refuses it."""
    try:
        return home.searcher().search(query, mode=mode).query
    except BadInput as refused:
        return refused.key


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", ODD, ids=range(len(ODD)))
def test_anything_gets_an_answer_or_one_sentence(home: SearchHome, query: str, mode: Mode) -> None:
    answer = answered(home, query, mode)
    assert answer in (query, "search.empty_query", "search.only_exclusions")


PIECES = st.sampled_from(
    ["Wärme", "-", '"', "„", "“", "«", "»", " ", "Biogas", "−", "*", "(", ")", "NEAR", "OR", "20"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=40))
def test_no_text_is_taken_for_the_tables_own_syntax(home: SearchHome, query: str) -> None:
    answer = answered(home, query, "words")
    assert answer in (query, "search.empty_query", "search.only_exclusions")


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_command_takes_a_query_that_begins_with_a_minus(
    interviews: Interviews, language: str
) -> None:
    refused = interviews("--lang", language, "search", "-Biogas", "--limit", "3", check=False)
    assert refused.code == 2
    assert ("schließt nur aus" if language == "de" else "only excludes") in refused.err
    interviews("search", "-Biogas Wärme", "--mode", "words", "--json")
    assert interviews("search", "--limt", "3", check=False).code == 2
    assert "-biogas" in interviews("--lang", language, "search", "--help").out.casefold()
