"""Deleting for good: rows, search words, vectors, free pages and the write-ahead log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence

from pipeline.catalog import chunks, recordings
from pipeline.catalog.connection import Catalogue


def delete_rows(db: sqlite3.Connection, recording_ids: Sequence[str]) -> None:
    """Delete recordings with everything that hangs on them. ``scrub`` must follow."""
    recordings.note_removal(db)
    for recording_id in recording_ids:
        chunks.drop_sets(db, recording_id)
        db.execute("DELETE FROM recordings WHERE id = ?", (recording_id,))
    _drop_scopes(db, recording_ids)


def _drop_scopes(db: sqlite3.Connection, recording_ids: Collection[str]) -> None:
    """Replacements, undone ones too, hold for these recordings no longer; one that held for no
    others goes, since its words are theirs."""
    ids = json.dumps(list(recording_ids))
    db.execute(
        "UPDATE corrections SET scope = (SELECT json_group_array(value) FROM json_each(scope)"
        "  WHERE value NOT IN (SELECT value FROM json_each(?1)))"
        " WHERE recording_id IS NULL AND EXISTS (SELECT 1 FROM json_each(scope)"
        "  WHERE value IN (SELECT value FROM json_each(?1)))",
        (ids,),
    )
    db.execute("DELETE FROM corrections WHERE recording_id IS NULL AND scope = '[]'")


def named_in_scopes(db: sqlite3.Connection, recording_ids: Collection[str]) -> set[str]:
    """Those of the recordings, known or not, for which a replacement was made."""
    rows = db.execute(
        "SELECT DISTINCT value FROM corrections, json_each(scope) WHERE recording_id IS NULL"
        " AND value IN (SELECT value FROM json_each(?))",
        (json.dumps(list(recording_ids)),),
    )
    return {row[0] for row in rows}


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
