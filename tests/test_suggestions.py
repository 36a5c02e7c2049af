"""Suggestions: misspelt terms where they stand, what merely looks like one marked as a guess."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corrections.spellings import distance, kinship, letters, neighbours, sound
from pipeline.glossary import Glossary, Term
from pipeline.search import suggestions as room
from pipeline.search.suggestions import Suggestion, suggestions
from pipeline.stages.chunk import ChunkParameters
from tests.search_home import SearchHome, interview

RADIO = Term("LoRaWAN", ("Lora Wan", "Lorawahn"))
DISPATCH = Term("Redispatch 2.0")
CITY = Term("Stadtwerke Musterstadt")


def suggested(
    tmp_path: Path, *sentences: str, terms: tuple[Term, ...] = (RADIO, DISPATCH, CITY)
) -> list[Suggestion]:
    home = SearchHome(tmp_path)
    home.add("Gespräch", interview(*sentences))
    with home.catalogue.read() as db:
        return list(suggestions(db, Glossary(terms)))


def pairs(found: list[Suggestion]) -> dict[str, str]:
    return {one.found: one.kind for one in found}


# ------------------------------------------------------------------ what is suggested


def test_listed_spellings_are_found_in_any_case_and_joint_as_whole_words(tmp_path: Path) -> None:
    found = suggested(
        tmp_path,
        "Das Lora Wan ist da.",
        "Das lora wan ist da.",
        "Ein LORA-WAN-Gerät.",
        "Lorawahn heißt es.",
        "Lora Wanderung und Flora Wan zählen nicht.",
    )
    assert pairs([one for one in found if one.sure]) == {
        "Lora Wan": "listed",
        "lora wan": "listed",
        "LORA-WAN": "listed",
        "Lorawahn": "listed",
    }


@pytest.mark.parametrize(
    ("sentence", "found", "kind", "term"),
    [
        ("Wir bauen LoRa-Wahn in der Stadt.", "LoRa-Wahn", "similar", "LoRaWAN"),
        ("Das ist lorawan, sagt er.", "lorawan", "written", "LoRaWAN"),
        ("Der Lo-Ra-WAN Sender steht.", "Lo-Ra-WAN", "written", "LoRaWAN"),
        ("Die Laura Wahn kommt.", "Laura Wahn", "sounding", "LoRaWAN"),
        ("Das mit Redispatch zwei null läuft.", "Redispatch zwei null", "written",
         "Redispatch 2.0"),
        ("Das mit Redispatch zwei Punkt null läuft.", "Redispatch zwei Punkt null", "written",
         "Redispatch 2.0"),
        ("Das mit Redispetsch 2.0 läuft.", "Redispetsch 2.0", "similar", "Redispatch 2.0"),
        ("Das mit Redispatch two point zero läuft.", "Redispatch two point zero", "written",
         "Redispatch 2.0"),
        ("Die Stadtwerke Musterstatt bauen.", "Stadtwerke Musterstatt", "similar",
         "Stadtwerke Musterstadt"),
        ("Die Stadt Werke Muster Stadt bauen.", "Stadt Werke Muster Stadt", "written",
         "Stadtwerke Musterstadt"),
        ("Die StadtwerkeMusterstadt bauen.", "StadtwerkeMusterstadt", "written",
         "Stadtwerke Musterstadt"),
    ],
)  # fmt: skip
def test_what_looks_or_sounds_like_a_term_is_a_guess(
    tmp_path: Path, sentence: str, found: str, kind: str, term: str
) -> None:
    (one,) = suggested(tmp_path, sentence)
    assert (one.found, one.kind, one.term, one.sure) == (found, kind, term, False)


@pytest.mark.parametrize(
    "sentence",
    [
        "Das LoRaWAN und der Redispatch 2.0 der Stadtwerke Musterstadt.",
        "Wir nutzen ein LoRaWAN, die LoRaWANs der anderen auch.",  # other forms of the term
        "Die Stadtwerken Musterstadt und der Stadtwerke Musterstadts.",
        "Der Redispatch 3.0 und der Redispatch sind etwas anderes.",  # other numbers
        "Die Stadtwerke in Musterstadt, die Stadtwerke.",  # the term with a word in between
        "Nach Lora. Wan kommt er?",  # the end of a sentence between
        "Der Lehrer warnt, der Rauch, das Wetter.",
    ],
)
def test_what_is_right_or_something_else_is_left_alone(tmp_path: Path, sentence: str) -> None:
    assert suggested(tmp_path, sentence) == []


def test_a_term_of_its_own_is_no_misspelling_of_another(tmp_path: Path) -> None:
    netze = (Term("Netze Nord"), Term("Netze Nort", (), ("Netze Mord",)))
    assert suggested(tmp_path, "Netze Nort und Netze Mord und Netze Nord.", terms=netze) == []


def test_a_wrong_spelling_that_is_a_term_is_never_suggested(tmp_path: Path) -> None:
    both = (Term("Netz", ("Grid", "Gitter")), Term("Grid"))
    found = suggested(tmp_path, "Das Grid und das Gitter.", terms=both)
    assert pairs(found) == {"Gitter": "listed"}


def test_lower_case_terms_may_begin_a_sentence(tmp_path: Path) -> None:
    term = (Term("smart meter"),)
    assert suggested(tmp_path, "Smart Meter sind da. SMART METER auch.", terms=term) == []
    assert pairs(suggested(tmp_path / "b", "Smartmeter sind da.", terms=term)) == {
        "Smartmeter": "written"
    }


def test_short_terms_are_not_guessed_at(tmp_path: Path) -> None:
    found = suggested(tmp_path, "Ein EGV, ein EVU, eine EVG.", terms=(Term("EVU", ("EVG",)),))
    assert pairs(found) == {"EVG": "listed"}


def test_no_chunks_or_no_terms_no_suggestions(tmp_path: Path) -> None:
    with SearchHome(tmp_path).catalogue.read() as db:
        assert list(suggestions(db, Glossary((RADIO,)))) == []
    assert suggested(tmp_path / "b", "Lora Wan", terms=()) == []


# ------------------------------------------------------------------ where it stands


def test_a_suggestion_counts_all_places_and_shows_the_first(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    for title in ("Eins", "Zwei"):
        home.add(title, interview("Guten Tag zusammen.", *["Hier ist das Lora Wan Netz."] * 4))
    with home.catalogue.read() as db:
        (one,) = suggestions(db, Glossary((RADIO,)), places=3)
    assert (one.count, one.recordings, one.complete) == (8, 2, True)
    assert len(one.places) == 3
    assert one.places[0].start_ms == 10_000
    assert one.places[0].before.endswith("Hier ist das")
    assert one.places[0].after.startswith("Netz.")


def test_a_place_that_two_passages_share_is_one_place(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    talk = [f"Satz {number} über das Lora Wan Netz." for number in range(12)]
    home.add("Überlappend", interview(*talk), ChunkParameters(30, 14))
    with home.catalogue.read() as db:
        (one,) = suggestions(db, Glossary((RADIO,)))
    assert one.count == 12


def test_only_the_recordings_asked_for_are_read(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    ids = [home.add(title, interview("Das Lora Wan Netz.")) for title in ("Eins", "Zwei")]
    with home.catalogue.read() as db:
        (one,) = suggestions(db, Glossary((RADIO,)), [ids[1]])
    assert [place.recording_id for place in one.places] == [ids[1]]


def test_more_passages_than_can_be_read_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_LISTED", 2)
    monkeypatch.setattr(room, "MOST_READ", 2)
    home = SearchHome(tmp_path)
    for number in range(3):
        home.add(f"R{number}", interview("Das Lora Wan Netz.", "Das Lohra Wan Netz."))
    with home.catalogue.read() as db:
        found = list(suggestions(db, Glossary((RADIO,))))
    assert [(one.found, one.count, one.complete) for one in found] == [
        ("Lora Wan", 2, False),
        ("Lohra Wan", 2, False),
    ]


def test_passages_that_write_the_term_rightly_are_read_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_READ", 2)
    home = SearchHome(tmp_path)
    for number in range(5):
        home.add(f"R{number}", interview("Das LoRaWAN Netz."))
    home.add("Z", interview("Das Lohrawan Netz."))
    with home.catalogue.read() as db:
        (one,) = suggestions(db, Glossary((RADIO,)))
    assert (one.found, one.count, one.complete) == ("Lohrawan", 1, True)


# ------------------------------------------------------------------ how alike


def test_small_numbers_are_the_same_in_words_and_digits() -> None:
    assert letters(["Redispatch", "2", "0"]) == letters(["redispatch", "zwei", "Null"])
    assert letters(["zwölf"]) == letters(["twelve"]) == "12"
    assert letters(["Punkt", "zwei"]) == "punkt2"


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "xabc", 1),
     ("abc", "axc", 1), ("lorawan", "laurawahn", 3)],
)  # fmt: skip
def test_steps_from_one_spelling_to_another(one: str, other: str, steps: int) -> None:
    assert distance(one, other, 9) == distance(other, one, 9) == steps
    if steps:
        assert distance(one, other, steps - 1) == steps


@given(st.text("abc", max_size=8), st.text("abc", max_size=8), st.integers(0, 8))
def test_a_bound_only_cuts_distances_off(one: str, other: str, most: int) -> None:
    assert distance(one, other, most) == min(distance(one, other, 20), most + 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [("wahn", "fan"), ("dispatch", "tispatsch"), ("phase", "fase"), ("ecke", "eke")],
)
def test_words_that_sound_alike_have_one_sound(one: str, other: str) -> None:
    assert sound(one) == sound(other)


def test_other_digits_are_another_thing() -> None:
    assert kinship("redispatch30", "redispatch20") is None
    assert kinship("redispatsch20", "redispatch20") == ("similar", 1)


@given(st.sets(st.text("abcdest", min_size=1, max_size=9), max_size=30), st.data())
def test_every_word_a_letter_away_is_a_neighbour(vocabulary: set[str], data: st.DataObject) -> None:
    wanted = data.draw(st.text("abcdest", min_size=4, max_size=9))
    found = neighbours(vocabulary, [wanted])[wanted]
    near = {word for word in vocabulary if len(word) >= 4 and distance(word, wanted, 1) <= 1}
    assert near <= found <= vocabulary
    assert (wanted in vocabulary) == (wanted in found)
