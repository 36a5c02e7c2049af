"""Transcripts, the windows they grow from, and the record of what each stage made."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pipeline.catalog.connection import now_ms
from pipeline.errors import NotFound
from pipeline.values import ModelRef, Segment, Span, Transcript, Word

AGAIN = "again: "
"""Stands in place of a fingerprint where a person asked for a stage to be done again."""


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A recognised window as JSON, with where it lies."""

    number: int
    start_ms: int
    end_ms: int
    transcript: str


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage made: the fingerprint it was made from and the digest of its content."""

    fingerprint: str
    digest: str


def store_window(
    db: sqlite3.Connection, recording_id: str, fingerprint: str, window: StoredWindow
) -> None:
    """Keep a recognised window until the whole transcript is stored."""
    db.execute(
        "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?, ?)",
        (
            recording_id,
            window.number,
            fingerprint,
            window.start_ms,
            window.end_ms,
            window.transcript,
        ),
    )


def windows(db: sqlite3.Connection, recording_id: str, fingerprint: str) -> list[StoredWindow]:
    """The windows recognised so far under exactly this fingerprint, gap-free from the first."""
    rows = db.execute(
        "SELECT number, start_ms, end_ms, transcript FROM windows"
        " WHERE recording_id = ? AND fingerprint = ? ORDER BY number",
        (recording_id, fingerprint),
    )
    found = [StoredWindow(*row) for row in rows]
    return [window for index, window in enumerate(found) if window.number == index]


def drop_windows(db: sqlite3.Connection, recording_id: str) -> None:
    db.execute("DELETE FROM windows WHERE recording_id = ?", (recording_id,))


def store(db: sqlite3.Connection, recording_id: str, transcript: Transcript) -> None:
    """Replace a recording's transcript as a whole."""
    db.execute("DELETE FROM transcripts WHERE recording_id = ?", (recording_id,))
    model = transcript.model
    db.execute(
        "INSERT INTO transcripts VALUES (?, ?, ?, ?, ?, ?)",
        (
            recording_id,
            transcript.language,
            transcript.duration_ms,
            model.name if model else None,
            model.hash if model else None,
            json.dumps([[gap.start_ms, gap.end_ms] for gap in transcript.gaps]),
        ),
    )
    db.executemany(
        "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                recording_id,
                number,
                segment.start_ms,
                segment.end_ms,
                segment.text,
                segment.language,
                segment.speaker,
                segment.confidence,
                int(segment.corrected),
                _words_json(segment.words),
            )
            for number, segment in enumerate(transcript.segments)
        ],
    )


def load(db: sqlite3.Connection, recording_id: str) -> Transcript:
    """A recording's transcript. Raises NotFound (``transcript.none``) when there is none yet."""
    row = db.execute("SELECT * FROM transcripts WHERE recording_id = ?", (recording_id,)).fetchone()
    if row is None:
        raise NotFound("transcript.none", id=recording_id[:40])
    model = ModelRef(row["model_name"], row["model_hash"]) if row["model_name"] else None
    return Transcript(
        language=row["language"],
        duration_ms=row["duration_ms"],
        segments=tuple(_segments(db, recording_id)),
        model=model,
        gaps=tuple(Span(start, end) for start, end in json.loads(row["gaps"])),
        recording_id=recording_id,
    )


def _segments(db: sqlite3.Connection, recording_id: str) -> Iterable[Segment]:
    rows = db.execute(
        "SELECT * FROM segments WHERE recording_id = ? ORDER BY number", (recording_id,)
    )
    for row in rows:
        yield Segment(
            start_ms=row["start_ms"],
            end_ms=row["end_ms"],
            text=row["text"],
            language=row["language"],
            speaker=row["speaker"],
            confidence=row["confidence"],
            corrected=bool(row["corrected"]),
            words=tuple(Word(*word) for word in json.loads(row["words"])),
        )


def with_confidence_below(db: sqlite3.Connection, limit: float) -> set[str]:
    """Recordings with a segment that the recogniser was less sure of."""
    rows = db.execute("SELECT DISTINCT recording_id FROM segments WHERE confidence < ?", (limit,))
    return {row[0] for row in rows}


def _words_json(words: Iterable[Word]) -> str:
    plain = [[word.start_ms, word.end_ms, word.text, word.confidence] for word in words]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def record_result(
    db: sqlite3.Connection,
    recording_id: str,
    stage: str,
    result: StageResult,
    *,
    took_ms: int,
    ran: dict[str, str | int | float] | None = None,
) -> None:
    """Say what a stage made and from what."""
    db.execute(
        "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            recording_id,
            stage,
            result.fingerprint,
            result.digest,
            now_ms(),
            took_ms,
            json.dumps(ran or {}),
        ),
    )


def results(
    db: sqlite3.Connection, ids: Collection[str] = ()
) -> dict[tuple[str, str], StageResult]:
    """Recorded results by (recording id, stage): of ``ids``, or of all recordings."""
    where = "WHERE recording_id IN (SELECT value FROM json_each(?1))" if ids else ""
    rows = db.execute(
        f"SELECT recording_id, stage, fingerprint, digest FROM results {where}",
        (json.dumps(list(ids)),) if ids else (),
    )
    return {(row[0], row[1]): StageResult(row[2], row[3]) for row in rows}


def ran(db: sqlite3.Connection, recording_id: str, stage: str) -> dict[str, str | int | float]:
    """What was noted beside a stage's result; nothing where there is none."""
    row = db.execute(
        "SELECT ran FROM results WHERE recording_id = ? AND stage = ?", (recording_id, stage)
    ).fetchone()
    noted: dict[str, str | int | float] = json.loads(row[0]) if row else {}
    return noted


def read_digest(db: sqlite3.Connection, recording_id: str) -> str | None:
    """The digest of the transcript as it is read; None where there is none yet."""
    found = results(db, (recording_id,))
    result = found.get((recording_id, "correct")) or found.get((recording_id, "transcribe"))
    return result.digest if result else None


def set_digest(db: sqlite3.Connection, recording_id: str, stage: str, digest: str) -> None:
    db.execute(
        "UPDATE results SET digest = ? WHERE recording_id = ? AND stage = ?",
        (digest, recording_id, stage),
    )


def drop_result(db: sqlite3.Connection, recording_id: str, stage: str) -> None:
    db.execute("DELETE FROM results WHERE recording_id = ? AND stage = ?", (recording_id, stage))


def forget_results(db: sqlite3.Connection, recording_id: str, stages: Iterable[str]) -> None:
    """Make stages stale on request. What they made stays until it is replaced."""
    for stage in stages:
        db.execute(
            "UPDATE results SET fingerprint = '' WHERE recording_id = ? AND stage = ?",
            (recording_id, stage),
        )
        if stage == "transcribe":
            drop_windows(db, recording_id)
        if stage in ("chunk", "embed"):
            db.execute(
                "UPDATE chunk_sets SET fingerprint = ? WHERE recording_id = ?",
                (f"{AGAIN}{stage}", recording_id),
            )
