"""The content of a catalogue in a form that two homes can be compared by: everything that was
made, nothing of when, by whom or under which row number."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.catalog import backup
from pipeline.reports import store

# Results of ``embed`` are experience (how long it took), not content.
QUERIES = {
    "recordings": "SELECT id, title, language, collection, duration_ms, spoken_language, imported,"
    " state, failure, warning FROM recordings ORDER BY id",
    "transcripts": "SELECT * FROM transcripts ORDER BY recording_id",
    "segments": "SELECT * FROM segments ORDER BY recording_id, number",
    "results": "SELECT recording_id, stage, fingerprint, digest FROM results"
    " WHERE stage <> 'embed' ORDER BY 1, 2",
    "chunks": "SELECT chunks.recording_id, chunks.model_hash, number, start_ms, end_ms, text,"
    " language, sentences, first_segment, last_segment, first_word, last_word, encoded,"
    " chunk_words.words, ends, about, fingerprint FROM chunks"
    " JOIN chunk_words ON chunk_words.rowid = chunks.id"
    " JOIN chunk_sets ON chunk_sets.id = set_id ORDER BY 1, 2, 3",
    "vectors": "SELECT encoded, model_hash, hex(vector) FROM vectors ORDER BY 1, 2",
    "left over": "SELECT recording_id, number FROM windows UNION ALL SELECT recording_id, owner"
    " FROM leases UNION ALL SELECT CAST(rowid AS TEXT), words FROM chunk_words"
    " WHERE rowid NOT IN (SELECT id FROM chunks)",
    "index": "SELECT chunks, newest_chunk - (SELECT max(id) FROM chunks) FROM generations"
    " WHERE state = 'published'",
    "counts": "SELECT model_hash, chunks, (SELECT count(*) FROM chunks WHERE chunks.model_hash"
    " = chunk_counts.model_hash) FROM chunk_counts ORDER BY 1",
    "chapters": "SELECT * FROM chapters ORDER BY 1, 2",
    "people": "SELECT recording_id, position, name FROM people ORDER BY 1, 2",
    "corrections": "SELECT id, recording_id, start_ms, end_ms, scope, was, now, who, undone_ms"
    " FROM corrections ORDER BY id",
    "withheld": "SELECT recording_id, start_ms, end_ms, who, undone_ms FROM withheld ORDER BY 1, 2",
    "outcomes": "SELECT * FROM outcomes ORDER BY 1, 2",
    "inbox": "SELECT failure, recording_id FROM inbox ORDER BY path",
    "leaving": "SELECT recording_id FROM leaving ORDER BY 1",
}


def content(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table by table, in a fixed order."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        return {name: db.execute(query).fetchall() for name, query in QUERIES.items()}


def everything(home: Path) -> dict[str, object]:
    """The content, and what lies beside it once nobody is at work: copies of media with what they
    hold, the inbox, names of a kind in every folder. A file that should not be there shows."""
    found: dict[str, object] = dict(content(home))
    found["media"] = [(path.name, path.read_bytes()) for path in _files(home / "media")]
    found["in the inbox"] = [path.name for path in _files(home / "inbox")]
    found["runners"] = [path.name for path in _files(home / "runners")]
    found["index files"] = _index(home)
    found["home"] = sorted(
        path.name for path in home.iterdir() if not path.name.endswith(("-wal", "-shm"))
    )
    found["damage"] = damage(home)
    return found


def damage(home: Path) -> list[str]:
    """What is not whole: the catalogue, its copies, the index that is searched, reports."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        said = [row[0] for row in db.execute("PRAGMA integrity_check").fetchall()]
        said += [f"foreign key {row[0]}" for row in db.execute("PRAGMA foreign_key_check")]
        words = "INSERT INTO chunk_words (chunk_words) VALUES ('integrity-check')"
        db.execute(words)  # raises where the index of words is not what the rows say
        db.rollback()
        published = "SELECT id, sha256 FROM generations WHERE state = 'published'"
        for number, digest in db.execute(published):
            content = (home / "index" / f"generation-{number:06}.faiss").read_bytes()
            said += [f"index {number}"] if hashlib.sha256(content).hexdigest() != digest else []
    found = [one for one in said if one != "ok"]
    for path in _files(home / "backups"):
        if not path.name.endswith(".part"):  # abandoned; it goes when a day old
            backup.check(path)
    for path in store.every(home / "reports"):
        store.read(path)
        found += [kind for kind in (".txt", ".html") if not path.with_suffix(kind).is_file()]
    return found + [path.name for path in _files(home / "reports") if path.name.startswith(".")]


def _index(home: Path) -> list[str]:
    """Names of index files that no generation in the catalogue has; and whether all of those that
    have one are there."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        known = {
            f"generation-{row[0]:06}.faiss" for row in db.execute("SELECT id FROM generations")
        }
    lying = {path.name for path in _files(home / "index")} - {".build.lock"}
    return sorted(f"stray {name}" for name in lying - known) + sorted(
        f"missing {name}" for name in known - lying
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []
