"""The list of recordings whose time is nearly up: rows alone, ``nights/retention.py`` decides."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording on the list: what it was judged by, the day that was announced, since when it is
    on the list, and for how many ``days`` up to the night that last ``looked``."""

    recording_id: str
    collection: str | None
    counted_from: date
    goes: date
    warned: date
    days: int
    looked: date


def listed(db: sqlite3.Connection) -> dict[str, Listed]:
    """The whole list by recording."""
    rows = db.execute(
        "SELECT recording_id, collection, counted_from, goes, warned, days, looked FROM leaving"
    )
    return {row[0]: _listed(row) for row in rows}


def _listed(row: sqlite3.Row) -> Listed:
    return Listed(
        recording_id=row[0],
        collection=row[1],
        counted_from=date.fromisoformat(row[2]),
        goes=date.fromisoformat(row[3]),
        warned=date.fromisoformat(row[4]),
        days=row[5],
        looked=date.fromisoformat(row[6]),
    )


def put(db: sqlite3.Connection, rows: Iterable[Listed]) -> None:
    """Put recordings on the list, or note what changed about those that are."""
    db.executemany(
        "INSERT OR REPLACE INTO leaving VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.recording_id,
                row.collection,
                row.counted_from.isoformat(),
                row.goes.isoformat(),
                row.warned.isoformat(),
                row.days,
                row.looked.isoformat(),
            )
            for row in rows
        ],
    )


def take_off(db: sqlite3.Connection, recording_ids: Iterable[str]) -> None:
    db.execute(
        "DELETE FROM leaving WHERE recording_id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(recording_ids)),),
    )


def clear(db: sqlite3.Connection) -> None:
    """Nobody is on the list any more."""
    db.execute("DELETE FROM leaving")
