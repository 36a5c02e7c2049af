"""The meaning leg: passages whose vectors are nearest the query's.

Most are found in the published generation; chunks newer than it are compared directly, so that a
finished recording is found at once. Limits act before ranking: only chunks that may be found are
compared at all.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np

from pipeline.catalog import chunks
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.generations import Generation
from pipeline.catalog.scope import Scope
from pipeline.index.limits import Limits
from pipeline.index.tail import LONGEST_TAIL
from pipeline.index.vectors import Flags, Query, Ranking, VectorIndex, flags_of
from pipeline.search.fusion import best_first

SAMPLE, _DOUBT = 256, 64
"""Passages that tell how alike any two are, and how many of them still tell little."""


@dataclass(frozen=True, slots=True)
class Published:
    """The generation that is searched, with its vectors and, where it has words of its own, what
    may be found of them."""

    generation: Generation
    index: VectorIndex
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class Found:
    """What the leg found, and how many chunks it could not look at."""

    ranking: Ranking
    unseen: int


def meaning_leg(
    db: sqlite3.Connection,
    published: Published | None,
    query: Query,
    model_hash: str,
    scope: Scope,
    limit: int,
) -> Found:
    """At most ``limit`` chunks of ``model_hash``, nearest first, ties by id.

    Without a published index (None) all chunks are compared directly, as far as
    ``LONGEST_TAIL`` allows.
    """
    ranking: Ranking = []
    newest = 0
    if published is not None:
        newest = published.generation.newest_chunk
        ranking += _in_index(db, published, query, scope, limit)
    ids, vectors = stored_vectors.vectors_after(db, model_hash, newest, scope, LONGEST_TAIL + 1)
    unseen = 0
    if len(ids) > LONGEST_TAIL:
        ids, vectors = ids[:LONGEST_TAIL], vectors[:LONGEST_TAIL]
        unseen = stored_vectors.count_live(db, model_hash, scope, int(ids[-1]))
    if len(ids):
        scores = vectors.astype(np.float32) @ query[0]
        ranking += [(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]
    return Found(best_first(ranking)[:limit], unseen)


def _in_index(
    db: sqlite3.Connection, published: Published, query: Query, scope: Scope, limit: int
) -> Ranking:
    index, model = published.index, published.generation.model
    allowed = _allowed(db, published, scope)
    if not index.is_rough:
        return index.search(query, limit, allowed)
    rough = index.search(query, limit, allowed)
    found = stored_vectors.vectors_of(db, model.hash, (one for one, _ in rough))
    return [(one, float(vector @ query[0])) for one, vector in found.items()]


def _allowed(db: sqlite3.Connection, published: Published, scope: Scope) -> Flags | None:
    """Which ids of the generation a search in ``scope`` may find; None where that is all."""
    generation = published.generation
    if published.limits is not None:
        return published.limits.allowed_ids(db, scope)
    model, newest = generation.model.hash, generation.newest_chunk
    if scope.unlimited and chunks.count(db, model, newest) == generation.chunks:
        return None
    return flags_of(stored_vectors.live_ids(db, model, scope, newest))


def background(db: sqlite3.Connection, model_hash: str, scope: Scope) -> float:
    """The mean cosine of two passages that ``scope`` has, near 0 where only few are known.

    To many models any two texts are alike to a degree (Ethayarajh: How Contextual are
    Contextualized Word Representations?, EMNLP 2019): what lies below it tells nothing, and no two
    models agree on it.
    """
    vectors = stored_vectors.sample_vectors(db, model_hash, scope, SAMPLE).astype(np.float32)
    count = len(vectors)
    if count < 2:
        return 0.0
    total = vectors.sum(axis=0)
    mean = (float(total @ total) - count) / (count * (count - 1))
    return max(mean, 0.0) * count / (count + _DOUBT)


def likeness(cosine: float, background: float) -> float:
    """A cosine as 0 for two passages that have nothing to do with each other and 1 for the same."""
    return max(cosine - background, 0.0) / (1 - background)
