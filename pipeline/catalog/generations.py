"""Index generations and the settings of record: which index members search right now."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pipeline.catalog import chunks
from pipeline.catalog.connection import now_ms
from pipeline.values import ModelRef


@dataclass(frozen=True, slots=True)
class Generation:
    """A FAISS index on disk: what it holds and from which text model."""

    id: int
    model: ModelRef
    dimension: int
    kind: str
    chunks: int
    newest_chunk: int
    sha256: str
    made_ms: int
    state: str
    words_sha256: str | None = None
    """Of its file of words; None where it has none."""

    recall: float | None = None
    """Of the ten nearest of its own vectors, how many it finds; None where it compares all."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """The published generation (None before the first) against the catalogue.

    ``behind`` counts chunks newer than the generation (found all the same), ``dead`` those in it
    that are gone from the catalogue (never shown).
    """

    generation: Generation | None
    chunks: int
    behind: int
    dead: int


def text_model(db: sqlite3.Connection) -> ModelRef | None:
    """The text model that is searched now; None before anything was embedded."""
    rows = dict(
        db.execute("SELECT key, value FROM record WHERE key LIKE 'text\\_model\\_%' ESCAPE '\\'")
    )
    if "text_model_hash" not in rows:
        return None
    return ModelRef(rows["text_model_name"], rows["text_model_hash"])


def set_text_model(db: sqlite3.Connection, model: ModelRef) -> None:
    """From now on this text model's chunks are the ones that are searched."""
    db.execute("INSERT OR REPLACE INTO record VALUES ('text_model_name', ?)", (model.name,))
    db.execute("INSERT OR REPLACE INTO record VALUES ('text_model_hash', ?)", (model.hash,))


def reserve(db: sqlite3.Connection) -> int:
    """The id the next generation will have."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'generations'").fetchone()
    return int(row[0]) + 1 if row else 1


def publish(db: sqlite3.Connection, generation: Generation) -> None:
    """Flip: the new generation is searched from this commit on, the old one is the previous, which
    keeps no words of its own."""
    db.execute("UPDATE generations SET state = 'retired' WHERE state = 'previous'")
    # The words of a generation are all in the catalogue, and what was taken out there must not live
    # on in a file that nobody reads.
    db.execute(
        "UPDATE generations SET state = 'previous', words_sha256 = NULL WHERE state = 'published'"
    )
    db.execute(
        "INSERT INTO generations (id, model_name, model_hash, dimension, kind, chunks,"
        " newest_chunk, sha256, made_ms, state, words_sha256, recall)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'published', ?, ?)",
        (
            generation.id,
            generation.model.name,
            generation.model.hash,
            generation.dimension,
            generation.kind,
            generation.chunks,
            generation.newest_chunk,
            generation.sha256,
            now_ms(),
            generation.words_sha256,
            generation.recall,
        ),
    )
    set_text_model(db, generation.model)
    db.execute("DELETE FROM record WHERE key = 'held'")


def is_held(db: sqlite3.Connection) -> bool:
    """Whether a person rolled back and nothing was published since."""
    return db.execute("SELECT 1 FROM record WHERE key = 'held'").fetchone() is not None


def roll_back(db: sqlite3.Connection) -> bool:
    """Swap the published and the previous generation. False when there is no previous one."""
    before = _by_state(db, "previous")
    current = _by_state(db, "published")
    if before is None or current is None:
        return False
    db.execute("UPDATE generations SET state = 'previous' WHERE id = ?", (current.id,))
    db.execute("UPDATE generations SET state = 'published' WHERE id = ?", (before.id,))
    set_text_model(db, before.model)
    db.execute("INSERT OR REPLACE INTO record VALUES ('held', '1')")
    return True


def published(db: sqlite3.Connection) -> Generation | None:
    return _by_state(db, "published")


def previous(db: sqlite3.Connection) -> Generation | None:
    return _by_state(db, "previous")


def retired(db: sqlite3.Connection) -> list[Generation]:
    """Generations nobody needs any more; their files can go."""
    rows = db.execute("SELECT * FROM generations WHERE state = 'retired'").fetchall()
    return [_generation(row) for row in rows]


def every(db: sqlite3.Connection) -> list[Generation]:
    """All that there is a row of, in whatever state."""
    return [_generation(row) for row in db.execute("SELECT * FROM generations")]


def forget(db: sqlite3.Connection, generation_id: int) -> None:
    db.execute("DELETE FROM generations WHERE id = ?", (generation_id,))


def number_from(db: sqlite3.Connection, newest: int) -> None:
    """Let ids continue after ``newest``, so that no file's name is used for other content."""
    if newest >= reserve(db):
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'generations'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('generations', ?)", (newest,))


def retire_all(db: sqlite3.Connection) -> None:
    """No generation is searched any more (the last recording has gone)."""
    db.execute("UPDATE generations SET state = 'retired'")


def forget_previous(db: sqlite3.Connection) -> None:
    """Retire the previous generation, so that nothing deleted lives on in it."""
    db.execute("UPDATE generations SET state = 'retired' WHERE state = 'previous'")


def _by_state(db: sqlite3.Connection, state: str) -> Generation | None:
    row = db.execute(
        "SELECT * FROM generations WHERE state = ? ORDER BY id DESC LIMIT 1", (state,)
    ).fetchone()
    return _generation(row) if row else None


def _generation(row: sqlite3.Row) -> Generation:
    return Generation(
        id=row["id"],
        model=ModelRef(row["model_name"], row["model_hash"]),
        dimension=row["dimension"],
        kind=row["kind"],
        chunks=row["chunks"],
        newest_chunk=row["newest_chunk"],
        sha256=row["sha256"],
        made_ms=row["made_ms"],
        state=row["state"],
        words_sha256=row["words_sha256"],
        recall=row["recall"],
    )


def index_state(db: sqlite3.Connection) -> IndexState:
    """How the published generation stands against the catalogue."""
    model = text_model(db)
    generation = published(db)
    total = chunks.count(db, model.hash if model else None)
    if generation is None or model is None or generation.model.hash != model.hash:
        return IndexState(generation, total, total, 0)
    inside = chunks.count(db, model.hash, generation.newest_chunk)
    return IndexState(generation, total, total - inside, generation.chunks - inside)
