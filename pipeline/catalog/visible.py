"""What pages show of the collection to whoever looks: recordings, and what they can be chosen by.

All but ``get`` leave out what cannot be read yet: it would lead to an empty page.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from pipeline.catalog import audience, recordings
from pipeline.catalog.scope import Scope
from pipeline.errors import NotFound
from pipeline.values import Recording, Viewer


def get(db: sqlite3.Connection, viewer: Viewer | None, recording_id: str) -> Recording:
    """One recording. Raises NotFound (``recording.unknown``), the very same for one that is hidden
    and for one that is not there."""
    if not audience.may_see(db, viewer, recording_id):
        raise NotFound("recording.unknown", id=recording_id[:40])
    return recordings.get(db, recording_id)


def collections(db: sqlite3.Connection, viewer: Viewer | None) -> dict[str, int]:
    """The collections by name, and how many recordings each has."""
    return _tally(db, viewer, "collection", "recordings")


def people(db: sqlite3.Connection, viewer: Viewer | None) -> dict[str, int]:
    """The people by name, and in how many recordings each appears."""
    source = "recordings JOIN people ON people.recording_id = recordings.id"
    return _tally(db, viewer, "people.name", source)


def years(db: sqlite3.Connection, viewer: Viewer | None) -> dict[str, int]:
    """The years that recordings are of, the latest first, and how many are of each."""
    found = _tally(db, viewer, "substr(recorded, 1, 4)", "recordings")
    return dict(reversed(found.items()))


def languages(db: sqlite3.Connection, viewer: Viewer | None) -> dict[str, int]:
    """The languages spoken, and in how many recordings each is."""
    return _tally(db, viewer, "spoken_language", "recordings")


def newest(
    db: sqlite3.Connection,
    viewer: Viewer | None,
    limit: int,
    scope: Scope | None = None,
    *,
    skip: int = 0,
) -> list[Recording]:
    """At most ``limit`` recordings, the one added last first, after so many to ``skip``; of those
    in ``scope``, whose language is the one mostly spoken."""
    there, values = _in_scope(viewer, scope or Scope())
    rows = db.execute(
        f"SELECT id FROM recordings WHERE {there} ORDER BY added_ms DESC, id LIMIT ? OFFSET ?",
        (*values, limit, skip),
    ).fetchall()
    found = recordings.get_many(db, [row[0] for row in rows])
    return [found[row[0]] for row in rows]


def count(db: sqlite3.Connection, viewer: Viewer | None, scope: Scope | None = None) -> int:
    """How many recordings ``newest`` has in all."""
    there, values = _in_scope(viewer, scope or Scope())
    row = db.execute(f"SELECT count(*) FROM recordings WHERE {there}", values).fetchone()
    return int(row[0])


def _tally(db: sqlite3.Connection, viewer: Viewer | None, what: str, source: str) -> dict[str, int]:
    """Each value of ``what``, in order, with the number of recordings that have it."""
    there, values = _readable(viewer)
    rows = db.execute(
        f"SELECT {what} AS value, count(DISTINCT recordings.id) FROM {source}"
        f" WHERE {there} AND value <> '' GROUP BY value ORDER BY value COLLATE NOCASE, value",
        values,
    )
    return {str(value): int(count) for value, count in rows}


def _in_scope(viewer: Viewer | None, scope: Scope) -> tuple[str, list[str | None]]:
    there, values = _readable(viewer)
    limits, more = replace(scope, language=None, viewer=None).condition()
    spoken = "ifnull(spoken_language, nullif(language, 'auto'))"
    language = f"{spoken} IS ifnull(?, {spoken})"
    return f"{there} AND {limits} AND {language}", [*values, *more, scope.language]


def _readable(viewer: Viewer | None) -> tuple[str, list[str]]:
    allowed, values = audience.condition(viewer)
    transcript = "EXISTS (SELECT 1 FROM transcripts WHERE recording_id = recordings.id)"
    return f"{allowed} AND {transcript}", values
