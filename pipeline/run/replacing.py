"""One term for another, wherever it stands: looked at first, stored, taken back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.catalog import corrections
from pipeline.catalog.connection import Catalogue
from pipeline.corrections import phrases
from pipeline.corrections.correct import overlay
from pipeline.corrections.phrases import caseless
from pipeline.errors import NotFound
from pipeline.run import reading
from pipeline.values import Correction, Transcript

_CONTEXT = 40
"""Characters shown on either side of an occurrence."""

_PIECE = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place where a replacement takes hold: what stands there and around it."""

    recording_id: str
    start_ms: int
    before: str
    found: str
    after: str


def occurrences(
    db: sqlite3.Connection, old: str, new: str, scope: Sequence[str] | None
) -> Iterator[Occurrence]:
    """Where a replacement would take hold, recording by recording, in order of time."""
    for recording_id in _candidates(db, old, scope):
        try:
            before = reading.read(db, recording_id)
        except NotFound:
            continue
        yield from _occurrences_in(recording_id, before, old, new)


def _occurrences_in(
    recording_id: str, read: Transcript, old: str, new: str
) -> Iterator[Occurrence]:
    texts = [segment.text for segment in read.segments]
    places = [(text, place) for text in texts for place in phrases.occurrences(text, old, new)]
    outcomes = overlay(read, (Correction(1, None, old, new),), ()).outcomes if places else ()
    for (text, place), outcome in zip(places, outcomes, strict=True):
        yield Occurrence(
            recording_id,
            outcome.span.start_ms,
            text[max(place.begin - _CONTEXT, 0) : place.begin],
            text[place.begin : place.end],
            text[place.end : place.end + _CONTEXT],
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
        (row,) = corrections.undo(db, range(number, number + 1), None)
        return _settle(db, _candidates(db, row.correction.was, row.scope))


def _settle(db: sqlite3.Connection, ids: Iterable[str]) -> list[str]:
    return [one for one in ids if reading.settle(db, one)]


def _candidates(db: sqlite3.Connection, term: str, scope: Sequence[str] | None) -> list[str]:
    """Recordings that may hold the term: in the machine's text, in what people wrote, or where
    other replacements bring it about."""
    wanted = _may_become(term, corrections.replacements(db))
    found = corrections.holding(db, wanted) | corrections.corrected_ids(db)
    return sorted(found if scope is None else found & set(scope))


def _may_become(term: str, replacements: Sequence[Correction]) -> Callable[[str], bool]:
    """Whether all words of a term may come to stand in a text."""
    terms, left = [term], list(replacements)
    while sources := [one for one in left if any(_brings(one, each) for each in terms)]:
        terms += [one.was for one in sources]
        left = [one for one in left if one not in sources]
    words = [caseless(each).split() for each in terms]

    def wanted(text: str) -> bool:
        plain = caseless(text)
        # Asked of every segment there is: plain loops take half as long as any() and all().
        for each in words:
            for word in each:
                if word not in plain:
                    break
            else:
                return True
        return False

    return wanted


def _brings(replacement: Correction, term: str) -> bool:
    """Whether a replacement may write a part of the term, or join two parts of it."""
    was = replacement.was.strip()
    parts = set(_PIECE.findall(caseless(term))) & set(_PIECE.findall(caseless(replacement.now)))
    return bool(parts) or not (was[:1].isalnum() and was[-1:].isalnum())
