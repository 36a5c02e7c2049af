"""Hybrid search: words and meaning, fused, and for each found passage the second to start at."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from models.contracts import Embedder
from pipeline.catalog import chunks, recordings, vocabulary
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.generations import Generation
from pipeline.catalog.scope import Scope
from pipeline.errors import BadInput, InterviewsError
from pipeline.glossary import Glossary
from pipeline.index.vectors import Query, Ranking
from pipeline.search import moments
from pipeline.search.analysis import (
    MAX_QUERY_CHARACTERS,
    MAX_QUERY_WORDS,
    QueryWord,
    query_words,
)
from pipeline.search.evidence import Evidence
from pipeline.search.fusion import blend, imputed, meaning_weight
from pipeline.search.indexes import Indexes
from pipeline.search.known import what_is_known
from pipeline.search.languages import foreign
from pipeline.search.meaning import likeness
from pipeline.search.nearest import nearest
from pipeline.search.query import Query as SaidQuery
from pipeline.search.query import parse, readable
from pipeline.search.ranking import EACH, Candidate, apart, spread
from pipeline.search.reading import Reading, read
from pipeline.search.reranking import READ, Reranking
from pipeline.search.results import Mode, Notice, SearchResult
from pipeline.search.slips import Slip, Vocabulary, spelt, told
from pipeline.search.spoken import Spoken
from pipeline.search.stretches import laid_out
from pipeline.search.synonyms import Thesaurus
from pipeline.search.words import words_leg
from pipeline.values import Chunk, Hit, ModelRef

DEPTH = 60
"""Passages each leg brings at least; more where more hits are asked for."""

REFINED = 10
"""Hits whose sentences are compared with the query by meaning, too."""


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
    search, with its text model, whichever is published; ``reranking`` reads the best of a hybrid
    search again."""

    def __init__(
        self,
        catalogue: Catalogue,
        index_dir: Path,
        embedder_for: Callable[[ModelRef], Embedder],
        glossary: Callable[[], Glossary] = Glossary,
        *,
        pinned: Generation | None = None,
        reranking: Reranking | None = None,
    ) -> None:
        self.indexes = Indexes(index_dir, pinned)
        self._catalogue = catalogue
        self._embedder_for = embedder_for
        self._thesaurus = Thesaurus(glossary)
        self._reranking = reranking

    def search(
        self,
        query: str,
        *,
        mode: Mode = "hybrid",
        scope: Scope | None = None,
        limit: int = 10,
        each: int | None = EACH,
    ) -> SearchResult:
        """The ``limit`` best moments, of one recording at most ``each`` before those of others
        (None: as many as it has).

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
        long = _cut_notice(query, words)
        while True:
            meant, notices = self._understood(asked, mode)
            with self._catalogue.read() as db:
                model = self.indexes.model(db)
                if meant is not None and meant.model != model:
                    continue  # another model was published between the two looks
                eased, depth = limits.eased(db), max(DEPTH, 3 * limit)
                found = _Search(self.indexes, db, mode, eased, said, depth)
                candidates = found.candidates(model, asked, words, meant)
            break
        best, cut = self._best(asked, mode, apart(candidates))
        shown = spread(best, each)[:limit]
        hits = _hits(shown, meant, found.meaning, found.evidence)
        corrected = told(found.slips, [one.stored.chunk for one in shown])
        took_ms = (time.perf_counter() - started) * 1000
        degraded = (*long, *badly, *notices, *found.notices, *cut)
        return SearchResult(query, mode, degraded, took_ms, hits, corrected)

    def _best(
        self, query: str, mode: Mode, candidates: list[Candidate]
    ) -> tuple[list[Candidate], tuple[Notice, ...]]:
        """The candidates, the first of them read again where that is wanted."""
        if self._reranking is None or mode != "hybrid":
            return candidates, ()
        first = candidates[:READ]
        texts = [one.stored.chunk.text for one in first]
        order, notices = self._reranking.order(query[:MAX_QUERY_CHARACTERS], texts)
        return [*(first[place] for place in order), *candidates[READ:]], notices

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
            model = self.indexes.model(db)
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


def _cut_notice(query: str, words: Sequence[QueryWord]) -> tuple[Notice, ...]:
    """That a query was not read to its end."""
    if len(query) <= MAX_QUERY_CHARACTERS and len(words) < MAX_QUERY_WORDS:
        return ()
    counts: dict[str, str | int] = {"words": MAX_QUERY_WORDS, "characters": MAX_QUERY_CHARACTERS}
    return (Notice("search.degraded.long", counts),)


class _Search:
    """One search inside one snapshot of the catalogue."""

    def __init__(
        self,
        indexes: Indexes,
        db: Connection,
        mode: Mode,
        scope: Scope,
        said: SaidQuery,
        depth: int,
    ) -> None:
        self._indexes = indexes
        self._db = db
        self._mode = mode
        self._scope = scope
        self._said = said
        self._depth = depth
        self.notices: list[Notice] = []
        self.slips: tuple[Slip, ...] = ()
        self.evidence = Evidence(())
        self.meaning = 0.0
        """What meaning counts against words."""

    def candidates(
        self,
        model: ModelRef | None,
        query: str,
        words: Sequence[QueryWord],
        meant: _Meant | None,
    ) -> list[Candidate]:
        """All passages that either leg brings. None before anything was embedded."""
        if model is None:
            return []
        ids: dict[int, None] = {}
        spoken = self._indexes.spoken(self._db, model.hash, self._scope)
        if self._mode != "meaning":
            words, self.slips = Vocabulary(self._db, spoken).mended(words)
            ids |= dict.fromkeys(words_leg(spoken, words, self._depth))
        near = dict(self._by_meaning(model, meant)) if meant is not None else {}
        ids |= dict.fromkeys(near)
        stored = chunks.with_neighbours(self._db, ids)
        found = recordings.get_many(self._db, {one.recording_id for one in stored.values()})
        self.evidence = _weighed(spoken, words)
        if self._indexes.words_are_damaged(self._db):
            self.notices.append(Notice("search.degraded.words", {}))
        known = what_is_known(self._db, found.values())
        stretches = laid_out(stored.values(), self._without_numbers(stored))
        readings = read(spelt(query, self.slips), self.evidence, stretches, known)
        running = {
            i: stored[i] for i in ids if i in stored and self._said.verbatim(stored[i].chunk.text)
        }
        others = foreign(query, running, found)
        scores = self._scores(running, readings, meant, near, others)
        return [
            Candidate(stored[i], found[stored[i].recording_id], readings[i], score)
            for i, score in scores.items()
        ]

    def _without_numbers(self, ids: Iterable[int]) -> set[int]:
        """The passages that hold none of the query's numbers, as far as that is known of them:
        reading numbers takes long, and most passages have others."""
        numbers = self.evidence.numbers
        said = vocabulary.words_of(self._db, list(ids)) if numbers else {}
        return {one for one, words in said.items() if numbers.isdisjoint(words.split())}

    def _scores(
        self,
        ids: Iterable[int],
        readings: Mapping[int, Reading],
        meant: _Meant | None,
        near: Mapping[int, float],
        others: frozenset[int],
    ) -> dict[int, float]:
        words = {i: readings[i].score for i in ids}
        if meant is None:
            return words
        brought = [i for i in words if i not in near]
        vectors = stored_vectors.vectors_of(self._db, meant.model.hash, brought)
        cosines = {i: float(vector @ meant.vector[0]) for i, vector in vectors.items()}
        cosines |= {i: near[i] for i in words if i in near}
        background = self._indexes.background(self._db, meant.model.hash, self._scope)
        own = {i: likeness(cosine, background) for i, cosine in cosines.items()}
        if self._mode == "meaning":
            self.meaning = math.inf
            return own
        self.meaning = meaning_weight(max((readings[i].strongest for i in words), default=0.0))
        return blend(imputed(words, own, others), own, self.meaning)

    def _by_meaning(self, model: ModelRef, meant: _Meant) -> Ranking:
        alone = self._mode == "meaning"
        ranking, notices = nearest(
            self._indexes, self._db, model, meant.vector, self._scope, self._depth, alone=alone
        )
        self.notices += notices
        return ranking


def _weighed(spoken: Spoken, words: Sequence[QueryWord]) -> Evidence:
    terms = [term for word in words for term in (*word.alternatives, *word.synonyms)]
    return Evidence.of(words, spoken.frequencies(terms), spoken.count())


def _hits(
    candidates: Sequence[Candidate], meant: _Meant | None, meaning: float, evidence: Evidence
) -> tuple[Hit, ...]:
    """Words choose the sentence; where they have little to say, as across languages, meaning has a
    say in it, for the first hits only. (Measured with the bundled model: where words speak, nothing
    is won by it.)"""
    refined = candidates[:REFINED] if meant is not None and meaning > 1 else ()
    likenesses = _likenesses([one.stored.chunk for one in refined], meant) if meant else []
    hits: list[Hit] = []
    for place, candidate in enumerate(candidates):
        strengths: Sequence[float] = candidate.reading.strengths
        if place < len(likenesses):
            strengths = [
                words / meaning + like
                for words, like in zip(strengths, likenesses[place], strict=True)
            ]
        hits.append(_hit(place + 1, candidate, moments.best_sentence(strengths), evidence))
    return tuple(hits)


def _likenesses(chunks: Sequence[Chunk], meant: _Meant) -> list[list[float]]:
    """How like the query each sentence of each passage is in meaning (cosines): all of them encoded
    at once, since most of what a call costs it costs for any number of texts."""
    sentences = [[chunk.text[one.begin : one.end] for one in chunk.sentences] for chunk in chunks]
    texts = [text for some in sentences if len(some) > 1 for text in some]
    cosines = iter(meant.embedder.encode_passages(texts) @ meant.vector[0] if texts else ())
    return [[float(next(cosines)) for _ in some] if len(some) > 1 else [0.0] for some in sentences]


def _hit(rank: int, candidate: Candidate, sentence: int, evidence: Evidence) -> Hit:
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
        highlights=moments.highlights(chunk, evidence),
        score=candidate.score,
        chunk_id=candidate.stored.id,
        sentence=(heard.begin, heard.end) if heard else (0, len(chunk.text)),
    )
