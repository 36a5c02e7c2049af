"""What keeps a home in order at night: a copy of the catalogue, old copies gone, the room it takes.

``backups/catalogue-YYYY-MM-DD.db`` is the night's copy, ``backups/before-schema-N.db`` the
catalogue as it was before its schema became N (made by whoever opened it first). Both are whole or
not there, both are cleaned when a recording is removed, and ``interviews restore`` takes either.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from pipeline.catalog import copying
from pipeline.catalog.connection import Catalogue
from pipeline.home import Home, disk_error
from pipeline.reports.values import Space
from pipeline.run import copies, publish
from pipeline.run.context import Context

_NIGHTLY = re.compile(r"catalogue-(\d{4}-\d\d-\d\d)\.db")
_BEFORE = re.compile(r"before-schema-\d+\.db")

_ABANDONED_S = 24 * 3600
"""A half-written copy that nobody has touched for so long is nobody's."""


def keep(context: Context, catalogue: Catalogue, today: date) -> Path | None:
    """The night's copy, then everything that is not needed any more goes. Where the copy cannot be
    written all older ones stay.

    Raises BadInput (``backup.unwritable``), HomeUnusable.
    """
    written = back_up(context, catalogue, today)
    prune(context, catalogue, today)
    return written


def back_up(context: Context, catalogue: Catalogue, today: date) -> Path | None:
    """Copy the catalogue to ``backups/catalogue-<today>.db``; None where the settings want none.

    Raises BadInput (``backup.unwritable``), HomeUnusable.
    """
    if not context.settings.backup_days:
        return None
    folder = context.home.backups
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error
    target = folder / f"catalogue-{today.isoformat()}.db"
    copies.save(context, catalogue, target)
    return target


def prune(context: Context, catalogue: Catalogue, today: date) -> list[Path]:
    """Delete copies older than ``backup_days`` (never the newest of its kind), half-written ones
    that were abandoned, and index files that no generation needs. The copies that went."""
    home, days = context.home, context.settings.backup_days
    gone = [*_older_than(home, today - timedelta(days=days))] if days else []
    for path in (*gone, *_abandoned(home)):
        path.unlink(missing_ok=True)
    publish.tidy(home, catalogue)
    return gone


def _older_than(home: Home, oldest: date) -> Iterator[Path]:
    nightly: dict[Path, date] = {}
    before: dict[Path, date] = {}
    for path in home.backups.glob("*.db"):
        if match := _NIGHTLY.fullmatch(path.name):
            with suppress(ValueError):  # no day, so no name of ours
                nightly[path] = date.fromisoformat(match[1])
        elif _BEFORE.fullmatch(path.name) and (found := _stat(path)):
            before[path] = date.fromtimestamp(found.st_mtime)
    for kind in (nightly, before):
        newest = max(kind, key=lambda path: (kind[path], path.name), default=None)
        yield from (path for path, day in kind.items() if day < oldest and path != newest)


def _abandoned(home: Home) -> list[Path]:
    now = time.time()
    return [
        path
        for path in copying.partials(home.backups)
        if (found := _stat(path)) and abs(now - found.st_mtime) > _ABANDONED_S
    ]


def disk(home: Home) -> Space:
    """How much room there is and what takes it. Raises HomeUnusable."""
    log = (home.catalogue.with_name(home.catalogue.name + end) for end in ("", "-wal", "-shm"))
    try:
        free = shutil.disk_usage(home.root).free
    except OSError as error:
        raise disk_error(error, home.root) from error
    return Space(
        free=free,
        catalogue=_bytes(log),
        index=_bytes(home.index.rglob("*")),
        media=_bytes(home.media.rglob("*")),
        renditions=_bytes(home.renditions.rglob("*")),
        backups=_bytes(home.backups.rglob("*")),
    )


def _bytes(paths: Iterable[Path]) -> int:
    """Together; what vanishes meanwhile counts nothing."""
    found = (_stat(path) for path in paths)
    return sum(one.st_size for one in found if one and stat.S_ISREG(one.st_mode))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None
