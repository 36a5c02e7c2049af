"""Chunks with their vectors and analysed words: what search reads.

A recording's chunks for one text model are stored as a whole, words and vectors in the same
transaction, so that no leg of the search ever sees half a recording.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.catalog.connection import now_ms
from pipeline.values import Chunk, Sentence, Span

Half = NDArray[np.float16]
"""float16 [n, dimension], rows L2-normalised."""

LITTLE = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with its lasting id and the recording it belongs to."""

    id: int
    recording_id: str
    chunk: Chunk


class FullText(NamedTuple):
    """What full-text search knows of a chunk, terms joined by spaces: the analysed ``words`` of its
    text, the ``ends`` of the long ones among them (written backwards), and those of what is known
    ``about`` its recording."""

    words: str
    ends: str
    about: str


@dataclass(frozen=True, slots=True)
class ChunkSet:
    """A recording's chunks, ready to be stored: one entry each in all four tuples.

    ``encoded`` is the sha256 of each embedded string, ``words`` what full-text search knows of
    each chunk, ``vectors`` float16 [n, dimension].
    """

    recording_id: str
    model_hash: str
    fingerprint: str
    chunks: tuple[Chunk, ...]
    encoded: tuple[str, ...]
    words: tuple[FullText, ...]
    vectors: Half


def store(db: sqlite3.Connection, made: ChunkSet) -> None:
    """Replace a recording's chunks for one text model. A chunk that is the same as before, also in
    what full-text search knows of it, keeps its id, and so its place in the published index."""
    set_id = db.execute(
        "INSERT INTO chunk_sets (recording_id, model_hash, fingerprint, made_ms)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (recording_id, model_hash) DO UPDATE"
        " SET fingerprint = excluded.fingerprint, made_ms = excluded.made_ms RETURNING id",
        (made.recording_id, made.model_hash, made.fingerprint, now_ms()),
    ).fetchone()[0]
    former = _former(db, set_id)
    for chunk, encoded, words in zip(made.chunks, made.encoded, made.words, strict=True):
        columns = _columns(chunk)
        same = former.pop((*columns[1:6], encoded, words), None)
        if same is not None:
            db.execute(
                "UPDATE chunks SET number = ?, first_segment = ?, last_segment = ?,"
                " first_word = ?, last_word = ? WHERE id = ?",
                (columns[0], *columns[6:], same),
            )
            continue
        chunk_id = db.execute(
            "INSERT INTO chunks (set_id, recording_id, model_hash, number, start_ms, end_ms, text,"
            " language, sentences, first_segment, last_segment, first_word, last_word, encoded)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (set_id, made.recording_id, made.model_hash, *columns, encoded),
        ).lastrowid
        db.execute(
            "INSERT INTO chunk_words (rowid, words, ends, about) VALUES (?, ?, ?, ?)",
            (chunk_id, *words),
        )
    _drop_chunks(db, "id IN (SELECT value FROM json_each(?))", (json.dumps([*former.values()]),))
    db.executemany(
        "INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)",
        [
            (encoded, made.model_hash, vector.astype(LITTLE).tobytes())
            for encoded, vector in zip(made.encoded, made.vectors, strict=True)
        ],
    )


def _former(db: sqlite3.Connection, set_id: int) -> dict[tuple[object, ...], int]:
    """The ids of the chunks of a set, by all that is shown, embedded and found of them."""
    rows = db.execute(
        "SELECT id, start_ms, end_ms, text, language, sentences, encoded, words, ends,"
        " about FROM chunks"
        " JOIN chunk_words ON chunk_words.rowid = chunks.id WHERE set_id = ?",
        (set_id,),
    )
    return {(*tuple(row)[1:7], FullText(*row[7:])): int(row[0]) for row in rows}


def _columns(chunk: Chunk) -> tuple[object, ...]:
    sentences = [[s.start_ms, s.end_ms, s.begin, s.end, s.speaker] for s in chunk.sentences]
    return (
        chunk.number,
        chunk.start_ms,
        chunk.end_ms,
        chunk.text,
        chunk.language,
        json.dumps(sentences, ensure_ascii=False, separators=(",", ":")),
        chunk.first_segment,
        chunk.last_segment,
        chunk.first_word,
        chunk.last_word,
    )


def drop_sets(db: sqlite3.Connection, recording_id: str, model_hash: str | None = None) -> None:
    """Delete a recording's chunks, of one text model or of all, with words and vectors."""
    if model_hash is None:
        _drop(db, "recording_id = ?", (recording_id,))
    else:
        _drop(db, "recording_id = ? AND model_hash = ?", (recording_id, model_hash))


def drop_other_models(db: sqlite3.Connection, keep: Iterable[str]) -> None:
    """Delete all chunks and vectors made with text models that are not in ``keep``."""
    kept = json.dumps(sorted(keep))
    _drop(db, "model_hash NOT IN (SELECT value FROM json_each(?))", (kept,))


def drop_within(db: sqlite3.Connection, recording_id: str, start_ms: int, end_ms: int) -> None:
    """Delete a recording's chunks that touch a stretch of time: nobody finds them any more. What
    is left is stale, even if the text stays the same: nothing was said in the stretch."""
    where = "recording_id = ? AND start_ms < ? AND end_ms > ?"
    _drop_chunks(db, where, (recording_id, end_ms, start_ms))
    db.execute("UPDATE chunk_sets SET fingerprint = '' WHERE recording_id = ?", (recording_id,))


def _drop(db: sqlite3.Connection, where: str, values: tuple[str, ...]) -> None:
    """Delete sets of chunks."""
    _drop_chunks(db, where, values)
    db.execute(f"DELETE FROM chunk_sets WHERE {where}", values)


