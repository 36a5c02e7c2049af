"""A number is found in whatever spelling it is said or asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.analysis import analyse, full_text, query_words
from pipeline.search.numbers import is_number, numbers
from tests.search_home import SearchHome, interview

GERMAN = (
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
    " sechzehn siebzehn achtzehn neunzehn"
).split()
GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
).split()
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def german(number: int) -> str:
    said = german_part(number)
    return f"{said}s" if said.endswith("ein") else said


def german_part(number: int) -> str:
    if number < 20:
        return GERMAN[number]
    if number < 100:
        ones, tens = number % 10, GERMAN_TENS[number // 10 - 2]
        return f"{GERMAN[ones]}und{tens}" if ones else tens
    power, name = (100, "hundert") if number < 1000 else (1000, "tausend")
    rest = german_part(number % power) if number % power else ""
    return f"{german_part(number // power)}{name}{rest}"


def english(number: int) -> str:
    if number < 20:
        return ENGLISH[number]
    if number < 100:
        ones, tens = number % 10, ENGLISH_TENS[number // 10 - 2]
        return f"{tens}-{ENGLISH[ones]}" if ones else tens
    power, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    joint = " and " if number % power < 100 else " "
    rest = joint + english(number % power) if number % power else ""
    return f"{english(number // power)} {name}{rest}"


def terms(text: str, language: str) -> set[str]:
    return {number.term for number in numbers(text, language)}


@given(st.integers(0, 999_999))
def test_every_number_meets_its_digits_in_both_languages(number: int) -> None:
    assert f"n{number}" in terms(german(number), "de")
    assert f"n{number}" in terms(english(number), "en")
    assert terms(str(number), "de") == terms(str(number), "en") == {f"n{number}"}
    assert terms(f"{number:,}", "en") == {f"n{number}"}
    assert terms(f"{number:,}".replace(",", "."), "de") == {f"n{number}"}


SAME = [
    ("n20000v", "de", ["20 kV", "zwanzig Kilovolt", "20.000 V", "20kV", "20-kV-Leitung"]),
    (
        "n2500000",
        "de",
        ["2,5 Millionen", "2,5 Mio. Euro", "zweieinhalb Millionen", "2.500.000",
         "zwei Komma fünf Millionen", "zwei Millionen fünfhunderttausend"],
    ),
    (
        "n2500000",
        "en",
        ["2.5 million", "two and a half million", "2,500,000", "two point five million"],
    ),
    ("n2030", "de", ["2030", "zwanzig dreißig", "zweitausenddreißig", "zwei tausend dreißig"]),
    ("n2030", "en", ["2030", "twenty thirty", "two thousand and thirty"]),
    ("n1985", "de", ["neunzehnhundertfünfundachtzig", "neunzehnhundert fünfundachtzig"]),
    ("n1k5", "de", ["anderthalb", "eineinhalb", "1,5", "eins Komma fünf"]),
    ("n1z3", "de", ["ein Drittel", "⅓"]),
    ("n1z3", "en", ["a third", "one third"]),
    ("n0k75", "de", ["drei Viertel", "dreiviertel", "0,75"]),
    ("n50prozent", "de", ["fünfzig Prozent", "50 %", "50%", "fuenfzig prozent"]),
    ("n50prozent", "en", ["fifty per cent", "fifty percent", "50 %"]),
    ("n5400sekunde", "de", ["anderthalb Stunden", "90 Minuten", "1,5 h"]),
    ("n1800sekunde", "en", ["half an hour", "30 minutes"]),
    ("n1800sekunde", "de", ["eine halbe Stunde", "dreißig Minuten"]),
    ("n20grad", "de", ["20 °C", "zwanzig Grad", "20 Grad Celsius", "-20°C"]),
    ("n5m3", "de", ["5 m³", "fünf Kubikmeter", "5 cbm"]),
    ("n3000000w", "de", ["3 MW", "drei Megawatt", "3000 kW"]),
    ("n7000wh", "de", ["7 kWh", "sieben Kilowattstunden"]),
    ("n7000wh", "en", ["seven kilowatt hours", "7 kWh"]),
    ("n50euro", "de", ["50 €", "€50", "EUR 50", "fünfzig Euro"]),
    ("n50hz", "de", ["50 Hz", "fünfzig Hertz"]),
    ("n6bar", "de", ["6 bar", "sechs Bar"]),
    ("n20000meter", "de", ["20 km", "zwanzig Kilometern", "20 000 m"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("term", "language", "text"), [(t, lang, one) for t, lang, many in SAME for one in many]
)
def test_spellings_of_one_value_share_a_term(term: str, language: str, text: str) -> None:
    assert term in terms(f"Das sind {text}, sagt er." if language == "de" else text, language)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("2.500", "de", {"n2500"}),
        ("2.500", "en", {"n2k5"}),
        ("1,200", "de", {"n1k2"}),
        ("1,200", "en", {"n1200"}),
        ("0.500", "de", {"n0k5"}),
        ("1.234,56", "en", {"n1234k56"}),
        ("3.10.1990", "de", {"n3", "n10", "n1990"}),
        ("zwanzig, dreißig", "de", {"n20", "n30"}),
        ("100 200 300", "de", {"n100", "n200", "n300"}),
        ("5G A20 20er CO2 H2O", "de", set()),
        ("eine Leitung und ein Netz", "de", set()),
        ("the twenty-third", "en", {"n20"}),
        ("9" * 5000, "de", set()),
        ("Hunderte, Millionen", "de", set()),
    ],
)
def test_what_is_read_is_the_safe_reading(text: str, language: str, expected: set[str]) -> None:
    assert terms(text, language) == expected


PIECES = (
    "hundert tausend und and half ein einhalb Millionen a third 1.000 2,5 ½ € % kV Komma point"
    " hundred thousand - . 000 9"
).split()
DIGITS_AND_WORDS = st.lists(st.sampled_from([*GERMAN, *GERMAN_TENS, *ENGLISH, *PIECES])).map(
    " ".join
)


@given(st.text() | DIGITS_AND_WORDS | DIGITS_AND_WORDS.map(lambda t: t.replace(" ", "")))
def test_any_text_is_read_and_terms_hold_letters_and_digits_only(text: str) -> None:
    for language in ("de", "en"):
        for number in numbers(text, language):
            assert number.term.isascii() and number.term.isalnum() and is_number(number.term)
            assert 0 <= number.begin < number.end <= len(text)
        query_words(text)


def test_a_long_text_is_read_in_proportion_to_its_length() -> None:
    for piece in ("zwanzig ", "tausend ", "1.000.", "123 ", "einund", "Komma fünf ", "halbe "):
        assert isinstance(numbers(piece * (200_000 // len(piece)), "de"), list)


def test_the_words_of_a_text_stay_and_follow_one_another() -> None:
    assert full_text("Die 20 kV Leitung", "de", "").words == "die 20 kv leitung n20 n20000v"
    assert full_text("20 oder zwanzig", "de", "").words == "20 oder zwanzig n20"
    text = "Rund zwanzig Kilovolt hat sie."
    assert {text[t.begin : t.end] for t in analyse(text, "de") if is_number(t.term)} == {
        "zwanzig",
        "zwanzig Kilovolt",
    }


PLACES = {
    "Zahlwort": "Die Leitung hat zwanzig Kilovolt.",
    "Ziffern": "Die Leitung hat 20 kV.",
    "Anderes": "Die Leitung hat zehn Kilovolt.",
    "Geld": "Der Umbau kostet zweieinhalb Millionen Euro.",
    "Geld in Ziffern": "Der Umbau kostet 2,5 Mio. Euro.",
}


@pytest.fixture
def home(tmp_path: Path) -> SearchHome:
    home = SearchHome(tmp_path)
    home.add_all({title: interview(said) for title, said in PLACES.items()})
    return home


@pytest.mark.parametrize("query", ["20 kV", "zwanzig Kilovolt", "20kV", "20.000 V"])
def test_either_spelling_finds_the_other_first(home: SearchHome, query: str) -> None:
    hits = home.searcher().search(query, mode="words").hits
    assert {hit.recording.facts.title for hit in hits[:2]} == {"Zahlwort", "Ziffern"}
    for hit in hits[:2]:
        marked = [hit.text[begin:end] for begin, end in hit.highlights]
        assert marked in (["zwanzig Kilovolt"], ["20 kV"])


def test_a_number_and_a_currency_are_marked_whole(home: SearchHome) -> None:
    hits = home.searcher().search("2.500.000 Euro", mode="words").hits[:2]
    assert {hit.text[begin:end] for hit in hits for begin, end in hit.highlights} == {
        "zweieinhalb Millionen Euro",
        "2,5 Mio. Euro",
    }


def test_a_number_counts_once_however_it_is_spelt(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Wort", interview("Es waren vierzig Leute."))
    home.add("Ziffern", interview("Es waren 40 Leute."))
    home.add("Keine", interview("Es waren viele Leute."))
    word, digits = home.searcher().search("vierzig", mode="words").hits
    assert word.score == pytest.approx(digits.score, rel=0.05)
