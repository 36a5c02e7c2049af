"""Members say of a hit that it is right or wrong, where staff let them; nothing else is kept."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.run import feedback
from tests.conftest import Interviews, Ran
from tests.test_removal import traces

TALK = """WEBVTT

00:00.000 --> 00:04.000
Die Stadtwerke bauen ein Netz im Hafen.

00:04.500 --> 00:09.000
Das Gateway hängt am Kirchturm und reicht weit.

00:20.000 --> 00:24.000
Der Umbau kostet zwei Millionen Euro.
"""

OTHER = """WEBVTT

00:00.000 --> 00:04.000
Im Klärwerk entsteht Gas aus Schlamm.
"""

QUERY = "Wo hängt das Gateway?"


@pytest.fixture(scope="module")
def _talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("talks")
    interviews = Interviews(place / "home")
    for title, talk in (("Hafen", TALK), ("Klärwerk", OTHER)):
        (place / f"{title}.vtt").write_text(talk, encoding="utf-8")
        interviews("add", place / f"{title}.vtt", "--language", "de")
    interviews("run")
    (interviews.home / "interviews.toml").write_text("feedback = true\n", encoding="utf-8")
    return interviews.home


@pytest.fixture
def marking(_talks: Path, tmp_path: Path) -> Interviews:
    """A home with two worked recordings, „Hafen“ and „Klärwerk“, in which hits may be marked."""
    shutil.copytree(_talks, tmp_path / "home")
    return Interviews(tmp_path / "home")


def id_of(marking: Interviews, title: str = "Hafen") -> str:
    recordings = marking("status", "--json").json["recordings"]
    return next(str(one["id"]) for one in recordings if one["title"] == title)


def file_of(home: Interviews) -> Path:
    return home.home / "feedback.jsonl"


def rows(home: Interviews) -> list[dict[str, object]]:
    return [json.loads(line) for line in file_of(home).read_text(encoding="utf-8").splitlines()]


def said_plainly(ran: Ran, code: int) -> None:
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    assert len(ran.err.strip().splitlines()) == 2, ran.err  # what, and what to do


# --- marking -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["de", "en"])
def test_nothing_is_kept_until_somebody_switches_it_on(marking: Interviews, language: str) -> None:
    (marking.home / "interviews.toml").unlink()
    refused = marking(
        "--lang", language, "mark", QUERY, id_of(marking), "--at", "0:04", "--right", check=False
    )
    said_plainly(refused, 2)
    assert "feedback = true" in refused.err.splitlines()[0]
    marking("search", QUERY)
    assert traces(marking.home, [QUERY.encode().lower()]) == []
    assert not file_of(marking).exists()


def test_a_hit_that_was_shown_is_marked_and_the_file_is_a_gold_file(marking: Interviews) -> None:
    hit = marking("search", QUERY, "--json").json["hits"][0]
    done = marking("mark", QUERY, hit["recording"], "--at", str(hit["jump"]), "--right", "--json")
    line = {
        "query": QUERY,
        "language": "de",
        "recording": hit["recording"],
        "start": 4.5,
        "end": 9.0,
        "sent_start": 4.5,
        "grade": 1,
    }
    assert rows(marking) == [line]
    assert done.json == {**line, "replaced": False, "undone": False}
    measured = marking("evaluate", file_of(marking), "--json").json["modes"]["hybrid"]["all"]
    assert (measured["n"], measured["hit@1"]) == (1, 1)
    assert file_of(marking).stat().st_mode & 0o777 == 0o600


def test_the_search_shows_the_command_that_marks_a_hit(marking: Interviews) -> None:
    query = '-Klärwerk wo hängt "das Gateway"'
    shown = next(line for line in marking("search", query).out.splitlines() if "mark" in line)
    command = shlex.split(shown.removeprefix("   ✓ ").removesuffix("  (or --wrong)"))
    assert command[0] == "interviews"
    marking(*command[1:])
    assert [row["query"] for row in rows(marking)] == [query]
    assert "mark" not in marking("search", query, INTERVIEWS_FEEDBACK="false").out


def test_the_time_as_people_read_it_names_the_same_sentence(marking: Interviews) -> None:
    hafen = id_of(marking)
    for time in ("0:04", "4.2", "4.5", "8"):
        marking("mark", QUERY, hafen, "--at", time, "--right")
    assert [row["sent_start"] for row in rows(marking)] == [4.5]


def test_a_second_mark_takes_the_place_of_the_first_and_staff_s_times_stay(
    marking: Interviews,
) -> None:
    hafen = id_of(marking)
    marking("mark", QUERY, hafen, "--at", "0:04", "--right")
    edited = {**rows(marking)[0], "recording": "Hafen", "start": 4.0, "note": "geprüft"}
    file_of(marking).write_text(json.dumps(edited), encoding="utf-8")  # no line feed at the end
    again = marking("mark", f"  {QUERY} ", hafen, "--at", "0:04", "--wrong")
    assert "in place of" in again.out
    assert rows(marking) == [{**edited, "grade": 0}]
    marking("mark", "Was kostet der Umbau?", hafen, "--at", "0:20", "--right")
    assert len(rows(marking)) == 2


def test_a_mark_is_taken_back_also_after_marking_was_switched_off(marking: Interviews) -> None:
    hafen = id_of(marking)
    marking("mark", QUERY, hafen, "--at", "0:04", "--right")
    marking("mark", QUERY, hafen, "--at", "0:20", "--wrong")
    (marking.home / "interviews.toml").unlink()
    assert marking("mark", QUERY, hafen, "--at", "0:04", "--undo", "--json").json["undone"]
    assert [row["sent_start"] for row in rows(marking)] == [20]
    said_plainly(marking("mark", QUERY, hafen, "--at", "0:04", "--undo", check=False), 3)
    marking("mark", QUERY, hafen, "--at", "0:20", "--undo")
    assert traces(marking.home, [QUERY.encode().lower()]) == []


def test_a_query_with_a_minus_is_one(marking: Interviews) -> None:
    hafen = id_of(marking)
    marking("mark", "-Klärwerk Gateway", hafen, "--at", "0:04", "--right")
    assert rows(marking)[0]["query"] == "-Klärwerk Gateway"
    said_plainly(marking("mark", "-Klärwerk", hafen, "--at", "0:04", "--right", check=False), 2)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([QUERY, "aaaaaaaaaaaa", "--at", "0:04", "--right"], 3),
        ([QUERY, "ID", "--at", "0:15", "--right"], 3),
        ([QUERY, "ID", "--at", "9:00:00", "--right"], 3),
        ([QUERY, "ID", "--at", "-5", "--right"], 2),
        ([QUERY, "ID", "--at", "soon", "--right"], 2),
        ([QUERY, "ID", "--right"], 2),
        ([QUERY, "ID", "--at", "0:04"], 2),
        ([QUERY, "ID", "--at", "0:04", "--right", "--wrong"], 2),
        ([QUERY, "ID", "--at", "0:04", "--rihgt"], 2),
        (["", "ID", "--at", "0:04", "--right"], 2),
        (["?!", "ID", "--at", "0:04", "--right"], 2),
        (["Netz " * 1_000, "ID", "--at", "0:04", "--right"], 2),
        (["Netz \udcff", "ID", "--at", "0:04", "--right"], 2),
    ],
    ids=lambda value: (
        " ".join(value)[:40].encode("ascii", "replace").decode()
        if isinstance(value, list)
        else str(value)
    ),
)
def test_what_cannot_be_marked_is_said_and_nothing_is_kept(
    marking: Interviews, arguments: list[str], code: int
) -> None:
    given = [id_of(marking) if one == "ID" else one for one in arguments]
    said_plainly(marking("mark", *given, check=False), code)
    assert not file_of(marking).exists()


# --- by hand -----------------------------------------------------------------------------------

BROKEN = b'{"query": "Wer?", "recording": "Hafen", "start": 1, \r\n'


def test_what_staff_wrote_stays_byte_for_byte_and_broken_lines_are_named(
    marking: Interviews,
) -> None:
    remark = "# geprüft bis hier\n\n".encode()
    file_of(marking).write_bytes(b"\xef\xbb\xbf" + remark + BROKEN)
    done = marking("mark", QUERY, id_of(marking), "--at", "0:04", "--right")
    assert "feedback.jsonl, line 3" in done.err and done.err.count("\n") == 1
    assert file_of(marking).read_bytes().startswith(b"\xef\xbb\xbf" + remark + BROKEN)
    refused = marking("evaluate", file_of(marking), check=False)
    assert refused.code == 2 and "line 3" in refused.err
    marking("mark", QUERY, id_of(marking), "--at", "0:04", "--undo")
    assert file_of(marking).read_bytes() == b"\xef\xbb\xbf" + remark + BROKEN


def test_a_file_that_is_no_utf_8_is_left_alone(marking: Interviews) -> None:
    for content in ("# Wärme\n".encode("latin-1"), "# Wärme\n".encode("utf-16")):
        file_of(marking).write_bytes(content)
        for what in ("--right", "--undo"):
            said_plainly(marking("mark", QUERY, id_of(marking), "--at", "4", what, check=False), 2)
        assert file_of(marking).read_bytes() == content


def test_several_at_once_lose_nothing(marking: Interviews) -> None:
    hafen = id_of(marking)
    started = [
        subprocess.Popen(
            marking.command("mark", f"Gateway {n}", hafen, "--at", "4", "--right"),
            env=marking.environment(),
            stdout=subprocess.DEVNULL,
        )
        for n in range(6)
    ]
    assert [one.wait(300) for one in started] == [0] * 6
    assert {row["query"] for row in rows(marking)} == {f"Gateway {n}" for n in range(6)}


def test_only_wrong_marks_are_no_question(marking: Interviews) -> None:
    hafen = id_of(marking)
    marking("mark", QUERY, hafen, "--at", "0:20", "--wrong")
    refused = marking("evaluate", file_of(marking), check=False)
    said_plainly(refused, 2)
    assert "no right answer" in refused.err
    marking("mark", QUERY, hafen, "--at", "0:04", "--right")
    measured = marking("evaluate", file_of(marking), "--json").json["modes"]["words"]["all"]
    assert (measured["n"], measured["hit@1"], measured["ndcg@10"]) == (1, 1, 1)


# --- gone for good -----------------------------------------------------------------------------


def written(home: Interviews, *lines: object) -> None:
    said = [one if isinstance(one, str) else json.dumps(one) for one in lines]
    file_of(home).write_text("".join(f"{line}\n" for line in said), encoding="utf-8")


def moment(query: str, recording: str) -> dict[str, object]:
    return {"query": query, "recording": recording, "start": 0, "end": 4, "grade": 1}


def test_a_removal_takes_every_line_about_the_recording(marking: Interviews) -> None:
    hafen, other = id_of(marking), id_of(marking, "Klärwerk")
    kept = [moment("Was steht im Hafen?", other), "# Hafenviertel", '{"query": "kaputt"']
    written(
        marking,
        kept[0],
        moment("geheim eins", hafen),
        moment("geheim zwei", "Hafen"),
        kept[1],
        {"query": "geheim drei", "relevant": ["Hafen"]},
        {"query": "Wer?", "relevant": [hafen, "Klärwerk"]},
        '{"query": "geheim vier", "recording": "Hafen"',
        f"# geheim fünf {hafen}",
        kept[2],
    )
    marking("backup", marking.home / "inside.db")
    assert len(traces(marking.home, [b"geheim"])) >= 2
    done = marking("remove", hafen, "--yes")
    assert "feedback.jsonl: 6 lines" in done.out
    assert file_of(marking).read_text(encoding="utf-8").splitlines() == [
        json.dumps(kept[0]),
        kept[1],
        json.dumps({"query": "Wer?", "relevant": ["Klärwerk"]}, ensure_ascii=False),
        kept[2],
    ]
    assert traces(marking.home, [b"geheim", hafen.encode()]) == [
        f"removed.jsonl: {hafen.encode()!r}"
    ]


def test_the_receipt_counts_the_lines_of_each_recording(marking: Interviews) -> None:
    hafen, other = id_of(marking), id_of(marking, "Klärwerk")
    written(marking, moment("Eins", hafen), moment("Zwei", "Klärwerk"), moment("Drei", other))
    receipts = marking("remove", hafen, other, "--yes", "--json").json["removed"]
    assert [one["judgements"] for one in receipts] == [1, 2]
    assert not file_of(marking).exists()


def test_a_line_that_is_no_utf_8_goes_with_the_recording_it_names(marking: Interviews) -> None:
    klaerwerk = id_of(marking, "Klärwerk")
    for encoding in ("latin-1", "utf-16"):
        file_of(marking).write_bytes("# geheim: Klärwerk\n# sonst\n".encode(encoding))
        assert feedback.without(
            file_of(marking).read_bytes().decode("utf-8", "surrogateescape"),
            {klaerwerk: {"Klärwerk"}},
        )[1] == {klaerwerk: 1}


def test_a_backup_brings_marks_back_but_none_of_what_was_removed(
    marking: Interviews, tmp_path: Path
) -> None:
    hafen, other = id_of(marking), id_of(marking, "Klärwerk")
    written(
        marking,
        "# von Hand",
        moment("geheim eins", hafen),
        moment("geheim zwei", "Hafen"),
        moment("Gas?", other),
        moment("Schlamm?", other),
    )
    marking("backup", tmp_path / "outside.db")
    marking("remove", hafen, "--yes")
    written(marking, moment("neu", other), {**moment("Gas?", other), "grade": 0})
    done = marking("restore", tmp_path / "outside.db")
    assert "again in feedback.jsonl: 2 lines" in done.out
    assert file_of(marking).read_text(encoding="utf-8").splitlines() == [
        json.dumps(moment("neu", other)),
        json.dumps({**moment("Gas?", other), "grade": 0}),
        "# von Hand",
        json.dumps(moment("Schlamm?", other)),
    ]
    assert traces(marking.home, [b"geheim"]) == []
    file_of(marking).unlink()
    marking("restore", tmp_path / "outside.db")
    assert file_of(marking).read_text(encoding="utf-8").splitlines() == [
        "# von Hand",
        json.dumps(moment("Gas?", other)),
        json.dumps(moment("Schlamm?", other)),
    ]
    assert traces(marking.home, [b"geheim"]) == []


def test_the_catalogue_at_work_holds_no_mark(marking: Interviews, tmp_path: Path) -> None:
    written(marking, moment("geheim", id_of(marking)))
    marking("backup", tmp_path / "outside.db")
    marking("restore", tmp_path / "outside.db")
    assert traces(marking.home, [b"geheim"]) == [f"feedback.jsonl: {b'geheim'!r}"]


def test_an_older_backup_leaves_the_marks_there_are(marking: Interviews, tmp_path: Path) -> None:
    marking("backup", tmp_path / "before.db")
    marking("mark", QUERY, id_of(marking), "--at", "4", "--right")
    before = file_of(marking).read_bytes()
    marking("restore", tmp_path / "before.db")
    assert file_of(marking).read_bytes() == before


def test_marks_put_back_by_hand_go_again_with_their_recording(
    marking: Interviews, tmp_path: Path
) -> None:
    hafen, other = id_of(marking), id_of(marking, "Klärwerk")
    marking("remove", hafen, "--yes")
    written(marking, moment("geheim", hafen), moment("Gas?", other))
    marking("status")
    assert [row["query"] for row in rows(marking)] == ["Gas?"]
    marking("run")
    assert traces(marking.home, [b"geheim"]) == []


def test_a_removal_cut_short_takes_lines_by_title_too(marking: Interviews) -> None:
    hafen = id_of(marking)
    written(marking, moment("geheim", "Hafen"))
    entry = {"id": hafen, "removed_ms": 9_999_999_999_999}
    (marking.home / "removed.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    (marking.home / ".feedback.jsonl.part").write_text("geheim", encoding="utf-8")
    marking("status")
    assert traces(marking.home, [b"geheim"]) == []


def test_no_backup_is_written_in_the_place_of_the_marks(marking: Interviews) -> None:
    said_plainly(marking("backup", file_of(marking), check=False), 2)
    assert not file_of(marking).exists()


def test_what_is_withheld_is_not_marked_and_stays_withheld(marking: Interviews) -> None:
    hafen = id_of(marking)
    marking("withhold", hafen, "--from", "4.5", "--to", "9")
    said_plainly(marking("mark", QUERY, hafen, "--at", "6", "--right", check=False), 3)
    marking("mark", QUERY, hafen, "--at", "20", "--wrong")
    assert "Kirchturm" not in marking("show", hafen).out
