"""The chapters of recordings: stored as a whole, shown only while they are those of the text that
is read."""

from __future__ import annotations

import json
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


def load_many(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, list[Chapter]]:
    """The chapters of recordings, by id, in order; of those whose text was not changed since."""
    rows = db.execute(
        "SELECT chapters.recording_id, start_ms, end_ms, title FROM chapters"
        " JOIN results AS made ON made.recording_id = chapters.recording_id"
        "  AND made.stage = ?"
        " JOIN results AS machine ON machine.recording_id = chapters.recording_id"
        "  AND machine.stage = 'transcribe'"
        " LEFT JOIN results AS corrected ON corrected.recording_id = chapters.recording_id"
        "  AND corrected.stage = 'correct'"
        " WHERE chapters.recording_id IN (SELECT value FROM json_each(?))"
        "  AND made.digest = ifnull(corrected.digest, machine.digest)"
        " ORDER BY chapters.recording_id, number",
        (STAGE, json.dumps(list(ids))),
    )
    found: dict[str, list[Chapter]] = {}
    for recording_id, start_ms, end_ms, title in rows:
        found.setdefault(recording_id, []).append(Chapter(start_ms, end_ms, title))
    return found


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
