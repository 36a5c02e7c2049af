"""Vectors of chunks, as they are stored: the truth that every index is made from."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline.catalog import chunks
from pipeline.catalog.chunks import LITTLE, Half
from pipeline.catalog.scope import Scope

Ids = NDArray[np.int64]

_BY_RECORDING = (
    "recordings CROSS JOIN chunk_sets ON chunk_sets.recording_id = recordings.id"
    " CROSS JOIN chunks ON chunks.set_id = chunk_sets.id"
)
"""In this order (https://sqlite.org/optoverview.html#crossjoin) each recording is looked at once,
and the index of a set tells the ids of its chunks without their rows."""


def known_vectors(
    db: sqlite3.Connection, model_hash: str, encoded: Iterable[str]
) -> dict[str, NDArray[np.float16]]:
    """The vectors already made by this model for these strings: nothing is embedded twice."""
    rows = db.execute(
        "SELECT encoded, vector FROM vectors WHERE model_hash = ?"
        " AND encoded IN (SELECT value FROM json_each(?))",
        (model_hash, json.dumps(sorted(set(encoded)))),
    )
    return {row[0]: np.frombuffer(row[1], dtype=LITTLE).astype(np.float16) for row in rows}


def vectors_of(
    db: sqlite3.Connection, model_hash: str, ids: Iterable[int]
) -> dict[int, NDArray[np.float32]]:
    """The vectors of chunks, float32 [dimension] each; a chunk of another model has none."""
    rows = db.execute(
        "SELECT chunks.id, vectors.vector FROM chunks"
        " JOIN vectors ON vectors.encoded = chunks.encoded"
        "  AND vectors.model_hash = chunks.model_hash"
        " WHERE chunks.model_hash = ? AND chunks.id IN (SELECT value FROM json_each(?))",
        (model_hash, json.dumps(sorted(ids))),
    )
    return {int(row[0]): np.frombuffer(row[1], dtype=LITTLE).astype(np.float32) for row in rows}


def sample_vectors(db: sqlite3.Connection, model_hash: str, scope: Scope, count: int) -> Half:
    """float16 [at most ``count``, dimension]: vectors of a model from all over what a search in
    ``scope`` may find, the same ones each time. They are kept in order of a digest, which is as
    good as chance."""
    condition, values = scope.condition()
    found = (
        "AND EXISTS (SELECT 1 FROM chunks JOIN recordings ON recordings.id = chunks.recording_id"
        " WHERE chunks.encoded = vectors.encoded AND chunks.model_hash = vectors.model_hash"
        f" AND {condition})"
    )
    rows = db.execute(
        f"SELECT vector FROM vectors WHERE model_hash = ? {'' if scope.unlimited else found}"
        " ORDER BY encoded LIMIT ?",
        (model_hash, *values, count),
    ).fetchall()
    joined = np.frombuffer(b"".join(row[0] for row in rows), dtype=LITTLE).astype(np.float16)
    return joined.reshape(len(rows), -1) if rows else joined.reshape(0, 0)


def live_ids(db: sqlite3.Connection, model_hash: str, scope: Scope, up_to: int) -> Ids:
    """int64 [n]: ids of the chunks that a search in ``scope`` may find, up to ``up_to``, sorted."""
    condition, values = scope.condition()
    rows = db.execute(
        f"SELECT chunks.id FROM {_BY_RECORDING}"
        f" WHERE chunk_sets.model_hash = ? AND chunks.id <= ? AND {condition}",
        (model_hash, up_to, *values),
    )
    return np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64))


def count_live(db: sqlite3.Connection, model_hash: str, scope: Scope, after: int = 0) -> int:
    """How many chunks a search in ``scope`` may find whose ids are larger than ``after``."""
    if scope.unlimited:
        before = chunks.count(db, model_hash, after) if after else 0
        return chunks.count(db, model_hash) - before
    condition, values = scope.condition()
    row = db.execute(
        f"SELECT count(*) FROM {_BY_RECORDING}"
        f" WHERE chunk_sets.model_hash = ? AND chunks.id > ? AND {condition}",
        (model_hash, after, *values),
    ).fetchone()
    return int(row[0])


def vectors_after(
    db: sqlite3.Connection, model_hash: str, after: int, scope: Scope, limit: int
) -> tuple[Ids, Half]:
    """Ids int64 [n] and vectors float16 [n, dimension] of at most ``limit`` chunks newer than
    ``after``, in order of id. With ``after=0`` this walks the whole collection page by page."""
    condition, values = scope.condition()
    rows = db.execute(
        "SELECT chunks.id, vectors.vector FROM chunks"
        " JOIN vectors ON vectors.encoded = chunks.encoded"
        "  AND vectors.model_hash = chunks.model_hash"
        " JOIN recordings ON recordings.id = chunks.recording_id"
        f" WHERE chunks.model_hash = ? AND chunks.id > ? AND {condition}"
        " ORDER BY chunks.id LIMIT ?",
        (model_hash, after, *values, limit),
    ).fetchall()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    joined = b"".join(row[1] for row in rows)
    vectors = np.frombuffer(joined, dtype=LITTLE).astype(np.float16)
    return ids, vectors.reshape(len(rows), -1) if rows else vectors.reshape(0, 0)
