"""What is there to be played of each recording, by the results of the stage that made it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Literal

from pipeline.catalog import transcripts
from pipeline.catalog.transcripts import StageResult

STAGE = "rendition"

Kind = Literal["original", "copied", "encoded", "nothing"]


@dataclass(frozen=True, slots=True)
class Made:
    """What the stage made. ``kind``: "original" where that plays as it is, "nothing" where none
    could be made. ``folder`` holds the files, if there are any; ``file`` is the one that plays.
    ``bytes`` is what all of them take, ``frames`` counts the pictures, ``why`` is the kind of the
    failure where there is nothing."""

    kind: Kind
    folder: str = ""
    file: str = ""
    media_type: str = ""
    has_video: bool = False
    bytes: int = 0
    frames: int = 0
    why: str = ""


def store(
    db: sqlite3.Connection, recording_id: str, result: StageResult, made: Made, *, took_ms: int
) -> None:
    """Note what was made; the result's digest is that of what is heard and seen in it."""
    transcripts.record_result(
        db, recording_id, STAGE, result, took_ms=took_ms, ran={**asdict(made)}
    )


def get(db: sqlite3.Connection, recording_id: str) -> tuple[StageResult, Made] | None:
    """What there is of one recording."""
    row = db.execute(
        "SELECT fingerprint, digest, ran FROM results WHERE recording_id = ? AND stage = ?",
        (recording_id, STAGE),
    ).fetchone()
    return (StageResult(row[0], row[1]), Made(**json.loads(row[2]))) if row else None


@dataclass(frozen=True, slots=True)
class Lying:
    """Of what was made the little that says which files are to be there."""

    digest: str
    kind: Kind
    folder: str
    why: str


def lying(db: sqlite3.Connection) -> dict[str, Lying]:
    """Of every recording for which the stage was done."""
    rows = db.execute(
        "SELECT recording_id, digest, ran ->> '$.kind', ran ->> '$.folder', ran ->> '$.why'"
        " FROM results WHERE stage = ?",
        (STAGE,),
    )
    return {key: Lying(*rest) for key, *rest in rows}


def room(db: sqlite3.Connection) -> tuple[int, int]:
    """How many recordings have files of ours, and the bytes these take."""
    row = db.execute(
        "SELECT count(*), ifnull(sum(json_extract(ran, '$.bytes')), 0) FROM results"
        " WHERE stage = ? AND json_extract(ran, '$.bytes') > 0",
        (STAGE,),
    ).fetchone()
    return int(row[0]), int(row[1])


def forget(db: sqlite3.Connection, recording_id: str) -> None:
    """Make it stale on request; what there is plays until another is made."""
    transcripts.forget_results(db, recording_id, (STAGE,))
