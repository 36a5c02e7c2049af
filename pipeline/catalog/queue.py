"""The queue is the catalogue: which recordings are work, who holds them, how far they are.

A lease belongs to a runner (``owner``). It ends by being released, by running out, or at once when
its owner is known to be dead. Every commit of a result goes through ``holding``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from pipeline.catalog import recordings
from pipeline.catalog.connection import Catalogue, now_ms
from pipeline.errors import InterviewsError
from pipeline.values import STATES, Failure

LEASE_MS = 60_000
"""How long a lease lasts without a heartbeat."""

PAUSES_MS = (60_000, 600_000, 3_600_000)
"""Growing pauses before a passing failure is tried again."""

MOST_ATTEMPTS = len(PAUSES_MS) + 1


class LeaseLost(InterviewsError):
    """The recording was taken over, cancelled or removed while we worked on it."""


def claim(
    catalogue: Catalogue,
    candidates: Collection[str],
    owner: str,
    dead: Collection[str],
    wanted: Callable[[sqlite3.Connection, str], bool],
    keeping: Collection[str] = (),
) -> str | None:
    """Take the first free one of ``candidates`` (already in order of work) for ``owner``.

    Leases that ran out or belong to a ``dead`` owner are taken over. ``wanted`` says whether a
    candidate still is work, since another runner may have done it after the candidates were
    found. Those in ``keeping`` are held and stay in the state they are in, however the work on
    them ends. None when none is free and wanted.
    """
    with catalogue.write() as db:
        for recording_id in _free(db, candidates, dead):
            if not wanted(db, recording_id):
                continue
            db.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)",
                (recording_id, owner, now_ms() + LEASE_MS),
            )
            if recording_id not in keeping:
                db.execute(
                    "UPDATE recordings SET state = 'running', failure = NULL, cancel_asked = 0"
                    " WHERE id = ?",
                    (recording_id,),
                )
            return recording_id
    return None


def _free(db: sqlite3.Connection, candidates: Collection[str], dead: Collection[str]) -> list[str]:
    """Those candidates that exist and are not held by a living owner."""
    rows = db.execute(
        "SELECT wanted.value FROM json_each(?) AS wanted"
        " JOIN recordings ON recordings.id = wanted.value"
        " LEFT JOIN leases ON leases.recording_id = recordings.id"
        " WHERE leases.owner IS NULL OR leases.until_ms < ?"
        "   OR leases.owner IN (SELECT value FROM json_each(?))"
        " ORDER BY wanted.key",
        (json.dumps(list(candidates)), now_ms(), json.dumps(list(dead))),
    )
    return [row[0] for row in rows.fetchall()]


def owners(db: sqlite3.Connection) -> list[str]:
    """Everyone who holds a lease."""
    return [row[0] for row in db.execute("SELECT DISTINCT owner FROM leases ORDER BY owner")]


def held(db: sqlite3.Connection) -> dict[str, str]:
    """Recording id to owner, for every lease that has not run out."""
    rows = db.execute("SELECT recording_id, owner FROM leases WHERE until_ms >= ?", (now_ms(),))
    return {row[0]: row[1] for row in rows}


def drop_leases(db: sqlite3.Connection) -> None:
    """End every lease (after a restore: those runners are of another time)."""
    db.execute("DELETE FROM leases")
    db.execute("UPDATE recordings SET state = 'queued' WHERE state = 'running'")


def release(db: sqlite3.Connection, recording_id: str) -> None:
    """Queue a recording whoever works on it: their lease ends and they can commit no more."""
    db.execute("DELETE FROM leases WHERE recording_id = ?", (recording_id,))
    recordings.set_state(db, recording_id, "queued")


def heartbeat(catalogue: Catalogue, owner: str) -> None:
    """Prolong every lease of ``owner``."""
    with catalogue.write() as db:
        db.execute("UPDATE leases SET until_ms = ? WHERE owner = ?", (now_ms() + LEASE_MS, owner))


@contextmanager
def holding(catalogue: Catalogue, recording_id: str, owner: str) -> Iterator[sqlite3.Connection]:
    """A write transaction that is only entered while ``owner`` holds the recording.

    Raises LeaseLost (``run.lease_lost``) otherwise, also when the recording is gone.
    """
    with catalogue.write() as db:
        check_held(db, recording_id, owner)
        yield db


def check_held(db: sqlite3.Connection, recording_id: str, owner: str) -> None:
    """Raises LeaseLost unless ``owner`` holds the recording now."""
    row = db.execute(
        "SELECT 1 FROM leases WHERE recording_id = ? AND owner = ?", (recording_id, owner)
    ).fetchone()
    if row is None:
        raise LeaseLost("run.lease_lost", id=recording_id)


def set_progress(db: sqlite3.Connection, recording_id: str, stage: str, progress: float) -> None:
    """How far a running recording is: stage and share in [0, 1]. One that keeps its state keeps
    these, too."""
    db.execute(
        "UPDATE recordings SET stage = ?, progress = ? WHERE id = ? AND state = 'running'",
        (stage, min(max(progress, 0.0), 1.0), recording_id),
    )


def finish(db: sqlite3.Connection, recording_id: str) -> None:
    """Done: no lease, no failure, attempts forgotten."""
    db.execute("DELETE FROM leases WHERE recording_id = ?", (recording_id,))
    recordings.set_state(db, recording_id, "done", progress=1.0)
    db.execute(
        "UPDATE recordings SET attempts = 0, not_before_ms = 0 WHERE id = ?", (recording_id,)
    )


def fail(db: sqlite3.Connection, recording_id: str, failure: Failure, stage: str) -> None:
    """Failed in ``stage``: a passing failure waits a growing pause before it is work again, a
    permanent one waits for ``retry`` or for other media. Only what failed counts as an attempt,
    not a run that was killed."""
    db.execute("DELETE FROM leases WHERE recording_id = ?", (recording_id,))
    recordings.set_state(db, recording_id, "failed", stage=stage, failure=failure)
    (attempts,) = db.execute(
        "UPDATE recordings SET attempts = attempts + 1 WHERE id = ? RETURNING attempts",
        (recording_id,),
    ).fetchone()
    pause = PAUSES_MS[min(attempts, len(PAUSES_MS)) - 1]
    db.execute(
        "UPDATE recordings SET not_before_ms = ? WHERE id = ?", (now_ms() + pause, recording_id)
    )


def give_back(db: sqlite3.Connection, recording_id: str) -> None:
    """End the work on a recording: one that was running is back in the queue, and what its windows
    yielded is kept; one that keeps its state is as it was."""
    db.execute("DELETE FROM leases WHERE recording_id = ?", (recording_id,))
    db.execute(
        "UPDATE recordings SET state = 'queued' WHERE id = ? AND state = 'running'",
        (recording_id,),
    )


def retryable(db: sqlite3.Connection) -> set[str]:
    """Failed recordings whose failure may pass, whose pause is over and whose tries are not. Where
    more than the longest pause is left, the clock was set back since: that pause is over, too."""
    now = now_ms()
    rows = db.execute(
        "SELECT id FROM recordings WHERE state = 'failed' AND attempts < ?"
        " AND NOT not_before_ms BETWEEN ? AND ? AND json_extract(failure, '$.permanent') = 0",
        (MOST_ATTEMPTS, now + 1, now + max(PAUSES_MS)),
    )
    return {row[0] for row in rows}


def retry(db: sqlite3.Connection, recording_id: str) -> bool:
    """Queue a failed or cancelled recording again. False when it was neither."""
    changed = db.execute(
        "UPDATE recordings SET state = 'queued', failure = NULL, attempts = 0, not_before_ms = 0,"
        " cancel_asked = 0, stage = NULL, progress = 0"
        " WHERE id = ? AND state IN ('failed', 'cancelled')",
        (recording_id,),
    )
    return changed.rowcount == 1


def cancel(db: sqlite3.Connection, recording_id: str) -> bool:
    """Cancel a recording that waits, runs or failed. False when it was done or cancelled.

    A running one loses its lease, so whoever works on it stops at the next chance and can commit
    nothing more.
    """
    db.execute("DELETE FROM leases WHERE recording_id = ?", (recording_id,))
    changed = db.execute(
        "UPDATE recordings SET state = 'cancelled', cancel_asked = 1, stage = NULL, progress = 0"
        " WHERE id = ? AND state IN ('queued', 'running', 'failed')",
        (recording_id,),
    )
    return changed.rowcount == 1


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Recordings per state; every state is named."""
    found = dict(db.execute("SELECT state, count(*) FROM recordings GROUP BY state").fetchall())
    return {state: int(found.get(state, 0)) for state in STATES}
