"""A cluster within this process: a scheduler and workers on a loop in a thread of their own, real
in all but the models, which are doubles that answer when a test lets them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from models.contracts import ModelInfo, Recognition, RecognitionTask
from pipeline.run.cluster import dask_ways
from pipeline.run.cluster.access import Access
from pipeline.run.cluster.orders import LEAVING, Answer, Holder, Order
from pipeline.run.cluster.parcels import unpacked
from pipeline.run.cluster.scheduler import listen
from pipeline.run.cluster.slot import join
from pipeline.run.workers import RecogniserSpec

HASH = "5" * 64
SPEC = RecogniserSpec("speaking", HASH, "", "cpu", "auto", 1, 4)
TASK = RecognitionTask("de")
WAIT_S = 60.0


def sound(number: int, seconds: float = 0.1) -> bytes:
    """Audio that tells which it is, as an engine hands it on."""
    return np.full(int(seconds * 16_000), number / 32768, "<f4").tobytes()


def heard(order: Order) -> tuple[Recognition, ...]:
    """A recognition for each window that tells which it was."""
    numbers = [round(float(unpacked(parcel)[0]) * 32768) for parcel in order.parcels]
    return tuple(Recognition((), ((one, 0),), ModelInfo("m", HASH), {}) for one in numbers)


def numbers(recognitions: Iterable[Recognition]) -> list[int]:
    return [one.speech[0][0] for one in recognitions]


class Double(Holder):
    """Answers once it is let go on, after ``took_s`` as it says."""

    def __init__(self, *, at_once: bool = True, took_s: float = 0.1) -> None:
        self.orders: list[int] = []
        self.busy = threading.Event()
        self.go_on = threading.Event()
        self.took_s = took_s
        if at_once:
            self.go_on.set()

    def answer(self, order: Order, tell: Callable[[bool], None]) -> Answer:
        tell(True)
        self.orders.append(order.number)
        self.busy.set()
        self.go_on.wait(WAIT_S)
        return self.made(order)

    def made(self, order: Order) -> Answer:
        return Answer(heard(order), self.took_s)


class Site:
    """A scheduler at a place that stays its own, and workers."""

    def __init__(self, folder: Path) -> None:
        dask_ways.set_up()
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._workers: list[Any] = []
        self._doubles: list[Double] = []
        self.access = Access("tcp", "127.0.0.1", 0)
        self.scheduler: Any = None

    def __enter__(self) -> Site:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._doubles:
            one.go_on.set()
        for worker in self._workers:
            self.gone(worker)
        if self.scheduler is not None:
            self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    def do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(WAIT_S)

    def up(self) -> None:
        """The scheduler is there, where it was before."""
        self.scheduler = self.do(listen(self.access))
        self.access = Access("tcp", "127.0.0.1", self.scheduler.port)

    def down(self) -> None:
        """The scheduler goes without a word, as if killed."""
        self.do(self.scheduler.close())
        self.scheduler = None

    def worker(self, name: str, holder: Holder, hashes: Iterable[str] = (HASH,)) -> Any:
        folder = self._folder / f"{name}-{len(self._workers)}"
        folder.mkdir()
        joined = self.do(join(self.access, name, holder, hashes, str(folder)))
        self._workers.append(joined)
        if isinstance(holder, Double):
            self._doubles.append(holder)
        return joined

    def forgets(self) -> None:
        """Wait until the scheduler knows of no work."""

        async def wait() -> None:
            while self.scheduler.tasks:
                await asyncio.sleep(0.01)

        self.do(wait())

    def gone(self, worker: Any) -> None:
        """The worker goes without a word, as if killed."""
        self.do(worker.close(timeout=1, executor_wait=False, nanny=False))

    def leaves(self, worker: Any) -> None:
        """The worker goes in order, as if told to end."""

        async def leave() -> None:
            worker.log_event(LEAVING, worker.address)
            await worker.close(timeout=1, executor_wait=False, nanny=False)

        self.do(leave())
