"""A cluster as an executor: loads of windows go to its workers, and none is lost on the way.

A thread of its own speaks with the scheduler. It knows at any time which load is where
(``board``), and sends again what a worker or the scheduler took with it. Whoever waits for a load
hears of trouble only where the load itself may be the reason, or where nobody is left to do it.
"""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from models.contracts import ModelError, Recognition, RecognitionTask
from pipeline.errors import InterviewsError, Missing
from pipeline.run.cluster import dask_ways
from pipeline.run.cluster.access import Access
from pipeline.run.cluster.board import Board, Load, Patience, Try
from pipeline.run.cluster.connection import Connection, connect
from pipeline.run.cluster.notices import Notices
from pipeline.run.cluster.orders import LEAVING, Answer, Order, begun_topic
from pipeline.run.cluster.parcels import packed
from pipeline.run.workers import RecogniserSpec, WorkerLost
from pipeline.values import SAMPLE_RATE, Failure

_TICK_S = 0.5
"""How often the scheduler is asked who is there."""
_BEFORE_TRYING_AGAIN_S = 1.0
_CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)


@dataclass(frozen=True, slots=True)
class Waits:
    """``for_cluster_s``: how long a run waits for a scheduler that went away, or for a worker that
    fits; ``for_workers``: how long for their answers."""

    for_cluster_s: float
    for_workers: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a load is made of, and who waits for it."""

    parcels: tuple[bytes, ...]
    tasks: tuple[RecognitionTask, ...]
    future: Future[list[Recognition]]


class _Lost(Exception):
    """The scheduler does not answer any more, or has forgotten what was sent."""


class Cluster(Executor):
    """Recognises loads of windows on the workers of a scheduler.

    ``resize`` is told how many workers there are, ``notice`` what people should know. Futures
    yield a recognition for each window, or raise WorkerLost where workers died of the load or fell
    silent over it, Missing where there is no scheduler or no worker, and an error of the
    recogniser's own kind otherwise.
    """

    def __init__(
        self,
        access: Access,
        spec: RecogniserSpec,
        waits: Waits,
        *,
        notice: Callable[[Failure], None],
        resize: Callable[[int], None],
    ) -> None:
        self._access = access
        self._spec = spec
        self._waits = waits
        self._notices = Notices(access, spec, waits.for_cluster_s, notice)
        self._resize = resize
        self._driver = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._board: Board[_Content] = Board(waits.for_workers)
        self._size = 0
        self._hopeless_s: float | None = None
        self._known = False
        self._broken = False
        self._closing = False
        self._lock = threading.Lock()
        self._ended = False
        self._end: InterviewsError | None = None
        self._tries: dict[Try[_Content], asyncio.Task[None]] = {}
        dask_ways.set_up()
        self._loop = asyncio.new_event_loop()
        self._woken = asyncio.Event()
        self._thread = threading.Thread(target=self._live, name="cluster", daemon=True)
        self._thread.start()

    # --- called from other threads -------------------------------------------------------------

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:  # noqa: ARG002
        """``fn(spec, windows)`` as workers do it. Packing happens here, so that whoever sends
        feels how much is on its way."""
        _spec, windows = args
        parcels = tuple(packed(audio) for audio, _ in windows)
        content = _Content(parcels, tuple(task for _, task in windows), Future())
        samples = sum(len(audio) for audio, _ in windows) // 4
        load = Load(next(self._numbers), samples / SAMPLE_RATE, content)
        if not self._call(partial(self._take, load)):
            _fail(load, self._end or concurrent.futures.CancelledError())
        return content.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Leave the cluster; it forgets what it was doing for us."""
        self._call(self._leave)
        if wait and threading.current_thread() is not self._thread:
            self._thread.join()

    def _call(self, what: Callable[[], None]) -> bool:
        """Have it done in the cluster's thread. False where that has ended."""
        with self._lock:
            if not self._ended:
                self._loop.call_soon_threadsafe(what)
            return not self._ended

    # --- in the cluster's own thread -----------------------------------------------------------

    def _live(self) -> None:
        try:
            self._loop.run_until_complete(self._stay())
        except InterviewsError as error:
            self._end = error
        except Exception as error:  # noqa: BLE001  (nobody may wait for ever)
            self._end = _trouble(error)
        with self._lock:
            self._ended = True
        self._loop.run_until_complete(asyncio.sleep(0))  # what was handed in before
        self._loop.close()
        for load in self._board.loads:
            _fail(load, self._end or concurrent.futures.CancelledError())

    def _take(self, load: Load[_Content]) -> None:
        self._board.add(load)
        self._woken.set()

    def _leave(self) -> None:
        self._closing = True
        self._woken.set()

    async def _stay(self) -> None:
        """With one connection after the other, until told to leave. Raises Missing."""
        while not self._closing:
            connection = await self._connected()
            try:
                await self._attend(connection)
            except (_Lost, OSError, TimeoutError):
                self._notices.lost()
            finally:
                await self._drop(connection)

    async def _connected(self) -> Connection:
        """A connection, waited for where there was one before. Raises Missing."""
        until = time.monotonic() + self._waits.for_cluster_s
        while True:
            try:
                connection = await connect(self._access)
            except Missing:
                if self._closing or not self._known or time.monotonic() > until:
                    raise
                await asyncio.sleep(_BEFORE_TRYING_AGAIN_S)
            else:
                if self._known:
                    self._notices.back()
                self._known = True
                return connection

    async def _drop(self, connection: Connection) -> None:
        tasks = list(self._tries.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._board.scattered()
        self._broken = False
        await connection.close()

    async def _attend(self, connection: Connection) -> None:
        """Send and watch until told to leave. Raises _Lost, TimeoutError, OSError, Missing."""
        connection.subscribe(begun_topic(self._driver), self._begun)
        connection.subscribe(LEAVING, self._leaving)
        looked_s = float("-inf")
        while not self._closing:
            if self._broken or not connection.holds:
                raise _Lost
            if time.monotonic() - looked_s >= _TICK_S:
                await self._look_round(connection)
                looked_s = time.monotonic()
            self._mark_silent()
            for one in self._board.next(time.monotonic()):
                self._send(connection, one)
            self._woken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _TICK_S)

    async def _look_round(self, connection: Connection) -> None:
        """Who is there, who fits, who has gone. Raises Missing where nobody fits for too long."""
        present = self._notices.fitting(await connection.workers())
        for gone in self._board.seen(present):
            self._take_back(gone.tries)
            if gone.loads:
                self._notices.worker_lost(gone.name)
            for load in gone.loads:
                _fail(load, WorkerLost(gone.name))
        self._count()
        self._despair()

    def _count(self) -> None:
        size = len(self._board.hands)
        if size != self._size:
            self._size = size
            self._resize(max(size, 1))

    def _despair(self) -> None:
        """Raises Missing where work waits and no worker that fits has been there for too long."""
        if self._size or not self._board.loads:
            self._hopeless_s = None
        elif self._hopeless_s is None:
            self._hopeless_s = time.monotonic()
            self._notices.waiting()
        elif time.monotonic() - self._hopeless_s > self._waits.for_cluster_s:
            raise self._notices.nobody()

    def _mark_silent(self) -> None:
        silent, given_up = self._board.overdue(time.monotonic())
        for name in silent:
            self._notices.worker_silent(name)
        for load in given_up:
            _fail(load, WorkerLost("silent"))
        self._count()

    def _send(self, connection: Connection, one: Try[_Content]) -> None:
        content = one.load.what
        order = Order(
            self._driver,
            one.load.number,
            self._spec.hash,
            self._spec.compute_type,
            self._spec.spare_s,
            content.parcels,
            content.tasks,
            one.deadline_s,
            self._waits.for_workers.loads_within_s,
        )
        future = connection.send(order, one.worker)
        task = self._loop.create_task(self._await(one, future))
        self._tries[one] = task
        task.add_done_callback(lambda _: self._tries.pop(one))

    async def _await(self, one: Try[_Content], future: Any) -> None:
        try:
            answer: Answer = (await future).open()
        except _CANCELLED:
            task = asyncio.current_task()
            if task is None or not task.cancelling():  # but by Dask, which forgot what was sent
                self._broken = True
        except Exception as error:  # noqa: BLE001  (work raises nothing: it is the cluster)
            self._board.close(one.load)
            _fail(one.load, _trouble(error))
        else:
            self._answered(one, answer)
        finally:
            future.release()
            self._woken.set()

    def _answered(self, one: Try[_Content], answer: Answer) -> None:
        heard = answer.recognitions
        first = self._board.answered(one, None if heard is None else answer.took_s)
        if answer.model_error is not None:
            self._turn_away(one, answer.model_error)
        elif first:
            self._board.close(one.load)
            self._take_back(self._board.withdraw(one.load))
            if heard is None:
                _fail(one.load, _of_kind(answer.trouble or ""))
            else:
                with suppress(InvalidStateError):
                    one.load.what.future.set_result(list(heard))

    def _take_back(self, tries: Iterable[Try[_Content]]) -> None:
        """Have the scheduler forget what no worker has or will begin for us."""
        for one in tries:
            if one in self._tries:
                self._tries[one].cancel()

    def _turn_away(self, one: Try[_Content], error: ModelError) -> None:
        """One machine's model is no good: that is the machine's trouble, not the run's."""
        self._notices.bad_model(self._board.turn_away(one.worker), error.detail or error.reason)
        self._board.back(one.load)
        self._count()

    def _begun(self, event: tuple[float, tuple[int, str, bool]]) -> None:
        number, address, ready = event[1]
        self._board.begun(number, address, time.monotonic(), ready=ready)

    def _leaving(self, event: tuple[float, str]) -> None:
        self._board.leaving(event[1])


def _fail(load: Load[_Content], error: BaseException) -> None:
    with suppress(InvalidStateError):
        load.what.future.set_exception(error)


def _trouble(error: Exception) -> Missing:
    return Missing("cluster.trouble", what=type(error).__name__)


def _of_kind(name: str) -> Exception:
    """An error like the one on the worker, but for its words."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        with suppress(TypeError):  # some want more to be said
            return kind()
    return RuntimeError(name)
