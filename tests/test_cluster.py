"""A cluster as an executor: nothing is lost and nothing double, whatever its machines do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.contracts import ModelError, Recognition, RecognitionTask
from models.load import model_info
from models.registry import bundled_entry
from pipeline.errors import Missing
from pipeline.run.cluster.board import Patience
from pipeline.run.cluster.census import census
from pipeline.run.cluster.executor import Cluster, Waits
from pipeline.run.cluster.holder import Means, ModelHolder
from pipeline.run.cluster.orders import Answer, Order
from pipeline.run.cluster.parcels import packed
from pipeline.run.cluster.program import program, resource
from pipeline.run.engine import Engine
from pipeline.run.loads import Size
from pipeline.run.workers import WorkerLost, recognise
from pipeline.values import Failure
from tests.cluster import HASH, SPEC, TASK, WAIT_S, Double, Site, numbers, sound

pytest.importorskip("distributed")

PATIENT = Waits(WAIT_S)
HASTY = Waits(
    WAIT_S,
    Patience(least_s=0.5, loads_within_s=0.5, unknown_pace=0.0, strange_times=0.0, times=0.0),
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


class Run:
    """What a run sees of a cluster."""

    def __init__(self, site: Site, waits: Waits = PATIENT) -> None:
        self.notices: list[Failure] = []
        self.sizes: list[int] = []
        self.told = threading.Event()
        self.cluster = Cluster(
            site.access, SPEC, waits, notice=self._hear, resize=self.sizes.append
        )

    def _hear(self, notice: Failure) -> None:
        self.notices.append(notice)
        self.told.set()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.shutdown()

    def send(self, *windows: int, task: RecognitionTask = TASK) -> Future[list[Recognition]]:
        return self.cluster.submit(recognise, SPEC, [(sound(one), task) for one in windows])

    def said(self, key: str) -> list[dict[str, Any]]:
        return [one.values for one in self.notices if one.key == key]


def test_each_window_gets_its_own_answer(site: Site) -> None:
    site.worker("a", Double())
    site.worker("b", Double())
    with Run(site) as run:
        loads = [run.send(2 * one, 2 * one + 1) for one in range(6)]
        assert [numbers(one.result(WAIT_S)) for one in loads] == [
            [2 * one, 2 * one + 1] for one in range(6)
        ]
        assert run.sizes[-1] == 2


def test_a_worker_that_does_not_fit_is_named_and_gets_nothing(site: Site) -> None:
    good, other = Double(), Double()
    site.worker("right", good)
    site.worker("old-model", other, ["6" * 64])
    stranger = site.worker("stranger", other, [])
    site.do(stranger.set_resources(GPU=1))
    older = site.worker("old-program", other, [])
    site.do(older.set_resources(**{resource(HASH, of="0.0.1-12345678"): 1}))
    with Run(site) as run:
        loads = [run.send(one) for one in range(4)]
        assert [numbers(one.result(WAIT_S)) for one in loads] == [[one] for one in range(4)]
    assert not other.orders
    assert run.said("cluster.unfit_model")[0]["name"].startswith("old-model")
    assert run.said("cluster.unfit_model")[0]["has"] == "6" * 12
    [found] = run.said("cluster.unfit_program")
    assert (found["has"], found["wanted"]) == ("0.0.1-12345678", program())
    assert run.said("cluster.unfit_stranger")[0]["name"].startswith("stranger")
    found = census(site.access, HASH)
    assert [one.split(".")[0] for one in found.fit] == ["right"]
    assert len(found.unfit) == 3


def test_another_state_of_a_library_that_listens_is_another_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program.cache_clear()
    before, known = program(), metadata.version
    try:
        for library in ("ctranslate2", "faster-whisper", "av"):
            program.cache_clear()
            newer = partial(_newer, library, known)
            monkeypatch.setattr("pipeline.run.cluster.program.version", newer)
            assert program() != before
    finally:
        program.cache_clear()


def _newer(library: str, known: Callable[[str], str], name: str) -> str:
    return known(name) + (".1" if name == library else "")


def test_a_model_is_loaded_once_for_each_way_of_listening_and_tells_when_it_is_there() -> None:
    entry = bundled_entry("speech")
    hash_ = model_info(entry, Path()).hash
    reported: list[float | None] = []
    holder = ModelHolder({hash_: entry}, Means("", "cpu", "int8", 1, 2), reported.append)
    task = RecognitionTask("de", beam_size=1)
    parcel = packed(np.zeros(16_000, np.float32).tobytes())

    def told(spare_s: float | None) -> list[bool]:
        heard: list[bool] = []
        order = Order("d", 0, hash_, "auto", spare_s, (parcel,), (task,), 7.0, 9.0)
        [found] = holder.answer(order, heard.append).recognitions or ()
        assert found.ran.get("true_length_spare_s") == spare_s
        return heard

    assert told(None) == [False, True]
    assert reported == [9.0, 7.0, None]
    assert told(None) == [True]
    assert told(2.0) == [False, True]
    assert told(2.0) == [True]


def test_where_no_worker_fits_the_run_says_so_and_ends(site: Site) -> None:
    site.worker("other", Double(), ["6" * 64])
    with Run(site, Waits(0.0)) as run:
        with pytest.raises(Missing) as missing:
            run.send(1).result(WAIT_S)
        assert "other" in missing.value.message("en")
        with pytest.raises(Missing):
            run.send(2).result(WAIT_S)  # nor does it hang afterwards


def test_a_worker_that_comes_later_takes_what_waits(site: Site) -> None:
    with Run(site) as run:
        load = run.send(7)
        assert run.told.wait(WAIT_S)
        assert [one.key for one in run.notices] == ["cluster.waiting"]
        site.worker("late", Double())
        assert numbers(load.result(WAIT_S)) == [7]


def test_a_worker_that_goes_in_the_middle_of_a_load_is_told_of(site: Site) -> None:
    stuck = Double(at_once=False)
    first = site.worker("first", stuck)
    with Run(site) as run:
        load = run.send(1)
        assert stuck.busy.wait(WAIT_S)
        site.gone(first)
        with pytest.raises(WorkerLost):
            load.result(WAIT_S)
        site.worker("second", Double())
        assert numbers(run.send(1).result(WAIT_S)) == [1]
        assert run.said("cluster.worker_lost")[0]["name"].startswith("first")
        site.forgets()


def test_a_worker_that_leaves_in_order_takes_no_load_with_it(site: Site) -> None:
    stuck = Double(at_once=False)
    first = site.worker("first", stuck)
    with Run(site) as run:
        load = run.send(1)
        assert stuck.busy.wait(WAIT_S)
        site.leaves(first)
        site.worker("second", Double())
        assert numbers(load.result(WAIT_S)) == [1]
        assert not run.said("cluster.worker_lost")


def test_windows_survive_workers_that_die_one_after_the_other(site: Site) -> None:
    """Each of three machines is taken away in the middle of a load; the engine loses none."""
    doubles = [Double(at_once=False) for _ in range(3)]
    workers = [site.worker(f"{number}", one) for number, one in enumerate(doubles)]
    sizes: list[int] = []
    cluster = Cluster(site.access, SPEC, PATIENT, notice=lambda _: None, resize=sizes.append)
    engine = Engine("dask", lambda: cluster, SPEC, workers=3, load=Size(60_000, 2))
    pending = [
        engine.submit(np.full(1600, number / 32768, np.float32), TASK) for number in range(8)
    ]
    for double, worker in zip(doubles, workers, strict=True):
        assert double.busy.wait(WAIT_S)
        site.gone(worker)
    good = Double()
    site.worker("good", good)
    assert numbers(one.result() for one in pending) == list(range(8))
    engine.close()


def test_a_silent_worker_loses_its_load_and_its_turn_until_it_answers(site: Site) -> None:
    stuck = Double(at_once=False)
    site.worker("stuck", stuck)
    with Run(site, HASTY) as run:
        load = run.send(1)
        assert stuck.busy.wait(WAIT_S)
        other = Double()
        site.worker("other", other)
        assert numbers(load.result(WAIT_S)) == [1]
        assert [numbers(run.send(one).result(WAIT_S)) for one in (2, 3)] == [[2], [3]]
        assert stuck.orders == [0]
        assert run.said("cluster.silent")[0]["name"].startswith("stuck")
        other.go_on.clear()
        stuck.go_on.set()
        both = [run.send(one) for one in (4, 5)]  # one of them is for the worker that is back
        assert [stuck.busy.wait(WAIT_S), other.busy.wait(WAIT_S)] == [True, True]
        other.go_on.set()
        assert [numbers(one.result(WAIT_S)) for one in both] == [[4], [5]]


def test_what_silences_worker_after_worker_is_to_blame_itself(site: Site) -> None:
    stuck = [Double(at_once=False) for _ in range(4)]
    for number, one in enumerate(stuck):
        site.worker(f"{number}", one)
    with Run(site, HASTY) as run, pytest.raises(WorkerLost):
        run.send(1).result(WAIT_S)
    assert sum(bool(one.orders) for one in stuck) == 3


def test_a_slow_worker_does_not_hold_up_the_end(site: Site) -> None:
    slow, quick = Double(at_once=False), Double(took_s=0.001)
    site.worker("slow", slow)
    with Run(site, Waits(WAIT_S, Patience(double_s=0.0, unknown_pace=1e6))) as run:
        held_up = run.send(1)
        assert slow.busy.wait(WAIT_S)
        site.worker("quick", quick)
        assert numbers(run.send(2).result(WAIT_S)) == [2]
        assert numbers(held_up.result(WAIT_S)) == [1]
        assert quick.orders == [1, 0]
        slow.go_on.set()  # its late answer changes nothing
        assert numbers(run.send(3).result(WAIT_S)) == [3]


def test_a_scheduler_that_comes_back_is_sent_everything_again(site: Site) -> None:
    stuck = Double(at_once=False)
    site.worker("a", stuck)
    with Run(site) as run:
        loads = [run.send(one) for one in range(3)]
        assert stuck.busy.wait(WAIT_S)
        run.told.clear()
        site.down()
        assert run.told.wait(WAIT_S)
        site.up()
        good = Double()
        site.worker("b", good)
        assert [numbers(one.result(WAIT_S)) for one in loads] == [[0], [1], [2]]
        assert [one.key for one in run.notices][:2] == ["cluster.lost", "cluster.back"]
        assert sorted(good.orders) == [0, 1, 2]


def test_a_scheduler_that_stays_away_ends_the_run(site: Site) -> None:
    stuck = Double(at_once=False)
    site.worker("a", stuck)
    with Run(site, Waits(0.0)) as run:
        load = run.send(1)
        assert stuck.busy.wait(WAIT_S)
        site.down()
        with pytest.raises(Missing, match=r"does not answer"):
            load.result(WAIT_S)


def test_a_cluster_forgets_a_run_that_ends(site: Site) -> None:
    stuck = Double(at_once=False)
    site.worker("a", stuck)
    with Run(site) as run:
        gone = run.send(1)
        assert stuck.busy.wait(WAIT_S)
    assert gone.exception(WAIT_S) is not None or gone.cancelled()
    stuck.go_on.set()
    with Run(site) as again:
        assert numbers(again.send(2).result(WAIT_S)) == [2]
        site.forgets()


def test_a_machine_with_a_bad_model_costs_no_recording(site: Site) -> None:
    class Damaged(Double):
        def made(self, order: Order) -> Answer:
            return Answer(None, model_error=ModelError("damaged", "speaking", "model.bin"))

    bad = Damaged()
    site.worker("bad", bad)
    with Run(site) as run:
        load = run.send(1)
        assert bad.busy.wait(WAIT_S)
        site.worker("good", Double())
        assert numbers(load.result(WAIT_S)) == [1]
        assert numbers(run.send(2).result(WAIT_S)) == [2]
        assert len(bad.orders) == 1
        assert run.said("cluster.bad_model")[0]["detail"] == "model.bin"


def test_a_recogniser_s_own_error_comes_back_as_its_kind(site: Site) -> None:
    class Full(Double):
        def made(self, order: Order) -> Answer:
            return Answer(None, trouble="MemoryError")

    site.worker("a", Full())
    with Run(site) as run, pytest.raises(MemoryError):
        run.send(1).result(WAIT_S)


def test_what_is_said_comes_into_no_log_and_no_file(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not when it goes right, and not when Dask itself writes down what failed."""

    class Broken(Double):
        def made(self, order: Order) -> Answer:
            raise ValueError("Grubenwasser")

    task = RecognitionTask("de", hotwords=("Grubenwasser",))
    good = site.worker("good", Double())
    with Run(site) as run:
        for name in ("distributed", "distributed.client", "tornado", "asyncio"):
            caplog.set_level(logging.WARNING, logger=name)  # as --verbose does
        assert numbers(run.send(1, task=task).result(WAIT_S)) == [1]
        said = str(site.scheduler.get_events()) + str(site.scheduler.transition_log)
        site.gone(good)
        site.worker("broken", Broken())
        with pytest.raises(Missing):
            run.send(2, task=task).result(WAIT_S)
    assert "Compute Failed" in caplog.text
    lines = [one for one in caplog.text.splitlines() if "Grubenwasser" in one]
    assert not [one for one in lines if "ValueError" not in one]  # the double's own words
    assert "Grubenwasser" not in said
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]


def test_nothing_but_the_cluster_s_own_door_is_open(site: Site) -> None:
    worker = site.worker("a", Double())
    for server in (site.scheduler, worker):
        assert server.http_server.address == "127.0.0.1"
        assert not server.http_application.applications
        assert server.address.startswith("tcp://127.0.0.1:")
