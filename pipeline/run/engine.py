"""Engines: windows go out to the workers of an executor in loads, and come back recognised."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError, wait
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Literal, NamedTuple

import numpy as np

from models.contracts import Audio, ModelError, Recognition, RecognitionTask
from pipeline.errors import InterviewsError, Missing
from pipeline.run import workers as executors
from pipeline.run.cluster.access import Access
from pipeline.run.loads import Room, Size, Waiting, gather, is_worth_sending_ahead
from pipeline.run.workers import RecogniserSpec, WorkerLost, recognise
from pipeline.values import Failure

EngineName = Literal["inline", "processes", "dask"]

_MOST_DEATHS, _MOST_DEATHS_AWAY = 2, 6
"""How often a window may take its worker down before the recording is blamed: here, and on a
cluster, whose machines may be taken away by their owner at any time. (Were that to happen to each
every two hours, and a window to take ten minutes, not one of a million windows would be blamed.)"""


class WorkerDied(InterviewsError):
    """A worker process ended without an answer (killed, out of memory, crashed)."""


@dataclass(frozen=True, slots=True)
class Joining:
    """Which cluster to work on and how: ``wait_s`` for a scheduler that went away or a worker that
    fits. ``notice`` is told what people should know of it."""

    access: Access
    wait_s: float
    notice: Callable[[Failure], None]


class _Resized(NamedTuple):
    """There are so many workers now."""

    workers: int


class _Answered(NamedTuple):
    """A load that came back, or came to nothing."""

    load: list[Waiting]
    executor: Executor
    future: Future[list[Recognition]]


def _error_of(future: Future[list[Recognition]]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error


def _fail(load: list[Waiting], error: BaseException) -> None:
    for window in load:
        with suppress(InvalidStateError):
            window.answer.set_exception(error)


class Engine:
    """Recognises windows on an executor, in loads, replacing worker pools that broke.

    A thread of its own sends loads out, one for each of the ``workers`` and one ahead (of a cluster
    one for every four), and hands the answers on, so that whoever submits never waits for a worker.
    ``room`` is how much audio may be on its way at once.
    """

    def __init__(
        self,
        name: EngineName,
        make: Callable[[], Executor],
        spec: RecogniserSpec,
        *,
        workers: int,
        load: Size,
        deaths: int = _MOST_DEATHS,
    ) -> None:
        self.name = name
        self.most_deaths = deaths
        self.room = Room((workers + 1) * load.ms)
        self._make = make
        self._spec = spec
        self.workers = workers
        self._ahead = 1
        self._most = load
        self._lock = threading.Lock()
        self._executor: Executor | None = None
        self._events: SimpleQueue[Waiting | _Answered | _Resized | None] = SimpleQueue()
        self._sender: threading.Thread | None = None

    def submit(self, audio: Audio, task: RecognitionTask) -> PendingWindow:
        """Have one window recognised. The answer is fetched with ``result()``."""
        window = Waiting(np.asarray(audio, dtype="<f4").tobytes(), task)
        with self._lock:
            if self._sender is None:
                self._sender = threading.Thread(target=self._send_loads, daemon=True)
                self._sender.start()
        self._events.put(window)
        return PendingWindow(window.answer)

    def resize(self, workers: int) -> None:
        """There are so many workers now, and as many loads go out at a time."""
        self._events.put(_Resized(workers))

    def _send_loads(self) -> None:
        """Until the engine is closed: what waits goes out in loads, what came back is handed on."""
        waiting: list[Waiting] = []
        out = 0
        while (event := self._events.get()) is not None:
            if isinstance(event, Waiting):
                waiting.append(event)
            elif isinstance(event, _Resized):
                self.workers = event.workers
                self._ahead = max(1, event.workers // 4)
                self.room.resize((event.workers + self._ahead) * self._most.ms)
            else:
                out -= 1
                try:
                    again = self._handed_on(event)
                except Exception as error:  # noqa: BLE001  (nobody may wait for ever)
                    _fail(event.load, error)
                    again = []
                # Windows that go out again have waited longest.
                waiting = [*again, *waiting]
            waiting = [window for window in waiting if not window.answer.cancelled()]
            while waiting and self._events.empty() and self._wanted(waiting, out):
                load = gather(waiting, self._most)
                waiting = [window for window in waiting if window not in load]
                out += self._send(load)

    def _wanted(self, waiting: list[Waiting], out: int) -> bool:
        """Whether another load shall go out, with so many out."""
        if out < self.workers:
            return True
        return out < self.workers + self._ahead and is_worth_sending_ahead(waiting, self._most)

    def _send(self, load: list[Waiting]) -> bool:
        """Whether a load is on its way now."""
        windows = [(one.audio, one.task) for one in load]
        while True:
            try:
                executor = self._present()
                future = executor.submit(recognise, self._spec, windows)
            except BrokenProcessPool:
                self.discard(executor)
            except Exception as error:  # noqa: BLE001  (whoever waits is told)
                _fail(load, error)
                return False
            else:
                future.add_done_callback(partial(self._came_back, load, executor))
                return True

    def _came_back(
        self, load: list[Waiting], executor: Executor, future: Future[list[Recognition]]
    ) -> None:
        self._events.put(_Answered(load, executor, future))

    def _handed_on(self, answered: _Answered) -> list[Waiting]:
        """Tell everybody what came back; what is to go out again."""
        load, executor, future = answered
        error = _error_of(future)
        if error is None:
            for window, recognition in zip(load, future.result(), strict=True):
                with suppress(InvalidStateError):  # nobody waits for it any more
                    window.answer.set_result(recognition)
            return []
        # What had not begun when its workers died is cancelled.
        died = isinstance(error, BrokenProcessPool | CancelledError | WorkerLost)
        if died and not isinstance(error, WorkerLost):
            self.discard(executor)
        if len(load) > 1 and not isinstance(error, ModelError | Missing):
            for window in load:  # one of them is to blame; by themselves they tell which
                window.alone = True
            return load
        if died and load[0].deaths < self.most_deaths:
            load[0].deaths += 1
            return load
        _fail(load, WorkerDied("run.worker_died") if died else error)
        return []

    def discard(self, broken: Executor) -> None:
        """Replace an executor whose workers died; once, however many noticed."""
        with self._lock:
            if self._executor is broken:
                self._executor = None
        if isinstance(broken, ProcessPoolExecutor):
            broken.shutdown(wait=False, cancel_futures=True)
        else:
            broken.shutdown(wait=False)  # a cluster's executor knows no more

    def _present(self) -> Executor:
        with self._lock:
            if self._executor is None:
                self._executor = self._make()
            return self._executor

    def close(self) -> None:
        """End all workers; what they were doing is dropped."""
        self._events.put(None)
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is None:
            return
        if isinstance(executor, ProcessPoolExecutor):
            executors.kill_workers(executor)
            executor.shutdown(wait=True, cancel_futures=True)
        else:
            executor.shutdown()


class PendingWindow:
    """A window that is being recognised somewhere."""

    def __init__(self, answer: Future[Recognition]) -> None:
        self._answer = answer

    def done(self, timeout_s: float) -> bool:
        """Whether the answer came within ``timeout_s`` seconds."""
        return bool(wait((self._answer,), timeout_s).done)

    def result(self) -> Recognition:
        """The recognition. Raises ModelError as Missing, WorkerDied after repeated deaths."""
        try:
            return self._answer.result()
        except ModelError as error:
            raise model_missing(error) from error

    def cancel(self) -> None:
        self._answer.cancel()

    def then(self, call: Callable[[], None]) -> None:
        """``call`` once there is an answer, or nobody waits for it any more."""
        self._answer.add_done_callback(lambda _: call())


def model_missing(error: ModelError) -> Missing:
    """A model's trouble as an error of ours."""
    return Missing(f"model.{error.reason}", name=error.name, detail=error.detail)


