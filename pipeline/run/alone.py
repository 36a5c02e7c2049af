"""One at a time: a lock by name that ends with its holder, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.errors import InterviewsError
from pipeline.home import Home, disk_error


@contextmanager
def alone(home: Home, name: str, otherwise: InterviewsError) -> Iterator[None]:
    """Be the only one that does ``name`` in this home; raises ``otherwise`` where another does.

    The lock lies among those of the runners, so no restore takes the catalogue away meanwhile.
    Raises HomeUnusable.
    """
    path = home.runners / f"{name}.lock"
    try:
        lock = _locked(path)
    except BlockingIOError as error:
        raise otherwise from error
    except OSError as error:
        raise disk_error(error, home.runners) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.close()


def _locked(path: Path) -> IO[bytes]:
    """The lock file, held. Raises BlockingIOError while another holds it."""
    while True:
        lock = path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before us may have unlinked it since we opened it.
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        except FileNotFoundError:
            pass
        except BaseException:
            lock.close()
            raise
        lock.close()
