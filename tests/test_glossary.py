"""The glossary: one file that recognition, search and suggestions go by, and its mistakes."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import SAMPLES, Interviews

from pipeline.errors import BadInput
from pipeline.glossary import (
    LARGEST_FILE,
    Clash,
    Glossary,
    GlossaryFile,
    Term,
    clashes,
    example,
    hotwords,
    read_glossary,
)
from pipeline.home import open_home
from pipeline.messages import LANGUAGES
from pipeline.run.context import Context
from pipeline.settings import Settings


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def reading(folder: Path, text: str) -> Glossary:
    return read_glossary(write(folder / "glossary.toml", text))


# ------------------------------------------------------------------ the file


def test_an_entry_says_what_is_right_wrong_meant_and_where_it_belongs(tmp_path: Path) -> None:
    text = """
        [[term]]
        term = "LoRaWAN"
        wrong = ["Lora Wan", "Laura  Wahn"]
        synonyms = ["Zählerfunk"]
        de = "Weitverkehrsfunk"
        en = ["long-range radio network", "Zählerfunk"]
        collection = ["Netze", "Wasser"]
        [[term]]
        term = "Redispatch 2.0"
    """
    synonyms = ("Zählerfunk", "Weitverkehrsfunk", "long-range radio network")
    assert reading(tmp_path, text).terms == (
        Term("LoRaWAN", ("Lora Wan", "Laura Wahn"), synonyms, ("Netze", "Wasser")),
        Term("Redispatch 2.0"),
    )


def test_the_example_is_a_sound_glossary(interviews: Interviews) -> None:
    printed = interviews("glossary", "example").out
    assert printed == example()
    write(interviews.home / "glossary.toml", printed)
    checked = interviews("glossary", "check")
    assert "3 terms, 5 wrong spellings, 3 synonyms" in checked.out


def test_marks_of_windows_editors_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "glossary.toml"
    path.write_bytes(b'\xef\xbb\xbf[[term]]\r\nterm = "LoRaWAN"\r\n')
    assert read_glossary(path).terms == (Term("LoRaWAN"),)


def test_accents_composed_or_not_are_one_spelling(tmp_path: Path) -> None:
    found = reading(tmp_path, '[[term]]\nterm = "Wa\u0308rme"\nsynonyms = "W\u00e4rme"\n')
    assert found.terms == (Term("Wärme", (), ("Wärme",)),)


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ('[[term]]\nterm = "A1"\n\nwrng = ["x"]\n', "unknown_key",
         {"line": 4, "key": "wrng", "nearest": "wrong"}),
        ('[[term]]\nterm = "A1"\n[[term]]\nterm = "B1"\nSynonym = "x"\n', "unknown_key",
         {"line": 5, "key": "Synonym", "nearest": "synonyms"}),
        ('title = "x"\n[[term]]\nterm = "A1"\n', "unknown_key",
         {"line": 1, "key": "title", "nearest": "term"}),
        ('# x\n[[terms]]\nterm = "A1"\n', "unknown_key",
         {"line": 2, "key": "terms", "nearest": "term"}),
        ('[term]\nterm = "A1"\n', "not_terms", {"line": 1}),
        ('term = ["A1", "B1"]\n', "not_terms", {"line": 1}),
        ('[[term]]\nterm = "A1"\n[[term]]\nwrong = "x"\n', "no_term", {"line": 3}),
        ('[[term]]\nterm = ["A1"]\n', "bad_value", {"line": 2, "key": "term"}),
        ('[[term]]\nterm = 7\n', "bad_value", {"line": 2, "key": "term"}),
        ('[[term]]\nterm = "A1"\nwrong = [1]\n', "bad_value", {"line": 3, "key": "wrong"}),
        ('[[term]]\nterm = "A1"\nwrong = { a = 1 }\n', "bad_value", {"line": 3, "key": "wrong"}),
        ('[[term]]\nterm = "  "\n', "bad_name", {"line": 2, "key": "term", "name": ""}),
        ('[[term]]\nterm = "A1"\nen = ["x", "?!"]\n', "bad_name", {"line": 3, "name": "?!"}),
        ('[[term]]\nterm = "A\\u0007"\n', "bad_name", {"line": 2, "name": "A"}),
        ('[[term]]\nterm = "A1"\nwrong = "' + "x" * 101 + '"\n', "bad_name", {"line": 3}),
        ('[[term]]\nterm = "A1\n', "unreadable", {}),
        ('[[term]]\nterm = "A1"\nterm = "B1"\n', "unreadable", {}),
        ("x = " + "[" * 100_000, "unreadable", {}),
        ("#" * (LARGEST_FILE + 1), "too_large", {"limit": LARGEST_FILE}),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)  # fmt: skip
def test_every_mistake_is_said_with_its_place(
    tmp_path: Path, text: str, key: str, values: dict[str, object]
) -> None:
    with pytest.raises(BadInput) as caught:
        reading(tmp_path, text)
    error = caught.value
    assert error.key == f"glossary.{key}"
    assert error.values == error.values | values
    for language in LANGUAGES:
        assert str(tmp_path / "glossary.toml") in error.message(language)
        assert error.advice(language)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[[term]]\nterm = '\xe4'\n"])
def test_text_that_is_not_utf_8_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "glossary.toml").write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_glossary(tmp_path / "glossary.toml")
    assert caught.value.key == "glossary.unreadable"


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        GlossaryFile(tmp_path, required=False).read()
    assert caught.value.key == "glossary.unreadable"


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    file = GlossaryFile(tmp_path / "glossary.toml", required=False)
    assert file.read() == Glossary()
    write(file.path, '[[term]]\nterm = "LoRaWAN"\n')
    first = file.read()
    assert file.read() is first
    write(file.path, '[[term]]\nterm = "Redispatch 2.0"\n')
    assert file.read().terms == (Term("Redispatch 2.0"),)
    file.path.unlink()
    assert file.read() == Glossary()


def test_a_file_that_is_named_must_be_there_and_the_usual_one_need_not(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    assert Context(home, Settings()).glossary() == Glossary()
    with pytest.raises(BadInput) as caught:
        Context(home, Settings(glossary="begriffe.toml")).glossary()
    assert caught.value.key == "glossary.missing"
    write(tmp_path / "home" / "begriffe.toml", '[[term]]\nterm = "LoRaWAN"\n')
    assert Context(home, Settings(glossary="begriffe.toml")).glossary().terms
    full = str(tmp_path / "home" / "begriffe.toml")
    assert Context(home, Settings(glossary=full)).glossary().terms


# ------------------------------------------------------------------ what does not go together


def found_in(*terms: Term) -> list[Clash]:
    return list(clashes(Glossary(terms)))


def test_entries_that_contradict_each_other_are_found() -> None:
    assert found_in(Term("LoRaWAN"), Term("lorawan")) == [
        Clash("double", "lorawan", "lorawan", "LoRaWAN")
    ]
    assert found_in(Term("Netz", ("Grid",)), Term("Grid")) == [
        Clash("corrects_term", "Grid", "Netz", "Grid")
    ]
    assert found_in(Term("Netz", ("Grid",)), Term("Energie", (), ("grid",))) == [
        Clash("corrects_term", "Grid", "Netz", "Energie")
    ]
    assert found_in(Term("Netz", ("Netz",))) == [Clash("corrects_term", "Netz", "Netz", "Netz")]
    assert found_in(Term("Netz", ("Nets",)), Term("Nest", ("nets",))) == [
        Clash("two_ways", "nets", "Nest", "Netz")
    ]


def test_the_same_letters_in_other_cases_are_a_spelling_of_their_own() -> None:
    assert found_in(Term("LoRaWAN", ("Lorawan", "LORAWAN"))) == []


# ------------------------------------------------------------------ hotwords

TERMS = Glossary(
    (
        Term("Allgemeines"),
        Term("Musterstadt", collections=("Stadt", "Wärme")),
        Term("Übriges"),
        Term("Fernwärme", collections=("Wärme",)),
    )
)


def test_a_collections_own_terms_come_first_and_others_terms_not_at_all() -> None:
    assert hotwords(TERMS, "Wärme", 9) == ("Musterstadt", "Fernwärme", "Allgemeines", "Übriges")
    assert hotwords(TERMS, "stadt", 9) == ("Musterstadt", "Allgemeines", "Übriges")
    assert hotwords(TERMS, "Wasser", 9) == hotwords(TERMS, None, 9) == ("Allgemeines", "Übriges")


def test_no_more_hotwords_than_the_budget() -> None:
    assert hotwords(TERMS, "Wärme", 3) == ("Musterstadt", "Fernwärme", "Allgemeines")
    assert hotwords(Glossary(), "Wärme", 3) == ()


# ------------------------------------------------------------------ the command line

TALK = """WEBVTT

