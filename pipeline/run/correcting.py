"""What staff do to the text of a recording: correct, withhold, undo, review.

Each is one transaction that also notes what is read now. ``refresh`` then renews the chunks that
were touched, so that search finds the new text at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.catalog import chapters, chunks, corrections, recordings
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.corrections import CorrectionRow
from pipeline.corrections.differences import Differences, Edit, differences
from pipeline.corrections.placing import correction_for
from pipeline.errors import BadInput, NotFound
from pipeline.formats.speakers import Speakers
from pipeline.formats.transcripts import read_transcript
from pipeline.home import Home
from pipeline.run import reading, shelf
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions, RunReport
from pipeline.timecode import format_short
from pipeline.values import Segment, Span

_FEW_WORDS, _LEAST_ALIKE = 20, 1 / 3
"""From how many words on a file must have a third of them in common with the transcript. Two
interviews that have nothing to do with each other have a tenth, machine and corrected text more
than half."""


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

    Raises BadInput (``correct.empty``, ``correct.same``, ``correct.across_withheld``), NotFound
    (``correct.not_there``).
    """
    if not was.strip():
        raise BadInput("correct.empty")
    if was == now:
        raise BadInput("correct.same")
    with catalogue.write() as db:
        recordings.get(db, recording_id)
        edit = correction_for(reading.beneath(db, recording_id), at_ms, was, now)
        if edit is None:
            raise NotFound("correct.not_there", id=recording_id, time=format_short(at_ms))
        return _store(db, recording_id, (edit,), who)[0]


def correct_from(
    catalogue: Catalogue, recording_id: str, file: Path, who: str
) -> tuple[list[int], Differences]:
    """Make corrections of the differences between what is read now and an edited file of it; their
    numbers, and what they are made of.

    Raises BadInput (``correct.another_talk``, ``correct.changed_meanwhile``, and what reading the
    file raises), NotFound.
    """
    with catalogue.read() as db:
        recordings.get(db, recording_id)
        below = reading.beneath(db, recording_id)
    edited = read_transcript(file, Speakers.of(below.shown))
    found = differences(below, edited)
    if found.words >= _FEW_WORDS and found.alike < _LEAST_ALIKE:
        share = f"{found.alike:.0%}"
        raise BadInput("correct.another_talk", name=file.name, id=recording_id, share=share)
    with catalogue.write() as db:
        if reading.beneath(db, recording_id) != below:
            raise BadInput("correct.changed_meanwhile", id=recording_id)
        return _store(db, recording_id, found.edits, who), found


def _store(db: sqlite3.Connection, recording_id: str, edits: Sequence[Edit], who: str) -> list[int]:
    numbers = [
        corrections.add(db, recording_id, edit.span, edit.was, edit.now, who) for edit in edits
    ]
    if numbers:
        reading.settle(db, recording_id)
    return numbers


def undo(catalogue: Catalogue, recording_id: str, numbers: range) -> list[int]:
    """Take corrections back, those of the recording with these numbers; which they were.

    Raises NotFound (``correct.unknown``) where there is none.
    """
    with catalogue.write() as db:
        recordings.get(db, recording_id)
        rows = corrections.undo(db, numbers, recording_id)
        reading.settle(db, recording_id)
    return sorted(row.correction.id for row in rows)


def withhold(
    home: Home, catalogue: Catalogue, recording_id: str, span: Span, who: str
) -> tuple[int, bool]:
    """Nobody reads, finds or hears the stretch from this commit on, and no report quotes the
    recording; its number, and whether words that were shown are gone.

    Raises BadInput (``withhold.empty``, ``withhold.beyond``), HomeUnusable.
    """
    from pipeline.reports import store  # every command that looks at texts would load it

    if span.length_ms <= 0:
        raise BadInput("withhold.empty")
    # Before, so that whoever is killed has promised nothing; and after, for the report that a night
    # writes in between.
    store.unquote(home.reports, [recording_id])
    with catalogue.write() as db:
        duration_ms = recordings.get(db, recording_id).duration_ms
        if duration_ms is not None and span.start_ms >= duration_ms:
            raise BadInput("withhold.beyond", id=recording_id, end=format_short(duration_ms))
        number, hit = hide(db, recording_id, span, who)
    store.unquote(home.reports, [recording_id])
    shelf.drop(home, recording_id)
    return number, hit


def hide(db: sqlite3.Connection, recording_id: str, span: Span, who: str) -> tuple[int, bool]:
    """Withhold a stretch in the catalogue alone; its number, and whether words that were shown are
    gone."""
    number = corrections.withhold(db, recording_id, span, who)
    reach = reading.reach(db, recording_id, span)
    chunks.drop_within(db, recording_id, reach.start_ms, reach.end_ms)
    chapters.drop(db, recording_id)  # a title may hold words of the stretch
    return number, reading.settle(db, recording_id)


def release(home: Home, catalogue: Catalogue, recording_id: str, number: int) -> None:
    """Withhold a stretch no longer; what is played is made anew by the next run.

    Raises NotFound (``withhold.unknown``), HomeUnusable.
    """
    with catalogue.write() as db:
        recordings.get(db, recording_id)
        corrections.release(db, recording_id, number)
        reading.settle(db, recording_id)
    shelf.drop(home, recording_id)


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
    """Renew chunks and chapters of changed texts; what another run holds is renewed by that run.

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
