"""The indexes that a searcher keeps open: a generation's vectors and words, and what came since."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from pipeline.catalog import generations
from pipeline.catalog.generations import Generation
from pipeline.catalog.scope import Scope
from pipeline.errors import InterviewsError
from pipeline.index import opening, tail
from pipeline.index.bm25 import Part
from pipeline.index.limits import Limits
from pipeline.index.postings import Postings
from pipeline.index.tail import Tail
from pipeline.search.meaning import Published, background
from pipeline.search.spoken import InEither, InPostings, InTable, Spoken
from pipeline.values import ModelRef


@dataclass(frozen=True, slots=True)
class _Words:
    """A generation's words, and those of the passages since."""

    generation: Generation
    postings: Postings
    limits: Limits
    tail: Tail


class Indexes:
    """What is searched is mapped once and kept. ``pinned`` is the generation to search, with its
    text model, whichever is published."""

    def __init__(self, index_dir: Path, pinned: Generation | None = None) -> None:
        self._index_dir = index_dir
        self._pinned = pinned
        self._published: Published | None = None
        self._words: _Words | None = None
        self._damaged: Generation | None = None
        self._background: dict[tuple[str, ...], float] = {}

    def generation(self, db: Connection) -> Generation | None:
        """The generation that is searched; None before the first."""
        return self._pinned or generations.published(db)

    def model(self, db: Connection) -> ModelRef | None:
        """The text model that is searched; None before anything was embedded."""
        return self._pinned.model if self._pinned else generations.text_model(db)

    def opened(self, generation: Generation) -> Published:
        """The generation with its vectors. Raises InterviewsError (``index.damaged``)."""
        if self._published is None or self._published.generation != generation:
            index = opening.vectors(self._index_dir, generation)
            words = self._opened_words(generation)
            self._published = Published(generation, index, words.limits if words else None)
        return self._published

    def spoken(self, db: Connection, model_hash: str, scope: Scope) -> Spoken:
        """What is said in the passages of a text model. Where a generation has no words of its
        own, or its file is damaged, or too much is newer, the catalogue answers by itself."""
        generation = self.generation(db)
        words = self._opened_words(generation) if generation else None
        if (
            words is None
            or words.generation.model.hash != model_hash
            or not tail.is_short(db, model_hash, words.generation.newest_chunk)
        ):
            return InTable(db, model_hash, scope)
        found = InPostings(*(_parts(db, words, one) for one in (scope, scope.seen)))
        table = InTable(db, model_hash, scope)
        return InEither(found, table, partial(self._without_words, words.generation))

    def words_are_damaged(self, db: Connection) -> bool:
        """Whether the words of the generation that is searched turned out to be of no use."""
        return self._damaged is not None and self._damaged == self.generation(db)

    def _without_words(self, generation: Generation) -> None:
        self._damaged, self._words, self._published = generation, None, None

    def _opened_words(self, generation: Generation) -> _Words | None:
        if generation.words_sha256 is None or generation == self._damaged:
            return None
        if self._words is None or self._words.generation != generation:
            try:
                postings = opening.words(self._index_dir, generation)
            except InterviewsError:
                self._without_words(generation)
                return None
            model = generation.model.hash
            since = Tail(model, generation.newest_chunk)
            self._words = _Words(generation, postings, Limits(postings, model), since)
        return self._words

    def background(self, db: Connection, model_hash: str, scope: Scope) -> float:
        """How alike any two passages are to this model, looked at once for all who see the same."""
        key = (model_hash, *scope.seen.condition()[1])
        if key not in self._background:
            self._background[key] = background(db, model_hash, scope.seen)
        return self._background[key]


def _parts(db: Connection, words: _Words, scope: Scope) -> list[Part]:
    whole = Part(words.postings, words.limits.allowed(db, scope))
    return [whole, *words.tail.parts(db, scope)]
