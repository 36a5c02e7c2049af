"""Runs that are killed, crowded, cancelled or stopped."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from pipeline.catalog.connection import open_catalogue
from tests.conftest import SAMPLES, Interviews
from tests.content import content
from tests.crash import fresh, killed, undisturbed


@pytest.fixture(scope="module")
def peace(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], float]:
    """What an undisturbed run yields, and how long it takes."""
    return undisturbed(tmp_path_factory.mktemp("peace") / "home", [SAMPLES / "lorawan.mp4"])


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_run_is_finished_by_the_next_one(
    seed: int, peace: tuple[dict[str, object], float], tmp_path: Path
) -> None:
    expected, took = peace
    after = took * random.Random(seed).uniform(0.1, 0.9)
    assert killed(tmp_path / "home", [SAMPLES / "lorawan.mp4"], after) == expected


def test_two_runs_at_once_share_the_work(
    peace: tuple[dict[str, object], float], tmp_path: Path
) -> None:
    interviews = fresh(tmp_path / "home", [SAMPLES / "lorawan.mp4"])
    both = [
        subprocess.Popen(
            interviews.command("run", "--json"),
            env=interviews.environment(INTERVIEWS_WINDOW_SECONDS="30"),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    done = [one for output in outputs for one in json.loads(output)["done"]]
    assert sorted(done) == sorted(set(done))
    assert len(done) == 4
    shared = dict(content(interviews.home))
    for table in ("recordings", "segments", "results", "left over"):
        assert shared[table] == peace[0][table]


def test_an_interrupted_run_gives_its_work_back(tmp_path: Path) -> None:
    interviews = fresh(tmp_path / "home", [SAMPLES / "lorawan.mp4"])
    with subprocess.Popen(
        interviews.command("run"),
        env=interviews.environment(INTERVIEWS_WINDOW_SECONDS="30"),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("▶"):
                break
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
        assert process.wait(60) == 130
    assert "Traceback" not in said
    counts = interviews("status", "--json").json["counts"]
    assert counts["running"] == 0
    assert counts["failed"] == 0


def test_a_cancelled_recording_is_left_alone_until_it_is_retried(tmp_path: Path) -> None:
    interviews = fresh(tmp_path / "home", [])
    chosen = interviews("status", "--json").json["recordings"][0]["id"]
    interviews("cancel", chosen)
    interviews("run")
    assert interviews("status", chosen, "--json").json["recordings"][0]["state"] == "cancelled"
    interviews("retry", chosen)
    interviews("run")
    assert interviews("status", chosen, "--json").json["recordings"][0]["state"] == "done"


def test_only_and_limit_choose(tmp_path: Path) -> None:
    interviews = fresh(tmp_path / "home", [])
    every = [one["id"] for one in interviews("status", "--json").json["recordings"]]
    done = interviews("run", "--only", every[2], every[1], "--limit", "1", "--json").json["done"]
    assert len(done) == 1
    assert done[0] in every[1:]


def test_a_higher_priority_comes_first(tmp_path: Path) -> None:
    interviews = fresh(tmp_path / "home", [])
    every = [one["id"] for one in interviews("status", "--json").json["recordings"]]
    interviews("set", every[-1], "--priority", "5")
    assert interviews("run", "--limit", "1", "--json").json["done"] == [every[-1]]


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    interviews = fresh(tmp_path / "home", [SAMPLES / "fernwaerme.mp4"])
    process = subprocess.Popen(
        interviews.command("run"),
        env=interviews.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    victim = None
    while process.poll() is None and victim is None:
        victim = worker_of(process.pid)
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    assert process.wait(300) == 0
    assert interviews("status", "--json").json["counts"]["done"] == 4


def worker_of(pid: int) -> int | None:
    """The recogniser process that ``pid`` spawned, once it is there."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rsplit(") ", 1)[1].split()
            command = (path.parent / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == pid and b"spawn_main" in command:
            return int(path.parent.name)
    return None


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path) -> None:
    interviews = fresh(tmp_path / "home", [SAMPLES / "lorawan.mp4"])
    ran = interviews("run", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9", check=False)
    assert ran.code == 4
    assert "127.0.0.1:9" in ran.err
    assert "Traceback" not in ran.err


def test_a_run_with_nothing_to_do_names_media_that_changed(worked: Interviews) -> None:
    films = sorted(SAMPLES.glob("*.mp4"))[:2]
    changed, gone = (worked.home / film.name for film in films)
    for film, path in zip(films, (changed, gone), strict=True):
        shutil.copy(film, path)
        with open_catalogue(worked.home / "catalogue.db") as catalogue, catalogue.write() as db:
            move = "UPDATE recordings SET media_path = ? WHERE media_path = ?"
            db.execute(move, (str(path), str(film)))
    with changed.open("ab") as stream:
        stream.write(b"more")
    gone.unlink()
    named = {one["error"]["kind"] for one in worked("run", "--json").json["media"]}
    assert named == {"altered", "gone"}
    said = worked("run")
    assert str(changed) in said.err and str(gone) in said.err
    assert worked("status", "--json").json["counts"]["done"] == 4


def test_a_drive_that_is_not_connected_is_no_wall_of_text(worked: Interviews) -> None:
    with open_catalogue(worked.home / "catalogue.db") as catalogue, catalogue.write() as db:
        db.execute("UPDATE recordings SET media_path = '/nowhere' || media_path")
    said = worked("run").err
    assert said.count("/nowhere") == 3
    assert "1 " in said.splitlines()[-1]
