"""The arithmetic of benchmarks: medians, ranges, what is kept and what moved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench_all import PARTS, Part, before, chosen, keep, ran, told
from tests.benching import (
    Move,
    Result,
    Spread,
    as_plain,
    from_plain,
    in_turn,
    judged,
    moves,
    ratios,
    spread,
)

figures = st.floats(0.01, 1e6)


@given(st.lists(figures, min_size=1))
def test_a_median_lies_within_its_range(every: list[float]) -> None:
    found = spread(every)
    assert found.least <= found.median <= found.most
    assert {found.least, found.most} <= set(every)


@given(st.lists(st.tuples(figures, figures), min_size=1))
def test_a_ratio_is_of_one_round_and_not_of_two(pairs: list[tuple[float, float]]) -> None:
    above, below = zip(*pairs, strict=True)
    found = ratios(above, below)
    each = [one / other for one, other in pairs]
    assert (found.least, found.most) == (min(each), max(each))


def test_ways_take_turns_and_turns_at_being_first() -> None:
    order: list[str] = []
    ways = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    took = in_turn(ways, 3, warm=False)
    assert "".join(order) == "abbaab"
    assert [len(each) for each in took.values()] == [3, 3]


def test_an_aim_that_nobody_named_is_not_judged() -> None:
    assert judged(2.0) is None
    assert judged(2.0, least=2.0) and judged(2.0, most=2.0)
    assert not judged(2.0, least=2.1) and not judged(2.0, most=1.9)


WHOLE = Result(
    "search", Spread(8.5, 8.0, 9.1), 3, {"ours": 1.5}, {"recall": 0.98, "note": "x"}, "≥ 1", True
)


def test_results_survive_json() -> None:
    every = [WHOLE, Result("memory", figures={"peak, MB": 812.5})]
    written = json.loads(json.dumps({"results": as_plain(every)}))
    assert from_plain(written) == every


def test_programs_that_only_write_ratios_are_understood() -> None:
    found = from_plain({"machine": {"cores": 2}, "60 clips": {"ratios": [3, 1, 2], "ours_s": 4.5}})
    assert found == [Result("60 clips", Spread(2, 1, 3), 3, {"ours_s": 4.5})]


@pytest.mark.parametrize(
    ("then", "now", "moved"),
    [
        (Spread(2, 1, 3), Spread(2.5, 2, 4), False),
        (Spread(2, 1.9, 2.1), Spread(3, 2.9, 3.1), True),
        (Spread(2, 1.9, 2.1), Spread(3, 1.5, 3.1), False),
    ],
)
def test_a_ratio_moved_where_each_median_is_outside_the_other_range(
    then: Spread, now: Spread, moved: bool
) -> None:
    (move,) = moves([Result("a", then), Result("b", now)], [Result("a", now), Result("c", now)])
    assert move == Move("a", then, now)
    assert move.moved is moved
    assert move.told().startswith("!") is moved


def test_a_run_is_kept_and_what_it_left_out_is_known_of_the_last(tmp_path: Path) -> None:
    other = Result("memory", Spread(1, 1, 1))
    keep(tmp_path, [WHOLE, other], {}, "2026-01-01T10:00:00")
    newer = Result("search", Spread(9, 9, 9))
    keep(tmp_path, [newer], {"memory": "exit status 1"}, "2026-01-02T10:00:00")
    when, known = before(tmp_path)
    assert when == "2026-01-02T10:00:00"
    assert {one.name: one.ratio for one in known} == {"search": newer.ratio, "memory": other.ratio}
    assert len(list(tmp_path.glob("2026-*.json"))) == 2


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"when": 1}', '{"results": [{"ratio": 3}]}'])
def test_a_broken_file_of_the_last_run_is_no_run(tmp_path: Path, broken: str) -> None:
    (tmp_path / "last.json").write_text(broken, encoding="utf-8")
    assert before(tmp_path)[1] == []


def test_heavy_parts_run_when_all_or_they_are_asked_for() -> None:
    quick = {one.name for one in chosen(PARTS, (), full=False)}
    every = {one.name for one in chosen(PARTS, (), full=True)}
    assert quick < every == {one.name for one in PARTS}
    assert [one.name for one in chosen(PARTS, ["million"], full=False)] == ["million"]


def test_a_part_that_fails_is_named_and_stops_nothing() -> None:
    found, why = ran(Part("cold", "bench_cold", ("--no-such-option",)), full=False, rounds=None)
    assert (found, why) == ([], "exit status 2, no figures (FileNotFoundError)")
    assert "FAILED cold: exit status 2" in told([WHOLE], [], "", {"cold": why or ""})
