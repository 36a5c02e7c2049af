"""What one look at the collection shows: the next in each state, what was done last, what is left.

Each is a few rows out of however many thousands there are.
"""

from __future__ import annotations

import sqlite3

from pipeline.catalog import recordings
from pipeline.values import Recording, State


def next_in_turn(db: sqlite3.Connection, state: State, limit: int) -> list[Recording]:
    """At most ``limit`` recordings of a state, in the order of work."""
    rows = db.execute(
        "SELECT id FROM recordings WHERE state = ? ORDER BY priority DESC, added_ms, id LIMIT ?",
        (state, limit),
    )
    return _in_order(db, [row[0] for row in rows])


def done_last(db: sqlite3.Connection, limit: int) -> list[Recording]:
    """At most ``limit`` recordings that are done, the last one first."""
    rows = db.execute(
        "SELECT recordings.id FROM recordings"
        " LEFT JOIN chunk_sets ON chunk_sets.recording_id = recordings.id"
        " WHERE state = 'done' GROUP BY recordings.id"
        " ORDER BY max(made_ms) DESC, added_ms DESC, recordings.id LIMIT ?",
        (limit,),
    )
    return _in_order(db, [row[0] for row in rows])


def _in_order(db: sqlite3.Connection, ids: list[str]) -> list[Recording]:
    found = recordings.get_many(db, ids)
    return [found[one] for one in ids]


def audio_left_ms(db: sqlite3.Connection, recording_id: str | None = None) -> int:
    """Audio still to be recognised, of one recording or of all that wait or run."""
    row = db.execute(
        "SELECT ifnull(sum(round(ifnull(duration_ms, 0) * (1 - progress))), 0) FROM recordings"
        " WHERE state IN ('queued', 'running') AND NOT imported AND id = ifnull(?, id)",
        (recording_id,),
    ).fetchone()
    return int(row[0])
