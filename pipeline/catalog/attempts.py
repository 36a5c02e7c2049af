"""How often signing in failed of late, by keys that tell neither name nor address."""

from __future__ import annotations

import secrets
import sqlite3
from typing import NamedTuple

_KEY = "attempts_key"


class Tries(NamedTuple):
    """What is known of one key: failures, the last of them, and the last success."""

    failures: int = 0
    failed_ms: int = 0
    succeeded_ms: int | None = None


def secret(db: sqlite3.Connection) -> str:
    """What keys are hashed with, made when it is first asked for."""
    db.execute("INSERT OR IGNORE INTO record VALUES (?, ?)", (_KEY, secrets.token_hex(32)))
    row = db.execute("SELECT value FROM record WHERE key = ?", (_KEY,)).fetchone()
    return str(row[0])


def get(db: sqlite3.Connection, key: str) -> Tries:
    row = db.execute(
        "SELECT failures, failed_ms, succeeded_ms FROM attempts WHERE key = ?", (key,)
    ).fetchone()
    return Tries(*row) if row else Tries()


def put(db: sqlite3.Connection, key: str, tries: Tries) -> None:
    db.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", (key, *tries))


def forget(db: sqlite3.Connection, key: str) -> None:
    db.execute("DELETE FROM attempts WHERE key = ?", (key,))


def prune(db: sqlite3.Connection, before_ms: int) -> None:
    """Forget what has neither failed nor succeeded since."""
    db.execute(
        "DELETE FROM attempts WHERE failed_ms < ?1 AND ifnull(succeeded_ms, 0) < ?1", (before_ms,)
    )


def forget_all(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM attempts")
    db.execute("DELETE FROM record WHERE key = ?", (_KEY,))
