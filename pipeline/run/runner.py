"""A runner's sign of life.

Each runner holds an exclusive lock on a file of its own; the kernel lets go of it however the
process ends. So a killed runner's leases are taken over at once, and a heartbeat prolongs the
leases of a living one.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from pipeline.catalog import queue
from pipeline.catalog.connection import open_catalogue
from pipeline.catalog.recordings import Database
from pipeline.errors import HomeUnusable
from pipeline.home import Home

_BEAT_S = queue.LEASE_MS / 4000
_OWNER = re.compile(r"\d+-[0-9a-f]{12}")


class Runner:
    """An identity for leases, alive while the ``with`` block lasts."""

    def __init__(self, home: Home) -> None:
        self.owner = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._home = home
        self._path = home.runners / f"{self.owner}.lock"
        self._lock: IO[bytes] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Runner:
        self._lock = _held(self._path)
        _clear_dead(self._home)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT_S):
            try:
                with open_catalogue(self._home.catalogue) as catalogue:
                    queue.heartbeat(catalogue, self.owner)
            except HomeUnusable:
                continue  # the working thread meets the same trouble and says so


def _held(path: Path) -> IO[bytes]:
    """The lock file, held. Whoever clears dead runners away may meet it before it is."""
    while True:
        lock = path.open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        lock.close()


def _clear_dead(home: Home) -> None:
    """Runners that were killed while they held no recording are asked for by nobody."""
    names = (path.stem for path in home.runners.glob("*.lock"))
    dead((name for name in names if _OWNER.fullmatch(name)), home)


def dead(owners: Iterable[str], home: Home) -> list[str]:
    """Those owners whose process has ended; their left-over lock files are cleared away."""
    return [owner for owner in owners if not _alive(home.runners / f"{owner}.lock")]


def working(db: Database, home: Home) -> set[str]:
    """Recordings that somebody alive is at work on now."""
    held = queue.held(db)
    ended = set(dead(set(held.values()), home))
    return {key for key, owner in held.items() if owner not in ended}


def _alive(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    path.unlink(missing_ok=True)
    return False
