"""Backup and restore of the catalogue, each whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.catalog import backup, generations, purge, queue, retention
from pipeline.catalog.connection import Catalogue, open_catalogue
from pipeline.errors import BadInput, HomeUnusable
from pipeline.home import Home, disk_error, sync_folder
from pipeline.run import publish, removal, runner
from pipeline.search import vectors


def save(home: Home, catalogue: Catalogue, target: Path) -> int:
    """Write a copy of the catalogue to ``target``; its size in bytes.

    Raises BadInput: ``backup.unwritable`` where the place cannot be written, ``backup.own_file``
    where it belongs to the program itself.
    """
    _refuse_own(home, target)
    try:
        backup.copy_to(catalogue, target)
        return target.stat().st_size
    except OSError as error:
        detail = error.strerror or str(error)
        raise BadInput("backup.unwritable", path=str(target), detail=detail) from error


def restore(home: Home, source: Path) -> list[str]:
    """Replace the catalogue by the copy at ``source``.

    Removed recordings stay removed: the ledger is replayed, and the ids it removed are returned.
    The index is rebuilt from the restored vectors.
    Raises BadInput (``backup.*``), HomeUnusable (``home.in_use`` while a run is going on).
    """
    backup.check(source)
    _refuse_while_running(home)
    fresh = home.root / ".restoring.db"
    try:
        fresh.touch(mode=0o600)
        shutil.copyfile(source, fresh)
        open_catalogue(fresh).close()  # brings an older copy up to date, before it counts
        with fresh.open("rb") as stream:
            os.fsync(stream.fileno())
        _empty_log(home.catalogue)
        _drop_log(home.catalogue)
        fresh.replace(home.catalogue)
        sync_folder(home.root)
    except OSError as error:
        raise disk_error(error, home.root) from error
    finally:
        _drop_log(fresh)
        fresh.unlink(missing_ok=True)
    return _after_restore(home)


def _after_restore(home: Home) -> list[str]:
    with open_catalogue(home.catalogue) as catalogue:
        with catalogue.write() as db:
            queue.drop_leases(db)
            retention.clear(db)  # whoever was warned was warned of another catalogue
            generations.retire_all(db)
            generations.number_from(db, _newest_file(home.index))
            model = generations.text_model(db)
        removed = removal.settle(home, catalogue)
        if model is not None:
            publish.publish(home, catalogue, model, wait=True)
        else:
            publish.clear_retired(home, catalogue)
    return removed


def _newest_file(index: Path) -> int:
    """The highest number among generation files: ids are never used twice."""
    return max((vectors.number_of(path) for path in vectors.files(index)), default=0)


def _refuse_own(home: Home, target: Path) -> None:
    place = target.resolve()
    inside = any(folder in place.parents for folder in (home.index, home.runners, home.media))
    own = place.parent == home.root.resolve() and (
        place.name.startswith(home.catalogue.name) or place == home.ledger.resolve()
    )
    if inside or own:
        raise BadInput("backup.own_file", path=str(target))


def _refuse_while_running(home: Home) -> None:
    if not home.catalogue.exists():
        return
    locks = [path.stem for path in home.runners.glob("*.lock")]
    if len(runner.dead(locks, home)) < len(locks):
        raise HomeUnusable("home.in_use", path=str(home.root))


def _empty_log(path: Path) -> None:
    """Bring everything from the write-ahead log into the file, so that the log can go: whatever
    is killed now, the old catalogue or the restored one is whole."""
    if not path.exists():
        return
    try:
        with open_catalogue(path) as present:
            emptied = purge.checkpoint(present)
    except HomeUnusable:
        return  # what cannot be read is about to be replaced
    if not emptied:
        raise HomeUnusable("home.in_use", path=str(path.parent))


def _drop_log(path: Path) -> None:
    for left in ("-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)
