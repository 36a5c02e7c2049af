"""Windows of many recordings on their way to the workers: in loads, within room, nobody lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contracts import ModelError, ModelInfo, Recognition, RecognitionTask
from pipeline.errors import Missing
from pipeline.run.cluster.access import Access
from pipeline.run.engine import Engine, Joining, PendingWindow, WorkerDied, make_engine
from pipeline.run.loads import Room, Size, Waiting, gather, in_work, is_worth_sending_ahead
from pipeline.run.workers import RecogniserSpec, WorkerLost

TASK = RecognitionTask("de")
SPEC = RecogniserSpec("speaking", "0", "", "cpu", "int8", 1, 4)
RATE = 16_000
WAIT_S = 60.0


def waits(seconds: float, *, alone: bool = False) -> Waiting:
    return Waiting(bytes(4 * int(seconds * RATE)), TASK, alone=alone)


LENGTHS = st.lists(st.integers(0, 700), min_size=1, max_size=20)


@given(LENGTHS, st.integers(1, 600), st.integers(1, 8))
def test_a_load_holds_the_first_and_never_more_than_it_may(
    lengths: list[int], most_s: int, windows: int
) -> None:
    waiting = [waits(length) for length in lengths]
    load = gather(waiting, Size(most_s * 1000, windows))
    assert load[0] is waiting[0]
    assert len(load) == len(set(map(id, load))) <= windows
    assert len(load) == 1 or sum(one.ms for one in load) <= most_s * 1000
    left = [one for one in waiting if one not in load]
    room_ms = most_s * 1000 - sum(one.ms for one in load)
    assert len(load) == windows or all(one.ms > room_ms for one in left)


def test_the_longest_come_with_the_first() -> None:
    waiting = [waits(3), waits(1), waits(9), waits(5)]
    assert [one.ms for one in gather(waiting, Size(60_000, 3))] == [3_000, 9_000, 5_000]


def test_what_failed_with_others_goes_by_itself() -> None:
    assert len(gather([waits(3, alone=True), waits(1)], Size(60_000, 8))) == 1
    assert len(gather([waits(3), waits(1, alone=True), waits(2)], Size(60_000, 8))) == 2


def test_little_is_not_sent_ahead() -> None:
    most = Size(600_000, 4)
    assert not is_worth_sending_ahead([waits(20)], most)
    assert is_worth_sending_ahead([waits(20)] * 4, most)
    assert is_worth_sending_ahead([waits(590)], most)


@given(st.lists(st.integers(0, 700), min_size=1, max_size=30), st.integers(1, 600))
def test_room_is_never_overfull_unless_for_one_alone(sizes: list[int], most: int) -> None:
    room, inside = Room(most), list[int]()
    for who, size in enumerate(sizes):
        while not room.enter(who, size, 0):
            assert inside
            room.leave(inside.pop(0))
        inside.append(size)
        assert len([one for one in inside if one]) <= 1 or sum(inside) <= most


def test_who_waits_longest_for_room_is_let_in_first() -> None:
    room = Room(10)
    assert room.enter("one", 8, 0)
    assert not room.enter("long", 9, 0)
    assert not room.enter("short", 1, 0)
    room.leave(8)
    assert not room.enter("short", 1, 0)
    assert room.enter("long", 9, 0)
    assert room.enter("short", 1, 0)


def test_who_has_begun_is_let_in_before_who_has_not() -> None:
    room = Room(10)
    assert room.enter("one", 8, 0)
    assert not room.enter("long", 9, 0)
    assert not room.enter("one", 8, 0, begun=True)
    room.leave(8)
    assert not room.enter("long", 9, 0)
    assert room.enter("one", 8, 0, begun=True)
    room.leave(8)
    assert room.enter("long", 9, 0)


def test_who_gives_up_keeps_nobody_waiting() -> None:
    room = Room(10)
    assert room.enter("one", 8, 0)
    assert not room.enter("two", 9, 0)
    room.forget("two")
    assert room.enter("three", 2, 0)


Windows = Sequence[tuple[bytes, RecognitionTask]]


class Bench(Executor):
    """Answers loads with ``recognise`` once it is let go on."""

    def __init__(self, recognise: Callable[[Windows], list[Recognition]]) -> None:
        self.loads: list[list[int]] = []
        self.go_on = threading.Event()
        self.busy = threading.Event()
        self._recognise = recognise

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        _, windows = args
        self.loads.append([said(audio) for audio, _ in windows])
        future: Future[Any] = Future()
        threading.Thread(target=self._answer, args=(future, windows), daemon=True).start()
        return future

    def _answer(self, future: Future[Any], windows: Windows) -> None:
        self.busy.set()
        self.go_on.wait(WAIT_S)
        try:
            future.set_result(self._recognise(windows))
        except Exception as error:
            future.set_exception(error)


def said(audio: bytes) -> int:
    return int(np.frombuffer(audio, dtype="<f4")[0])


def heard(windows: Windows) -> list[Recognition]:
    """A recognition for each window that tells which it was."""
    return [Recognition((), ((said(audio), 0),), ModelInfo("m", "0"), {}) for audio, _ in windows]


def sent(engine: Engine, number: int, seconds: float = 20.0) -> PendingWindow:
    return engine.submit(np.full(int(seconds * RATE), number, np.float32), TASK)


def engine_over(bench: Bench, workers: int = 1, windows: int = 4) -> Engine:
    return Engine("inline", lambda: bench, SPEC, workers=workers, load=Size(600_000, windows))


def numbers(pending: Sequence[PendingWindow]) -> list[int]:
    return [one.result().speech[0][0] for one in pending]


def test_while_a_worker_is_busy_windows_gather_for_its_next_load() -> None:
    bench = Bench(heard)
    engine = engine_over(bench, windows=8)
    first = sent(engine, 0)
    assert bench.busy.wait(WAIT_S)
    others = [sent(engine, number) for number in range(1, 6)]
    bench.go_on.set()
    assert numbers([first, *others]) == [0, 1, 2, 3, 4, 5]
    assert bench.loads == [[0], [1, 2, 3, 4, 5]]
    engine.close()


@pytest.mark.parametrize(
    ("trouble", "told"), [(BrokenProcessPool, WorkerDied), (ValueError, ValueError)]
)
def test_a_window_that_cannot_be_recognised_costs_no_other_of_its_load(
    trouble: type[Exception], told: type[Exception]
) -> None:
    """Whether it takes its worker down or is refused."""

    def picky(windows: Windows) -> list[Recognition]:
        if any(said(audio) == 2 for audio, _ in windows):
            raise trouble
        return heard(windows)

    bench = Bench(picky)
    engine = engine_over(bench)
    first = sent(engine, 0)
    assert bench.busy.wait(WAIT_S)
    others = [sent(engine, number) for number in range(1, 4)]
    bench.go_on.set()
    assert numbers([first, others[0], others[2]]) == [0, 1, 3]
    with pytest.raises(told):
        others[1].result()
    assert [2] in bench.loads  # by itself
    engine.close()


@pytest.mark.parametrize("deaths", [1, 2, 6])
@pytest.mark.parametrize("one_more", [False, True])
def test_a_window_may_lose_so_many_workers_and_no_more(deaths: int, one_more: bool) -> None:
    left = iter(range(deaths + one_more))

    def dies(windows: Windows) -> list[Recognition]:
        for _ in left:
            raise WorkerLost
        return heard(windows)

    bench = Bench(dies)
    bench.go_on.set()
    load = Size(600_000, 4)
    engine = Engine("dask", lambda: bench, SPEC, workers=1, load=load, deaths=deaths)
    with pytest.raises(WorkerDied) if one_more else nullcontext():
        assert numbers([sent(engine, 3)]) == [3]
    engine.close()


def test_machines_of_a_cluster_may_go_more_often_than_a_process_here_may_die() -> None:
    joining = Joining(Access("tcp", "127.0.0.1", 9), 0.0, lambda _: None)
    here = make_engine("processes", SPEC, 1, None, window_ms=600_000)
    away = make_engine("dask", SPEC, 0, joining, window_ms=600_000)
    assert away.most_deaths > here.most_deaths > 0


class Cluster(Bench):
    """An executor that can be told less at its end, as Dask's."""

    def shutdown(self, wait: bool = True) -> None:  # type: ignore[override]
        """Nothing is left to do."""


