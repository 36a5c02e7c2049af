"""Taking recordings in: folders, transcripts, known files, media with a transcript beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import SAMPLES, Interviews

CAPTIONS = "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Anna Weber>Der Umbau am Rathaus beginnt.\n"


def test_a_folder_pairs_media_with_their_transcripts(
    interviews: Interviews, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox" / "2026"
    folder.mkdir(parents=True)
    shutil.copy(SAMPLES / "lorawan.mp4", folder / "Gespräch.mp4")
    (folder / "Gespräch.vtt").write_text(CAPTIONS, encoding="utf-8")
    (folder / "allein.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nNur Text.\n", "utf-8")
    (folder / "notes.txt").write_text("not a recording", encoding="utf-8")
    added = interviews("add", tmp_path / "inbox", "--json").json
    assert added["errors"] == []
    assert sorted(one["title"] for one in added["recordings"]) == ["Gespräch", "allein"]
    interviews("run")
    hit = interviews("search", "Umbau Rathaus", "--mode", "words", "--json").json["hits"][0]
    assert hit["title"] == "Gespräch"
    assert hit["speaker"] == "Anna Weber"
    assert hit["media"].endswith("Gespräch.mp4")


def test_a_transcript_is_attached_to_a_known_recording(
    worked: Interviews, ids: dict[str, str], tmp_path: Path
) -> None:
    captions = tmp_path / "better.vtt"
    captions.write_text(CAPTIONS, encoding="utf-8")
    again = worked("add", SAMPLES / "lorawan.mp4", "--transcript", captions, "--json").json
    assert again["recordings"][0]["known"] is True
    worked("run")
    shown = worked("show", ids["lorawan"], "--json").json
    assert [one["text"] for one in shown["segments"]] == ["Der Umbau am Rathaus beginnt."]
    assert shown["duration"] == pytest.approx(118.5, abs=0.5)
    assert worked("run", "--json").json["done"] == []


def test_whisper_json_comes_in(interviews: Interviews, tmp_path: Path) -> None:
    made = {"text": "x", "language": "de", "segments": [
        {"id": 0, "start": "0.5", "end": 2.0, "text": " Ein Satz aus Whisper."}]}  # fmt: skip
    path = tmp_path / "whisper.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    added = interviews("add", path, "--json").json["recordings"][0]
    shown = interviews("show", added["id"], "--json").json
    assert shown["segments"][0]["text"] == "Ein Satz aus Whisper."
    assert shown["segments"][0]["start"] == 0.5
    assert shown["language"] == "de"


def test_a_moved_file_is_found_at_its_new_place(interviews: Interviews, tmp_path: Path) -> None:
    here = Path(shutil.copy(SAMPLES / "lorawan.mp4", tmp_path / "here.mp4"))
    interviews("add", here)
    there = here.rename(tmp_path / "there.mp4")
    moved = interviews("add", there, "--json").json["recordings"][0]
    assert moved["known"] is True
    assert moved["title"] == "here"
    there.rename(tmp_path / "elsewhere.mp4")
    assert "elsewhere.mp4" in interviews("add", tmp_path / "elsewhere.mp4").out


def test_facts_are_kept_and_changed(interviews: Interviews, tmp_path: Path) -> None:
    path = tmp_path / "x.vtt"
    path.write_text(CAPTIONS, encoding="utf-8")
    added = interviews(
        "add", path, "--title", "Wärme & <Wandel>", "--people", "Anna Weber; Thomas Klein",
        "--collection", "Netze", "--recorded", "2026-03-14", "--visibility", "staff,Stadtwerk A",
        "--json",
    ).json["recordings"][0]  # fmt: skip
    interviews("set", added["id"], "--collection", "Wärme")
    shown = interviews("show", added["id"]).out
    for fact in ("Wärme & <Wandel>", "Anna Weber; Thomas Klein", "2026-03-14", "Stadtwerk A"):
        assert fact in shown


def test_another_language_makes_a_recording_stale(worked: Interviews, ids: dict[str, str]) -> None:
    worked("set", ids["lorawan"], "--language", "de")
    plan = worked("run", "--dry-run", "--json").json["work"]
    assert [(one["id"], one["stages"][0]) for one in plan] == [(ids["lorawan"], "transcribe")]


def test_a_file_that_was_only_touched_is_still_the_same(
    interviews: Interviews, tmp_path: Path
) -> None:
    path = Path(shutil.copy(SAMPLES / "lorawan.mp4", tmp_path / "here.mp4"))
    added = interviews("add", path, "--json").json["recordings"][0]["id"]
    path.touch()
    interviews("run")
    assert interviews("status", added, "--json").json["recordings"][0]["state"] == "done"


def test_titles_carry_no_terminal_commands(interviews: Interviews, tmp_path: Path) -> None:
    path = tmp_path / "x.vtt"
    path.write_text(CAPTIONS, encoding="utf-8")
    interviews("add", path, "--title", "A\x1b[2J\nB")
    assert "\x1b" not in interviews("status").out
    assert len(interviews("status").out.splitlines()) == 3
