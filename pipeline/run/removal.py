"""Removing recordings for good: rows, search words, vectors, generations, copies, backups.

The ledger is written first. Whatever is killed after that, the next ``settle`` finishes the job,
and no restore brings a removed recording back.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Connection
from typing import IO

from pipeline.catalog import (
    backup,
    carried,
    chunks,
    copying,
    corrections,
    generations,
    purge,
    recordings,
)
from pipeline.catalog.connection import Catalogue, now_ms, open_catalogue
from pipeline.errors import HomeUnusable
from pipeline.home import Home, disk_error, sync_folder
from pipeline.run import feedback, shelf
from pipeline.run.feedback import Names
from pipeline.values import Recording


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was removed, and what stays: ``media_left`` lies outside our reach, and
    ``standing_replacements`` hold for all recordings, so they are nobody's own. ``judgements`` are
    the lines of the feedback file that went."""

    recording_id: str
    chunks: int
    copy_deleted: bool
    media_left: str | None
    standing_replacements: int
    judgements: int
    backups_rewritten: int
    complete: bool


def remove(home: Home, catalogue: Catalogue, ids: Sequence[str]) -> list[Receipt]:
    """Remove known recordings everywhere under the home directory.

    Raises NotFound for an unknown id before anything is removed, HomeUnusable where the disk
    refuses.
    """
    with catalogue.read() as db:
        doomed = [recordings.get(db, recording_id) for recording_id in dict.fromkeys(ids)]
        counts = {one.id: chunks.count_of(db, one.id) for one in doomed}
        standing = sum(
            one.scope is None and one.undone_ms is None for one in corrections.history(db, None)
        )
    _note(home, [one.id for one in doomed], "removed_ms")
    copies = {one.id for one in doomed if any(_copies(home, one.id))}
    done = _clean(home, catalogue, [one.id for one in doomed])
    return [
        Receipt(
            recording_id=one.id,
            chunks=counts[one.id],
            copy_deleted=one.id in copies,
            media_left=one.media.path if one.media and not one.media.copied else None,
            standing_replacements=standing,
            judgements=done.judgements[one.id],
            backups_rewritten=done.rewritten,
            complete=done.complete,
        )
        for one in doomed
    ]


def settle(home: Home, catalogue: Catalogue, *, thorough: bool = True) -> list[str]:
    """Finish removals that were cut short or undone by a restore. Ids that were removed now.

    A recording added again after its removal stays; a replacement made for one that is gone does
    not. Without ``thorough`` only rows are deleted,
    which is quick and hides the recording everywhere; the rest waits for a thorough call.
    """
    ledger = read_ledger(home)
    with catalogue.read() as db:
        known = recordings.get_many(db, ledger)
        named = purge.named_in_scopes(db, ledger) | feedback.mentioned(home, ledger)
    named -= known.keys()
    again = _again(known, ledger)
    back = [key for key in known if key not in again]
    left = [*back, *sorted(named)]
    if left:
        _note(home, left, "removed_ms")  # copies of the catalogue may hold them again, too
    if not thorough:
        if left:
            with catalogue.write() as db:
                feedback.forget(home, feedback.names_of(db, left))
                purge.delete_rows(db, left)
        return back
    unfinished = [key for key, one in ledger.items() if not one.finished and key not in again]
    if left or unfinished:
        _clean(home, catalogue, sorted({*left, *unfinished}))
    return back


def still_removed(home: Home, db: Connection) -> set[str]:
    """The ids in the ledger, but for those of recordings that were added again since."""
    ledger = read_ledger(home)
    return ledger.keys() - _again(recordings.get_many(db, ledger), ledger)


def _again(known: Mapping[str, Recording], ledger: Mapping[str, LedgerEntry]) -> set[str]:
    return {key for key, one in known.items() if one.added_ms > ledger[key].removed_ms}


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """How many lines of judgements each recording had, how many backups were rewritten or dropped,
    and whether the catalogue's log could be emptied, too."""

    judgements: Counter[str]
    rewritten: int
    complete: bool


