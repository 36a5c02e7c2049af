"""Executors that recognise: in this process, in processes beside it, or on a cluster.

Audio goes out as bytes, values come back with the model's hash; a worker never opens the database.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np

from models.contracts import ModelError, Recogniser, Recognition, RecognitionTask
from models.load import load_recogniser, model_info, resolve
from pipeline.errors import BadInput, Missing


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
    spare_s: float | None = None
    """Silence after each stretch that is heard at true length; None: padded."""


class InlineExecutor(Executor):
    """Runs everything in the calling thread, at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  (handed on, as every executor does)
            future.set_exception(error)
        return future


def processes(workers: int) -> ProcessPoolExecutor:
    # Spawned, never forked: FAISS 1.15 was seen to hang after a fork.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)


def dask(scheduler: str | None) -> Executor:
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


def kill_workers(executor: ProcessPoolExecutor) -> None:
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


def recognise(
    spec: RecogniserSpec, windows: Sequence[tuple[bytes, RecognitionTask]]
) -> list[Recognition]:
    """What a worker does: little-endian float32 bytes in, recognitions out."""
    heard = [(np.frombuffer(audio, dtype="<f4"), task) for audio, task in windows]
    return _recogniser(spec).recognise_all(heard)


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
        spare_s=spec.spare_s,
    )
