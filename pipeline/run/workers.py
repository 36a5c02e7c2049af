"""Executors that recognise on this machine: in this process, or in processes beside it.

Audio goes out as bytes, values come back with the model's hash; a worker never opens the database.
Those of a cluster are in ``pipeline.run.cluster``.
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


class WorkerLost(Exception):
    """A worker ended or fell silent over a load; the executor has others."""


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


def kill_workers(executor: ProcessPoolExecutor) -> None:
    """A worker in the middle of a long window would keep the program waiting for minutes."""
    for process in list((executor._processes or {}).values()):
        process.kill()


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow_parent()


def follow_parent() -> None:
    """End with the parent process, however it ends."""
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
