"""Who of a cluster works on what: every load is answered once, whatever its workers do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.cluster.board import Board, Load, Patience, Try

PATIENCE = Patience(
    least_s=10, loads_within_s=50, times=2, strange_times=2, unknown_pace=1, double_s=1, silences=2
)


def board(*workers: str) -> Board[None]:
    made: Board[None] = Board(PATIENCE)
    made.seen({one: one for one in workers})
    return made


def load(number: int, audio_s: float = 10.0) -> Load[None]:
    return Load(number, audio_s, None)


def sent(made: Board[None], now: float = 0.0) -> dict[str, list[int]]:
    """What goes where now, begun at once by those who have nothing else."""
    found: dict[str, list[int]] = {}
    for one in made.next(now):
        found.setdefault(one.worker, []).append(one.load.number)
    return found


def begin(made: Board[None], tries: list[Try[None]], now: float = 0.0) -> None:
    for one in tries:
        made.begun(one.load.number, one.worker, now, ready=True)


def answer(made: Board[None], one: Try[None], took_s: float = 1.0) -> bool:
    first = made.answered(one, took_s)
    if first:
        made.close(one.load)
    return first


def test_each_worker_gets_one_and_the_next_lies_ready_once_it_is_at_work() -> None:
    made = board("a", "b")
    for number in range(5):
        made.add(load(number))
    first = made.next(0.0)
    assert {one.worker: one.load.number for one in first} == {"a": 0, "b": 1}
    assert made.next(0.0) == []
    begin(made, first)
    assert sent(made) == {"a": [2], "b": [3]}


def test_the_worker_that_will_be_done_first_gets_the_next_one_ahead() -> None:
    made = board("a", "b")
    made.add(load(0, audio_s=100.0))
    made.add(load(1, audio_s=5.0))
    begin(made, made.next(0.0))
    made.add(load(2))
    assert sent(made) == {"b": [2]}


def test_what_lies_ready_at_a_busy_worker_goes_to_an_idle_one() -> None:
    made = board("a")
    made.add(load(0))
    made.add(load(1))
    [first] = made.next(0.0)
    begin(made, [first])
    [ahead] = made.next(0.0)
    made.seen({"a": "a", "b": "b"})
    [taken] = made.next(0.0)
    assert (taken.worker, taken.load) == ("b", ahead.load)
    begin(made, [taken])
    assert answer(made, taken)
    assert made.withdraw(ahead.load) == [ahead]
    made.add(load(2))
    assert sent(made, 1.0) == {"b": [2]}


def test_a_worker_s_own_pace_decides_when_it_is_silent() -> None:
    """Ten times slower than the other is slow; ten times slower than itself is silent."""
    made = board("slow")
    made.add(load(0))
    [one] = made.next(0.0)
    begin(made, [one])
    assert answer(made, one, took_s=100.0)  # a pace of 10
    made.add(load(1))
    [one] = made.next(200.0)
    begin(made, [one], 200.0)
    assert made.overdue(200.0 + 10 + 2 * 10 * 10) == ([], [])
    assert made.overdue(200.0 + 10 + 2 * 10 * 10 + 1) == (["slow"], [])
    made.add(load(2))
    assert sent(made, 500.0) == {}
    assert answer(made, one)  # late, but the first
    assert sent(made, 500.0) == {"slow": [2]}


def test_loading_a_model_and_listening_have_a_clock_each() -> None:
    made = board("new")
    made.add(load(0))
    [one] = made.next(0.0)
    made.begun(0, "new", 5.0, ready=False)
    assert made.overdue(5.0 + 50) == ([], [])
    made.begun(0, "new", 60.0, ready=True)
    assert one.deadline_s == 10 + 1 * 10, "no more is allowed for a model that is there"
    assert made.overdue(60.0 + 20) == ([], [])
    assert made.overdue(60.0 + 21) == (["new"], [])


def test_a_worker_that_never_gets_its_model_loaded_is_silent() -> None:
    made = board("new")
    made.add(load(0))
    made.next(0.0)
    made.begun(0, "new", 5.0, ready=False)
    assert made.overdue(5.0 + 51) == (["new"], [])


def test_a_late_answer_is_dropped() -> None:
    made = board("a", "b")
    made.add(load(0))
    [first] = made.next(0.0)
    begin(made, [first])
    made.overdue(1000.0)
    [second] = made.next(1000.0)
    assert second.worker != first.worker
    begin(made, [second], 1000.0)
    assert answer(made, second)
    assert not made.answered(first, 1.0)
    assert made.loads == []


def test_a_lost_connection_puts_everything_back_in_its_order() -> None:
    made = board("a", "b")
    loads = [load(number) for number in range(4)]
    for one in loads:
        made.add(one)
    begin(made, made.next(0.0))
    made.next(0.0)
    made.scattered()
    made.seen({"c": "c"})
    done = []
    while tries := made.next(5.0):
        begin(made, tries)
        done += [one.load.number for one in tries if answer(made, one)]
    assert done == [0, 1, 2, 3]


EVENTS = st.lists(
    st.tuples(st.sampled_from(["load", "come", "go", "leave", "answer", "lost", "wait"]),
              st.integers(0, 5)),
    max_size=60,
)  # fmt: skip


@given(EVENTS)
def test_every_load_ends_once_whatever_happens(events: list[tuple[str, int]]) -> None:
    """Workers come, die, leave, hang for any time; connections are lost. What died or hung too
    often is handed back to be judged, all else is answered: nothing is lost, nothing is double."""
    made, now, there = board(), 0.0, dict[str, str]()
    under_way: list[Try[None]] = []
    added, ended = 0, list[int]()

    def look() -> None:
        ended.extend(load.number for gone in made.seen(dict(there)) for load in gone.loads)
        ended.extend(one.number for one in made.overdue(now)[1])
        for one in made.next(now):
            under_way.append(one)
            made.begun(one.load.number, one.worker, now, ready=True)

    for event, number in events:
        name = f"w{number}"
        if event == "load":
            made.add(load(added))
            added += 1
        elif event == "come":
            there[name] = name
        elif event in ("go", "leave"):
            if event == "leave" and name in there:
                made.leaving(name)
            there.pop(name, None)
            under_way = [one for one in under_way if one.worker != name]
        elif event == "answer" and under_way:
            one = under_way.pop(number % len(under_way))
            if answer(made, one):
                ended.append(one.load.number)
        elif event == "lost":
            made.scattered()
            under_way.clear()
        elif event == "wait":
            now += 100.0
        look()
        held = [one.worker for one in under_way if not one.silent]
        assert all(held.count(worker) <= 2 for worker in held)
    there = {f"good {number}": "good" for number in range(2)}
    under_way.clear()
    look()
    while under_way:
        one = under_way.pop(0)
        if answer(made, one):
            ended.append(one.load.number)
        look()
    assert sorted(ended) == list(range(added))
    assert made.loads == []
