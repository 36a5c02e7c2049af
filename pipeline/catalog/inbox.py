"""Rows of what lies in the inbox: how it looked, since when, and what came of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from pipeline.values import Failure


@dataclass(frozen=True, slots=True)
class Seen:
    """A recording's files in the inbox, by the path of the first of them.

    ``failure``: why they cannot be taken while they look like this. ``recording_id``: they were
    taken, and could not be deleted yet.
    """

    path: str
    stamp: str
    since_ms: int
    failure: Failure | None = None
    recording_id: str | None = None


def every(db: sqlite3.Connection) -> dict[str, Seen]:
    """All rows by their path."""
    return {
        row["path"]: Seen(
            path=row["path"],
            stamp=row["stamp"],
            since_ms=row["since_ms"],
            failure=Failure(**json.loads(row["failure"])) if row["failure"] else None,
            recording_id=row["recording_id"],
        )
        for row in db.execute("SELECT * FROM inbox")
    }


def remember(db: sqlite3.Connection, seen: Iterable[Seen]) -> None:
    """Store rows in place of those of the same paths."""
    db.executemany(
        "INSERT OR REPLACE INTO inbox (path, stamp, since_ms, failure, recording_id)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (
                one.path,
                one.stamp,
                one.since_ms,
                json.dumps(asdict(one.failure), ensure_ascii=False) if one.failure else None,
                one.recording_id,
            )
            for one in seen
        ],
    )


def forget(db: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Drop the rows of files that are gone."""
    db.executemany("DELETE FROM inbox WHERE path = ?", [(path,) for path in paths])
