"""Words become terms that meet: folding, stems, stop words, and nothing that is syntax."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.analysis import analyse, full_text, guess_language, query_words, told_language
from pipeline.search.spoken import expression
from pipeline.search.words import phrases


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("Häuser", "Haus", "de"),
        ("Straße", "Strasse", "de"),
        ("STRASSE", "straße", "de"),
        ("über", "ueber", "de"),
        ("Leitungen", "Leitung", "de"),
        ("café", "cafe", "en"),
        ("pipes", "pipe", "en"),
        ("ﬁlter", "Filter", "de"),
        (unicodedata.normalize("NFD", "Zähler"), "Zähler", "de"),
        ("Wasser\u00adwerk", "Wasserwerk", "de"),
    ],
)
def test_forms_of_one_word_meet(one: str, other: str, language: str) -> None:
    assert full_text(one, language, "").words == full_text(other, language, "").words != ""


def test_numbers_are_kept_as_they_are() -> None:
    assert full_text("20 kV seit 1987", "de", "").words == "20 kv seit 1987 n20 n20000v n1987"


def test_a_token_says_where_its_word_stands() -> None:
    text = "Die „Häuser“ der Stadt."
    assert [text[t.begin : t.end] for t in analyse(text, "de")] == ["Die", "Häuser", "der", "Stadt"]


def test_a_passage_of_unknown_language_is_read_by_its_little_words() -> None:
    assert guess_language("What is the cost of it?") == "en"
    assert guess_language("Was ist das?") == "de"
    assert guess_language("42") == "de"


def test_the_language_of_a_name_is_not_told() -> None:
    assert told_language("LoRaWAN Gateway") is None
    assert told_language("bus depot in winter") is None  # "in" is a word of both
    assert told_language("Was kostet die Miete?") == "de"
    assert (
        full_text("all of the pipes", None, "").words
        == full_text("all of the pipes", "en", "").words
    )


def test_a_query_is_read_in_both_languages() -> None:
    (word,) = query_words("Verteidigung")
    assert word.terms == ("verteid", "verteidigung")
    assert query_words("Verteidigung", "de")[0].terms == ("verteid",)


def test_stop_words_are_left_out_unless_nothing_else_is_left() -> None:
    assert [word.terms[0] for word in query_words("Wie ist das Wasser?")] == ["wass"]
    assert query_words("Wie ist das?") != ()


def test_a_query_without_letters_and_digits_has_no_words() -> None:
    for query in ("", "   ", "🙂 🚰", '"*()^', "\x00\x07"):
        assert query_words(query) == ()


@given(st.text(max_size=200), st.sampled_from(["de", "en", None, "fr"]))
def test_terms_are_alphanumeric_and_offsets_lie_in_the_text(
    text: str, language: str | None
) -> None:
    end = 0
    for token in analyse(text, language):
        assert token.term.isalnum()
        assert 0 <= token.begin < token.end <= len(text)
        assert token.begin >= end or text[token.begin : token.end] != ""
        end = token.begin


@given(st.text(max_size=200))
def test_a_match_expression_holds_quoted_terms_only(query: str) -> None:
    found = expression(phrases(query_words(query), ["teil"]))
    bare = re.sub(r"\b(words|ends|about) : \(|\)| OR ", " ", found).replace('"*', '"')
    assert all(part[0] == part[-1] == '"' and part[1:-1].isalnum() for part in bare.split())
