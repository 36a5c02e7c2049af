"""Where transcripts may misspell the glossary's terms: for people to look at, never applied.

Read is what search reads, so that a spelling which was corrected is not suggested again. The
full-text table narrows the passages down, first by its list of all words; only those are read.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from pipeline.catalog import generations, vocabulary
from pipeline.catalog.chunks import StoredChunk
from pipeline.corrections import spellings
from pipeline.corrections.spellings import folded
from pipeline.glossary import Glossary, Term
from pipeline.search.analysis import plain_words
from pipeline.search.candidates import (
    SHORTEST,
    Runs,
    Way,
    alternatives,
    expression,
    narrowed,
    word_places,
)
from pipeline.search.synonyms import READINGS, phrase_of

Kind = Literal["listed", "written", "similar", "sounding"]
"""A wrong spelling that the glossary lists, or what merely looks or sounds like the term."""

MOST_LISTED, MOST_ALIKE, MOST_READ = 20_000, 100_000, 2_000
"""Passages read for a wrong spelling; looked through for what is like a term, and read for it."""

_CONTEXT = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a spelling stands: the sentence's start and the text around it."""

    recording_id: str
    start_ms: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``found``, as it is written, where ``term`` may be meant. ``places`` are the first of
    ``count``; ``complete`` is False where there were too many passages to read them all."""

    term: str
    found: str
    kind: Kind
    count: int
    recordings: int
    places: tuple[Place, ...]
    complete: bool

    @property
    def sure(self) -> bool:
        """Whether a person has listed this very spelling as wrong."""
        return self.kind == "listed"


@dataclass(slots=True)
class _Tally:
    """The places of one spelling so far. A passage repeats the end of the one before."""

    seen: set[tuple[str, int, int]] = field(default_factory=set)
    recordings: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)


def suggestions(
    db: sqlite3.Connection, glossary: Glossary, ids: Sequence[str] = (), places: int = 3
) -> Iterator[Suggestion]:
    """Suggestions for the recordings ``ids``, or for all: term by term, listed spellings first,
    frequent ones before rare ones. Each names at most ``places`` places."""
    model = generations.text_model(db)
    if model is None or not glossary.terms:
        return
    known = {_words(form) for term in glossary.terms for form in term.forms}
    right = {form for term in glossary.terms for form in (term.name, *term.synonyms)}
    sought = {n: alternatives(term.name) for n, term in enumerate(glossary.terms)}
    keys = {key for ways in sought.values() for way in ways for part in way for key in part}
    near = spellings.neighbours(vocabulary.terms(db), keys)
    reader = _Reader(db, model.hash, ids, places)
    for number, term in enumerate(glossary.terms):
        yield from reader.listed(term, right)
        yield from reader.alike(term, known, narrowed(sought[number], near))


class _Reader:
    """Reads passages of one text model's chunks."""

    def __init__(
        self, db: sqlite3.Connection, model_hash: str, ids: Sequence[str], places: int
    ) -> None:
        self._db = db
        self._model_hash = model_hash
        self._ids = ids
        self._places = places

    def listed(self, term: Term, right: set[str]) -> Iterator[Suggestion]:
        """The term's wrong spellings, in any case and with any joint ("Lora-Wan"), wherever they
        are not at once a right one."""
        tallies: dict[str, _Tally] = {}
        complete = True
        for wrong in term.wrong:
            wanted = _words(wrong)
            phrases = dict.fromkeys(phrase_of(wrong, reading) for reading in READINGS)
            match = " OR ".join(f'"{phrase}"' for phrase in phrases if phrase)
            if not match or wrong in right:
                continue
            ids, cut = self._matching(match, MOST_LISTED)
            complete = complete and not cut
            for stored in vocabulary.loaded(self._db, ids):
                for begin, end in _runs(stored.chunk.text, _places(stored), wanted):
                    if _plain(stored.chunk.text[begin:end]) not in right:
                        self._note(tallies, stored, begin, end)
        yield from _summed(term, "listed", tallies, complete)

    def alike(
        self, term: Term, known: set[tuple[str, ...]], ways: Sequence[Way]
    ) -> Iterator[Suggestion]:
        """What is written or sounds like the term, other forms of its own words aside. Passages
        that write it rightly come last, and only as far as the limits allow."""
        name = [term.name[begin:end] for begin, end in word_places(plain_words(term.name, "de"))]
        if len(spellings.letters(name)) < SHORTEST or not ways:
            return
        telling = {key for way in ways for part in way for key in part}
        tallies: dict[Kind, dict[str, _Tally]] = {}
        ids, cut = self._matching(expression(ways), MOST_ALIKE, last=term.name)
        passages = vocabulary.loaded(self._db, ids, Runs(ways).within)
        for stored in islice(passages, MOST_READ):
            for begin, end, kind in _alike_in(stored, term, name, telling, known):
                self._note(tallies.setdefault(kind, {}), stored, begin, end)
        following = next(passages, None)
        complete = not cut and (following is None or term.name in following.chunk.text)
        for kind in ("written", "similar", "sounding"):
            yield from _summed(term, kind, tallies.get(kind, {}), complete)

    def _matching(self, match: str, limit: int, last: str = "") -> tuple[list[int], bool]:
        return vocabulary.matching(
            self._db, match, self._model_hash, limit, last=last, recordings=self._ids
        )

    def _note(self, tallies: dict[str, _Tally], stored: StoredChunk, begin: int, end: int) -> None:
        text = stored.chunk.text
        start_ms, offset = stored.chunk.start_ms, begin
        for sentence in stored.chunk.sentences:
            if sentence.begin <= begin:
                start_ms, offset = sentence.start_ms, begin - sentence.begin
        tally = tallies.setdefault(_plain(text[begin:end]), _Tally())
        place = (stored.recording_id, start_ms, offset)
        if place in tally.seen:
            return
        tally.seen.add(place)
        tally.recordings.add(stored.recording_id)
        if len(tally.places) < self._places:
            before = _plain(text[max(begin - _CONTEXT, 0) : begin])
            after = _plain(text[end : end + _CONTEXT])
            tally.places.append(Place(stored.recording_id, start_ms, before, after))


