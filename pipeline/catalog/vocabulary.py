"""The words of the full-text table: all there are, what they count for, and where they stand."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from pipeline.catalog.chunks import StoredChunk, load
from pipeline.catalog.scope import Scope

_PAGE = 500
"""Passages held in memory at once."""

_LAST = "\U0010ffff"
"""Comes after every letter."""


def words_leg(
    db: sqlite3.Connection, match: str, model_hash: str, scope: Scope, limit: int
) -> list[tuple[int, float]]:
    """The best chunks for a full-text ``match``, as (chunk id, BM25 score, larger is better).

    FTS5's bm25() with its fixed k1 = 1.2, b = 0.75 and a weight for each field
    (https://sqlite.org/fts5.html#the_bm25_function).
    """
    condition, values = scope.condition()
    rows = db.execute(
        "SELECT chunks.id, -bm25(chunk_words, 1.0, 0.5, 0.5) AS score FROM chunk_words"
        " JOIN chunks ON chunks.id = chunk_words.rowid"
        " JOIN recordings ON recordings.id = chunks.recording_id"
        f" WHERE chunk_words MATCH ? AND chunks.model_hash = ? AND {condition}"
        " ORDER BY score DESC, chunks.id LIMIT ?",
        (match, model_hash, *values, limit),
    )
    return [(int(row[0]), float(row[1])) for row in rows]


def occurs(db: sqlite3.Connection, match: str, model_hash: str, scope: Scope) -> bool:
    """Whether a full-text ``match`` finds any chunk at all; none is weighed for it."""
    condition, values = scope.condition()
    # A cross join is done in the order it is written: the full-text table is asked first.
    row = db.execute(
        "SELECT 1 FROM chunk_words"
        " CROSS JOIN chunks ON chunks.id = chunk_words.rowid"
        " CROSS JOIN recordings ON recordings.id = chunks.recording_id"
        f" WHERE chunk_words MATCH ? AND chunks.model_hash = ? AND {condition} LIMIT 1",
        (match, model_hash, *values),
    )
    return row.fetchone() is not None


def document_frequencies(
    db: sqlite3.Connection, terms: Sequence[str], scope: Scope
) -> dict[str, int]:
    """In how many of the chunks that whoever asks in ``scope`` may see each analysed term occurs:
    what nobody may find must not be counted either, since a count of none tells that it is said
    nowhere."""
    counted = "SELECT count(*) FROM chunk_words"
    allowed, values = scope.seen.condition()
    if not scope.seen.unlimited:
        counted += (
            " JOIN chunks ON chunks.id = chunk_words.rowid"
            " JOIN recordings ON recordings.id = chunks.recording_id"
        )
    return {
        term: int(
            db.execute(
                f"{counted} WHERE chunk_words MATCH ? AND {allowed}",
                (f'words : "{term}"', *values),
            ).fetchone()[0]
        )
        for term in dict.fromkeys(terms)
    }


def terms(db: sqlite3.Connection, beginning: str = "") -> Iterator[str]:
    """Every analysed term of every passage that begins so, once, in order."""
    # A view of the index that holds nothing itself, gone with the connection.
    db.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.chunk_terms"
        " USING fts5vocab('main', 'chunk_words', 'col')"
    )
    rows = db.execute(
        "SELECT DISTINCT term FROM temp.chunk_terms WHERE col IN ('words', 'about')"
        " AND term >= ? AND term < ?",
        (beginning, f"{beginning}{_LAST}"),
    )
    for row in rows:
        yield row[0]


def matching(
    db: sqlite3.Connection,
    match: str,
    model_hash: str,
    limit: int,
    *,
    last: str = "",
    recordings: Sequence[str] = (),
) -> tuple[list[int], bool]:
    """Ids of the chunks that a full-text ``match`` finds, at most ``limit``: those whose text
    holds ``last`` to the letter come last. Of ``recordings`` or, without any, of all. And whether
    there may be more that do not hold ``last``."""
    within = "AND recording_id IN (SELECT value FROM json_each(?4))" if recordings else ""
    rows = db.execute(
        "SELECT chunks.id, ?3 <> '' AND instr(text, ?3) > 0 AS holds FROM chunk_words"
        " JOIN chunks ON chunks.id = chunk_words.rowid"
        f" WHERE chunk_words MATCH ?1 AND model_hash = ?2 {within}"
        " ORDER BY holds, recording_id, start_ms LIMIT ?5",
        (f"words : ({match})", model_hash, last, json.dumps(list(recordings)), limit),
    ).fetchall()
    return [int(row[0]) for row in rows], len(rows) == limit and not rows[-1][1]


def loaded(
    db: sqlite3.Connection, ids: Sequence[int], fits: Callable[[list[str]], bool] | None = None
) -> Iterator[StoredChunk]:
    """The chunks in order of ``ids``, page by page; of those only whose analysed words fit."""
    for begin in range(0, len(ids), _PAGE):
        page = ids[begin : begin + _PAGE]
        if fits is not None:
            words = words_of(db, page)
            page = [chunk_id for chunk_id in page if fits(words[chunk_id].split())]
        found = load(db, page)
        yield from (found[chunk_id] for chunk_id in page)


def words_of(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, str]:
    """The analysed words of passages, joined by blanks, by id."""
    rows = db.execute(
        "SELECT rowid, words FROM chunk_words WHERE rowid IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )
    return {int(row[0]): str(row[1]) for row in rows}
