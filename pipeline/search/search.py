"""Hybrid search: words and meaning, fused, and for each found passage the second to start at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from models.contracts import Embedder
from pipeline.catalog import chunks, generations, recordings
from pipeline.catalog.chunks import StoredChunk
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.generations import Generation
from pipeline.catalog.scope import Scope
from pipeline.errors import BadInput, InterviewsError
from pipeline.glossary import Glossary
from pipeline.search import moments, vectors
from pipeline.search.analysis import MAX_QUERY_CHARACTERS, QueryWord, asks_for_number, query_words
from pipeline.search.fusion import best_first, blend
from pipeline.search.moments import Evidence, Reading
from pipeline.search.nearest import nearest
from pipeline.search.query import parse, readable
from pipeline.search.results import Mode, Notice, SearchResult
from pipeline.search.synonyms import Thesaurus
from pipeline.search.vectors import Query, Ranking, VectorIndex
from pipeline.search.words import words_leg, words_of
from pipeline.values import Chunk, Hit, ModelRef, Recording

DEPTH = 100
"""Passages each leg brings at least; more where more hits are asked for."""

REFINED = 10
"""Hits whose sentences are compared with the query by meaning, too."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A passage in the running, read against the query."""

    stored: StoredChunk
    recording: Recording
    reading: Reading
    score: float

    def overlaps(self, other: _Candidate) -> bool:
        mine, theirs = self.stored.chunk, other.stored.chunk
        return (
            self.stored.recording_id == other.stored.recording_id
            and mine.start_ms < theirs.end_ms
            and theirs.start_ms < mine.end_ms
        )


@dataclass(frozen=True, slots=True)
class _Meant:
    """The query as one text model understands it."""

    model: ModelRef
    embedder: Embedder
    vector: Query


