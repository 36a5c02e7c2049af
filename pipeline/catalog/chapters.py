"""The chapters of recordings: stored as a whole, shown only while they are those of the text that
is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pipeline.catalog import transcripts
from pipeline.catalog.transcripts import StageResult
from pipeline.values import Chapter

STAGE = "chapters"


def store(
    db: sqlite3.Connection,
    recording_id: str,
    made: Sequence[Chapter],
    result: StageResult,
    *,
    took_ms: int,
) -> None:
    """Replace a recording's chapters. The digest of ``result`` is that of the transcript they were
    made from."""
    _delete(db, recording_id)
    db.executemany(
        "INSERT INTO chapters VALUES (?, ?, ?, ?, ?)",
        [
            (recording_id, number, one.start_ms, one.end_ms, one.title)
            for number, one in enumerate(made)
        ],
    )
    transcripts.record_result(db, recording_id, STAGE, result, took_ms=took_ms)


def drop(db: sqlite3.Connection, recording_id: str) -> None:
    """Delete a recording's chapters; the next run makes them anew."""
    _delete(db, recording_id)
    transcripts.drop_result(db, recording_id, STAGE)


def _delete(db: sqlite3.Connection, recording_id: str) -> None:
    db.execute("DELETE FROM chapters WHERE recording_id = ?", (recording_id,))


def load(db: sqlite3.Connection, recording_id: str) -> tuple[Chapter, ...]:
    """A recording's chapters in order; none where its text was changed since they were made."""
    made = transcripts.results(db, (recording_id,)).get((recording_id, STAGE))
    if made is None or made.digest != transcripts.read_digest(db, recording_id):
        return ()
    rows = db.execute(
        "SELECT start_ms, end_ms, title FROM chapters WHERE recording_id = ? ORDER BY number",
        (recording_id,),
    )
    return tuple(Chapter(row[0], row[1], row[2]) for row in rows)
