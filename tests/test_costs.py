"""What a forecast says follows from what was measured, and from nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.catalog.connection import now_ms
from pipeline.catalog.throughput import busy_ms
from pipeline.home import open_home
from pipeline.run import costs
from pipeline.run.context import Context
from pipeline.run.costs import Paces, cost, machines_for
from pipeline.settings import Settings
from tests.conftest import Interviews
from tests.test_scale import home_of

paces = st.builds(
    Paces,
    hearing=st.floats(1e-4, 20),
    driving=st.floats(0, 0.1),
    rendering=st.floats(0, 2),
    start_s=st.floats(0, 60),
)
audio = st.floats(1, 1e8)


@given(paces, audio, st.floats(1, 1e7))
def test_so_many_machines_are_enough_and_one_less_is_not(
    known: Paces, audio_s: float, within_s: float
) -> None:
    needed = machines_for(known, audio_s, within_s)
    assume(needed is not None)
    assert needed is not None
    assert cost(known, audio_s, needed).findable_s <= within_s * (1 + 1e-6)
    if needed > 1:
        assert cost(known, audio_s, needed - 1).findable_s >= within_s * (1 - 1e-6)


@given(paces, audio)
def test_no_number_of_machines_beats_what_one_does_alone(known: Paces, audio_s: float) -> None:
    alone_s = known.start_s + audio_s * known.driving
    assert cost(known, audio_s, costs.MOST_MACHINES).findable_s >= alone_s * (1 - 1e-9)
    assert machines_for(known, audio_s, math.nextafter(alone_s, 0) * (1 - 1e-9)) is None


@given(paces, audio, st.integers(1, 100))
def test_more_machines_are_never_slower_and_more_hours_never_quicker(
    known: Paces, audio_s: float, machines: int
) -> None:
    here = cost(known, audio_s, machines)
    assert cost(known, audio_s, machines + 1).findable_s <= here.findable_s
    assert cost(known, 2 * audio_s, machines).done_s >= here.done_s >= here.findable_s


spells = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 50)).map(lambda one: (one[0], one[0] + one[1]))
)


@given(spells)
def test_time_that_spells_share_counts_once(every: list[tuple[int, int]]) -> None:
    covered = {moment for begin, end in every for moment in range(begin, end)}
    assert busy_ms(every) == len(covered)


def worked(root: Path) -> Interviews:
    """Thirty recordings of a minute, heard six at a time: each six took half a minute, and each of
    them that long."""
    context = home_of(root, 30)
    begun = now_ms() - 86_400_000
    with context.catalogue() as catalogue, catalogue.write() as db:
        db.execute("DELETE FROM results WHERE stage NOT IN ('transcribe', 'chapters')")
        db.execute("UPDATE results SET took_ms = 0 WHERE stage = 'chapters'")
        db.execute("UPDATE recordings SET duration_ms = 60000")
        keys = [row[0] for row in db.execute("SELECT id FROM recordings ORDER BY id")]
        for number, key in enumerate(keys):
            end = begun + (number // 6 + 1) * 30_000
            change = "UPDATE results SET took_ms = 30000, made_ms = ? WHERE recording_id = ?"
            db.execute(f"{change} AND stage = 'transcribe'", (end, key))
    return Interviews(root)


def test_recordings_heard_together_count_their_time_once(tmp_path: Path) -> None:
    worked(tmp_path / "home")
    context = Context(open_home(tmp_path / "home"), Settings())
    with context.catalogue() as catalogue, catalogue.read() as db:
        found = costs.measured(db, context)
    assert found is not None
    assert (found.recordings, found.hearing) == (30, pytest.approx(30 / 360))


def test_a_forecast_tells_hours_machines_and_room(tmp_path: Path) -> None:
    interviews = worked(tmp_path / "home")
    told = interviews("forecast", "500", "--json").json
    assert (told["speed"], told["recordings_measured"], told["bound"]) == (12.0, 30, "hearing")
    assert told["findable"] == pytest.approx(500 * 3600 / 12 + costs.START_S)
    assert told["machines_for_the_night"] == 6
    assert told["bytes"] > 0
    two = interviews("forecast", "500", "--machines", "2", "--json").json
    assert two["findable"] < 0.51 * told["findable"]
    assert "6" in interviews("forecast", "500").out


def test_a_speed_that_is_named_is_believed(interviews: Interviews) -> None:
    told = interviews("forecast", "8", "--speed", "4", "--night", "2", "--json").json
    assert (told["speed"], told["recordings_measured"], told["bytes"]) == (4.0, 0, None)
    assert told["machines_for_the_night"] == 2
    never = interviews("forecast", "100000", "--speed", "4").out
    assert "No number of machines" in never


def test_nothing_is_foretold_of_nothing(interviews: Interviews) -> None:
    refused = interviews("forecast", "500", check=False)
    assert refused.code == 2
    assert "--speed" in refused.err and "Traceback" not in refused.err
