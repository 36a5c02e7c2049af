"""What staff do to the text: correct, replace everywhere, withhold, undo, review.

Each is one transaction that also notes what is read now. ``refresh`` then renews the chunks that
were touched, so that search finds the new text at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.catalog import chunks, corrections, recordings, transcripts
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.corrections import CorrectionRow
from pipeline.corrections.correct import overlay
from pipeline.corrections.differences import Edit, differences
from pipeline.corrections.placing import correction_for
from pipeline.errors import BadInput, NotFound
from pipeline.home import Home
from pipeline.run import reading
from pipeline.run.context import Context
from pipeline.run.execute import RunOptions, RunReport, run
from pipeline.run.observer import Silent
from pipeline.timecode import format_short
from pipeline.values import Correction, Segment, Span, Transcript

_CONTEXT = 40
"""Characters shown on either side of an occurrence."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place where a replacement takes hold: what stands there and around it."""

    recording_id: str
    start_ms: int
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class Review:
    """A passage to look at. ``number`` is the correction's; ``now`` what the human text says,
    ``found`` what the machine says there by now."""

    recording_id: str
    number: int
    span: Span
    was: str
    now: str
    found: str


def correct(
    catalogue: Catalogue, recording_id: str, at_ms: int, was: str, now: str, who: str
) -> int:
    """Correct the first ``was`` in the segment that covers the time; the correction's number.

    Raises BadInput (``correct.empty``, ``correct.same``), NotFound (``correct.not_there``).
    """
    if not was.strip():
        raise BadInput("correct.empty")
    if was == now:
        raise BadInput("correct.same")
    with catalogue.write() as db:
        recordings.get(db, recording_id)
        edit = correction_for(reading.read(db, recording_id), at_ms, was, now)
        if edit is None:
            raise NotFound("correct.not_there", id=recording_id, time=format_short(at_ms))
        return _store(db, recording_id, (edit,), who)[0]


def correct_from(
    catalogue: Catalogue, recording_id: str, edited: Transcript, who: str
) -> list[int]:
    """Make corrections of the differences between what is read now and an edited file of it."""
    with catalogue.read() as db:
        recordings.get(db, recording_id)
        before = reading.read(db, recording_id)
    edits = differences(before, edited)
    with catalogue.write() as db:
        if reading.read(db, recording_id) != before:
            raise BadInput("correct.changed_meanwhile", id=recording_id)
        return _store(db, recording_id, edits, who)


def _store(db: sqlite3.Connection, recording_id: str, edits: Sequence[Edit], who: str) -> list[int]:
    numbers = [
        corrections.add(db, recording_id, edit.span, edit.was, edit.now, who) for edit in edits
    ]
    if numbers:
        reading.settle(db, recording_id)
    return numbers


def undo(catalogue: Catalogue, recording_id: str, number: int) -> None:
    """Take one correction back. Raises NotFound (``correct.unknown``)."""
    with catalogue.write() as db:
        recordings.get(db, recording_id)
        corrections.undo(db, number, recording_id)
        reading.settle(db, recording_id)


def occurrences(
    db: sqlite3.Connection, old: str, new: str, scope: Sequence[str] | None
) -> Iterator[Occurrence]:
    """Where a replacement would take hold, recording by recording, in order of time."""
    rule = Correction(1, None, old, new)
    for recording_id in _candidates(db, old, scope):
        try:
            before = reading.read(db, recording_id)
        except NotFound:
            continue
        for outcome in overlay(before, (rule,), ()).outcomes:
            yield _occurrence(recording_id, before, outcome.span, outcome.found)


def _candidates(db: sqlite3.Connection, term: str, scope: Sequence[str] | None) -> list[str]:
    """Recordings that may hold the term: in the machine's text, or in what people wrote."""
    found = set(corrections.holding_term(db, term)) | corrections.corrected_ids(db)
    return sorted(found if scope is None else found & set(scope))


def _occurrence(recording_id: str, read: Transcript, span: Span, found: str) -> Occurrence:
    text = _segment_at(read, span.start_ms).text
    begin = text.casefold().find(found.casefold())
    if begin < 0:
        return Occurrence(recording_id, span.start_ms, "", found, "")
    end = begin + len(found)
    before = text[max(begin - _CONTEXT, 0) : begin]
    after = text[end : end + _CONTEXT]
    return Occurrence(recording_id, span.start_ms, before, text[begin:end], after)