def _clean(home: Home, catalogue: Catalogue, ids: Sequence[str]) -> _Cleaned:
    """Every step of a removal, each harmless when it was done before."""
    from pipeline.reports import store  # every command looks at the ledger, few have to clean

    with catalogue.write() as db:
        names = feedback.names_of(db, ids)
        judgements = feedback.forget(home, names)
        carried.drop(db)  # of a copy that was put in the catalogue's place by hand
        purge.delete_rows(db, ids)
    for one in ids:
        for copy in _copies(home, one):
            copy.unlink(missing_ok=True)
        shelf.drop(home, one)
    store.forget(home.reports, ids)
    _rebuild_index(home, catalogue)
    emptied = purge.scrub(catalogue)
    rewritten = _clean_backups(home, names)
    if emptied:
        _note(home, ids, "finished_ms")
    return _Cleaned(judgements, rewritten, emptied)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """When a recording was last removed, and whether nothing of it is left."""

    removed_ms: int
    finished: bool


def read_ledger(home: Home) -> dict[str, LedgerEntry]:
    """The last removal of each id. A torn last line is ignored: what it announced was not begun,
    or will be done again."""
    removed: dict[str, LedgerEntry] = {}
    try:
        lines = home.ledger.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return removed
    for line in lines:
        try:
            entry = json.loads(line)
            key = str(entry["id"])
            if "removed_ms" in entry:
                removed[key] = LedgerEntry(int(entry["removed_ms"]), finished=False)
            elif key in removed:
                removed[key] = replace(removed[key], finished=True)
        except (ValueError, KeyError, TypeError):
            continue
    return removed


def _note(home: Home, ids: Sequence[str], what: str) -> None:
    moment = now_ms()
    lines = "".join(json.dumps({"id": one, what: moment}) + "\n" for one in ids)
    try:
        with home.ledger.open("a+b") as ledger:
            os.fchmod(ledger.fileno(), 0o600)
            ledger.write(_line_end(ledger) + lines.encode("utf-8"))
            ledger.flush()
            os.fsync(ledger.fileno())
        sync_folder(home.root)
    except OSError as error:
        raise disk_error(error, home.ledger) from error


def _line_end(ledger: IO[bytes]) -> bytes:
    """What ends a line that a killed process left torn, so that it swallows nothing."""
    size = ledger.seek(0, os.SEEK_END)
    ledger.seek(max(size - 1, 0))
    return b"" if ledger.read(1) in (b"", b"\n") else b"\n"


def _copies(home: Home, recording_id: str) -> list[Path]:
    return list(home.media.glob(f"{recording_id}*")) + list(home.media.glob(f".{recording_id}*"))


def _rebuild_index(home: Home, catalogue: Catalogue) -> None:
    """A generation without the removed vectors; the previous one, which still has them, goes."""
    with catalogue.read() as db:
        model = generations.text_model(db)
        state = generations.index_state(db)
    if model is None or state.generation is None:
        return
    from pipeline.run import publish  # loads FAISS

    publish.publish(home, catalogue, model, wait=True)
    with catalogue.write() as db:
        generations.forget_previous(db)
    publish.clear_retired(home, catalogue)


def _clean_backups(home: Home, names: Names) -> int:
    """Rewrite every copy of the catalogue under the home directory without the recordings. A copy
    that cannot be read or rewritten, or is only half written, is dropped: nothing removed may live
    on in it."""
    touched = 0
    for partial in copying.partials(home.backups):
        partial.unlink(missing_ok=True)
    for path in _backups(home):
        try:
            touched += _rewritten(path, names)
        except HomeUnusable:
            path.unlink(missing_ok=True)
            touched += 1
        for left in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            left.unlink(missing_ok=True)
    return touched


def _rewritten(path: Path, names: Names) -> bool:
    """A copy of an older schema is brought up to date only if there is something to remove."""
    ids = list(names)
    if not backup.holds(path, ids) and not feedback.without(backup.judgements(path), names)[1]:
        return False
    with open_catalogue(path) as copy:
        with copy.write() as db:
            then = feedback.names_of(db, ids)
            both = {one: {*names[one], *then[one]} for one in ids}
            carried.put(db, feedback.without(carried.get(db), both)[0])
            purge.delete_rows(db, ids)
        purge.scrub(copy)
        purge.vacuum(copy)
    return True


def _backups(home: Home) -> list[Path]:
    # A folder that is a link to another disk is only looked into where it is named.
    places = {*_files(home.root, home.renditions), *_files(home.backups, home.renditions)}
    return [path for path in sorted(places) if path != home.catalogue and backup.is_backup(path)]


def _files(root: Path, besides: Path) -> Iterator[Path]:
    """All files below ``root`` but for those in one folder: of pictures there may be millions."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name) != besides]
        yield from (path for name in names if (path := Path(folder, name)).is_file())
