"""One worker of a cluster: a process with one model, which stays with its scheduler.

It comes back by itself when the scheduler was away, ends with whoever started it, and writes
nothing that it hears anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal, NamedTuple

from models.registry import ModelEntry
from pipeline.run.cluster import dask_ways
from pipeline.run.cluster.access import Access
from pipeline.run.cluster.holder import Means, ModelHolder
from pipeline.run.cluster.orders import LEAVING, Holder
from pipeline.run.cluster.program import resource
from pipeline.run.workers import follow_parent

_JOINS_WITHIN_S = 10.0
_BEFORE_TRYING_AGAIN_S = 2.0
_LOOKS_EVERY_S = 0.2
_LEAVES_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker's process has to know. ``card``: the graphics card that it sees, if any."""

    access: Access
    name: str
    models: Mapping[str, ModelEntry]
    means: Means
    folder: str
    card: str | None
    verbose: bool


class Said(NamedTuple):
    """What a worker's process tells: that it has joined or cannot reach the scheduler, that it has
    begun to load or to listen (with the deadline for that), or that an order is done."""

    what: Literal["joined", "away", "begun", "done"]
    deadline_s: float = 0.0


async def join(
    access: Access, name: str, holder: Holder, hashes: Iterable[str], folder: str
) -> Any:
    """A Dask worker for one load at a time that offers these models. Raises OSError, ValueError,
    RuntimeError where the scheduler does not take it."""
    from distributed import Worker
    from distributed.utils import get_ip

    worker: Any = Worker(
        access.url,
        # A worker that was killed may still be known under its name when the next one comes.
        name=f"{name}.{uuid.uuid4().hex[:4]}",
        nthreads=1,
        resources={resource(one): 1 for one in hashes},
        memory_limit=0,
        local_directory=folder,
        security=access.security(),
        protocol=access.protocol,
        host="127.0.0.1" if access.local else get_ip(access.host, access.port),  # type: ignore[no-untyped-call]
        dashboard_address=dask_ways.NO_PAGES,
        death_timeout=_JOINS_WITHIN_S,
    )
    worker.holder = holder
    try:
        return await worker
    except BaseException:
        with suppress(Exception):
            await worker.close(timeout=_LEAVES_WITHIN_S, executor_wait=False, nanny=False)
        raise


def stay(place: Place, line: Connection) -> None:
    """What a worker's process does, until it is told to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us tells us
    follow_parent()
    if place.card is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = place.card
    level = logging.DEBUG if place.verbose else logging.CRITICAL
    logging.basicConfig(level=level)
    dask_ways.set_up()
    asyncio.run(_Slot(place, line).stay())


class _Slot:
    """A worker with one scheduler after the other."""

    def __init__(self, place: Place, line: Connection) -> None:
        self._place = place
        self._line = line
        self._lock = threading.Lock()
        self._holder = ModelHolder(place.models, place.means, self._report)
        self._ending = asyncio.Event()

    def _tell(self, said: Said) -> None:
        with self._lock, suppress(OSError):  # then nobody is there any more
            self._line.send(said)

    def _report(self, deadline_s: float | None) -> None:
        self._tell(Said("done") if deadline_s is None else Said("begun", deadline_s))

    async def stay(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._ending.set)
        while not self._ending.is_set():
            place = self._place
            try:
                worker = await join(
                    place.access, place.name, self._holder, place.models, place.folder
                )
            except (OSError, ValueError, RuntimeError):
                self._tell(Said("away"))
                await self._rest(_BEFORE_TRYING_AGAIN_S)
                continue
            self._tell(Said("joined"))
            await self._at(worker)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)

    async def _at(self, worker: Any) -> None:
        """Until the scheduler goes away, or we are told to end."""
        while worker.status.name not in ("closing", "closed", "failed"):
            if self._ending.is_set():
                worker.log_event(LEAVING, worker.address)
                await worker.close(
                    timeout=_LEAVES_WITHIN_S, executor_wait=False, nanny=False, reason="leaving"
                )
                os._exit(0)  # a model in the middle of a window would keep us
            await self._rest(_LOOKS_EVERY_S)
        self._tell(Said("away"))
        if self._holder.busy:
            os._exit(1)  # nobody wants what it is at any more; a new process begins at once
        await worker.finished()
