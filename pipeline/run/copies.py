"""Backup and restore of the catalogue, each whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

from pipeline.catalog import (
    accounts,
    backup,
    carried,
    corrections,
    generations,
    purge,
    queue,
    recordings,
    retention,
)
from pipeline.catalog.accounts import UserRow
from pipeline.catalog.connection import Catalogue, open_catalogue
from pipeline.catalog.corrections import WithheldRow
from pipeline.errors import BadInput, HomeUnusable
from pipeline.home import Home, disk_error, sync_folder
from pipeline.index import files
from pipeline.run import correcting, feedback, publish, removal, renditions, runner
from pipeline.run.context import Context


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore kept of the catalogue that it replaced.

    ``removed`` are the ids that had been removed since and are again, ``withheld`` counts the
    stretches that the backup did not withhold yet, ``withheld_again`` those that were released
    since. ``in_the_dark``: there was no catalogue that could be asked what is withheld.
    ``judged`` counts the lines of members' judgements that are there again.
    """

    removed: tuple[str, ...]
    withheld: int
    withheld_again: int
    in_the_dark: bool
    judged: int


def save(context: Context, catalogue: Catalogue, target: Path) -> int:
    """Write a copy of the catalogue, and of the members' judgements, to ``target``; its size in
    bytes.

    Raises BadInput: ``backup.unwritable`` where the place cannot be written, ``backup.own_file``
    where it belongs to the program itself, ``backup.taken`` where another file would be lost.
    """
    _refuse_own(context, target)
    if target.exists() and not target.is_dir() and not backup.is_backup(target):
        raise BadInput("backup.taken", path=str(target))
    try:
        backup.copy_to(catalogue, target, lambda: feedback.read(context.home))
        return target.stat().st_size
    except OSError as error:
        detail = error.strerror or str(error)
        raise BadInput("backup.unwritable", path=str(target), detail=detail) from error


def restore(home: Home, source: Path) -> Restored:
    """Replace the catalogue by the copy at ``source``.

    Removed recordings stay removed, since the ledger is replayed, and what is withheld now stays
    withheld. Accounts stay as they are now, those of the copy count only where there are none; all
    have to sign in again. The index is rebuilt from the restored vectors. The copy's judgements
    join those that there are.
    Raises BadInput (``backup.*``), HomeUnusable (``home.in_use`` while a run is going on).
    """
    backup.check(source)
    _refuse_while_running(home)
    fresh = home.root / ".restoring.db"
    try:
        fresh.touch(mode=0o600)
        shutil.copyfile(source, fresh)
        known = _now(home)
        with open_catalogue(fresh) as restored:  # brings an older copy up to date, too
            withheld, again = _keep_withheld(restored, known.withheld if known else [])
            with restored.write() as db:
                _keep_accounts(db, known.users if known else [])
                judgements = carried.get(db)
                carried.drop(db)
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
    removed, judged = _after_restore(home, judgements)
    return Restored(tuple(removed), withheld, again, known is None, judged)


_Withheld = Sequence[tuple[str, WithheldRow]]


class _Known(NamedTuple):
    """What is withheld, or was once, by the catalogue that is about to be replaced, and who may
    sign in."""

    withheld: _Withheld
    users: Sequence[UserRow]


def _now(home: Home) -> _Known | None:
    """None where there is no catalogue or it cannot be read."""
    if not home.catalogue.exists():
        return None
    try:
        with open_catalogue(home.catalogue) as present, present.read() as db:
            return _Known(corrections.every_withheld(db), accounts.user_rows(db))
    except HomeUnusable:
        return None


def _keep_accounts(db: Connection, present: Sequence[UserRow]) -> None:
    """Who was removed since, or has another password, must not come back with a copy."""
    accounts.close_doors(db)
    if present:
        accounts.replace_users(db, present)


def _keep_withheld(restored: Catalogue, known: _Withheld) -> tuple[int, int]:
    """Withhold in a restored catalogue what is withheld in the present one, before anybody can read
    it. How many stretches, and how many it withholds that had been released: safe is safe."""
    withheld = {(whose, row.span): row for whose, row in known if row.undone_ms is None}
    released = {(whose, row.span) for whose, row in known} - withheld.keys()
    with restored.write() as db:
        ids = recordings.get_many(db, {whose for whose, _ in withheld}).keys()
        before = {
            (whose, row.span)
            for whose, row in corrections.every_withheld(db)
            if row.undone_ms is None
        }
        missing = [place for place in withheld if place not in before and place[0] in ids]
        for whose, span in missing:
            correcting.hide(db, whose, span, withheld[whose, span].who)
    return len(missing), len(before & released)


def _after_restore(home: Home, judgements: str) -> tuple[list[str], int]:
    """The recordings that were removed again, and how many judgements came back."""
    with open_catalogue(home.catalogue) as catalogue:
        with catalogue.write() as db:
            judged = _bring_back(home, db, judgements)
            queue.drop_leases(db)
            retention.clear(db)  # whoever was warned was warned of another catalogue
            generations.retire_all(db)
            generations.number_from(db, _newest_file(home.index))
            model = generations.text_model(db)
        removed = removal.settle(home, catalogue)
        renditions.sweep(home, catalogue)
        if model is not None:
            publish.publish(home, catalogue, model, wait=True)
        else:
            publish.clear_retired(home, catalogue)
    return removed, judged


def _bring_back(home: Home, db: Connection, judgements: str) -> int:
    """Add a copy's judgements to the file, but for those of recordings that are to go again. How
    many they are."""
    doomed = removal.still_removed(home, db)
    left, _ = feedback.without(judgements, feedback.names_of(db, doomed))
    content, count = feedback.merged(feedback.read(home), left)
    if count:
        feedback.write(home, content)
    return count


def _newest_file(index: Path) -> int:
    """The highest number among generation files: ids are never used twice."""
    return max((files.number_of(path) for path in files.files(index)), default=0)


def _refuse_own(context: Context, target: Path) -> None:
    home, place = context.home, target.resolve()
    folders = (home.index, home.runners, home.media, home.renditions, context.inbox)
    inside = any(folder.resolve() in place.parents for folder in folders)
    own = place.parent == home.root.resolve() and (
        place.name.startswith(home.catalogue.name)
        or place in (home.ledger.resolve(), home.feedback.resolve())
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
