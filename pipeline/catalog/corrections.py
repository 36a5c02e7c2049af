"""What people changed: corrections, replacements, withheld stretches, and how they met the
machine's text."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.catalog.connection import now_ms
from pipeline.errors import NotFound
from pipeline.values import Correction, Span

OutcomeState = Literal["applied", "settled", "changed"]


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A correction as it is stored. ``recording_id`` None: a replacement, in the recordings of
    ``scope`` or (None) in all."""

    correction: Correction
    recording_id: str | None
    scope: tuple[str, ...] | None
    who: str
    made_ms: int
    undone_ms: int | None


@dataclass(frozen=True, slots=True)
class WithheldRow:
    """A withheld stretch as it is stored."""

    id: int
    span: Span
    who: str
    made_ms: int
    undone_ms: int | None


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """How a correction met the machine's text; ``found`` are the machine's words there."""

    correction_id: int
    recording_id: str
    span: Span
    state: OutcomeState
    found: str


def add(
    db: sqlite3.Connection,
    recording_id: str | None,
    span: Span | None,
    was: str,
    now: str,
    who: str,
    scope: Sequence[str] | None = None,
) -> int:
    """Store a correction of one recording or, with neither recording nor span, a replacement."""
    row = db.execute(
        "INSERT INTO corrections (recording_id, start_ms, end_ms, scope, was, now, who, made_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            recording_id,
            span.start_ms if span else None,
            span.end_ms if span else None,
            None if scope is None else json.dumps(sorted(scope)),
            was,
            now,
            who,
            now_ms(),
        ),
    ).fetchone()
    return int(row[0])


def undo(db: sqlite3.Connection, numbers: range, recording_id: str | None) -> list[CorrectionRow]:
    """Take the corrections of ``recording_id`` (None: replacements) with these numbers back; they
    stay on record.

    Raises NotFound (``correct.unknown``) where there is none or they were undone before.
    """
    rows = db.execute(
        "UPDATE corrections SET undone_ms = ? WHERE id BETWEEN ? AND ? AND recording_id IS ?"
        " AND undone_ms IS NULL RETURNING *",
        (now_ms(), numbers.start, numbers.stop - 1, recording_id),
    ).fetchall()
    if not rows:
        raise NotFound("correct.unknown", number=numbers.start)
    db.executemany("DELETE FROM outcomes WHERE correction_id = ?", [(row["id"],) for row in rows])
    return [_row(row) for row in rows]


def effective(db: sqlite3.Connection, recording_id: str) -> list[Correction]:
    """The corrections and replacements to lay over a recording's transcript, in order."""
    rows = db.execute(
        "SELECT id, start_ms, end_ms, was, now FROM corrections WHERE undone_ms IS NULL"
        " AND (recording_id = ?1 OR (recording_id IS NULL AND (scope IS NULL"
        "  OR EXISTS (SELECT 1 FROM json_each(scope) WHERE value = ?1)))) ORDER BY id",
        (recording_id,),
    )
    return [_correction(row) for row in rows]


def history(db: sqlite3.Connection, recording_id: str | None) -> list[CorrectionRow]:
    """Every correction of a recording (None: every replacement), undone ones too, oldest first."""
    rows = db.execute(
        "SELECT * FROM corrections WHERE recording_id IS ? ORDER BY id", (recording_id,)
    )
    return [_row(row) for row in rows]


def replacements(db: sqlite3.Connection) -> list[Correction]:
    """The replacements in force, in whatever recordings, in order."""
    rows = db.execute(
        "SELECT id, start_ms, end_ms, was, now FROM corrections"
        " WHERE recording_id IS NULL AND undone_ms IS NULL ORDER BY id"
    )
    return [_correction(row) for row in rows]


def corrected_ids(db: sqlite3.Connection) -> set[str]:
    """Recordings with a correction of their own."""
    rows = db.execute(
        "SELECT DISTINCT recording_id FROM corrections"
        " WHERE recording_id IS NOT NULL AND undone_ms IS NULL"
    )
    return {row[0] for row in rows}


def _row(row: sqlite3.Row) -> CorrectionRow:
    return CorrectionRow(
        correction=_correction(row),
        recording_id=row["recording_id"],
        scope=None if row["scope"] is None else tuple(json.loads(row["scope"])),
        who=row["who"],
        made_ms=row["made_ms"],
        undone_ms=row["undone_ms"],
    )


def _correction(row: sqlite3.Row) -> Correction:
    span = None if row["start_ms"] is None else Span(row["start_ms"], row["end_ms"])
    return Correction(row["id"], span, row["was"], row["now"])


