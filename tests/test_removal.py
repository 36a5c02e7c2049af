"""Deleted means gone: no byte of text, title or vectors stays under the home directory."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.home import open_home
from pipeline.index import building, files
from pipeline.index.postings import Postings
from pipeline.run import publish, removal
from pipeline.run.context import Context
from pipeline.settings import Settings
from tests.conftest import SAMPLES, Interviews

TITLE = "Streng vertrauliches Gespraech ueber Konzessionen"


def traces(home: Path, needles: list[bytes]) -> list[str]:
    """Files under ``home`` that hold any of the needles, in any of the usual encodings."""
    found = []
    for path in home.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            found += [f"{path.name}: {needle!r}" for needle in needles if needle in content]
    return found


def sequences(text: str, length: int = 8) -> list[bytes]:
    """Every run of ``length`` words."""
    words = text.split()
    return [
        " ".join(words[at : at + length]).lower().encode()
        for at in range(max(len(words) - length + 1, 1))
    ]


def stored(home: Path, recording: str) -> list[bytes]:
    """Every text and vector of a recording as it lies in the catalogue."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        texts = [
            row[0]
            for row in db.execute(
                "SELECT text FROM segments WHERE recording_id = ?1 UNION ALL"
                " SELECT text FROM chunks WHERE recording_id = ?1 UNION ALL"
                " SELECT words || char(10) || ends || char(10) || about FROM chunk_words"
                " JOIN chunks ON chunks.id = chunk_words.rowid"
                " WHERE recording_id = ?1",
                (recording,),
            )
        ]
        vectors = [
            row[0][:64].lower()
            for row in db.execute(
                "SELECT vector FROM vectors JOIN chunks USING (encoded, model_hash)"
                " WHERE recording_id = ?",
                (recording,),
            )
        ]
    return [needle for text in texts for needle in sequences(text)] + vectors


def test_nothing_of_a_removed_recording_is_left(worked: Interviews, ids: dict[str, str]) -> None:
    doomed = ids["fernwaerme"]
    worked("set", doomed, "--title", TITLE)
    needles = [*stored(worked.home, doomed), TITLE.lower().encode()]
    (worked.home / "backups").mkdir()
    worked("backup", worked.home / "backups" / "monday.db")
    assert traces(worked.home, needles)
    receipt = worked("remove", doomed, "--yes", "--json").json["removed"][0]
    assert traces(worked.home, needles) == []
    assert receipt["id"] == doomed
    assert receipt["backups_rewritten"] == 1
    assert receipt["media_left"] == str(SAMPLES / "fernwaerme.mp4")
    assert (SAMPLES / "fernwaerme.mp4").exists()
    hits = worked("search", "Fernwärme Kraftwerk Rathaus", "--json").json["hits"]
    assert doomed not in {hit["recording"] for hit in hits}
    assert worked("status", doomed, check=False).code == 3


def test_a_copy_in_the_home_directory_goes_too(interviews: Interviews, tmp_path: Path) -> None:
    added = interviews("add", SAMPLES / "lorawan.mp4", "--copy", "--json").json["recordings"][0]
    copies = list((interviews.home / "media").iterdir())
    assert len(copies) == 1
    interviews("remove", added["id"], "--yes")
    assert not list((interviews.home / "media").iterdir())