def make_engine(
    name: EngineName, spec: RecogniserSpec, workers: int, joining: Joining | None, window_ms: int
) -> Engine:
    """The engine called ``name``, for windows of at most about ``window_ms``. With ``joining`` it
    has the workers of a cluster, at most ``workers`` of them (0: all); else 0 is one."""
    load = Size(window_ms, 2 * spec.batch_size)
    if joining is not None:
        return _on_cluster(name, spec, workers, joining, load)
    workers = max(workers, 1)
    makers: dict[EngineName, tuple[Callable[[], Executor], int]] = {
        "inline": (executors.InlineExecutor, 1),
        "processes": (lambda: executors.processes(workers), workers),
    }
    make, workers = makers[name]
    return Engine(name, make, spec, workers=workers, load=load)


def _on_cluster(
    name: EngineName, spec: RecogniserSpec, most: int, joining: Joining, load: Size
) -> Engine:
    def join() -> Executor:
        from pipeline.run.cluster.executor import Cluster, Waits

        try:
            return Cluster(
                joining.access,
                spec,
                Waits(joining.wait_s),
                notice=joining.notice,
                resize=lambda workers: engine.resize(min(workers, most or workers)),
            )
        except ImportError as error:
            raise Missing("run.no_dask") from error

    engine = Engine(name, join, spec, workers=1, load=load, deaths=_MOST_DEATHS_AWAY)
    return engine
