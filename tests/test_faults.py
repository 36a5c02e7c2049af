"""After any fault nothing is lost and nothing is double, and the next night repairs it or says what
to do. Kills at named points, models that raise, workers that die, leases that run out."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.content import everything
from tests.fault_home import copied, prepare
from tests.faults import POINTS
from tests.forks import SETTINGS, Forks
from tests.test_runs import worker_of

NIGHT = ("--", "nightly", "--engine", "inline")
RUN = ("--", "run", "--engine", "inline")


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks(SETTINGS) as made:
        yield made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Transcripts alone: a night takes no recognition."""
    return prepare(tmp_path_factory.mktemp("base") / "home", texts=3, clips=0)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a recording that is to be recognised, and one more in the inbox."""
    return prepare(tmp_path_factory.mktemp("heard") / "home", texts=2, clips=1)


Peace = tuple[dict[str, object], dict[str, int]]


def _peace(forks: Forks, base: Path, home: Path) -> Peace:
    copied(base, home)
    ran = forks(home, "--count", *NIGHT)
    assert ran.code == 0, ran.err
    return everything(home), json.loads(ran.err.splitlines()[-1])


@pytest.fixture(scope="module")
def peace(forks: Forks, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Peace:
    """What an undisturbed night yields, and how often it meets each point."""
    return _peace(forks, base, tmp_path_factory.mktemp("peace") / "home")


@pytest.fixture(scope="module")
def heard_peace(forks: Forks, heard: Path, tmp_path_factory: pytest.TempPathFactory) -> Peace:
    return _peace(forks, heard, tmp_path_factory.mktemp("heard-peace") / "home")


@pytest.fixture
def repaired(forks: Forks) -> Callable[[Path], dict[str, object]]:
    """What is there after one more night, which has nothing to complain of."""

    def after(home: Path) -> dict[str, object]:
        ran = forks(home, *NIGHT)
        assert ran.code == 0, ran.out + ran.err
        return everything(home)

    return after


Repaired = Callable[[Path], dict[str, object]]


def reports(home: Path) -> int:
    return len(list((home / "reports").glob("*.json")))


# Killed


@pytest.mark.parametrize("point", [one for one in POINTS if one != "recognise"])
def test_a_night_killed_at_any_point_is_made_good_by_the_next(
    point: str, forks: Forks, base: Path, peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    expected, met = peace
    assert met[point], "an undisturbed night meets every point"
    chosen = {1, random.Random(point).randint(1, met[point]), met[point]}
    for number in sorted(chosen):
        home = copied(base, tmp_path / f"{number}")
        killed = forks(home, "--kill-at", f"{point}:{number}", *NIGHT)
        assert killed.code == -signal.SIGKILL
        told = reports(home)
        assert repaired(home) == expected, number
        assert reports(home) == told + 1


def test_a_night_killed_while_it_listens_is_made_good_by_the_next(
    forks: Forks, heard: Path, heard_peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(heard, tmp_path / "home")
    assert forks(home, "--kill-at", "recognise:2", *NIGHT).code == -signal.SIGKILL
    assert repaired(home) == heard_peace[0]


def test_three_nights_killed_one_after_the_other_lose_nothing(
    forks: Forks, base: Path, peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    for point in ("after-commit:5", "build:1", "rename:2"):
        assert forks(home, "--kill-at", point, *NIGHT).code == -signal.SIGKILL
    assert repaired(home) == peace[0]


# Models, workers, leases


def test_a_model_that_raises_costs_its_recording_only_until_it_is_retried(
    forks: Forks, heard: Path, heard_peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(heard, tmp_path / "home")
    ran = forks(home, "--raise-at", "recognise:1", *NIGHT)
    assert ran.code == 1
    assert "ModelRaises" in ran.out
    assert "interviews" in ran.out  # what to do
    assert "Traceback" not in ran.out + ran.err
    states = [row[7] for row in everything(home)["recordings"]]  # type: ignore[attr-defined]
    assert sorted(set(states)) == ["done", "failed"]
    assert states.count("failed") == 1
    failed = forks(home, "--", "status", "--json")
    chosen = [one for one in json.loads(failed.out)["recordings"] if one["state"] == "failed"]
    assert forks(home, "--", "retry", chosen[0]["id"]).code == 0
    assert repaired(home) == heard_peace[0]


def test_a_worker_that_dies_at_night_is_replaced(
    heard: Path, heard_peace: Peace, tmp_path: Path, forks: Forks, repaired: Repaired
) -> None:
    home = copied(heard, tmp_path / "home")
    night = forks.start(home, "--", "nightly")
    victim = None
    while victim is None:
        victim = worker_of(night.pid)
    os.kill(victim, signal.SIGKILL)
    assert night.wait().code == 0
    assert repaired(home) == heard_peace[0]


@pytest.mark.parametrize("point", ["recognise:1", "after-commit:4"])
def test_a_lease_that_runs_out_while_its_owner_lives_lets_one_of_two_commit(
    point: str, forks: Forks, heard: Path, heard_peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(heard, tmp_path / "home")
    first = forks.start(home, "--stop-at", point, *RUN, "--json")
    first.stopped()
    with closing(sqlite3.connect(home / "catalogue.db", isolation_level=None)) as db:
        held = [row[0] for row in db.execute("SELECT recording_id FROM leases")]
        db.execute("UPDATE leases SET until_ms = 1")
    assert len(held) == 1
    second = forks(home, *RUN, "--json")
    assert second.code == 0, second.err
    assert held[0] in json.loads(second.out)["done"]
    before = everything(home)
    first.signal(signal.SIGCONT)
    woken = first.wait()
    assert woken.code == 0, woken.err
    assert json.loads(woken.out)["done"] == []
    after = everything(home)
    for name in ("recordings", "segments", "results", "chunks", "vectors", "counts", "left over"):
        assert after[name] == before[name]
    assert repaired(home) == heard_peace[0]


# Clocks


@pytest.mark.parametrize("clock", ["+3d", "-3d", "+3d:40", "-3d:40"])
def test_a_clock_that_jumps_changes_nothing_that_is_kept(
    clock: str, forks: Forks, base: Path, peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    ran = forks(home, f"--clock={clock}", *NIGHT)
    assert "Traceback" not in ran.out + ran.err
    assert repaired(home) == peace[0]


@pytest.mark.parametrize("clock", ["+3d", "-3d"])
def test_a_night_killed_under_a_wrong_clock_is_made_good_under_the_right_one(
    clock: str, forks: Forks, base: Path, peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    killed = forks(home, f"--clock={clock}", "--kill-at", "after-commit:20", *NIGHT)
    assert killed.code == -signal.SIGKILL
    assert repaired(home) == peace[0]


def test_a_recording_added_again_after_the_clock_was_set_back_stays(
    forks: Forks, base: Path, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    repaired(home)
    source = next(iter(base.with_name(f"{base.name}-sources").glob("*-02.vtt")))
    listed = json.loads(forks(home, "--", "status", "--json").out)["recordings"]
    chosen = next(one["id"] for one in listed if one["title"] == source.stem)
    assert forks(home, "--clock", "+3d", "--", "remove", "--yes", chosen).code == 0
    assert forks(home, "--", "add", source).code == 0
    repaired(home)
    listed = json.loads(forks(home, "--", "status", "--json").out)["recordings"]
    assert chosen in [one["id"] for one in listed]


def test_what_failed_under_a_clock_ahead_is_tried_again_once_it_is_right(
    forks: Forks, heard: Path, heard_peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(heard, tmp_path / "home")
    assert forks(home, "--clock", "+3d", "--raise-at", "recognise:1", *NIGHT).code == 1
    assert repaired(home) == heard_peace[0]
