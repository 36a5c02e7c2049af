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
from pipeline.search.fusion import best_first
from pipeline.search.vectors import Query, Ranking, VectorIndex

LONGEST_TAIL = 20_000
"""Chunks that are compared directly; by then a new generation should have been built."""


SAMPLE, _DOUBT = 256, 64
"""Passages that tell how alike any two are, and how many of them still tell little."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the leg found, and how many chunks it could not look at."""

    ranking: Ranking
    unseen: int


def meaning_leg(
    db: sqlite3.Connection,
    published: tuple[VectorIndex, Generation] | None,
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
        index, generation = published
        newest = generation.newest_chunk
        live = chunks.count(db, model_hash, newest)
        whole = scope.unlimited and live == generation.chunks
        allowed = None if whole else stored_vectors.live_ids(db, model_hash, scope, newest)
        ranking += index.search(query, limit, allowed)
    ids, vectors = stored_vectors.vectors_after(db, model_hash, newest, scope, LONGEST_TAIL + 1)
    unseen = 0
    if len(ids) > LONGEST_TAIL:
        ids, vectors = ids[:LONGEST_TAIL], vectors[:LONGEST_TAIL]
        unseen = stored_vectors.count_live(db, model_hash, scope, int(ids[-1]))
    if len(ids):
        scores = vectors.astype(np.float32) @ query[0]
        ranking += [(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]
    return Found(best_first(ranking)[:limit], unseen)


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
