"""Whatever is asked gets an answer or one clear sentence; so does whatever calls itself gold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli.localise import localise
from pipeline.cli.main import cli, run_cli
from pipeline.search.analysis import MAX_QUERY_CHARACTERS
from pipeline.search.results import MODES
from tests.conftest import Interviews, Ran
from tests.test_bad_input import said_plainly

TALK = """WEBVTT

00:00.000 --> 00:04.000
Die Stadtwerke bauen ein Wärmenetz im Hafen, und OR und NOT und NEAR stehen auch da.

00:04.500 --> 00:09.000
Das Gateway hängt am Kirchturm und reicht weit.

00:20.000 --> 00:24.000
Der Umbau kostet zwei Millionen Euro.
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Interviews:
    """A worked home that nothing here changes."""
    place = tmp_path_factory.mktemp("queries")
    (place / "Hafen.vtt").write_text(TALK, encoding="utf-8")
    interviews = Interviews(place / "home")
    interviews("add", place / "Hafen.vtt", "--language", "de")
    interviews("run")
    return interviews


class Here:
    """The command line in this process: arguments may be larger than a process can be given."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._home = home
        self._capsys = capsys

    def __call__(self, *arguments: str | Path, language: str = "en") -> Ran:
        localise(cli, language)
        given = ["--home", str(self._home), "--lang", language, *map(str, arguments)]
        code = run_cli(cli, given)
        return Ran(code, *self._capsys.readouterr())


@pytest.fixture
def here(home: Interviews, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    yield Here(home.home, capsys)


# --- queries -----------------------------------------------------------------------------------

EMPTY = {
    "nothing": "",
    "blank": " \t\n\u00a0\u2003",
    "punctuation": "?!…;:.,()[]{}",
    "a minus": "-",
    "minuses": "- -- −",
    "quotes": '"" „“ «»',
    "one quote": '"',
    "a minus and a quote": '-"',
    "nul": "\x00",
    "control characters": "\x01\x07\x1b[\x7f",
    "byte order mark": "\ufeff",
    "right to left marks": "\u200f\u202e\u2066",
    "emoji": "😀🚰👩‍👩‍👧",
    "half a surrogate pair": "\ud800\udfff\ud800",
    "a star": "*",
    "a caret": "^",
    "underscores": "___",
    "many quotes": '"' * 10_000,
    "a megabyte of blanks": " " * 1_000_000,
    "a megabyte of minuses": "-" * 1_000_000,
}

EXCLUDING = {
    "a word": "-Hafen",
    "a quotation": '-"im Hafen"',
    "several": "-Hafen −Netz",
    "ten thousand": "-Hafen " * 10_000,
}

ANSWERED = {
    "a quote left open": '"Wärmenetz im Hafen',
    "a quotation that opens late": 'Wärmenetz "im Hafen',
    "nested quotes": '"Das „Gateway“ am "Kirchturm" hängt"',
    "quotes in one another": '„"Gateway“"',
    "a minus alone": "Wärmenetz - Hafen",
    "a minus and an open quote": 'Gateway -"Hafen',
    "double minus": "Gateway --Hafen",
    "brackets": "((Gateway] {",
    "ten thousand words": "Gateway " * 10_000,
    "ten thousand different words": " ".join(f"wort{n}" for n in range(10_000)),
    "a megabyte": "Wärmenetz im Hafen " * 50_000,
    "a word of a megabyte": "x" * 1_000_000,
    "a megabyte in quotes": '"' + "Gateway " * 125_000 + '"',
    "ten thousand quotations": '"am Kirchturm" ' * 10_000,
    "control characters": "Gate\x00way \x1b[31mHafen\x07\r\n",
    "half a surrogate pair": "Gateway \ud83d \udcff",
    "byte order mark": "\ufeffGateway\ufeff",
    "right to left marks": "\u202eGateway\u202c \u200fHafen",
    "emoji": "😀 Gateway 🚰",
    "combining marks": "e" + "\u0301" * 5_000,
    "Arabic": "أين تعلق البوابة؟",
    "Japanese": "ゲートウェイはどこですか",
    "Chinese": "网关在哪里",
    "Russian": "Где висит шлюз?",
    "French": "Où est la passerelle ?",
    "English, which no recording is in": "Where does the gateway hang?",
    "NEAR": "NEAR(Gateway Hafen, 3)",
    "AND OR NOT": "AND OR NOT",
    "NOT first": "NOT Gateway",
    "OR last": "Gateway OR",
    "AND between": "Gateway AND (Hafen OR Netz) NOT Euro",
    "a star": "Gate*",
    "a caret": "^Gateway",
    "a column": "words:Gateway",
    "a column that is none": "-{rowid titel}:Gateway",
    "a plus": "Gateway + Hafen",
    "SQL": "'; DROP TABLE recordings; --",
    "SQL that is true": "' OR 1=1 --",
    "a union": '" UNION SELECT text FROM segments --',
    "the command that merges": "optimize",
    "a format": "%s %n {0} {text} ${HOME}",
    "a path": "../../etc/passwd",
    "JSON": '{"query": ["Gateway"]}',
    "markup": "<script>alert(1)</script>",
}


def each(cases: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("query", cases.values(), ids=cases.keys())


def written(text: str) -> None:
    """Whoever reads what we print must be able to: it is UTF-8."""
    text.encode("utf-8")


@each(ANSWERED)
@pytest.mark.parametrize("mode", MODES)
def test_a_strange_query_gets_an_answer(here: Here, query: str, mode: str) -> None:
    ran = here("search", "--mode", mode, "--json", "--", query)
    assert (ran.code, ran.err) == (0, "")
    written(ran.out)
    assert list(ran.json) == ["query", "mode", "degraded", "took_ms", "hits"]
    assert all(hit["title"] == "Hafen" for hit in ran.json["hits"])
    shown = here("search", "--mode", mode, "--", query)
    assert (shown.code, shown.err.strip()) == (0, ran.json["degraded"] or "")
    assert bool(shown.err) == (len(query) > MAX_QUERY_CHARACTERS), "what was left out is said"
    written(shown.out)


@each(EMPTY)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_query_that_asks_nothing_is_refused_in_a_sentence(
    here: Here, query: str, language: str
) -> None:
    for mode in MODES:
        for more in ([], ["--json"]):
            ran = here("search", "--mode", mode, *more, "--", query, language=language)
            said_plainly(ran, 2)
            assert ("kein Wort" if language == "de" else "no word") in ran.err
            assert ran.out == ""


@each(EXCLUDING)
def test_a_query_that_only_excludes_is_refused_in_a_sentence(here: Here, query: str) -> None:
    for mode in MODES:
        ran = here("search", "--mode", mode, "--json", "--", query)
        said_plainly(ran, 2)
        assert "only excludes" in ran.err


def test_the_tables_own_words_are_words(here: Here) -> None:
    for query in ("OR", "NOT", "NEAR", '"NOT"'):
        (hit,) = here("search", "--mode", "words", "--json", query).json["hits"]
        assert "NEAR stehen auch da" in hit["text"]


@pytest.mark.parametrize("argument", [b"Gateway \xff", b"\xfe\xff", "Gateway 😀".encode()])
def test_bytes_that_are_no_text_are_taken_from_the_shell(home: Interviews, argument: bytes) -> None:
    query = os.fsdecode(argument)
    for locale in ("C.UTF-8", "C"):
        ran = home("search", query, "--json", check=False, LC_ALL=locale)
        if any(sign.isalpha() for sign in query):
            assert ran.code == 0 and ran.json["hits"], ran.err
        else:
            said_plainly(ran, 2)


def test_filters_that_match_nothing_find_nothing(here: Here) -> None:
    for name in ("--collection", "--person"):
        for value in ("", "nirgends", "' OR 1=1 --", "\x00", "\ud800", "x" * 100_000):
            ran = here("search", "Gateway", name, value, "--json")
            assert (ran.code, ran.json["hits"]) == (0, []), (name, value[:20])


# --- gold --------------------------------------------------------------------------------------

ROW = {"question": "Wo hängt das Gateway?", "recording": "Hafen", "start": 4.5, "end": 9}


def row(**fields: object) -> bytes:
    return json.dumps({**ROW, **fields}).encode()


GOLD_LINES = {
    "no json": b"{no json",
    "a list": b"[1, 2]",
    "a text": b'"Gateway"',
    "nesting": b"[" * 100_000,
    "a number too long": b'{"question": ' + b"9" * 10_000 + b"}",
    "an unknown recording": row(recording="Nirgendwo"),
    "no recording": row(recording=None),
    "a recording that is none": row(recording=["Hafen"]),
    "a name that is no text": row(recording="\ud800"),
    "reversed times": row(start=9, end=4.5),
    "a sentence after the end": row(sent_start=20),
    "before the beginning": row(start=-3),
    "beyond the recording": row(start=3_000, end=3_010),
    "not a number": b'{"question": "Gateway", "recording": "Hafen", "start": NaN, "end": 9}',
    "infinity": b'{"question": "Gateway", "recording": "Hafen", "start": 1, "end": Infinity}',
    "a huge number": row(end=1e300),
    "a huge whole number": row(end=10**300),
    "a time as text": row(start="4.5"),
    "a time as clock": row(start="0:04"),
    "a truth as time": row(end=True),
    "a list as time": row(end=[9]),
    "a bad grade": row(grade="gut"),
    "a grade below 0": row(grade=-1),
    "no number as grade": row(grade=float("nan")),
    "no question": row(question=None),
    "a blank question": row(question=" \t"),
    "a question of punctuation": row(question="?!"),
    "a question that only excludes": row(question="-Hafen"),
    "a question that is a list": row(question=["Gateway"]),
    "half a surrogate pair": row(question="Gateway \ud800"),
    "a question of 10,000 words": row(question="Gateway " * 10_000),
    "a language that is none": row(language=3),
    "the same again": row(question="Was kostet der Umbau?", start=20, end=24),
    "not UTF-8": b'{"question": "W\xe4rme"}',
    "a byte order mark inside": b"\xef\xbb\xbf" + row(),
    "a zero byte": b"\x00",
}

FIRST = row(question="Was kostet der Umbau?", start=20, end=24)


@pytest.mark.parametrize("line", GOLD_LINES.values(), ids=GOLD_LINES.keys())
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_bad_gold_line_is_named(here: Here, tmp_path: Path, line: bytes, language: str) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_bytes(
        b"\xef\xbb\xbf" + FIRST + b"\r\n\n# Bemerkung\n" + line + b"\n" + row() + b"\n"
    )
    ran = here("evaluate", gold, "--json", language=language)
    said_plainly(ran, 2)
    assert f"gold.jsonl, {'Zeile' if language == 'de' else 'line'} 4: " in ran.err
    assert ran.out == ""


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(here: Here, tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_bytes(b"\xef\xbb\xbf" + FIRST + b"\r\n" + row() + b"\r\n")
    measured = here("evaluate", tmp_path / "gold.jsonl", "--json").json["modes"]["words"]["all"]
    assert measured["n"] == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"\n \n\n", b"\xef\xbb\xbf", b"# nur eine Bemerkung\n", row(grade=0)],
    ids=["nothing", "blank", "byte order mark", "a remark", "wrong answers only"],
)
def test_a_gold_file_without_a_question_is_refused(
    here: Here, tmp_path: Path, content: bytes
) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_bytes(content)
    ran = here("evaluate", gold)
    said_plainly(ran, 2)
    assert str(gold) in ran.err


def test_what_is_no_gold_file_is_refused(here: Here, home: Interviews, tmp_path: Path) -> None:
    (tmp_path / "leer").mkdir()
    (tmp_path / "ohne").mkdir()
    (tmp_path / "ohne" / "queries.jsonl").write_bytes(FIRST)
    (tmp_path / "sechzehn.jsonl").write_text(json.dumps(ROW), encoding="utf-16")
    catalogue = home.home / "catalogue.db"
    for path in ("fehlt.jsonl", "leer", "ohne", "sechzehn.jsonl", catalogue):
        ran = here("evaluate", tmp_path / path)
        said_plainly(ran, 2)
        assert str(path) in ran.err
