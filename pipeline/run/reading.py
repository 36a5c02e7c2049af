"""The transcript as it is read: the machine's, with what people changed laid over it.

Its digest is stored in the same transaction that changes either of the two, so that a plan knows
which chunks are stale without reading any transcript.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from pipeline.catalog import corrections, transcripts
from pipeline.catalog.corrections import OutcomeRow
from pipeline.catalog.transcripts import StageResult
from pipeline.corrections import correct
from pipeline.corrections.correct import Reading
from pipeline.corrections.withholding import Beneath
from pipeline.errors import NotFound
from pipeline.fingerprint import digest, transcript_digest
from pipeline.values import Correction, Span, Transcript

STAGE = "correct"


def read(db: sqlite3.Connection, recording_id: str) -> Transcript:
    """A recording's transcript as people read it. Raises NotFound (``transcript.none``)."""
    return _reading(db, recording_id).transcript


def beneath(db: sqlite3.Connection, recording_id: str) -> Beneath:
    """The same, and what is withheld of it. Raises NotFound (``transcript.none``)."""
    return correct.beneath(*_parts(db, recording_id))


def reach(db: sqlite3.Connection, recording_id: str, span: Span) -> Span:
    """A withheld stretch with all the time of the words that go for its sake."""
    try:
        below = beneath(db, recording_id)
    except NotFound:
        return span
    return dict(zip(below.withheld, below.reaches, strict=True)).get(span, span)


def reaches(db: sqlite3.Connection, recording_id: str) -> tuple[Span, ...]:
    """The same of every stretch that is withheld now: what nobody is to hear or see."""
    spans = [row.span for row in corrections.withheld(db, recording_id)]
    if not spans:
        return ()
    noted = _noted(transcripts.ran(db, recording_id, STAGE))
    if noted.keys() >= set(spans):
        return tuple(noted[span] for span in spans)
    return tuple(reach(db, recording_id, span) for span in spans)


def _noted(ran: Mapping[str, str | int | float]) -> dict[Span, Span]:
    """Reaches by their stretches, as ``settle`` notes them: reading a transcript takes too long for
    everyone who asks for them. Former versions noted none."""
    listed = json.loads(str(ran.get("reaches", "[]")))
    return {Span(*span): Span(*reached) for span, reached in listed}


def _reaches_json(below: Beneath) -> str:
    pairs = zip(below.withheld, below.reaches, strict=True)
    return json.dumps(
        [[[span.start_ms, span.end_ms], [far.start_ms, far.end_ms]] for span, far in pairs]
    )


def find(db: sqlite3.Connection, recording_id: str) -> Transcript | None:
    """The same, or None where there is no transcript yet."""
    try:
        return read(db, recording_id)
    except NotFound:
        return None


def _reading(db: sqlite3.Connection, recording_id: str) -> Reading:
    return correct.overlay(*_parts(db, recording_id))


def _parts(
    db: sqlite3.Connection, recording_id: str
) -> tuple[Transcript, list[Correction], list[Span]]:
    machine = transcripts.load(db, recording_id)
    spans = [row.span for row in corrections.withheld(db, recording_id)]
    return machine, corrections.effective(db, recording_id), spans


def settle(db: sqlite3.Connection, recording_id: str) -> bool:
    """Note what is read now; call it in every transaction that stores a machine transcript or
    changes what people wrote. Whether the text is another than before; False without one."""
    before = transcripts.read_digest(db, recording_id)
    people = corrections.effective(db, recording_id), corrections.withheld(db, recording_id)
    if not any(people):
        transcripts.drop_result(db, recording_id, STAGE)
        corrections.store_outcomes(db, recording_id, ())
        return transcripts.read_digest(db, recording_id) != before
    try:
        reading = _reading(db, recording_id)
    except NotFound:
        return False  # nothing was recognised yet: what people wrote waits for it
    written = [[c.id, c.was, c.now] for c in people[0]], [[w.id] for w in people[1]]
    result = StageResult(digest(written), transcript_digest(reading.transcript))
    noted = {"reaches": _reaches_json(beneath(db, recording_id))} if people[1] else {}
    transcripts.record_result(db, recording_id, STAGE, result, took_ms=0, ran={**noted})
    spanned = {one.id for one in people[0] if one.span}
    corrections.store_outcomes(
        db,
        recording_id,
        (
            OutcomeRow(one.correction_id, recording_id, one.span, one.state, one.found)
            for one in reading.outcomes
            if one.correction_id in spanned
        ),
    )
    return result.digest != before


def restate(db: sqlite3.Connection, recording_id: str) -> None:
    """Note both digests afresh: they were made by a version that read or counted otherwise."""
    machine = transcripts.load(db, recording_id)
    transcripts.set_digest(db, recording_id, "transcribe", transcript_digest(machine))
    settle(db, recording_id)