def _summed(
    term: Term, kind: Kind, tallies: dict[str, _Tally], complete: bool
) -> Iterator[Suggestion]:
    for found, tally in sorted(tallies.items(), key=lambda item: (-len(item[1].seen), item[0])):
        yield Suggestion(
            term=term.name,
            found=found,
            kind=kind,
            count=len(tally.seen),
            recordings=len(tally.recordings),
            places=tuple(tally.places),
            complete=complete,
        )


def _alike_in(
    stored: StoredChunk,
    term: Term,
    name: Sequence[str],
    telling: set[str],
    known: set[tuple[str, ...]],
) -> Iterator[tuple[int, int, Kind]]:
    text, language = stored.chunk.text, stored.chunk.language
    tokens = plain_words(text, language)
    places = word_places(tokens)
    terms: dict[int, list[str]] = {}
    for token in tokens:
        terms.setdefault(token.begin, []).append(token.term)
    numbers = [n for n, (begin, _) in enumerate(places) if not telling.isdisjoint(terms[begin])]
    stems = [token.term for token in plain_words(term.name, language or "de")]
    for one in spellings.akin(text, places, numbers, name):
        found = _plain(text[one.begin : one.end])
        inflected = [t for begin, _ in places[one.first : one.last] for t in terms[begin]] == stems
        if one.kind == "written":
            cased = found.casefold() == term.name.casefold() and term.name == term.name.lower()
            if found != term.name and not cased and _is_new(found, known, term):
                yield one.begin, one.end, one.kind
        elif not inflected and _words(found) not in known:
            yield one.begin, one.end, one.kind


def _is_new(found: str, known: set[tuple[str, ...]], term: Term) -> bool:
    words = _words(found)
    return words == _words(term.name) or words not in known


def _places(stored: StoredChunk) -> list[tuple[int, int]]:
    return word_places(plain_words(stored.chunk.text, stored.chunk.language))


def _runs(
    text: str, places: Sequence[tuple[int, int]], wanted: tuple[str, ...]
) -> Iterator[tuple[int, int]]:
    """Where exactly these words follow one another."""
    words = [folded(text[begin:end]) for begin, end in places]
    for first in range(len(words) - len(wanted) + 1):
        run = places[first : first + len(wanted)]
        if tuple(words[first : first + len(wanted)]) == wanted and spellings.joined(text, run):
            yield run[0][0], run[-1][1]


def _words(form: str) -> tuple[str, ...]:
    """What spellings are held against each other by: case, joints and accents aside."""
    return tuple(folded(form[begin:end]) for begin, end in word_places(plain_words(form, "de")))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
