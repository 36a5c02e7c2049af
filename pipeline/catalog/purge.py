"""Deleting for good: rows, search words, vectors, free pages and the write-ahead log."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pipeline.catalog import chunks, recordings
from pipeline.catalog.connection import Catalogue


def delete_rows(db: sqlite3.Connection, recording_ids: Sequence[str]) -> None:
    """Delete recordings with everything that hangs on them. ``scrub`` must follow."""
    recordings.note_removal(db)
    for recording_id in recording_ids:
        chunks.drop_sets(db, recording_id)
        db.execute("DELETE FROM recordings WHERE id = ?", (recording_id,))


def scrub(catalogue: Catalogue) -> bool:
    """Leave no trace of deleted rows in the file: merge the full-text index so that deleted
    terms vanish, then empty the write-ahead log (``secure_delete`` has zeroed the pages).

    False when a reader kept the log from being emptied; the next ``scrub`` will do it.
    """
    with catalogue.write() as db:
        db.execute("INSERT INTO chunk_words (chunk_words) VALUES ('optimize')")
    return checkpoint(catalogue)


def checkpoint(catalogue: Catalogue) -> bool:
    """Empty the write-ahead log into the file. False when a reader prevents it."""
    with catalogue.bare() as db:
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def vacuum(catalogue: Catalogue) -> None:
    """Rewrite the file without free pages, one file again without a log. Used on backups, which
    have no readers."""
    with catalogue.bare() as db:
        db.execute("VACUUM")
        db.execute("PRAGMA journal_mode = DELETE")
