"""What a copy of the catalogue carries along of another file: the members' judgements.

The catalogue at work holds none of it.
"""

from __future__ import annotations

import json
import sqlite3

_KEY = "feedback"


def put(db: sqlite3.Connection, content: str) -> None:
    """Let a copy carry the content of the file; nothing where it is empty. Bytes that are no UTF-8
    may come as lone surrogates, which JSON can escape."""
    drop(db)
    if content:
        db.execute("INSERT INTO record VALUES (?, ?)", (_KEY, json.dumps(content)))


def get(db: sqlite3.Connection) -> str:
    """The content that a copy carries; empty where it carries none."""
    row = db.execute("SELECT value FROM record WHERE key = ?", (_KEY,)).fetchone()
    return str(json.loads(row[0])) if row else ""


def drop(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM record WHERE key = ?", (_KEY,))
