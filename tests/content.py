"""The content of a catalogue in a form that two homes can be compared by: everything that was
made, nothing of when, by whom or under which row number."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

QUERIES = {
    "recordings": "SELECT id, title, language, collection, duration_ms, spoken_language, imported,"
    " state, failure, warning FROM recordings ORDER BY id",
    "transcripts": "SELECT * FROM transcripts ORDER BY recording_id",
    "segments": "SELECT * FROM segments ORDER BY recording_id, number",
    "results": "SELECT recording_id, stage, fingerprint, digest FROM results ORDER BY 1, 2",
    "chunks": "SELECT chunks.recording_id, chunks.model_hash, number, start_ms, end_ms, text,"
    " language, sentences, first_segment, last_segment, first_word, last_word, encoded,"
    " chunk_words.words, fingerprint FROM chunks JOIN chunk_words ON chunk_words.rowid = chunks.id"
    " JOIN chunk_sets ON chunk_sets.id = set_id ORDER BY 1, 2, 3",
    "vectors": "SELECT encoded, model_hash, hex(vector) FROM vectors ORDER BY 1, 2",
    "left over": "SELECT recording_id, number FROM windows UNION ALL SELECT recording_id, owner"
    " FROM leases UNION ALL SELECT CAST(rowid AS TEXT), words FROM chunk_words"
    " WHERE rowid NOT IN (SELECT id FROM chunks)",
    "index": "SELECT chunks, newest_chunk - (SELECT max(id) FROM chunks) FROM generations"
    " WHERE state = 'published'",
}


def content(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table by table, in a fixed order."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        return {name: db.execute(query).fetchall() for name, query in QUERIES.items()}