def test_a_restore_does_not_bring_a_removed_recording_back(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    doomed = ids["data-sovereignty"]
    needles = stored(worked.home, doomed)
    copy = tmp_path / "outside.db"
    worked("backup", copy)
    worked("remove", doomed, "--yes")
    worked("restore", copy)
    assert worked("status", doomed, check=False).code == 3
    assert traces(worked.home, needles) == []
    assert len(worked("status", "--json").json["recordings"]) == 3


def test_a_torn_line_of_the_ledger_swallows_no_removal(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    worked("backup", tmp_path / "outside.db")
    with (worked.home / "removed.jsonl").open("ab") as ledger:
        ledger.write(b'{"id": "6lpq76b')
    worked("remove", ids["lorawan"], "--yes")
    worked("restore", tmp_path / "outside.db")
    kept = {one["id"] for one in worked("status", "--json").json["recordings"]}
    assert kept == set(ids.values()) - {ids["lorawan"]}


def test_a_recording_added_again_after_its_removal_stays(
    worked: Interviews, ids: dict[str, str]
) -> None:
    worked("remove", ids["lorawan"], "--yes")
    worked("add", SAMPLES / "lorawan.mp4")
    assert worked("status", ids["lorawan"], "--json").json["recordings"][0]["state"] == "queued"


def test_a_removal_that_was_cut_short_is_finished_by_the_next_command(
    worked: Interviews, ids: dict[str, str]
) -> None:
    doomed = ids["lorawan"]
    entry = {"id": doomed, "removed_ms": 9_999_999_999_999}
    (worked.home / "removed.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    worked("status")
    assert worked("status", doomed, check=False).code == 3


def test_without_a_terminal_removal_wants_a_yes(worked: Interviews, ids: dict[str, str]) -> None:
    refused = worked("remove", ids["lorawan"], check=False)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert len(worked("status", "--json").json["recordings"]) == 4


def test_the_last_recording_can_go(interviews: Interviews, tmp_path: Path) -> None:
    captions = tmp_path / "one.vtt"
    captions.write_text("WEBVTT\n\n00:01.000 --> 00:05.000\nEin Satz über Wasser.\n", "utf-8")
    added = interviews("add", captions, "--json").json["recordings"][0]["id"]
    interviews("run")
    interviews("remove", added, "--yes")
    assert interviews("search", "Wasser", "--json").json["hits"] == []
    assert interviews("run", "--json").json["done"] == []
    assert not list((interviews.home / "index").glob("generation-*"))


def test_what_a_killed_removal_left_behind_goes_with_the_next_command(
    worked: Interviews, ids: dict[str, str]
) -> None:
    doomed = ids["lorawan"]
    worked("remove", doomed, "--yes")
    entry = {"id": doomed, "removed_ms": 1}
    (worked.home / "removed.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    (worked.home / "media").mkdir(exist_ok=True)
    (worked.home / "media" / f"{doomed}.mp4").write_bytes(b"left behind")
    worked("run")
    assert not list((worked.home / "media").iterdir())
    assert "finished_ms" in (worked.home / "removed.jsonl").read_text(encoding="utf-8")


def test_only_the_owner_can_read_the_catalogue_and_its_copies(
    worked: Interviews, tmp_path: Path
) -> None:
    fresh = Interviews(tmp_path / "open")
    fresh.home.mkdir(mode=0o755)
    fresh("backup", tmp_path / "copy.db")
    for path in (fresh.home / "catalogue.db", tmp_path / "copy.db"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_backup_that_cannot_be_cleaned_is_dropped(
    worked: Interviews, ids: dict[str, str]
) -> None:
    backup = worked.home / "old.db"
    worked("backup", backup)
    with closing(sqlite3.connect(backup)) as db:
        db.execute("PRAGMA user_version = 9999")
    worked("remove", ids["lorawan"], "--yes")
    assert not backup.exists()
    worked("status")


def test_a_reader_in_the_way_is_said_and_the_rest_goes_later(
    worked: Interviews, ids: dict[str, str]
) -> None:
    doomed = ids["lorawan"]
    needles = stored(worked.home, doomed)
    with closing(sqlite3.connect(worked.home / "catalogue.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM segments").fetchone()
        done = worked("remove", doomed, "--yes", "--json", check=False)
        assert done.code == 1
        assert done.json["removed"][0]["complete"] is False
    worked("run")
    assert traces(worked.home, needles) == []


def test_a_backup_never_replaces_the_program_s_own_files(worked: Interviews) -> None:
    names = ("catalogue.db", "catalogue.db-wal", "removed.jsonl", "index/x.db", "inbox/x.db")
    for name in names:
        (worked.home / name).parent.mkdir(exist_ok=True)
        assert worked("backup", worked.home / name, check=False).code == 2


def test_a_backup_replaces_an_earlier_backup_and_no_other_file(
    interviews: Interviews, tmp_path: Path
) -> None:
    earlier, letter = tmp_path / "monday.db", tmp_path / "wichtig.txt"
    settings = interviews.home / "interviews.toml"
    interviews("backup", earlier)
    letter.write_text("Liebe Kollegin", encoding="utf-8")
    settings.write_text("threads = 1\n", encoding="utf-8")
    for path in (letter, settings):
        before = path.read_bytes()
        refused = interviews("backup", path, check=False)
        assert refused.code == 2 and "no backup of this program" in refused.err
        assert path.read_bytes() == before
    interviews("backup", earlier)


TALK = """WEBVTT

00:00.000 --> 00:04.000
Die Stadtwerke bauen ein Netz im Hafen.

00:04.500 --> 00:09.000
Das Gateway hängt am Kirchturm und reicht weit.
"""


@pytest.fixture
def talk(interviews: Interviews, tmp_path: Path) -> str:
    """The id of a worked recording with a sentence on a steeple from 4.5 to 9 seconds."""
    (tmp_path / "hafen.vtt").write_text(TALK, encoding="utf-8")
    added = interviews("add", tmp_path / "hafen.vtt", "--json").json["recordings"][0]["id"]
    interviews("run")
    return str(added)


def readable(interviews: Interviews, recording: str) -> bool:
    read = interviews("show", recording).out + interviews("search", "Gateway am Kirchturm").out
    return "Kirchturm" in read


def test_what_is_withheld_stays_so_through_a_restore(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    interviews("backup", tmp_path / "before.db")
    interviews("withhold", talk, "--from", "4.5", "--to", "9")
    done = interviews("restore", tmp_path / "before.db")
    assert "1 passages that were withheld since" in done.out and not done.err
    assert not readable(interviews, talk)
    interviews("run")
    assert not readable(interviews, talk)
    (row,) = interviews("withhold", talk, "--list", "--json").json["withheld"]
    again = interviews("restore", tmp_path / "before.db")
    assert "1 passages" in again.out
    interviews("withhold", talk, "--undo", str(row["number"]))
    interviews("run")
    assert readable(interviews, talk)


def test_what_was_released_since_the_backup_is_withheld_again_and_told(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    number = interviews("withhold", talk, "--from", "4.5", "--to", "9", "--json").json["number"]
    interviews("backup", tmp_path / "before.db")
    same = interviews("restore", tmp_path / "before.db")
    assert "passages" not in same.out + same.err
    interviews("withhold", talk, "--undo", str(number))
    assert "1 passages that were released" in interviews("restore", tmp_path / "before.db").out
    assert not readable(interviews, talk)


def test_without_the_former_catalogue_people_are_told_what_to_withhold_again(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    interviews("backup", tmp_path / "before.db")
    interviews("withhold", talk, "--from", "4.5", "--to", "9")
    (interviews.home / "catalogue.db").write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    done = interviews("restore", tmp_path / "before.db")
    assert "withhold again" in done.err


def test_a_replacement_goes_with_the_last_recording_it_was_made_for(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    doomed, other = ids["lorawan"], ids["fernwaerme"]
    worked("replace", "Geheimprojektolymp", "Decknameatlantis", "--only", doomed)
    worked("replace", "Nebenprojektdelphi", "Decknamedodona", "--only", doomed)
    number = worked("replace", "--list", "--json").json["replacements"][1]["number"]
    worked("replace", "--undo", str(number))
    worked("replace", "Fernwerme", "Fernwaerme", "--only", doomed, "--only", other)
    needles = [
        word.encode()
        for word in ("geheimprojektolymp", "decknameatlantis", "nebenprojektdelphi", "decknamedod")
    ]
    worked("backup", worked.home / "inside.db")
    worked("backup", tmp_path / "outside.db")
    worked("remove", doomed, "--yes")
    assert traces(worked.home, needles) == []
    worked("restore", tmp_path / "outside.db")
    assert traces(worked.home, needles) == []
    (left,) = worked("replace", "--list", "--json").json["replacements"]
    assert (left["old"], left["recordings"]) == ("Fernwerme", [other])


def test_a_replacement_that_outlived_its_recording_goes_wherever_it_lies(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    """As older versions left them: in the catalogue and in copies without the recording."""
    doomed = ids["lorawan"]
    worked("remove", doomed, "--yes")
    with closing(sqlite3.connect(worked.home / "catalogue.db")) as db:
        db.execute(
            "INSERT INTO corrections (scope, was, now, who, made_ms) VALUES (?, ?, 'x', 'anna', 1)",
            (json.dumps([doomed]), "Geheimprojektolymp"),
        )
        db.commit()
        for place in (worked.home / "inside.db", tmp_path / "outside.db"):
            db.execute("VACUUM INTO ?", (str(place),))
    worked("run")
    assert traces(worked.home, [b"geheimprojektolymp"]) == []
    worked("restore", tmp_path / "outside.db")
    assert traces(worked.home, [b"geheimprojektolymp"]) == []


def test_the_receipt_tells_of_replacements_that_hold_for_all_recordings(
    worked: Interviews, ids: dict[str, str]
) -> None:
    assert "hold for all" not in worked("remove", ids["lorawan"], "--yes").out
    worked("replace", "Stadwerke", "Stadtwerke")
    done = worked("remove", ids["fernwaerme"], "--yes")
    assert "hold for all recordings stay (1)" in done.out
    (left,) = worked("replace", "--list", "--json").json["replacements"]
    assert left["recordings"] is None


def lexicon(file: Path) -> set[str]:
    """All that an index's file of words says."""
    return {term for field in Postings.open(file).fields.values() for term in field.terms()}


def said_only_in(home: Path, recording: str) -> set[str]:
    """The terms that no other recording has."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        rows = db.execute(
            "SELECT recording_id, words FROM chunk_words"
            " JOIN chunks ON chunks.id = chunk_words.rowid"
        ).fetchall()
    own = {term for whose, words in rows if whose == recording for term in words.split()}
    return own - {term for whose, words in rows if whose != recording for term in words.split()}


def test_nothing_of_it_is_left_in_the_words_of_a_large_index(
    worked: Interviews, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "LARGEST_TABLE", 0)
    context = Context(open_home(worked.home), Settings())
    doomed, kept = ids["fernwaerme"], ids["lorawan"]
    theirs, others = said_only_in(worked.home, doomed), said_only_in(worked.home, kept)
    with context.catalogue() as catalogue:
        publish.publish(context.home, catalogue, context.text[1])
        (file,) = context.home.index.glob(f"*{files.WORDS}")
        assert theirs | others <= lexicon(file)
        removal.remove(context.home, catalogue, [doomed])
    (file,) = context.home.index.glob(f"*{files.WORDS}")
    assert theirs.isdisjoint(lexicon(file))
    assert others <= lexicon(file)
