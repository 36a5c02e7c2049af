"""Rows of recordings: what is known of each, who appears, who may see it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from pipeline.catalog import transcripts
from pipeline.catalog.connection import now_ms
from pipeline.errors import NotFound
from pipeline.values import STATES, Failure, Media, Recording, RecordingFacts, State

Database = sqlite3.Connection
"""What every function of the catalogue works on: a connection inside a transaction."""

_FACTS = "title, language, collection, recorded, priority"
_COLUMNS = (
    f"id, {_FACTS}, media_path, media_size, media_mtime_ns, media_track, media_copied, state,"
    " stage, progress, attempts, duration_ms, spoken_language, failure, added_ms, warning, imported"
)
_STATES: dict[str, State] = {state: state for state in STATES}


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
            _after_removals(db),
            duration_ms,
            0 if media else 1,
        ),
    )
    if media:
        set_media(db, recording_id, media)
    _write_lists(db, recording_id, facts)


def note_removal(db: Database) -> None:
    """What is added from now on counts as added later, though the clock be set back: the ledger of
    removals must not take it for what was removed."""
    moment = str(_after_removals(db))
    db.execute("INSERT OR REPLACE INTO record VALUES ('removal_ms', ?)", (moment,))


def _after_removals(db: Database) -> int:
    """Now, and in any case after the last removal."""
    row = db.execute("SELECT value FROM record WHERE key = 'removal_ms'").fetchone()
    return max(now_ms(), int(row[0]) + 1 if row else 0)


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


def tracks(db: sqlite3.Connection) -> dict[str, int | None]:
    """The audio track that was chosen of each recording; None where it was left to us."""
    return dict(db.execute("SELECT id, media_track FROM recordings").fetchall())


def media_of_done(db: sqlite3.Connection) -> list[tuple[str, Media]]:
    """The media of recordings that are done, by id, in the order they were added."""
    rows = db.execute(
        "SELECT id, media_path, media_size, media_mtime_ns, media_track, media_copied"
        " FROM recordings WHERE state = 'done' AND media_path IS NOT NULL ORDER BY added_ms, id"
    )
    return [
        (key, Media(path, size, mtime_ns, track, bool(copied)))
        for key, path, size, mtime_ns, track, copied in rows
    ]


def set_facts(db: sqlite3.Connection, recording_id: str, facts: RecordingFacts) -> None:
    """Replace what staff say about a recording. Titles of chapters name none of its people, so they
    are stale where those change."""
    if facts.people != get(db, recording_id).facts.people:
        transcripts.forget_results(db, recording_id, ("chapters",))
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
    where = "id IN (SELECT value FROM json_each(?))"
    rows = db.execute(f"SELECT {_COLUMNS} FROM recordings WHERE {where}", (wanted,)).fetchall()
    return {one.id: one for one in _values(db, rows, wanted)}


def every(db: sqlite3.Connection) -> list[Recording]:
    """All recordings in the order they were added."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM recordings ORDER BY added_ms, id").fetchall()
    return _values(db, rows)


def _values(
    db: sqlite3.Connection, rows: Sequence[sqlite3.Row], ids: str | None = None
) -> list[Recording]:
    """``rows`` as values; ``ids`` is the JSON list they were asked for by, None for all."""
    people = _lists(db, "SELECT recording_id, name FROM people", "position", ids)
    visibility = _lists(db, "SELECT recording_id, audience FROM visibility", "audience", ids)
    return [_value(row, people, visibility) for row in rows]


def _lists(
    db: sqlite3.Connection, select: str, order: str, ids: str | None
) -> dict[str, tuple[str, ...]]:
    where = "WHERE recording_id IN (SELECT value FROM json_each(?))" if ids is not None else ""
    lists: dict[str, tuple[str, ...]] = {}
    for recording_id, entry in db.execute(
        f"{select} {where} ORDER BY recording_id, {order}", () if ids is None else (ids,)
    ):
        lists[recording_id] = (*lists.get(recording_id, ()), entry)
    return lists


def _value(
    row: sqlite3.Row,
    people: dict[str, tuple[str, ...]],
    visibility: dict[str, tuple[str, ...]],
) -> Recording:
    # By position: a row looks every name up anew, which tells with ten thousand of them.
    recording_id, title, language, collection, recorded, priority, *rest = row
    path, size, mtime_ns, track, copied, state, stage, progress, attempts, *rest = rest
    duration_ms, spoken_language, failure, added_ms, warning, imported = rest
    facts = RecordingFacts(
        title=title,
        language=language,
        collection=collection,
        people=people.get(recording_id, ()),
        recorded=recorded,
        visibility=visibility.get(recording_id, ()),
        priority=priority,
    )
    return Recording(
        id=recording_id,
        facts=facts,
        media=None if path is None else Media(path, size, mtime_ns, track, bool(copied)),
        state=_state(state),
        stage=stage,
        progress=progress,
        attempts=attempts,
        duration_ms=duration_ms,
        spoken_language=spoken_language,
        failure=_failure(failure),
        added_ms=added_ms,
        warning=_failure(warning),
        imported=bool(imported),
    )


def _state(written: str) -> State:
    return _STATES[written]


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
