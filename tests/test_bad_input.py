"""Bad input gets one clear sentence and the right exit code; nothing is lost, work goes on."""

from __future__ import annotations

import sqlite3
import subprocess
import wave
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import SAMPLES, Interviews, Ran

CAPTIONS = "WEBVTT\n\n00:01.000 --> 00:05.000\nDer Ausbau beginnt am Rathaus.\n"


def said_plainly(ran: Ran, code: int) -> None:
    """One sentence with advice, no traceback."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    lines = [line for line in ran.err.splitlines() if line.strip()]
    assert 1 <= len(lines) <= 3, ran.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add"], 2),
        (["add", "nowhere.mp4"], 2),
        (["add", "--language", "fr", "x.mp4"], 2),
        (["add", "--recorded", "14.3.2026", "x.mp4"], 2),
        (["add", "--priority", "high", "x.mp4"], 2),
        (["run", "--engine", "steam"], 2),
        (["run", "--until", "25:99"], 2),
        (["run", "--until", "10:00Z"], 2),
        (["add", "--title", "", "x.mp4"], 2),
        (["run", "--only", "aaaaaaaaaaaa"], 3),
        (["run", "--again", "digest", "aaaaaaaaaaaa"], 2),
        (["run", "--again", "chunk"], 2),
        (["run", "--engine", "dask"], 2),
        (["status", "aaaaaaaaaaaa"], 3),
        (["show", "aaaaaaaaaaaa"], 3),
        (["show", "aaaaaaaaaaaa", "--at", "soon"], 2),
        (["export", "aaaaaaaaaaaa", "--format", "docx"], 2),
        (["export", "aaaaaaaaaaaa", "--format", "vtt"], 3),
        (["set", "aaaaaaaaaaaa"], 2),
        (["set", "aaaaaaaaaaaa", "--title", "T"], 3),
        (["retry", "aaaaaaaaaaaa"], 3),
        (["cancel", "aaaaaaaaaaaa"], 3),
        (["remove", "aaaaaaaaaaaa", "--yes"], 3),
        (["search", ""], 2),
        (["search", "x", "--limit", "0"], 2),
        (["search", "x", "--mode", "telepathy"], 2),
        (["index", "check"], 3),
        (["index", "rollback"], 3),
        (["restore", "nowhere.db"], 2),
        (["backup", "/proc/nowhere/x.db"], 2),
        (["evaluate", "nowhere.jsonl"], 2),
        (["models", "pull", "whisper-xxl"], 4),
        (["bogus"], 2),
        (["run", "--bogus"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_wrong_call_is_answered_in_a_sentence(
    interviews: Interviews, arguments: list[str], code: int, language: str
) -> None:
    ran = interviews(*arguments, check=False, INTERVIEWS_LANG=language)
    if code:
        said_plainly(ran, code)
    else:
        assert ran.code == 0


def test_one_bad_file_among_good_ones_costs_only_itself(
    interviews: Interviews, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\x00" * 1000)
    good = tmp_path / "good.vtt"
    good.write_text(CAPTIONS, encoding="utf-8")
    ran = interviews("add", broken, good, "--json", check=False)
    assert ran.code == 1
    assert [one["title"] for one in ran.json["recordings"]] == ["good"]
    assert ran.json["errors"][0]["path"] == str(broken)
    interviews("run")
    assert interviews("search", "Ausbau", "--mode", "words", "--json").json["hits"]


def silent_wav(path: Path, seconds: int) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(b"\x00\x00" * 16_000 * seconds)
    return path


def test_silence_is_done_with_an_empty_transcript(interviews: Interviews, tmp_path: Path) -> None:
    added = interviews("add", silent_wav(tmp_path / "still.wav", 3), "--json").json
    interviews("run")
    shown = interviews("show", added["recordings"][0]["id"], "--json").json
    assert shown["segments"] == []
    assert shown["duration"] == pytest.approx(3.0, abs=0.1)
    assert interviews("run", "--json").json["done"] == []


def test_a_recording_without_samples_fails_with_its_reason(
    interviews: Interviews, tmp_path: Path
) -> None:
    interviews("add", silent_wav(tmp_path / "nothing.wav", 0))
    report = interviews("run", "--json", check=False)
    assert report.code == 1
    assert report.json["failed"][0]["error"]["kind"] == "no_samples"
    assert interviews("run", "--json").json["failed"] == []


def test_a_file_that_vanishes_or_changes_fails_alone_and_comes_back(
    interviews: Interviews, tmp_path: Path
) -> None:
    sound = silent_wav(tmp_path / "one.wav", 2)
    added = interviews("add", sound, "--json").json["recordings"][0]["id"]
    moved = sound.rename(tmp_path / "moved.wav")
    report = interviews("run", "--json", check=False)
    assert report.code == 1
    assert report.json["failed"][0]["error"]["kind"] == "gone"
    again = interviews("add", moved, "--json").json["recordings"][0]
    assert (again["id"], again["known"]) == (added, True)
    interviews("retry", added)
    interviews("run")
    assert interviews("status", added, "--json").json["recordings"][0]["state"] == "done"


def test_adding_the_same_file_twice_says_so_and_changes_nothing(interviews: Interviews) -> None:
    first = interviews("add", SAMPLES / "lorawan.mp4", "--json").json["recordings"][0]
    second = interviews("add", SAMPLES / "lorawan.mp4", "--title", "Other", "--json").json
    assert (first["known"], second["recordings"][0]["known"]) == (False, True)
    assert second["recordings"][0]["title"] == "lorawan"


def test_a_corrupt_catalogue_is_named_and_left_alone(interviews: Interviews) -> None:
    interviews("status")
    path = interviews.home / "catalogue.db"
    path.write_bytes(b"not a database at all" * 500)
    content = path.read_bytes()
    said_plainly(interviews("status", check=False), 5)
    assert path.read_bytes() == content


def test_a_damaged_page_is_found(worked: Interviews) -> None:
    path = worked.home / "catalogue.db"
    content = bytearray(path.read_bytes())
    for start in range(4096 * 3, len(content), 4096):
        content[start : start + 200] = b"\xff" * 200
    path.write_bytes(bytes(content))
    ran = worked("doctor", check=False)
    assert ran.code == 5
    assert "Traceback" not in ran.err


def test_a_catalogue_from_a_newer_version_is_refused(interviews: Interviews) -> None:
    interviews("status")
    with closing(sqlite3.connect(interviews.home / "catalogue.db")) as db:
        db.execute("PRAGMA user_version = 9999")
    ran = interviews("status", check=False)
    said_plainly(ran, 5)
    assert "newer" in ran.err


def test_somebody_elses_database_is_not_touched(interviews: Interviews) -> None:
    interviews.home.mkdir()
    with closing(sqlite3.connect(interviews.home / "catalogue.db")) as db:
        db.execute("CREATE TABLE theirs (x)")
    said_plainly(interviews("status", check=False), 5)


def test_a_home_that_is_a_file_is_refused(interviews: Interviews) -> None:
    interviews.home.write_text("a file")
    said_plainly(interviews("status", check=False), 5)


def test_a_read_only_home_is_named(unwritable: Callable[[], Path]) -> None:
    said_plainly(Interviews(unwritable() / "home")("status", check=False), 5)


def test_a_home_where_nothing_can_be_made_is_named() -> None:
    said_plainly(Interviews(Path("/proc/interviews-home"))("status", check=False), 5)


def test_a_full_disk_ends_the_run_in_one_sentence_and_loses_nothing(
    worked: Interviews, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(small)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs more rights than this test has")
    try:
        cramped = Interviews(small / "home")
        talk = tmp_path / "talk.vtt"
        cues = (
            f"{m:02d}:{s:02d}.000 --> {m:02d}:{s:02d}.900\nSatz {m} {s} über Wärme und Wasser.\n"
            for m in range(60)
            for s in range(60)
        )
        one = tmp_path / "one.vtt"
        one.write_text(CAPTIONS, encoding="utf-8")
        talk.write_text("WEBVTT\n\n" + "\n".join(cues), encoding="utf-8")
        cramped("add", one)
        ran = cramped("add", talk, check=False)
        if ran.code == 0:
            ran = cramped("run", check=False)
        said_plainly(ran, 5)
        assert "full" in ran.err
        assert cramped("status", "--json").json["counts"]["failed"] == 0
        subprocess.run(["mount", "-o", "remount,size=80m", str(small)], check=True)
        cramped("add", talk)
        cramped("run")
        assert cramped("status", "--json").json["counts"]["done"] == 2
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_settings_are_checked(interviews: Interviews) -> None:
    interviews.home.mkdir()
    (interviews.home / "interviews.toml").write_text("chunk_sise = 100\n")
    ran = interviews("status", check=False)
    said_plainly(ran, 2)
    assert "chunk_size" in ran.err
    (interviews.home / "interviews.toml").write_text('chunk_size = "many"\n')
    said_plainly(interviews("status", check=False), 2)
    (interviews.home / "interviews.toml").write_text("chunk_size = = 3\n")
    said_plainly(interviews("status", check=False), 2)


def test_an_unknown_variable_is_a_warning(interviews: Interviews) -> None:
    ran = interviews("status", INTERVIEWS_CHUNK_SISE="3")
    assert "INTERVIEWS_CHUNK_SISE" in ran.err


def test_a_missing_model_stops_the_run_and_fails_no_recording(
    interviews: Interviews, tmp_path: Path
) -> None:
    interviews("add", silent_wav(tmp_path / "one.wav", 2))
    ran = interviews("run", check=False, INTERVIEWS_SPEECH_MODEL="large-v3")
    said_plainly(ran, 4)
    assert "models pull large-v3" in ran.err
    assert interviews("status", "--json").json["counts"]["queued"] == 1


def test_logs_and_messages_carry_no_transcript_or_query(
    interviews: Interviews, tmp_path: Path
) -> None:
    secret = "Zwiebelfischsuppe"
    captions = tmp_path / "x.vtt"
    captions.write_text(CAPTIONS.replace("Ausbau", secret), encoding="utf-8")
    told = [
        interviews("--verbose", "add", captions).err,
        interviews("--verbose", "run").err,
        interviews("--verbose", "search", secret, "--json").err,
    ]
    assert secret.lower() not in "".join(told).lower()


def test_doctor_says_when_the_index_finds_less_than_it_should(worked: Interviews) -> None:
    def advice() -> str | None:
        checks = worked("doctor", "--json", check=False).json["checks"]
        return next(check["advice"] for check in checks if check["name"] == "index")

    assert not advice()
    with closing(sqlite3.connect(worked.home / "catalogue.db")) as db, db:
        db.execute("UPDATE generations SET recall = .91")
    assert "91 %" in str(advice())