class Searcher:
    """Searches one catalogue. ``embedder_for`` yields the text model that a generation needs and
    raises InterviewsError where it is not there; ``glossary`` yields the terms whose other names
    are found, too, and raises BadInput where it cannot be read. ``pinned`` is the generation to
    search, with its text model, whichever is published."""

    def __init__(
        self,
        catalogue: Catalogue,
        index_dir: Path,
        embedder_for: Callable[[ModelRef], Embedder],
        glossary: Callable[[], Glossary] = Glossary,
        *,
        pinned: Generation | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._index_dir = index_dir
        self._embedder_for = embedder_for
        self._thesaurus = Thesaurus(glossary)
        self._pinned = pinned
        self._open: tuple[VectorIndex, Generation] | None = None

    def search(
        self, query: str, *, mode: Mode = "hybrid", scope: Scope | None = None, limit: int = 10
    ) -> SearchResult:
        """The ``limit`` best moments.

        A leg that is off is named in the result; only where it alone was asked for
        (``mode="meaning"``) its error is raised. Raises BadInput (``search.empty_query``,
        ``search.only_exclusions``, ``search.bad_limit``).
        """
        started = time.perf_counter()
        query = readable(query)
        said = parse(query)
        limits = said.within(scope or Scope())
        asked = said.asked
        words = query_words(asked, limits.language)
        if not words:
            only = "search.only_exclusions" if said.without else "search.empty_query"
            raise BadInput(only)
        if limit < 1:
            raise BadInput("search.bad_limit", limit=limit)
        words, badly = self._widened(asked, words)
        while True:
            meant, notices = self._understood(asked, mode)
            with self._catalogue.read() as db:
                model = self._model(db)
                if meant is not None and meant.model != model:
                    continue  # another model was published between the two looks
                found = _Search(self, db, mode, limits, words, max(DEPTH, 3 * limit))
                candidates = found.candidates(model, meant, asks_for_number(asked))
            break
        hits = _hits(_apart(candidates, limit), meant)
        took_ms = (time.perf_counter() - started) * 1000
        return SearchResult(query, mode, (*badly, *notices, *found.notices), took_ms, hits)

    def _widened(
        self, query: str, words: tuple[QueryWord, ...]
    ) -> tuple[tuple[QueryWord, ...], tuple[Notice, ...]]:
        """The query's words with their synonyms. A bad glossary hides no recording."""
        try:
            return self._thesaurus.synonyms().widen(query, words), ()
        except BadInput as error:
            path = str(error.values["path"])
            return words, (Notice("search.degraded.glossary", {"path": path}),)

    def _understood(self, query: str, mode: Mode) -> tuple[_Meant | None, tuple[Notice, ...]]:
        """The query's vector for the model that is searched now. No transaction is open while
        the model runs."""
        if mode == "words":
            return None, ()
        with self._catalogue.read() as db:
            model = self._model(db)
        if model is None:
            return None, ()
        try:
            embedder = self._embedder_for(model)
        except InterviewsError:
            if mode == "meaning":
                raise
            return None, (Notice("search.degraded.model", {"model": model.name}),)
        vector = embedder.encode_query(query[:MAX_QUERY_CHARACTERS])
        return _Meant(model, embedder, vector), ()

    def _model(self, db: Connection) -> ModelRef | None:
        return self._pinned.model if self._pinned else generations.text_model(db)

    def generation(self, db: Connection) -> Generation | None:
        """The generation that is searched; None before the first."""
        return self._pinned or generations.published(db)

    def opened(self, generation: Generation) -> tuple[VectorIndex, Generation]:
        """The generation with its index, mapped once and kept. Raises InterviewsError
        (``index.damaged``)."""
        if self._open is None or self._open[1] != generation:
            self._open = (vectors.opened(self._index_dir, generation), generation)
        return self._open


class _Search:
    """One search inside one snapshot of the catalogue."""

    def __init__(
        self,
        searcher: Searcher,
        db: Connection,
        mode: Mode,
        scope: Scope,
        words: Sequence[QueryWord],
        depth: int,
    ) -> None:
        self._searcher = searcher
        self._db = db
        self._mode = mode
        self._scope = scope
        self._words = words
        self._depth = depth
        self.notices: list[Notice] = []

    def candidates(
        self, model: ModelRef | None, meant: _Meant | None, number: bool
    ) -> list[_Candidate]:
        """All passages that either leg brings, best first. None before anything was embedded."""
        if model is None:
            return []
        evidence = self._evidence(model, number)
        by_words: Ranking = []
        if self._mode != "meaning":
            by_words = words_leg(
                self._db, self._words, model.hash, self._scope, self._depth, evidence.shares
            )
        by_meaning = self._by_meaning(model, meant) if meant else []
        if by_words and by_meaning and meant:
            by_words, by_meaning = self._completed(by_words, by_meaning, model, meant, evidence)
        ids = [chunk_id for chunk_id, _ in (*by_words, *by_meaning)]
        stored = chunks.load(self._db, ids)
        found = recordings.get_many(self._db, {one.recording_id for one in stored.values()})
        readings = {i: moments.read(one.chunk, evidence) for i, one in stored.items()}
        by_words = best_first((i, score + readings[i].strongest) for i, score in by_words)
        return [
            _Candidate(stored[i], found[stored[i].recording_id], readings[i], score)
            for i, score in self._merged(by_words, by_meaning, evidence.most)
            if i in stored
        ]

    def _completed(
        self,
        by_words: Ranking,
        by_meaning: Ranking,
        model: ModelRef,
        meant: _Meant,
        evidence: Evidence,
    ) -> tuple[Ranking, Ranking]:
        """Each leg's scores for what only the other one brought."""
        words, meaning = dict(by_words), dict(by_meaning)
        more = words_of(self._db, self._words, meaning.keys() - words.keys(), evidence.shares)
        vectors = chunks.vectors_of(self._db, model.hash, words.keys() - meaning.keys())
        cosines = ((i, float(vector @ meant.vector[0])) for i, vector in vectors.items())
        return [*by_words, *more], [*by_meaning, *cosines]

    def _merged(self, by_words: Ranking, by_meaning: Ranking, most: float) -> Ranking:
        if not by_meaning:
            return by_words
        if self._mode == "meaning":
            return by_meaning
        return blend({i: score / most for i, score in by_words}, dict(by_meaning))

    def _evidence(self, model: ModelRef, number: bool) -> Evidence:
        terms = [term for word in self._words for term in (*word.alternatives, *word.synonyms)]
        frequencies = chunks.document_frequencies(self._db, terms)
        total = chunks.count(self._db, model.hash)
        return Evidence.of(self._words, frequencies, total, number=number)

    def _by_meaning(self, model: ModelRef, meant: _Meant) -> Ranking:
        alone = self._mode == "meaning"
        ranking, notices = nearest(
            self._searcher, self._db, model, meant.vector, self._scope, self._depth, alone=alone
        )
        self.notices += notices
        return ranking


def _apart(candidates: Iterable[_Candidate], limit: int) -> list[_Candidate]:
    """The best ``limit`` that do not overlap in time: of overlapping ones the better stays."""
    kept: list[_Candidate] = []
    for candidate in candidates:
        if len(kept) == limit:
            break
        if not any(candidate.overlaps(other) for other in kept):
            kept.append(candidate)
    return kept


def _hits(candidates: Sequence[_Candidate], meant: _Meant | None) -> tuple[Hit, ...]:
    """Where the query's words occur they choose the sentence; where none does, as across
    languages, sentence vectors do, for the first hits only. (Measured with the bundled model:
    adding sentence vectors where words speak made the choice worse.)"""
    strengths = [candidate.reading.strengths for candidate in candidates]
    if meant is not None:
        for place, candidate in enumerate(candidates[:REFINED]):
            if not candidate.reading.strongest:
                strengths[place] = _likeness(candidate.stored.chunk, meant)
    return tuple(
        _hit(rank, candidate, moments.best_sentence(own))
        for rank, (candidate, own) in enumerate(zip(candidates, strengths, strict=True), start=1)
    )


def _likeness(chunk: Chunk, meant: _Meant) -> tuple[float, ...]:
    """How like the query each sentence is in meaning (cosines)."""
    sentences = [chunk.text[sentence.begin : sentence.end] for sentence in chunk.sentences]
    if len(sentences) < 2:
        return (0.0,) * len(sentences)
    cosines = meant.embedder.encode_passages(sentences) @ meant.vector[0]
    return tuple(float(cosine) for cosine in cosines)


def _hit(rank: int, candidate: _Candidate, sentence: int) -> Hit:
    chunk = candidate.stored.chunk
    heard = chunk.sentences[sentence] if chunk.sentences else None
    return Hit(
        rank=rank,
        recording=candidate.recording,
        start_ms=chunk.start_ms,
        end_ms=chunk.end_ms,
        jump_ms=moments.jump_ms(chunk, sentence),
        text=chunk.text,
        speaker=heard.speaker if heard else None,
        language=chunk.language or candidate.recording.shown_language,
        highlights=candidate.reading.highlights,
        score=candidate.score,
        chunk_id=candidate.stored.id,
        sentence=(heard.begin, heard.end) if heard else (0, len(chunk.text)),
    )
