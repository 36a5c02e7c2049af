"""Copies of the catalogue: SQLite's online backup, written beside and renamed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.catalog.connection import APPLICATION_ID, Catalogue, schema_version
from pipeline.errors import BadInput

_HEADER = b"SQLite format 3\x00"


def copy_to(catalogue: Catalogue, target: Path) -> None:
    """A consistent copy of the catalogue at ``target``, while others read and write."""
    with catalogue.bare() as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=4096)
        copy.execute("PRAGMA journal_mode = DELETE")


def is_backup(path: Path) -> bool:
    """Whether a file is a catalogue or a copy of one."""
    try:
        with path.open("rb") as stream:
            header = stream.read(72)
    except OSError:
        return False
    return header.startswith(_HEADER) and header[68:72] == APPLICATION_ID.to_bytes(4, "big")


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
