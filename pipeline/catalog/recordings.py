"""Rows of recordings: what is known of each, who appears, who may see it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from pipeline.catalog.connection import now_ms
from pipeline.errors import NotFound
from pipeline.values import Failure, Media, Recording, RecordingFacts, State

Database = sqlite3.Connection
"""What every function of the catalogue works on: a connection inside a transaction."""

_FACTS = "title, language, collection, recorded, priority"


def insert(
    db: sqlite3.Connection,
    recording_id: str,
    facts: RecordingFacts,
    media: Media | None,
    duration_ms: int | None,
) -> None:
    """A new recording, queued. The id must be unknown (IntegrityError otherwise)."""
    db.execute(
        f"INSERT INTO recordings (id, {_FACTS}, added_ms, duration_ms, imported)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            recording_id,
            facts.title,
            facts.language,
            facts.collection,
            facts.recorded,
            facts.priority,
            now_ms(),
            duration_ms,
            0 if media else 1,
        ),
    )
    if media:
        set_media(db, recording_id, media)
    _write_lists(db, recording_id, facts)


def _write_lists(db: sqlite3.Connection, recording_id: str, facts: RecordingFacts) -> None:
    db.execute("DELETE FROM people WHERE recording_id = ?", (recording_id,))
    db.execute("DELETE FROM visibility WHERE recording_id = ?", (recording_id,))
    db.executemany(
        "INSERT INTO people VALUES (?, ?, ?)",
        [(recording_id, position, name) for position, name in enumerate(facts.people)],
    )
    db.executemany(
        "INSERT INTO visibility VALUES (?, ?)",
        [(recording_id, audience) for audience in dict.fromkeys(facts.visibility)],
    )


def set_media(db: sqlite3.Connection, recording_id: str, media: Media) -> None:
    """Where the media file lies now."""
    db.execute(
        "UPDATE recordings SET media_path = ?, media_size = ?, media_mtime_ns = ?,"
        " media_track = ?, media_copied = ? WHERE id = ?",
        (media.path, media.size, media.mtime_ns, media.track, int(media.copied), recording_id),
    )


def set_facts(db: sqlite3.Connection, recording_id: str, facts: RecordingFacts) -> None:
    """Replace what staff say about a recording."""
    db.execute(
        "UPDATE recordings SET title = ?, language = ?, collection = ?, recorded = ?,"
        " priority = ? WHERE id = ?",
        (
            facts.title,
            facts.language,
            facts.collection,
            facts.recorded,
            facts.priority,
            recording_id,
        ),
    )
    _write_lists(db, recording_id, facts)


def set_imported(db: sqlite3.Connection, recording_id: str) -> None:
    """From now on the transcript comes from a file; recognition is not asked for."""
    db.execute("UPDATE recordings SET imported = 1 WHERE id = ?", (recording_id,))


def set_heard(
    db: sqlite3.Connection, recording_id: str, duration_ms: int, language: str | None
) -> None:
    """What decoding and recognition found: true duration and spoken language."""
    db.execute(
        "UPDATE recordings SET duration_ms = ?, spoken_language = ? WHERE id = ?",
        (duration_ms, language, recording_id),
    )


def set_warning(db: sqlite3.Connection, recording_id: str, warning: Failure | None) -> None:
    """Something that went wrong without stopping the work (audio that broke off, say)."""
    db.execute(
        "UPDATE recordings SET warning = ? WHERE id = ?", (_failure_json(warning), recording_id)
    )


def exists(db: sqlite3.Connection, recording_id: str) -> bool:
    row = db.execute("SELECT 1 FROM recordings WHERE id = ?", (recording_id,)).fetchone()
    return row is not None


def get(db: sqlite3.Connection, recording_id: str) -> Recording:
    """One recording. Raises NotFound (``recording.unknown``)."""
    found = get_many(db, [recording_id])
    if not found:
        raise NotFound("recording.unknown", id=recording_id[:40])
    return found[recording_id]


def get_many(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Recording]:
    """The known ones among ``ids``."""
    wanted = json.dumps(list(ids))
    rows = db.execute(
        "SELECT * FROM recordings WHERE id IN (SELECT value FROM json_each(?))", (wanted,)
    ).fetchall()
    return {row["id"]: row_value for row, row_value in zip(rows, _values(db, rows), strict=True)}


def every(db: sqlite3.Connection) -> list[Recording]:
    """All recordings in the order they were added."""
    return _values(db, db.execute("SELECT * FROM recordings ORDER BY added_ms, id").fetchall())


def _values(db: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> list[Recording]:
    ids = json.dumps([row["id"] for row in rows])
    people = _lists(db, "SELECT recording_id, name FROM people", "position", ids)
    visibility = _lists(db, "SELECT recording_id, audience FROM visibility", "audience", ids)
    return [_value(row, people, visibility) for row in rows]


def _lists(db: sqlite3.Connection, select: str, order: str, ids: str) -> dict[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    for recording_id, entry in db.execute(
        f"{select} WHERE recording_id IN (SELECT value FROM json_each(?))"
        f" ORDER BY recording_id, {order}",
        (ids,),
    ):
        lists[recording_id] = (*lists.get(recording_id, ()), entry)
    return lists


def _value(
    row: sqlite3.Row,
    people: dict[str, tuple[str, ...]],
    visibility: dict[str, tuple[str, ...]],
) -> Recording:
    recording_id = row["id"]
    facts = RecordingFacts(
        title=row["title"],
        language=row["language"],
        collection=row["collection"],
        people=people.get(recording_id, ()),
        recorded=row["recorded"],
        visibility=visibility.get(recording_id, ()),
        priority=row["priority"],
    )
    return Recording(
        id=recording_id,
        facts=facts,
        media=_media(row),
        state=_state(row["state"]),
        stage=row["stage"],
        progress=row["progress"],
        attempts=row["attempts"],
        duration_ms=row["duration_ms"],
        spoken_language=row["spoken_language"],
        failure=_failure(row["failure"]),
        added_ms=row["added_ms"],
        warning=_failure(row["warning"]),
        imported=bool(row["imported"]),
    )


def _state(written: str) -> State:
    states: dict[str, State] = {
        "queued": "queued",
        "running": "running",
        "done": "done",
        "failed": "failed",
        "cancelled": "cancelled",
    }
    return states[written]


def _media(row: sqlite3.Row) -> Media | None:
    if row["media_path"] is None:
        return None
    return Media(
        path=row["media_path"],
        size=row["media_size"],
        mtime_ns=row["media_mtime_ns"],
        track=row["media_track"],
        copied=bool(row["media_copied"]),
    )


def _failure(written: str | None) -> Failure | None:
    return Failure(**json.loads(written)) if written else None


def _failure_json(failure: Failure | None) -> str | None:
    return json.dumps(asdict(failure), ensure_ascii=False) if failure else None


def set_state(
    db: sqlite3.Connection,
    recording_id: str,
    state: State,
    *,
    stage: str | None = None,
    progress: float = 0.0,
    failure: Failure | None = None,
) -> None:
    """Move a recording to ``state``; a failure is kept with it, a former one forgotten."""
    db.execute(
        "UPDATE recordings SET state = ?, stage = ?, progress = ?, failure = ? WHERE id = ?",
        (state, stage, progress, _failure_json(failure), recording_id),
    )