00:00.000 --> 00:05.000
Heute sprechen wir über das Lora Wan Netz in der Stadt.

00:05.000 --> 00:10.000
Das LoRa-WAN reicht bis an den Stadtrand hinaus.

00:10.000 --> 00:15.000
Beim Redispatch zwei null müssen alle mitmachen.
"""
ENGLISH = """WEBVTT

00:00.000 --> 00:05.000
We have built a long-range radio network for the meters.

00:05.000 --> 00:10.000
The weather was fine and the children were playing.
"""
GLOSSARY = """
[[term]]
term = "LoRaWAN"
wrong = ["Lora Wan"]
en = ["long-range radio network"]

[[term]]
term = "Redispatch 2.0"
"""


@pytest.fixture(scope="module")
def _talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("talks")
    command = Interviews(place / "home")
    write(place / "Funk.vtt", TALK)
    write(place / "Radio.vtt", ENGLISH)
    command("add", place / "Funk.vtt", "--language", "de")
    command("add", place / "Radio.vtt", "--language", "en")
    command("run")
    return place / "home"


@pytest.fixture
def talks(_talks: Path, tmp_path: Path) -> Interviews:
    """Two imported talks, German and English, ready to be searched, and a glossary."""
    home = Path(shutil.copytree(_talks, tmp_path / "talks"))
    write(home / "glossary.toml", GLOSSARY)
    return Interviews(home)


def titles(talks: Interviews, query: str, *options: str) -> list[str]:
    return [hit["title"] for hit in talks("search", query, "--json", *options).json["hits"]]


def test_search_finds_the_other_names_and_a_changed_glossary_counts_at_once(
    talks: Interviews,
) -> None:
    assert titles(talks, "LoRaWAN", "--mode", "words") == ["Funk", "Radio"]
    assert titles(talks, "LoRaWAN")[:2] == ["Funk", "Radio"]
    (talks.home / "glossary.toml").unlink()
    assert titles(talks, "LoRaWAN", "--mode", "words") == []


def test_search_goes_on_without_a_glossary_it_cannot_read_and_says_so(talks: Interviews) -> None:
    write(talks.home / "glossary.toml", "[[term]\n")
    found = talks("search", "Stadtrand", "--json")
    assert found.json["hits"][0]["title"] == "Funk"
    assert "glossary check" in found.json["degraded"]
    assert str(talks.home / "glossary.toml") in talks("search", "Stadtrand").err


def test_suggestions_come_with_the_command_that_replaces(talks: Interviews) -> None:
    found = talks("glossary", "suggest", "--json").json["suggestions"]
    assert [(one["term"], one["found"], one["kind"], one["sure"]) for one in found] == [
        ("LoRaWAN", "LoRa-WAN", "listed", True),
        ("LoRaWAN", "Lora Wan", "listed", True),
        ("Redispatch 2.0", "Redispatch zwei null", "written", False),
    ]
    (place,) = found[1]["places"]
    assert (place["title"], place["at"]) == ("Funk", 0.0)
    assert place["before"].endswith("über das") and place["after"].startswith("Netz in")
    assert found[1]["command"] == "interviews replace 'Lora Wan' LoRaWAN"


def test_suggestions_change_nothing_and_their_commands_do(talks: Interviews) -> None:
    before = (talks.home / "catalogue.db").read_bytes()
    found = talks("glossary", "suggest", "--json").json["suggestions"]
    assert (talks.home / "catalogue.db").read_bytes() == before
    for one in found:
        program, *arguments = shlex.split(one["command"])
        assert program == "interviews"
        talks(*arguments)
    assert talks("glossary", "suggest", "--json").json["suggestions"] == []
    recording = talks("search", "Stadtrand", "--json").json["hits"][0]["recording"]
    assert talks("show", recording).out.count("LoRaWAN") == 2
    assert "Redispatch 2.0" in talks("show", recording).out


def test_suggestions_for_some_recordings_replace_in_those_only(talks: Interviews) -> None:
    ids = {one["title"]: one["id"] for one in talks("status", "--json").json["recordings"]}
    assert talks("glossary", "suggest", ids["Radio"], "--json").json["suggestions"] == []
    found = talks("glossary", "suggest", ids["Funk"], "--json").json["suggestions"]
    assert found[1]["command"] == (f"interviews replace --only {ids['Funk']} -- 'Lora Wan' LoRaWAN")
    assert talks("glossary", "suggest", "nonesuch", check=False).code == 3


def test_guesses_are_marked_for_people(talks: Interviews) -> None:
    lines = talks("glossary", "suggest").out.splitlines()
    assert "Lora Wan → LoRaWAN: listed as wrong, 1 times in 1 recordings" in lines
    assert any(line.startswith("? Redispatch zwei null → Redispatch 2.0") for line in lines)
    assert "    interviews replace 'Redispatch zwei null' 'Redispatch 2.0'" in lines
    assert lines[-1].startswith("A ? marks a mere guess")


def test_without_a_glossary_the_commands_say_how_to_begin(interviews: Interviews) -> None:
    for command in ("check", "suggest"):
        said = interviews("glossary", command)
        assert "interviews glossary example" in said.out
    assert interviews("glossary", "suggest", "--json").json == {"suggestions": []}
    checks = interviews("doctor", "--json").json["checks"]
    said = {check["name"]: check["said"] for check in checks}
    assert said["glossary"].startswith("none (")


def test_the_check_names_what_contradicts(interviews: Interviews) -> None:
    glossary = write(
        interviews.home / "glossary.toml",
        '[[term]]\nterm = "Netz"\nwrong = "Grid"\n[[term]]\nterm = "Grid"\n'
        '[[term]]\nterm = "grid"\n[[term]]\nterm = "Rechentechnik"\nsynonyms = "IT"\n',
    )
    said = interviews("glossary", "check", check=False)
    assert said.code == 1
    assert '"Grid" is wrong at "Netz" and right at "' in said.out
    assert '"grid" is in the glossary more than once' in said.out
    assert '"IT" is in every sentence' in said.out
    checked = interviews("glossary", "check", "--json", check=False)
    assert (checked.code, checked.json["terms"], checked.json["path"]) == (1, 4, str(glossary))
    assert {one["kind"] for one in checked.json["clashes"]} == {"corrects_term", "double"}
    assert checked.json["not_searched"] == ["IT"]


def test_the_check_names_terms_that_the_speech_model_has_no_room_for(
    interviews: Interviews, tmp_path: Path
) -> None:
    rows = "".join(f'[[term]]\nterm = "Fachwort {n}"\n' for n in range(300))
    own = '[[term]]\nterm = "Musterstadt"\ncollection = "Stadt"\n'
    write(interviews.home / "glossary.toml", rows + own)
    bundled = interviews("glossary", "check", "--json").json
    assert (bundled["hotwords"], bundled["left_out"]) == (False, [])
    # The same files under a name of their own are a model like any other.
    shutil.copytree(
        SAMPLES.parent.parent / "models" / "bundled" / "whisper-de-en", tmp_path / "mine" / "own"
    )
    named = {"INTERVIEWS_SPEECH_MODEL": str(tmp_path / "mine" / "own")}
    general, city = interviews("glossary", "check", "--json", **named).json["left_out"]
    assert (general["collection"], city["collection"]) == (None, "Stadt")
    assert general["terms"][-1] == "Fachwort 299" and "Fachwort 0" not in general["terms"]
    assert "Musterstadt" not in city["terms"] and set(general["terms"]) <= set(city["terms"])
    gone = {"INTERVIEWS_SPEECH_MODEL": "large-v3"}
    assert "remains open" in interviews("glossary", "check", **gone).out


@pytest.mark.parametrize("command", [("glossary", "check"), ("glossary", "suggest"), ("doctor",)])
def test_a_bad_glossary_is_bad_input_wherever_it_is_asked_about(
    interviews: Interviews, command: tuple[str, ...]
) -> None:
    write(interviews.home / "glossary.toml", '[[term]]\nterm = "A"\nwrng = "B"\n')
    ran = interviews(*command, check=False)
    assert ran.code == 2
    assert 'line 3, stands the unknown key "wrng"; perhaps "wrong" is meant' in ran.err + ran.out


# ------------------------------------------------------------------ a bad glossary and runs


def test_a_run_refuses_a_bad_glossary_before_it_recognises_and_loses_nothing(
    interviews: Interviews, tmp_path: Path
) -> None:
    interviews("add", SAMPLES / "lorawan.mp4")
    write(interviews.home / "glossary.toml", "[[term]\n")
    ran = interviews("run", check=False)
    assert ran.code == 2
    assert "glossary.toml" in ran.err
    (waiting,) = interviews("status", "--json").json["recordings"]
    assert (waiting["state"], waiting["attempts"]) == ("queued", 0)


def test_a_bad_glossary_does_not_hold_up_what_needs_no_recognition(talks: Interviews) -> None:
    write(talks.home / "glossary.toml", "[[term]\n")
    talks("add", write(talks.home.parent / "Neu.vtt", TALK.replace("Stadtrand", "Waldrand")))
    talks("run")
    assert titles(talks, "Waldrand")[0] == "Neu"


def test_a_glossary_that_goes_bad_costs_hints_and_no_recording(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    glossary = write(home.root / "glossary.toml", '[[term]]\nterm = "LoRaWAN"\n')
    begun = Context(home, Settings())
    assert begun.hotwords("Netze") == ("LoRaWAN",)
    glossary.write_text("[[term]\n", encoding="utf-8")
    assert begun.hotwords("Netze") == ("LoRaWAN",)
    assert Context(home, Settings()).hotwords("Netze") == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_glossary_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "glossary.toml", "")
    path.chmod(0)
    with pytest.raises(BadInput) as caught:
        GlossaryFile(path, required=False).read()
    assert caught.value.key == "glossary.unreadable"
