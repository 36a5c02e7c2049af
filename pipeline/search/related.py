"""Moments elsewhere that are about the same as one moment of a recording.

The moment's own passage has a vector already, so nothing is encoded and no text model is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

import numpy as np

from pipeline.catalog import audience, chunks, generations, recordings
from pipeline.catalog.chunks import StoredChunk
from pipeline.catalog.scope import Scope
from pipeline.search import moments
from pipeline.search.analysis import query_words
from pipeline.search.evidence import Evidence
from pipeline.search.nearest import Generations, nearest
from pipeline.search.reading import read
from pipeline.search.results import Moment, Related
from pipeline.search.spoken import Spoken
from pipeline.search.stretches import laid_out
from pipeline.values import Chunk, Recording

MOST = 5

_DEPTH = 100


def related(
    source: Generations, db: Connection, recording_id: str, at_ms: int, scope: Scope | None = None
) -> Related:
    """At most ``MOST`` moments that are about the same as the passage at a time; none where who
    asks may not see its recording."""
    scope = (scope or Scope()).eased(db)
    model = generations.text_model(db)
    if model is None or not audience.may_see(db, scope.viewer, recording_id):
        return Related((), ())
    found = chunks.at_time(db, recording_id, model.hash, at_ms)
    if found is None:
        return Related((), ())
    own, vector = found
    depth = _DEPTH + chunks.count_of(db, recording_id)
    query = vector.astype(np.float32)[np.newaxis, :]
    ranking, notices = nearest(source, db, model, query, scope, depth)
    stored = chunks.load(db, [chunk_id for chunk_id, _ in ranking])
    near = [(stored[i], score) for i, score in ranking if i in stored]
    near.sort(key=lambda one: one[0].recording_id == recording_id)  # stable: nearest first
    chosen = _apart(near, own)
    known = recordings.get_many(db, {one.recording_id for one, _ in chosen})
    spoken = source.spoken(db, model.hash, scope)
    best = _best_sentences(spoken, own.chunk, [one for one, _ in chosen])
    return Related(
        tuple(_moment(one.chunk, known[one.recording_id], s, best[one.id]) for one, s in chosen),
        notices,
    )


def _apart(
    near: Sequence[tuple[StoredChunk, float]], own: StoredChunk
) -> list[tuple[StoredChunk, float]]:
    """The first few that overlap neither in time with one another nor with the passage itself."""
    kept: list[tuple[StoredChunk, float]] = []
    for one, score in near:
        if len(kept) == MOST:
            break
        if not any(_overlap(one, other) for other in (own, *(other for other, _ in kept))):
            kept.append((one, score))
    return kept


def _overlap(one: StoredChunk, other: StoredChunk) -> bool:
    return (
        one.recording_id == other.recording_id
        and one.chunk.start_ms < other.chunk.end_ms
        and other.chunk.start_ms < one.chunk.end_ms
    )


def _best_sentences(spoken: Spoken, asked: Chunk, found: Sequence[StoredChunk]) -> dict[int, int]:
    """The sentence of each passage, by its id, that is most like the words of ``asked``."""
    words = query_words(asked.text, asked.language)
    terms = [term for one in words for term in one.alternatives]
    evidence = Evidence.of(words, spoken.frequencies(terms), spoken.count())
    readings = read(asked.text, evidence, laid_out(found), {})
    return {i: moments.best_sentence(reading.strengths) for i, reading in readings.items()}


def _moment(chunk: Chunk, recording: Recording, score: float, best: int) -> Moment:
    sentence = chunk.sentences[best] if chunk.sentences else None
    return Moment(
        recording,
        chunk.start_ms,
        chunk.end_ms,
        moments.jump_ms(chunk, best),
        chunk.text[sentence.begin : sentence.end] if sentence else chunk.text,
        score,
    )
