"""Writing a copy of an open database: SQLite's online backup, whole or not at all.

Until a copy is whole it is called ``.NAME.PID.part``; nothing reads it by that name.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pipeline.home import sync_folder

PARTIAL = ".part"


def write_whole(
    source: sqlite3.Connection,
    target: Path,
    version: int | None = None,
    complete: Callable[[sqlite3.Connection], None] | None = None,
) -> bool:
    """A consistent copy of ``source`` at ``target``, which only the owner can read, while others
    read and write. False, and nothing written, where ``version`` is given and the copy's schema
    turns out to be another. ``complete`` adds to the copy before it gets its name.

    Raises OSError, sqlite3.DatabaseError.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}{PARTIAL}")
    try:
        partial.touch(mode=0o600)
        with closing(sqlite3.connect(partial)) as copy:
            source.backup(copy, pages=4096)
            copy.execute("PRAGMA journal_mode = DELETE")
            found = int(copy.execute("PRAGMA user_version").fetchone()[0])
            if complete is not None:
                complete(copy)
                copy.commit()
        if version is not None and found != version:
            return False
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
        sync_folder(target.parent)
        return True
    finally:
        partial.unlink(missing_ok=True)


def partials(folder: Path) -> list[Path]:
    """Copies in ``folder`` that are not whole: in the making, or left by a process that died."""
    return sorted(folder.glob(f".*{PARTIAL}*"))  # SQLite's journals of them, too
