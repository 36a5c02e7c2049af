"""Passages nearest a vector, by the generation that is searched or, if that is no use, without."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Protocol

from pipeline.catalog.generations import Generation
from pipeline.catalog.scope import Scope
from pipeline.catalog.vectors import count_live
from pipeline.errors import InterviewsError
from pipeline.index.tail import LONGEST_TAIL
from pipeline.index.vectors import Query, Ranking
from pipeline.search.meaning import Found, Published, meaning_leg
from pipeline.search.results import Notice
from pipeline.search.spoken import Spoken
from pipeline.values import ModelRef


class Generations(Protocol):
    """Who knows the generation to search and opens it."""

    def generation(self, db: Connection) -> Generation | None:
        """The generation that is searched; None before the first."""
        ...

    def opened(self, generation: Generation) -> Published:
        """The generation with its index. Raises InterviewsError (``index.damaged``)."""
        ...

    def spoken(self, db: Connection, model_hash: str, scope: Scope) -> Spoken:
        """What is said in the passages of a text model."""
        ...


def nearest(
    source: Generations,
    db: Connection,
    model: ModelRef,
    vector: Query,
    scope: Scope,
    depth: int,
    *,
    alone: bool = False,
) -> tuple[Ranking, tuple[Notice, ...]]:
    """At most ``depth`` chunks of ``model``, and what the searcher must be told.

    Where the index is damaged, a small collection is compared directly; a large one finds nothing
    by meaning for now, which raises InterviewsError (``index.damaged``) where meaning stands
    ``alone``.
    """
    notices: list[Notice] = []

    def compared(published: Published | None) -> Found:
        return meaning_leg(db, published, vector, model.hash, scope, depth)

    try:
        found = compared(_published(source, db, model))
    except InterviewsError as damage:
        if damage.key != "index.damaged":
            raise
        if count_live(db, model.hash, scope.seen) <= LONGEST_TAIL:
            notices.append(Notice("search.degraded.index_direct", {}))
            found = compared(None)
        elif alone:
            raise
        else:
            notices.append(Notice("search.degraded.index", {}))
            found = Found([], 0)
    if found.unseen:
        notices.append(Notice("search.degraded.behind", {"chunks": found.unseen}))
    return found.ranking, tuple(notices)


def _published(source: Generations, db: Connection, model: ModelRef) -> Published | None:
    generation = source.generation(db)
    if generation is None or generation.model != model:
        return None
    return source.opened(generation)
