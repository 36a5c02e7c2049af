"""Copies of the catalogue: written, recognised, and looked into without changing them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from pipeline.catalog import accounts, carried, copying, purge
from pipeline.catalog.connection import APPLICATION_ID, Catalogue, said_plainly, schema_version
from pipeline.errors import BadInput, HomeUnusable

_HEADER = b"SQLite format 3\x00"

_SCOPES_SINCE = 3
"""The schema with which replacements came; before that no correction was without a recording."""


def copy_to(catalogue: Catalogue, target: Path, judgements: Callable[[], str]) -> None:
    """A consistent copy of the catalogue at ``target``, whole or not at all, while others read and
    write, with nothing in it that lets anybody in but a password. ``judgements`` is asked for what
    else it carries once the catalogue is copied: whatever is removed in between, the copy knows the
    recordings of all it carries, and their titles. Raises OSError, HomeUnusable."""

    def complete(copy: sqlite3.Connection) -> None:
        copy.execute("PRAGMA secure_delete = ON")
        accounts.close_doors(copy)
        carried.put(copy, judgements())

    with catalogue.bare() as source:
        copying.write_whole(source, target, complete=complete)


def is_backup(path: Path) -> bool:
    """Whether a file is a catalogue or a copy of one."""
    try:
        with path.open("rb") as stream:
            header = stream.read(72)
    except OSError:
        return False
    return header.startswith(_HEADER) and header[68:72] == APPLICATION_ID.to_bytes(4, "big")


def holds(path: Path, recording_ids: Iterable[str]) -> bool:
    """Whether a copy, of whatever older schema, holds any of the recordings or a replacement made
    for one of them; it is not brought up to date for that.

    Raises HomeUnusable: ``home.too_new``, or where it cannot be read.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with said_plainly(path), closing(sqlite3.connect(uri, uri=True)) as db:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > schema_version():
            raise HomeUnusable("home.too_new", path=str(path), version=version)
        ids = list(recording_ids)
        found = db.execute(
            "SELECT 1 FROM recordings WHERE id IN (SELECT value FROM json_each(?)) LIMIT 1",
            (json.dumps(ids),),
        ).fetchone()
        return found is not None or (
            version >= _SCOPES_SINCE and bool(purge.named_in_scopes(db, ids))
        )


def judgements(path: Path) -> str:
    """What a copy carries of the members' judgements. Raises HomeUnusable where it cannot be
    read."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with said_plainly(path), closing(sqlite3.connect(uri, uri=True)) as db:
        return carried.get(db)


def check(path: Path) -> None:
    """Raises BadInput (``backup.*``) unless ``path`` is a whole copy this program can read."""
    if not path.exists():
        raise BadInput("backup.missing", path=str(path))
    if not is_backup(path):
        raise BadInput("backup.foreign", path=str(path))
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            sound = db.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
    except sqlite3.DatabaseError as error:
        raise BadInput("backup.damaged", path=str(path)) from error
    if version > schema_version():
        raise BadInput("backup.too_new", path=str(path), version=version)
    if not sound:
        raise BadInput("backup.damaged", path=str(path))