def _segment_at(read: Transcript, at_ms: int) -> Segment:
    return min(
        read.segments,
        key=lambda one: max(one.start_ms - at_ms, at_ms - one.end_ms + 1, 0),
    )


def replace(
    catalogue: Catalogue, old: str, new: str, scope: Sequence[str] | None, who: str
) -> tuple[int, list[str]]:
    """Replace a term wherever it stands, also in what is recognised later; the replacement's
    number and the recordings whose text is another now."""
    with catalogue.write() as db:
        candidates = _candidates(db, old, scope)
        number = corrections.add(db, None, None, old, new, who, scope)
        return number, _settle(db, candidates)


def undo_replacement(catalogue: Catalogue, number: int) -> list[str]:
    """Take a replacement back. Raises NotFound (``correct.unknown``)."""
    with catalogue.write() as db:
        row: CorrectionRow = corrections.undo(db, number, None)
        return _settle(db, _candidates(db, row.correction.was, row.scope))


def _settle(db: sqlite3.Connection, ids: Iterable[str]) -> list[str]:
    return [one for one in ids if reading.settle(db, one)]


def withhold(home: Home, catalogue: Catalogue, recording_id: str, span: Span, who: str) -> int:
    """Nobody reads or finds the stretch from this commit on, and no report quotes the recording;
    the stretch's number.

    Raises BadInput (``withhold.empty``), HomeUnusable.
    """
    from pipeline.reports import store  # every command that looks at texts would load it

    if span.length_ms <= 0:
        raise BadInput("withhold.empty")
    # Before, so that whoever is killed has promised nothing; and after, for the report that a night
    # writes in between.
    store.unquote(home.reports, [recording_id])
    with catalogue.write() as db:
        recordings.get(db, recording_id)
        number = hide(db, recording_id, span, who)
    store.unquote(home.reports, [recording_id])
    return number


def hide(db: sqlite3.Connection, recording_id: str, span: Span, who: str) -> int:
    """Withhold a stretch in the catalogue alone; its number."""
    number = corrections.withhold(db, recording_id, span, who)
    chunks.drop_within(db, recording_id, span.start_ms, span.end_ms)
    reading.settle(db, recording_id)
    return number


def release(catalogue: Catalogue, recording_id: str, number: int) -> None:
    """Withhold a stretch no longer. Raises NotFound (``withhold.unknown``)."""
    with catalogue.write() as db:
        recordings.get(db, recording_id)
        corrections.release(db, recording_id, number)
        reading.settle(db, recording_id)


def reviews(db: sqlite3.Connection, recording_id: str | None = None) -> list[Review]:
    """Passages whose machine text changed under a correction, not yet looked at."""
    by_recording: dict[str, dict[int, CorrectionRow]] = {}
    found = []
    for row in corrections.to_review(db, recording_id):
        if row.recording_id not in by_recording:
            rows = corrections.history(db, row.recording_id)
            by_recording[row.recording_id] = {one.correction.id: one for one in rows}
        one = by_recording[row.recording_id][row.correction_id].correction
        found.append(Review(row.recording_id, one.id, row.span, one.was, one.now, row.found))
    return found


def refresh(context: Context, ids: Sequence[str]) -> RunReport:
    """Renew the chunks of changed texts; what another run holds is renewed by that run.

    Raises Missing where the text model is not there, HomeUnusable.
    """
    options = RunOptions(engine="inline", only=tuple(ids), texts_only=True, publish=False)
    return run(context, options, Silent()) if ids else RunReport()


def unsure(db: sqlite3.Connection, recording_id: str, below: float) -> list[Segment]:
    """Segments that the recogniser was unsure of and nobody has corrected, in order of time."""
    return [
        one
        for one in reading.read(db, recording_id).segments
        if one.confidence is not None and one.confidence < below and not one.corrected
    ]


def has_transcript(db: sqlite3.Connection, recording_id: str) -> bool:
    return transcripts.read_digest(db, recording_id) is not None
