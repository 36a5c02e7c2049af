"""A night as a whole: what it does, what it tells in the morning, what a timer can act on."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import SAMPLES, Interviews
from fault_home import clip

from pipeline.catalog import generations
from pipeline.corrections.differences import Changes
from pipeline.home import open_home
from pipeline.nights.nightly import AlreadyNight, NightOptions, night, write_report
from pipeline.reports.store import read
from pipeline.reports.values import Night, Retold
from pipeline.run import shift
from pipeline.run.alone import alone
from pipeline.run.context import Context
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.settings import Settings
from pipeline.values import Recording

TALK = """WEBVTT

00:00.000 --> 00:04.000
<v Anna Weber>Die Stadt plant ein neues Netz für die Fernwerme.

00:04.500 --> 00:09.000
<v Thomas Klein>Der Ausbau kostet zwei Millionen Euro und dauert vier Jahre.
"""


class Counting(Silent):
    """How many recordings are done."""

    finishes = 0

    def finished(self, recording: Recording) -> None:
        self.finishes += 1


@pytest.fixture
def talk(interviews: Interviews, tmp_path: Path) -> str:
    """The id of a transcript that is added and not yet worked on."""
    path = tmp_path / "talk.vtt"
    path.write_text(TALK, encoding="utf-8")
    added = interviews("add", path, "--json").json
    return str(added["recordings"][0]["id"])


def dropped(home: Path, name: str, content: bytes) -> Path:
    """A file that has lain in the inbox for a while."""
    path = home / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    return path


def titles(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["title"] for entry in entries]


def test_a_night_takes_in_works_off_keeps_peoples_work_and_tells_of_it(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    interviews("run")
    interviews("correct", talk, "--at", "0:03", "--was", "Fernwerme", "--now", "Fernwärme")
    fresh = clip("lorawan.mp4", 6, tmp_path / "clip.wav").read_bytes()
    dropped(interviews.home, "Netze/neu.wav", fresh)
    dropped(interviews.home, "Netze/neu.toml", 'title = "Zähler"\npeople = ["Ida"]\n'.encode())
    broken = dropped(interviews.home, "kaputt.mp4", b"\x93\x02" * 40_000)
    cut = (SAMPLES / "fernwaerme.mp4").read_bytes()[:100_000]
    dropped(interviews.home, "abgebrochen.mp4", cut)

    ended = interviews("nightly", "--json", "--workers", "2", check=False)

    told = ended.json
    assert ended.code == 1, ended.err
    assert sorted(titles(told["taken"])) == ["Zähler", "abgebrochen"]
    assert sorted(titles(told["done"])) == ["Zähler", "abgebrochen"]
    assert all(one["new"] for one in told["done"])
    assert titles(told["partial"]) == ["abgebrochen"]
    assert [one["path"] for one in told["refused"]] == [str(broken)]
    assert told["refused"][0]["failure"]["advice"] and broken.exists()
    assert told["published"]["flipped"] and told["index_sound"]
    assert told["demonstration"] == ["bundled-whisper-de-en", "bundled-text-de-en"]
    assert Path(told["backup"]).is_file()
    assert told["forecast"]["recordings"] == 0 and not told["stopped"]
    stem = next((interviews.home / "reports").glob("*.json")).with_suffix("")
    assert json.loads(stem.with_suffix(".json").read_text("utf-8")) == told
    for form in (".txt", ".html"):
        assert "kaputt.mp4" in stem.with_suffix(form).read_text("utf-8")
    assert "Fernwärme" in interviews("show", talk).out
    hits = interviews("search", "Netz Fernwärme", "--json", "--mode", "words").json["hits"]
    assert hits[0]["recording"] == talk and "Fernwerme" not in json.dumps(hits)
    collections = {
        one["title"]: one["collection"] for one in interviews("status", "--json").json["recordings"]
    }
    assert collections["Zähler"] == "Netze"

    again = interviews("nightly", "--json", check=False).json
    assert (again["done"], again["taken"], again["published"]["flipped"]) == ([], [], False)


def test_a_night_with_nothing_to_do_is_calm(interviews: Interviews, talk: str) -> None:
    assert interviews("nightly").code == 0
    calm = interviews("nightly", INTERVIEWS_LANG="de")
    assert "Keine Aufnahme verarbeitet" in calm.out
    assert "Nichts davon braucht Ihre Aufmerksamkeit." in " ".join(calm.out.split())


def test_when_the_time_is_up_what_is_whole_is_published_and_the_rest_waits(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    for number in range(7):
        other = tmp_path / f"other-{number}.vtt"
        other.write_text(TALK.replace("zwei", f"{number}"), encoding="utf-8")
    interviews("add", *tmp_path.glob("other-*.vtt"))
    watch = Counting()
    context = Context(open_home(interviews.home), Settings())
    options = NightOptions(RunOptions(stop_at=lambda: watch.finishes > 0), "06:00")
    told, ended_by = night(context, options, watch)
    assert ended_by is None and told.stopped and not told.troubles
    assert 0 < len(told.done) < 8
    assert told.forecast is not None and told.forecast.recordings == 8 - len(told.done)
    assert told.published is not None and told.published.flipped and told.backup
    interviews("nightly")
    status = interviews("status", "--json").json
    assert {one["state"] for one in status["recordings"]} == {"done"}


def test_new_recordings_come_before_stale_ones(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    interviews("run")
    other = tmp_path / "other.vtt"
    other.write_text(TALK.replace("zwei", "drei"), encoding="utf-8")
    added = interviews("add", other, "--json").json["recordings"][0]["id"]
    told = interviews("nightly", "--json", "--engine", "inline", INTERVIEWS_CHUNK_SIZE="160").json
    assert [(one["recording"], one["new"]) for one in told["done"]] == [
        (added, True),
        (talk, False),
    ]


def test_two_nights_at_once_are_one(interviews: Interviews, talk: str) -> None:
    with alone(open_home(interviews.home), "nightly", AlreadyNight("nightly.running")):
        second = interviews("nightly", check=False)
    assert second.code != 0 and "Another “interviews nightly” is at work" in second.err
    assert not list((interviews.home / "reports").glob("*.json"))
    assert interviews("nightly").code == 0


def test_a_damaged_index_is_built_again_and_told(interviews: Interviews, talk: str) -> None:
    interviews("run")
    (index,) = (interviews.home / "index").glob("*.faiss")
    index.write_bytes(index.read_bytes()[:-7])
    ended = interviews("nightly", "--json", check=False)
    assert ended.code == 1 and ended.json["index_sound"] is False
    interviews("index", "check")
    assert interviews("nightly").code == 0


def test_a_missing_speech_model_is_one_message_and_text_is_done_all_the_same(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    interviews("add", clip("lorawan.mp4", 5, tmp_path / "clip.wav"))
    ended = interviews("nightly", "--json", check=False, INTERVIEWS_SPEECH_MODEL="large-v3")
    told = ended.json
    assert ended.code == 4
    assert [one["failure"]["key"] for one in told["troubles"]] == ["model.absent"]
    assert (titles(told["done"]), told["failed"]) == (["talk"], [])
    assert told["published"]["flipped"] and told["forecast"]["recordings"] == 1
    assert interviews("nightly").code == 0


def test_an_inbox_that_is_not_there_is_missing_and_the_rest_is_done(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    ended = interviews("nightly", "--json", check=False, INTERVIEWS_INBOX=str(tmp_path / "share"))
    assert ended.code == 4 and titles(ended.json["done"]) == ["talk"]
    assert [one["step"] for one in ended.json["troubles"]] == ["inbox"]


@pytest.mark.parametrize("form", ["txt", "json", "html"])
def test_the_report_is_copied_to_where_it_is_wanted(
    interviews: Interviews, talk: str, tmp_path: Path, form: str
) -> None:
    copy = tmp_path / f"morning.{form}"
    interviews("nightly", "--report", copy)
    (kept,) = (interviews.home / "reports").glob(f"*.{form}")
    assert copy.read_bytes() == kept.read_bytes()


def test_a_copy_that_could_not_be_written_is_said_before_a_night_is_spent(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    ended = interviews("nightly", "--report", tmp_path / "no" / "morning.txt", check=False)
    assert ended.code == 2 and "--report" in ended.err and "Traceback" not in ended.err
    assert interviews("status", "--json").json["counts"]["queued"] == 1


def test_a_long_night_publishes_before_its_end(
    interviews: Interviews, talk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is newer than the index is searched directly only up to a limit."""
    monkeypatch.setattr(shift, "_PUBLISHED_EVERY", 4)
    monkeypatch.setattr(shift, "_CLAIMED_FROM", 2)
    for number in range(11):
        other = tmp_path / f"other-{number}.vtt"
        other.write_text(TALK.replace("zwei", f"{number}"), encoding="utf-8")
    interviews("run")
    interviews("add", *tmp_path.glob("other-*.vtt"))
    context = Context(open_home(interviews.home), Settings())
    behind: list[int] = []

    class Behind(Silent):
        def finished(self, recording: Recording) -> None:
            with context.catalogue() as catalogue, catalogue.read() as db:
                behind.append(generations.index_state(db).behind)

    told, _ = night(context, NightOptions(RunOptions(engine="inline")), Behind())
    assert len(behind) == 11 and max(behind) < 8
    assert told.published is not None and told.published.flipped and not told.troubles


