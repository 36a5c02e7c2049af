"""With how many processes recognition is fastest here is measured once, and kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.machine import cores
from pipeline.home import Home
from pipeline.run.pace import (
    CLEAR,
    Facts,
    Measured,
    Pace,
    Split,
    choose,
    keep,
    kept,
    measure,
    splits,
)
from pipeline.stages.ffmpeg import ffmpeg_path
from pipeline.stages.probe import BYTES_PER_SECOND
from tests.conftest import Interviews

GIB = 1 << 30
FACTS = Facts(8, "some processor", "cpu", "auto", 4, "a" * 64)
PACE = Pace(Split(2, 4), (Measured(Split(1, 8), 9.5), Measured(Split(2, 4), 12.0)), True, 20.0)


# ------------------------------------------------------------------ what there is to choose from


@given(st.integers(1, 256), st.integers(0, 8 * GIB), st.integers(0, 512 * GIB))
def test_no_split_takes_more_cores_or_memory_than_there_are(
    count: int, model: int, free: int
) -> None:
    found = splits(count, model, free)
    assert found[0] == Split(1, count)
    assert len(set(found)) == len(found)
    for split in found:
        assert split.threads >= 1 and split.workers * split.threads <= count
        assert split.workers == 1 or split.workers * model < free


def test_two_cores_are_one_process_or_two() -> None:
    assert splits(2, GIB, 64 * GIB) == [Split(1, 2), Split(2, 1)]
    assert splits(2, 40 * GIB, 64 * GIB) == [Split(1, 2)]


def test_where_memory_is_not_known_there_is_one_process() -> None:
    assert splits(8, GIB, None) == [Split(1, 8)]


# ------------------------------------------------------------------ the choice


def measured(*speeds: float) -> list[Measured]:
    return [Measured(Split(2**n, 16 // 2**n), speed) for n, speed in enumerate(speeds)]


@pytest.mark.parametrize(
    ("speeds", "workers"),
    [([10.0], 1), ([10, 14, 13], 2), ([10, 10.4], 1), ([10, 10.6], 2), ([10, 10.4, 10.9], 2)],
)
def test_the_fastest_is_chosen_and_of_about_equals_the_fewest(
    speeds: list[float], workers: int
) -> None:
    found = choose(measured(*speeds))
    assert found is not None and found.workers == workers


@given(st.lists(st.floats(0.1, 1000), min_size=1, max_size=5))
def test_what_is_chosen_is_never_clearly_slower(speeds: list[float]) -> None:
    found = {one.split: one.speed for one in measured(*speeds)}
    chosen = choose(measured(*speeds))
    assert chosen is not None
    assert found[chosen] * (1 + CLEAR) >= max(speeds)


class Machine:
    """Tries splits in a time of its own: each takes what it is told to, then has a speed."""

    def __init__(self, tries: Sequence[tuple[float, float | None]]) -> None:
        self.now = 100.0
        self.tried: list[Split] = []
        self._tries = iter(tries)

    def clock(self) -> float:
        return self.now

    def trial(self, split: Split, left_s: float) -> float | None:
        takes_s, speed = next(self._tries)
        self.tried.append(split)
        self.now += min(takes_s, left_s)
        return speed if takes_s <= left_s else None

    def pace(self, limit_s: float = 20.0) -> Pace:
        return measure(splits(4, GIB, 64 * GIB), self.trial, self.clock, limit_s)


def test_all_splits_are_tried_and_the_fastest_kept() -> None:
    machine = Machine([(5, 10.0), (5, 15.0), (5, 12.0)])
    pace = machine.pace()
    assert pace.chosen == Split(2, 2) and pace.complete
    assert [one.split for one in pace.measured] == machine.tried == splits(4, GIB, 64 * GIB)


def test_what_takes_too_long_is_left_and_the_best_so_far_chosen() -> None:
    machine = Machine([(8, 10.0), (8, 15.0), (8, 30.0)])
    pace = machine.pace()
    assert pace.chosen == Split(2, 2) and not pace.complete
    assert len(pace.measured) == 2 and machine.now == 120.0


def test_a_machine_that_cannot_tell_in_time_works_as_if_it_had_not_been_asked() -> None:
    pace = Machine([(60, 10.0)]).pace()
    assert pace.chosen == Split(1, 4) and not pace.measured and not pace.complete


def test_a_split_that_cannot_be_tried_ends_the_measurement() -> None:
    pace = Machine([(5, 10.0), (1, None)]).pace()
    assert pace.chosen == Split(1, 4) and len(pace.measured) == 1


# ------------------------------------------------------------------ what is kept


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_pace_is_kept_for_the_facts_it_was_measured_under(home: Home) -> None:
    assert kept(home, FACTS) is None
    keep(home, FACTS, PACE)
    assert kept(home, FACTS) == PACE
    others = [
        replace(FACTS, cores=4),
        replace(FACTS, processor="another"),
        replace(FACTS, device="cuda"),
        replace(FACTS, compute_type="float32"),
        replace(FACTS, model="b" * 64),
    ]
    assert not any(kept(home, other) for other in others)
    keep(home, others[0], replace(PACE, chosen=Split(1, 4)))
    assert kept(home, FACTS) == PACE


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"chosen": {"workers": 0, "threads": 1}}'])
def test_a_damaged_note_means_measuring_anew(said: str, home: Home) -> None:
    keep(home, FACTS, PACE)
    (name,) = json.loads(home.pace.read_text(encoding="utf-8"))
    home.pace.write_text(f'{{"{name}": {said}}}' if said else said, encoding="utf-8")
    assert kept(home, FACTS) is None


# ------------------------------------------------------------------ runs


def cut_off(path: Path, minutes: int) -> Path:
    """A recording that claims so many minutes of sound, and holds a few seconds of its noise."""
    source = f"anoisesrc=r=8000:a=0.001:d={60 * minutes}:seed={minutes}"
    command = [ffmpeg_path(), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*command, str(path)], check=True)
    with path.open("r+b") as file:
        file.truncate(BYTES_PER_SECOND * 60 * (minutes + 1))
    return path


@pytest.mark.skipif(cores() < 2, reason="one core leaves nothing to choose")
def test_the_first_run_with_enough_to_hear_measures_and_the_next_does_not(
    interviews: Interviews,
) -> None:
    place = interviews.home.parent
    note = interviews.home / "pace.json"
    interviews("add", cut_off(place / "short.flac", 20))
    assert "Measured" not in interviews("run").err and not note.exists()
    assert "not measured yet" in doctor(interviews)
    interviews("add", cut_off(place / "long.flac", 31))
    first = interviews("run")
    assert first.err.count("Measured: recognition is fastest here") == 1
    (row,) = json.loads(note.read_text(encoding="utf-8")).values()
    chosen = row["chosen"]
    assert chosen["workers"] * chosen["threads"] <= cores()
    assert f"{chosen['workers']} × {chosen['threads']}" in doctor(interviews)
    before = note.read_bytes()
    interviews("add", cut_off(place / "longer.flac", 32))
    assert "Measured" not in interviews("run").err and note.read_bytes() == before


def doctor(interviews: Interviews, **environment: str) -> str:
    checks = interviews("doctor", "--json", check=False, **environment).json["checks"]
    return str(next(one["said"] for one in checks if one["name"] == "pace"))


def test_what_the_caller_or_the_settings_say_is_kept_to(interviews: Interviews) -> None:
    interviews("add", cut_off(interviews.home.parent / "long.flac", 31))
    assert "Measured" not in interviews("run", "--dry-run").err
    assert "2 threads for each" in doctor(interviews, INTERVIEWS_THREADS="2")
    ran = interviews("run", "--workers", "1", "--limit", "1")
    assert "Measured" not in ran.err
    assert not (interviews.home / "pace.json").exists()


def test_a_measurement_can_be_asked_for(interviews: Interviews) -> None:
    said = interviews("doctor", "--measure", check=False).out
    assert "measured to be fastest here" in said
    assert (interviews.home / "pace.json").exists()
