"""Engines: where recognition runs.

``concurrent.futures.Executor`` is the interface. Audio goes out as bytes, values come back with
the model's hash; a worker never opens the database.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.contracts import Audio, ModelError, Recogniser, Recognition, RecognitionTask
from models.load import load_recogniser, model_info, resolve
from pipeline.errors import BadInput, InterviewsError, Missing

EngineName = Literal["inline", "processes", "dask"]

_MOST_DEATHS = 2
"""How often a window may take its worker down before the recording is blamed."""


@dataclass(frozen=True, slots=True)
class RecogniserSpec:
    """Everything a worker needs to load the same recogniser: plain values only."""

    name: str
    hash: str
    models_dir: str
    device: str
    compute_type: str
    threads: int
    batch_size: int


class WorkerDied(InterviewsError):
    """A worker process ended without an answer (killed, out of memory, crashed)."""


class InlineExecutor(Executor):
    """Runs everything in the calling thread, at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  (handed on, as every executor does)
            future.set_exception(error)
        return future


class Engine:
    """Recognises windows on an executor, replacing worker pools that broke.

    ``ahead`` is how many windows of a recording may be under way at once.
    """

    def __init__(
        self, name: EngineName, make: Callable[[], Executor], spec: RecogniserSpec, ahead: int
    ) -> None:
        self.name = name
        self.ahead = ahead
        self._make = make
        self._spec = spec
        self._lock = threading.Lock()
        self._executor: Executor | None = None

    def submit(self, audio: Audio, task: RecognitionTask) -> PendingWindow:
        """Send one window out. The answer is fetched with ``result()``."""
        return PendingWindow(self, audio, task)

    def send(self, audio: Audio, task: RecognitionTask) -> tuple[Executor, Future[Recognition]]:
        """One try on the present executor."""
        while True:
            executor = self._present()
            try:
                return executor, executor.submit(
                    recognise, self._spec, np.asarray(audio, dtype="<f4").tobytes(), task
                )
            except BrokenProcessPool:
                self.discard(executor)

    def discard(self, broken: Executor) -> None:
        """Replace an executor whose workers died; once, however many noticed."""
        with self._lock:
            if self._executor is broken:
                self._executor = None
        broken.shutdown(wait=False, cancel_futures=True)

    def _present(self) -> Executor:
        with self._lock:
            if self._executor is None:
                self._executor = self._make()
            return self._executor

    def close(self) -> None:
        """End all workers; what they were doing is dropped."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is None:
            return
        if isinstance(executor, ProcessPoolExecutor):
            _kill_workers(executor)
            executor.shutdown(wait=True, cancel_futures=True)
        else:
            executor.shutdown()


class PendingWindow:
    """A window that is being recognised somewhere."""

    def __init__(self, engine: Engine, audio: Audio, task: RecognitionTask) -> None:
        self._engine = engine
        self._audio = audio
        self._task = task
        self._executor, self._future = engine.send(audio, task)

    def done(self, timeout_s: float) -> bool:
        """Whether the answer came within ``timeout_s`` seconds."""
        try:
            self._future.exception(timeout_s)
        except TimeoutError:
            return False
        return True

    def result(self) -> Recognition:
        """The recognition. Raises ModelError as Missing, WorkerDied after repeated deaths."""
        deaths = 0
        while True:
            try:
                return self._future.result()
            except BrokenProcessPool as error:
                deaths += 1
                self._engine.discard(self._executor)
                if deaths > _MOST_DEATHS:
                    raise WorkerDied("run.worker_died") from error
                self._executor, self._future = self._engine.send(self._audio, self._task)
            except ModelError as error:
                raise model_missing(error) from error

    def cancel(self) -> None:
        self._future.cancel()


def model_missing(error: ModelError) -> Missing:
    """A model's trouble as an error of ours."""
    return Missing(f"model.{error.reason}", name=error.name, detail=error.detail)


def make_engine(
    name: EngineName, spec: RecogniserSpec, workers: int, scheduler: str | None
) -> Engine:
    """The engine called ``name``. Raises BadInput or Missing where it cannot be had."""
    if name == "inline":
        return Engine(name, InlineExecutor, spec, ahead=1)
    if name == "dask":
        return Engine(name, lambda: _dask(scheduler), spec, ahead=max(workers, 2))
    return Engine(name, lambda: _processes(workers), spec, ahead=workers + 1)


def _processes(workers: int) -> ProcessPoolExecutor:
    # Spawned, never forked: FAISS 1.15 was seen to hang after a fork.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)


def _dask(scheduler: str | None) -> Executor:
    if scheduler is None:
        raise BadInput("run.scheduler_needed")
    try:
        from distributed import Client
    except ImportError as error:
        raise Missing("run.no_dask") from error
    try:
        client = Client(scheduler, timeout="10s", set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise Missing("run.no_scheduler", url=scheduler) from error
    executor: Executor = client.get_executor(pure=False)  # type: ignore[no-untyped-call]
    return executor


def _kill_workers(executor: ProcessPoolExecutor) -> None:
    """A worker in the middle of a long window would keep the program waiting for minutes."""
    for process in list((executor._processes or {}).values()):
        process.kill()


def _start_worker() -> None:
    """End with the parent, however it ends, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def recognise(spec: RecogniserSpec, audio: bytes, task: RecognitionTask) -> Recognition:
    """What a worker does: little-endian float32 bytes in, a recognition out."""
    return _recogniser(spec).recognise(np.frombuffer(audio, dtype="<f4"), task)


@lru_cache(maxsize=1)
def _recogniser(spec: RecogniserSpec) -> Recogniser:
    models_dir = Path(spec.models_dir)
    entry = resolve("speech", spec.name, models_dir)
    if model_info(entry, models_dir).hash != spec.hash:
        raise ModelError("damaged", spec.name, "hash")
    return load_recogniser(
        entry,
        models_dir,
        device=spec.device,
        compute_type=spec.compute_type,
        threads=spec.threads,
        batch_size=spec.batch_size,
    )