def test_what_a_cluster_cancelled_goes_out_again_and_does_not_go_round_for_ever() -> None:
    refusals = iter([CancelledError()])

    def lost_once(windows: Windows) -> list[Recognition]:
        for error in refusals:
            raise error
        return heard(windows)

    def lost(_: Windows) -> list[Recognition]:
        raise CancelledError

    cluster, gone = Cluster(lost_once), Cluster(lost)
    for one in (cluster, gone):
        one.go_on.set()
    engine = engine_over(cluster)
    assert numbers([sent(engine, 7)]) == [7]
    engine.close()
    engine = engine_over(gone)
    pending = sent(engine, 7)
    assert pending.done(WAIT_S)
    with pytest.raises(WorkerDied):
        pending.result()
    engine.close()


def test_a_model_that_is_not_there_is_everybody_s_trouble() -> None:
    def without(_: Windows) -> list[Recognition]:
        raise ModelError("absent", "speaking", str(Path("models")))

    bench = Bench(without)
    bench.go_on.set()
    engine = engine_over(bench)
    for pending in [sent(engine, number) for number in range(3)]:
        with pytest.raises(Missing):
            pending.result()
    engine.close()


def test_an_answer_that_makes_no_sense_keeps_nobody_waiting() -> None:
    answers = iter([[]])

    def senseless_once(windows: Windows) -> list[Recognition]:
        return next(answers, heard(windows))

    bench = Bench(senseless_once)
    bench.go_on.set()
    engine = engine_over(bench)
    first = sent(engine, 1)
    assert first.done(WAIT_S)
    with pytest.raises(ValueError, match="shorter"):
        first.result()
    assert numbers([sent(engine, 2)]) == [2]
    engine.close()


def test_an_engine_that_cannot_be_had_is_told_to_whoever_waits() -> None:
    def nowhere() -> Executor:
        raise Missing("run.no_dask")

    engine = Engine("dask", nowhere, SPEC, workers=1, load=Size(600_000, 4))
    with pytest.raises(Missing):
        sent(engine, 1).result()
    engine.close()


def test_a_window_that_nobody_waits_for_is_not_sent() -> None:
    bench = Bench(heard)
    engine = engine_over(bench)
    first = sent(engine, 0)
    assert bench.busy.wait(WAIT_S)
    sent(engine, 1).cancel()
    last = sent(engine, 2)
    bench.go_on.set()
    assert numbers([first, last]) == [0, 2]
    assert bench.loads == [[0], [2]]
    engine.close()


@given(st.lists(st.integers(1, 10**7), max_size=60), st.integers(1, 10**7))
def test_so_many_recordings_are_in_work_that_twice_the_room_is_filled(
    lengths_ms: list[int], room_ms: int
) -> None:
    count = in_work(lengths_ms, room_ms)
    mean_ms = sum(lengths_ms) / max(len(lengths_ms), 1)
    assert count == len(lengths_ms) or count * mean_ms >= 2 * room_ms
    assert (count - 1) * mean_ms < 2 * room_ms or count == 0
