"""How fast recordings were worked on of late, however many at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_OF_LATE = 100
"""Recordings that are looked at. Some dozens may be worked on at a time, and all of those were
begun before the first of them was done."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A stretch of audio, of how many recordings, and the milliseconds in which somebody was at
    work on any of them."""

    recordings: int
    audio_ms: int
    busy_ms: int

    @property
    def pace(self) -> float:
        """Milliseconds of work per millisecond of audio."""
        return self.busy_ms / self.audio_ms


def worked(db: sqlite3.Connection, stages: Collection[str]) -> Worked | None:
    """What was last done of the first of ``stages``, and how long all of them took for it; None
    without any."""
    first, *_ = stages
    latest = db.execute(
        "SELECT recording_id, duration_ms FROM results"
        " JOIN recordings ON recordings.id = recording_id"
        " WHERE results.stage = ? AND duration_ms > 0 AND took_ms > 0"
        " ORDER BY made_ms DESC LIMIT ?",
        (first, _OF_LATE),
    ).fetchall()
    if not latest:
        return None
    spells = db.execute(
        "SELECT made_ms - took_ms, made_ms FROM results WHERE took_ms > 0"
        " AND recording_id IN (SELECT value FROM json_each(?))"
        " AND stage IN (SELECT value FROM json_each(?))",
        (json.dumps([row[0] for row in latest]), json.dumps(list(stages))),
    )
    audio_ms = sum(int(row[1]) for row in latest)
    return Worked(len(latest), audio_ms, busy_ms((row[0], row[1]) for row in spells))


def speed(db: sqlite3.Connection, stage: str) -> float | None:
    """Milliseconds of work per millisecond of audio over the last results of a stage; None without
    any."""
    found = worked(db, (stage,))
    return found.pace if found else None


def busy_ms(spells: Iterable[tuple[int, int]]) -> int:
    """How much time spells (begin, end) cover together. Recordings that are worked on at the same
    time each take as long as all of them do, so a sum would count that time many times."""
    total, until = 0, 0
    for begin, end in sorted(spells):
        total += max(end - max(begin, until), 0)
        until = max(until, end)
    return total


def audio_of_done(db: sqlite3.Connection) -> int:
    """Milliseconds of audio of all recordings that are done."""
    row = db.execute("SELECT sum(duration_ms) FROM recordings WHERE state = 'done'").fetchone()
    return int(row[0] or 0)