def _drop_chunks(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> None:
    """Delete chunks with their words, and those vectors that no other chunk uses."""
    doomed = db.execute(f"SELECT encoded, model_hash FROM chunks WHERE {where}", values).fetchall()
    db.execute(
        f"DELETE FROM chunk_words WHERE rowid IN (SELECT id FROM chunks WHERE {where})", values
    )
    db.execute(f"DELETE FROM chunks WHERE {where}", values)
    db.executemany(
        "DELETE FROM vectors WHERE encoded = ?1 AND model_hash = ?2 AND NOT EXISTS"
        " (SELECT 1 FROM chunks WHERE encoded = ?1 AND model_hash = ?2)",
        {(row[0], row[1]) for row in doomed},
    )


def set_fingerprints(
    db: sqlite3.Connection, model_hash: str, ids: Collection[str] = ()
) -> dict[str, str]:
    """Recording id to the fingerprint of its chunks for one text model: of ``ids`` or of all."""
    where = "AND recording_id IN (SELECT value FROM json_each(?))" if ids else ""
    rows = db.execute(
        f"SELECT recording_id, fingerprint FROM chunk_sets WHERE model_hash = ? {where}",
        (model_hash, json.dumps(list(ids))) if ids else (model_hash,),
    )
    return dict(rows.fetchall())


def load(db: sqlite3.Connection, ids: Iterable[int]) -> dict[int, StoredChunk]:
    """Those of the chunks that still exist, by id."""
    rows = db.execute(
        "SELECT * FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(chunk_id) for chunk_id in ids]),),
    )
    return {row["id"]: _stored(row) for row in rows}


def _stored(row: sqlite3.Row) -> StoredChunk:
    chunk = Chunk(
        number=row["number"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        text=row["text"],
        language=row["language"],
        sentences=_sentences(row["sentences"]),
        first_segment=row["first_segment"],
        last_segment=row["last_segment"],
        first_word=row["first_word"],
        last_word=row["last_word"],
    )
    return StoredChunk(row["id"], row["recording_id"], chunk)


@lru_cache(maxsize=1 << 12)
def _sentences(stored: str) -> tuple[Sentence, ...]:
    """Where the sentences of a chunk stand. What is found is often found again, and reading this
    took longer than fetching it."""
    return tuple(Sentence(*sentence) for sentence in json.loads(stored))


def with_neighbours(db: sqlite3.Connection, ids: Iterable[int]) -> dict[int, StoredChunk]:
    """Those of the chunks that still exist and those just before and after them in their
    recordings, by id."""
    rows = db.execute(
        "SELECT * FROM chunks WHERE id IN ("
        " SELECT beside.id FROM chunks AS found JOIN chunks AS beside"
        "  ON beside.set_id = found.set_id"
        "  AND beside.number BETWEEN found.number - 1 AND found.number + 1"
        " WHERE found.id IN (SELECT value FROM json_each(?)))",
        (json.dumps([int(chunk_id) for chunk_id in ids]),),
    )
    return {row["id"]: _stored(row) for row in rows}


def count(db: sqlite3.Connection, model_hash: str | None, up_to: int | None = None) -> int:
    """Chunks of a text model, all or those with an id up to ``up_to``. Counted as they are stored
    (schema, ``chunk_counts``): only what is newer than ``up_to`` is looked at."""
    if up_to == 0:
        return 0
    row = db.execute(
        "SELECT chunks FROM chunk_counts WHERE model_hash IS ?", (model_hash,)
    ).fetchone()
    total = int(row[0]) if row else 0
    if up_to is None or not total:
        return total
    newer = db.execute(
        "SELECT count(*) FROM chunks WHERE model_hash = ? AND id > ?", (model_hash, up_to)
    )
    return total - int(newer.fetchone()[0])


def count_of(db: sqlite3.Connection, recording_id: str) -> int:
    """Chunks of one recording, for all text models together."""
    row = db.execute("SELECT count(*) FROM chunks WHERE recording_id = ?", (recording_id,))
    return int(row.fetchone()[0])


def at_time(
    db: sqlite3.Connection, recording_id: str, model_hash: str, at_ms: int
) -> tuple[StoredChunk, Half] | None:
    """The chunk of a recording that a time lies in, or the one before it, with its vector float16
    [dimension]; the first where there is none before. None where there are no chunks."""
    row = db.execute(
        "SELECT chunks.*, vectors.vector FROM chunks"
        " JOIN vectors ON vectors.encoded = chunks.encoded"
        "  AND vectors.model_hash = chunks.model_hash"
        " WHERE recording_id = ? AND chunks.model_hash = ?"
        " ORDER BY start_ms <= ? DESC, abs(start_ms - ?), number LIMIT 1",
        (recording_id, model_hash, at_ms, at_ms),
    ).fetchone()
    if row is None:
        return None
    return _stored(row), np.frombuffer(row["vector"], dtype=LITTLE).astype(np.float16)


def meanings(
    db: sqlite3.Connection, recording_id: str, model_hash: str
) -> list[tuple[Span, NDArray[np.float32]]]:
    """When each chunk of a recording is said, in order, with its vector float32 [dimension]."""
    rows = db.execute(
        "SELECT chunks.start_ms, chunks.end_ms, vectors.vector FROM chunks"
        " JOIN vectors ON vectors.encoded = chunks.encoded"
        "  AND vectors.model_hash = chunks.model_hash"
        " WHERE recording_id = ? AND chunks.model_hash = ? ORDER BY number",
        (recording_id, model_hash),
    )
    return [
        (Span(row[0], row[1]), np.frombuffer(row[2], dtype=LITTLE).astype(np.float32))
        for row in rows
    ]
