"""Several processes on one queue: each recording is done once, and nobody's work is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipeline.catalog.connection import now_ms
from tests.conftest import Interviews

CAPTIONS = """WEBVTT

00:00.000 --> 00:05.000
<v Anna Weber>Die Station {number} versorgt {houses} Häuser mit Wärme.

00:05.500 --> 00:11.000
<v Thomas Klein>Der Umbau der Station {number} dauert noch zwei Jahre.
"""

LOG = """
CREATE TABLE log (place INTEGER PRIMARY KEY, recording TEXT NOT NULL, state TEXT NOT NULL);
CREATE TRIGGER noting AFTER UPDATE OF state ON recordings BEGIN
    INSERT INTO log (recording, state) VALUES (new.id, new.state);
END;
"""
"""The catalogue itself notes every claim and every end."""


def waiting(folder: Path, count: int) -> Interviews:
    """A home in which ``count`` short recordings wait, and every change of state is noted."""
    texts = folder / "texts"
    texts.mkdir()
    for number in range(count):
        captions = CAPTIONS.format(number=number, houses=10 + 3 * number)
        (texts / f"station-{number}.vtt").write_text(captions, encoding="utf-8")
    interviews = Interviews(folder / "home")
    interviews("add", texts)
    with database(interviews) as db:
        db.executescript(LOG)
    return interviews


@contextmanager
def database(interviews: Interviews) -> Iterator[sqlite3.Connection]:
    path = interviews.home / "catalogue.db"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as db:
        yield db


def noted(interviews: Interviews, state: str) -> Counter[str]:
    """How often each recording came to be in ``state``."""
    with database(interviews) as db:
        return Counter(
            row[0] for row in db.execute("SELECT recording FROM log WHERE state = ?", (state,))
        )


def leases(interviews: Interviews) -> list[tuple[str, str]]:
    """(recording, owner) of every lease."""
    with database(interviews) as db:
        return db.execute("SELECT recording_id, owner FROM leases").fetchall()


def every(interviews: Interviews) -> set[str]:
    return {one["id"] for one in interviews("status", "--json").json["recordings"]}


def begun(interviews: Interviews, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        interviews.command("run", "--json", *arguments),
        env=interviews.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


@contextmanager
def at_work(interviews: Interviews, signalled: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run that was signalled while it held a recording, and which one. It is caught while it
    loads the text model, which takes seconds, and holds no lock on the catalogue."""
    with begun(interviews, "--engine", "inline") as process:
        try:
            yield process, caught(interviews, process, signalled)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def caught(interviews: Interviews, process: subprocess.Popen[str], signalled: int) -> str:
    while True:
        held: list[tuple[str, str]] = []
        while not held:
            assert process.poll() is None, "the run ended before it was caught"
            held = leases(interviews)
        os.killpg(process.pid, signalled)
        if signalled == signal.SIGKILL or not locked(interviews):
            return held[0][0]
        os.killpg(process.pid, signal.SIGCONT)


def locked(interviews: Interviews) -> bool:
    """Whether whoever was stopped was stopped in the middle of a transaction."""
    with database(interviews) as db:
        db.execute("PRAGMA busy_timeout = 0")
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        db.execute("ROLLBACK")
    return False


def lasting_until(interviews: Interviews, until_ms: int) -> None:
    with database(interviews) as db:
        assert db.execute("UPDATE leases SET until_ms = ?", (until_ms,)).rowcount == 1


def done(process: subprocess.Popen[str]) -> list[str]:
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    found: list[str] = json.loads(output)["done"]
    return found


def test_three_processes_do_a_hundred_recordings_each_once(tmp_path: Path) -> None:
    interviews = waiting(tmp_path, 100)
    # With this limit no two of them can do all the work.
    processes = [begun(interviews, "--limit", "40") for _ in range(3)]
    shares = [done(process) for process in processes]
    assert all(20 <= len(share) <= 40 for share in shares)
    everyone = every(interviews)
    assert len(everyone) == 100
    assert sorted(one for share in shares for one in share) == sorted(everyone)
    for state in ("running", "done"):
        assert noted(interviews, state) == Counter(everyone)
    assert leases(interviews) == []
    told = interviews("status", "--json").json
    assert told["counts"]["done"] == 100
    assert told["index"]["chunks"] >= 100


@pytest.fixture
def dozen(tmp_path: Path) -> Interviews:
    return waiting(tmp_path, 12)


def test_a_killed_process_is_succeeded_at_once(dozen: Interviews) -> None:
    with at_work(dozen, signal.SIGKILL) as (_, orphan):
        pass
    lasting_until(dozen, now_ms() + 24 * 3_600_000)
    assert orphan in dozen("run", "--json").json["done"]
    assert noted(dozen, "running") == Counter(every(dozen)) + Counter([orphan])
    assert noted(dozen, "done") == Counter(every(dozen))


def test_a_process_that_hangs_is_succeeded_when_its_lease_ends(dozen: Interviews) -> None:
    with at_work(dozen, signal.SIGSTOP) as (hanging, held):
        lasting_until(dozen, now_ms() + 24 * 3_600_000)
        assert set(dozen("run", "--json").json["done"]) == every(dozen) - {held}
        lasting_until(dozen, now_ms() - 1)
        assert dozen("run", "--json").json["done"] == [held]
        os.killpg(hanging.pid, signal.SIGCONT)
        assert done(hanging) == []
    assert noted(dozen, "done") == Counter(every(dozen))
    assert leases(dozen) == []
