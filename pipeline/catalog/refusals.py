"""Text models whose index the gold gate refused, and under which conditions (in ``record``)."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass

from pipeline.catalog.connection import now_ms

_KEY = "refused_"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was measured: nDCG@10 of the published index (``before``) and of the refused one
    (``after``) over ``questions``; ``gold`` is the sha256 of the file they came from and
    ``chunks`` stands for the very chunks that the refused one held."""

    model_hash: str
    gold: str
    tolerance: float
    chunks: str
    questions: int
    before: float
    after: float


def note(db: sqlite3.Connection, refusal: Refusal) -> None:
    """Remember a refusal in place of a former one of the same model."""
    row = json.dumps({**asdict(refusal), "noted_ms": now_ms()})
    db.execute("INSERT OR REPLACE INTO record VALUES (?, ?)", (_KEY + refusal.model_hash, row))


def of(db: sqlite3.Connection, model_hash: str) -> Refusal | None:
    """The last refusal of a text model."""
    row = db.execute("SELECT value FROM record WHERE key = ?", (_KEY + model_hash,)).fetchone()
    if row is None:
        return None
    values = json.loads(row[0])
    del values["noted_ms"]
    return Refusal(**values)


def forget(db: sqlite3.Connection, model_hash: str) -> None:
    db.execute("DELETE FROM record WHERE key = ?", (_KEY + model_hash,))
