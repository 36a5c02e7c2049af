"""What an index is made of besides vectors: the analysed words of passages, and whose they are."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import numpy as np

from pipeline.catalog.chunks import FullText
from pipeline.catalog.scope import Scope
from pipeline.catalog.vectors import Ids


class Passage(NamedTuple):
    """A chunk as the index of words knows it."""

    id: int
    recording_id: str
    language: str | None
    words: FullText


def passages_after(
    db: sqlite3.Connection, model_hash: str, after: int, limit: int
) -> list[Passage]:
    """At most ``limit`` passages of a text model that are newer than ``after``, in order of id."""
    rows = db.execute(
        "SELECT chunks.id, recording_id, language, words, ends, about FROM chunks"
        " CROSS JOIN chunk_words ON chunk_words.rowid = chunks.id"
        " WHERE model_hash = ? AND chunks.id > ? ORDER BY chunks.id LIMIT ?",
        (model_hash, after, limit),
    )
    return [Passage(row[0], row[1], row[2], FullText(*row[3:])) for row in rows]


def ids_between(db: sqlite3.Connection, model_hash: str, after: int, up_to: int) -> Ids:
    """int64 [n]: ids of a text model's chunks, ``after < id <= up_to``, sorted."""
    rows = db.execute(
        "SELECT id FROM chunks WHERE model_hash = ? AND id > ? AND id <= ? ORDER BY id",
        (model_hash, after, up_to),
    )
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def recordings_within(db: sqlite3.Connection, scope: Scope) -> dict[str, str | None]:
    """The recordings that hold what a search in ``scope`` may find, and the language each is shown
    in. Limits of passages are not looked at."""
    condition, values = scope.of_recordings()
    rows = db.execute(
        "SELECT id, coalesce(spoken_language, nullif(language, 'auto')) FROM recordings"
        f" WHERE {condition}",
        values,
    )
    return {row[0]: row[1] for row in rows}


def version(db: sqlite3.Connection) -> tuple[int, int]:
    """Another one after every commit, of this connection or of others
    (https://sqlite.org/pragma.html#pragma_data_version)."""
    return int(db.execute("PRAGMA data_version").fetchone()[0]), db.total_changes


def holding(db: sqlite3.Connection, match: str) -> Ids:
    """int64 [n]: ids of the passages whose own words a full-text ``match`` finds, sorted."""
    rows = db.execute(
        "SELECT rowid FROM chunk_words WHERE chunk_words MATCH ? ORDER BY rowid",
        (f"words : ({match})",),
    )
    return np.fromiter((row[0] for row in rows), dtype=np.int64)