def test_logs_and_quiet_nights_tell_no_title(interviews: Interviews, talk: str) -> None:
    ended = interviews("--quiet", "nightly")
    assert "talk" not in ended.out + ended.err and "Stadt" not in ended.out + ended.err


def quotes(folder: Path) -> bool:
    return any("Fernwerme" in path.read_text(encoding="utf-8") for path in folder.iterdir())


def retold(recording: str) -> Retold:
    return Retold(recording, "talk", 18, 1, 0, 0, (("Fernwerme", "Fernwärme", 1),))


def test_a_report_says_no_word_of_a_recording_of_which_something_is_withheld(
    interviews: Interviews, talk: str
) -> None:
    interviews("run")
    context = Context(open_home(interviews.home), Settings())
    told = Night(1, 2, None, False, retold=(retold(talk),))
    write_report(context, told, "de")
    assert quotes(context.home.reports)
    interviews("withhold", talk, "--from", "0", "--to", "4.2")
    assert not quotes(context.home.reports)
    path = write_report(context, told, "de")  # it was told before, and written after
    assert not quotes(context.home.reports)
    assert read(path).retold == (replace(retold(talk), commonest=()),)


class WithheldMeanwhile(Silent):
    """Somebody withholds the beginning of a recording just after it was recognised anew."""

    told: Changes | None = None

    def __init__(self, interviews: Interviews) -> None:
        self._interviews = interviews

    def retold(self, recording: Recording, changes: Changes) -> None:
        self.told = changes

    def finished(self, recording: Recording) -> None:
        self._interviews("withhold", recording.id, "--from", "0", "--to", "6")


def test_what_is_withheld_while_the_night_goes_on_is_not_quoted_in_the_morning(
    interviews: Interviews, tmp_path: Path
) -> None:
    sound = clip("lorawan.mp4", 6, tmp_path / "clip.wav")
    interviews("add", sound)
    interviews("run")
    with closing(sqlite3.connect(interviews.home / "catalogue.db")) as db:
        db.execute("UPDATE segments SET text = 'Geheimwort' || substr(text, instr(text, ' '))")
        db.execute("UPDATE segments SET words = '[]'")
        db.commit()
    watch = WithheldMeanwhile(interviews)
    context = Context(open_home(interviews.home), Settings(beam_size=1))
    told, _ = night(context, NightOptions(RunOptions(engine="inline")), watch)
    assert watch.told is not None and "Geheimwort" in str(watch.told.commonest)
    (one,) = told.retold
    assert one.replaced and "Geheimwort" not in str(told)