def withhold(db: sqlite3.Connection, recording_id: str, span: Span, who: str) -> int:
    """From now on nobody reads or hears this stretch; the number of the row."""
    row = db.execute(
        "INSERT INTO withheld (recording_id, start_ms, end_ms, who, made_ms)"
        " VALUES (?, ?, ?, ?, ?) RETURNING id",
        (recording_id, span.start_ms, span.end_ms, who, now_ms()),
    ).fetchone()
    return int(row[0])


def release(db: sqlite3.Connection, recording_id: str, number: int) -> None:
    """Withhold a stretch no longer. Raises NotFound (``withhold.unknown``)."""
    changed = db.execute(
        "UPDATE withheld SET undone_ms = ? WHERE id = ? AND recording_id = ? AND undone_ms IS NULL",
        (now_ms(), number, recording_id),
    )
    if changed.rowcount != 1:
        raise NotFound("withhold.unknown", id=recording_id, number=number)


def withheld(db: sqlite3.Connection, recording_id: str) -> list[WithheldRow]:
    """The stretches of a recording that are withheld now, in order of time."""
    rows = db.execute(
        "SELECT id, start_ms, end_ms, who, made_ms, undone_ms FROM withheld"
        " WHERE recording_id = ? AND undone_ms IS NULL ORDER BY start_ms, id",
        (recording_id,),
    )
    return [WithheldRow(r[0], Span(r[1], r[2]), r[3], r[4], r[5]) for r in rows]


def every_withheld(db: sqlite3.Connection) -> list[tuple[str, WithheldRow]]:
    """The stretches of all recordings with whose they are, undone ones too, oldest first."""
    rows = db.execute(
        "SELECT recording_id, id, start_ms, end_ms, who, made_ms, undone_ms FROM withheld"
        " ORDER BY id"
    )
    return [(r[0], WithheldRow(r[1], Span(r[2], r[3]), r[4], r[5], r[6])) for r in rows]


def withheld_ids(db: sqlite3.Connection) -> set[str]:
    """Recordings of which a stretch is withheld now."""
    rows = db.execute("SELECT DISTINCT recording_id FROM withheld WHERE undone_ms IS NULL")
    return {row[0] for row in rows}


def store_outcomes(
    db: sqlite3.Connection, recording_id: str, outcomes: Iterable[OutcomeRow]
) -> None:
    """Replace a recording's outcomes. What a person reviewed stays so while the machine's words
    underneath are the same."""
    reviewed = {
        (row[0], row[1])
        for row in db.execute(
            "SELECT correction_id, found FROM outcomes WHERE recording_id = ? AND reviewed",
            (recording_id,),
        )
    }
    db.execute("DELETE FROM outcomes WHERE recording_id = ?", (recording_id,))
    db.executemany(
        "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.correction_id,
                recording_id,
                one.span.start_ms,
                one.span.end_ms,
                one.state,
                one.found,
                int((one.correction_id, one.found) in reviewed),
            )
            for one in outcomes
        ],
    )


def to_review(db: sqlite3.Connection, recording_id: str | None = None) -> list[OutcomeRow]:
    """Corrections whose machine text changed underneath and that nobody has looked at since."""
    rows = db.execute(
        "SELECT correction_id, recording_id, start_ms, end_ms, state, found FROM outcomes"
        " WHERE state = 'changed' AND reviewed = 0 AND recording_id = ifnull(?, recording_id)"
        " ORDER BY recording_id, start_ms",
        (recording_id,),
    )
    return [OutcomeRow(r[0], r[1], Span(r[2], r[3]), r[4], r[5]) for r in rows]


def mark_reviewed(db: sqlite3.Connection, recording_id: str, correction_id: int) -> None:
    """A person looked at a changed passage. Raises NotFound (``correct.nothing_to_review``)."""
    changed = db.execute(
        "UPDATE outcomes SET reviewed = 1 WHERE recording_id = ? AND correction_id = ?"
        " AND state = 'changed'",
        (recording_id, correction_id),
    )
    if changed.rowcount != 1:
        raise NotFound("correct.nothing_to_review", id=recording_id, number=correction_id)


def holding(db: sqlite3.Connection, wanted: Callable[[str], bool]) -> set[str]:
    """Recordings that have a segment, as the machine heard it, whose text is ``wanted``."""
    db.create_function("is_wanted", 1, wanted, deterministic=True)
    rows = db.execute("SELECT DISTINCT recording_id FROM segments WHERE is_wanted(text)")
    return {row[0] for row in rows}
