"""Our own search over the vectors that the peers get, in a process of its own.

    python -m tests.peers.own_search VECTORS.npy QUERIES.npy FOLDER IDS.npy

The chunks go through the catalogue into a published generation. What is beside the peers is the
meaning leg with its limits; what a page of the site asks, hits with their text, title and where to
begin, is told as "whole". The text model is left out, since the vectors are given.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from models.contracts import ModelInfo, Vectors
from pipeline.catalog import chunks, generations, queue
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.recordings import Database
from pipeline.catalog.scope import Scope
from pipeline.fingerprint import text_digest
from pipeline.home import open_home
from pipeline.run import publish
from pipeline.run.context import Context
from pipeline.run.intake import enter_transcript
from pipeline.search.analysis import full_text
from pipeline.search.nearest import nearest
from pipeline.search.search import Mode, Searcher
from pipeline.settings import Settings
from pipeline.values import Chunk, ModelRef, RecordingFacts, Segment, Sentence, Transcript
from tests.scale import identity

K, EACH = 10, 100
MODEL = ModelRef("given", "given")
_MS = 20_000


class Given:
    """An embedder that was told the vectors of questions, and holds passages to be like them."""

    info = ModelInfo("given", "given")
    max_tokens = 10_000

    def __init__(self, queries: Vectors) -> None:
        self._queries = queries
        self.dimension = int(queries.shape[1])

    def count_tokens(self, passages: Sequence[str]) -> list[int]:
        return [len(one.split()) for one in passages]

    def encode_passages(self, passages: Sequence[str]) -> Vectors:
        return np.repeat(self._queries[:1], len(passages), axis=0)

    def encode_query(self, query: str) -> Vectors:
        return self._queries[int(query.rsplit(maxsplit=1)[-1])][None]


def fill(context: Context, vectors: Vectors, texts: Sequence[str]) -> list[int]:
    """Store a chunk for each vector, a hundred to a recording; the ids in order."""
    with context.catalogue() as catalogue:
        for begin in range(0, len(vectors), 50 * EACH):
            with catalogue.write() as db:
                for first in range(begin, min(begin + 50 * EACH, len(vectors)), EACH):
                    part = slice(first, first + EACH)
                    own = identity(first // EACH)
                    _store(db, own, texts[part], vectors[part], f"Gespräch {first // EACH}")
                generations.set_text_model(db, MODEL)
        publish.publish(context.home, catalogue, MODEL)
        with catalogue.read() as db:
            return [row[0] for row in db.execute("SELECT id FROM chunks ORDER BY id")]


def _store(db: Database, own: str, texts: Sequence[str], vectors: Vectors, title: str) -> None:
    made = tuple(_chunk(number, text) for number, text in enumerate(texts))
    whole = Transcript("de", len(texts) * _MS, (Segment(0, len(texts) * _MS, title),))
    enter_transcript(db, own, RecordingFacts(title=title, language="de"), whole)
    chunks.store(
        db,
        chunks.ChunkSet(
            recording_id=own,
            model_hash=MODEL.hash,
            fingerprint="",
            chunks=made,
            encoded=tuple(text_digest(f"{own} {one.number} {one.text}") for one in made),
            words=tuple(full_text(one.text, "de", title) for one in made),
            vectors=vectors.astype(np.float16),
        ),
    )
    queue.finish(db, own)


def _chunk(number: int, text: str) -> Chunk:
    begin, end = number * _MS, (number + 1) * _MS - 1
    return Chunk(
        number=number,
        start_ms=begin,
        end_ms=end,
        text=text,
        language="de",
        sentences=(Sentence(begin, end, 0, len(text)),),
        first_segment=0,
        last_segment=0,
        first_word=None,
        last_word=None,
    )


Ask = Callable[[int], list[int]]


def legs(catalogue: Catalogue, searcher: Searcher, queries: Vectors) -> Ask:
    """The meaning leg alone: the generation, what is newer, and what may be seen."""
    source = getattr(searcher, "indexes", searcher)  # whoever keeps generations open

    def ask(number: int) -> list[int]:
        with catalogue.read() as db:
            ranking, _ = nearest(source, db, MODEL, queries[number][None], Scope(), K)
        return [chunk_id for chunk_id, _ in ranking]

    return ask


def whole(searcher: Searcher, questions: Sequence[str], mode: Mode) -> Ask:
    """As a page of the site asks: hits with their text, their title and where to begin."""

    def ask(number: int) -> list[int]:
        found = searcher.search(questions[number], mode=mode, scope=Scope(), limit=K, each=None)
        return [hit.chunk_id for hit in found.hits]

    return ask


def timed(ask: Ask, count: int) -> tuple[list[float], list[list[int]]]:
    """Milliseconds of each question and what was found; the first few are asked twice, to warm."""
    took, found = [], []
    for number in (*range(5), *range(count)):
        began = time.perf_counter()
        ids = ask(number)
        took.append(1000 * (time.perf_counter() - began))
        found.append(ids)
    return took[5:], found[5:]


def main(vectors_at: str, queries_at: str, folder_at: str, ids_at: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    vectors, queries = np.load(vectors_at), np.load(queries_at)
    told = json.loads(Path(queries_at).with_suffix(".json").read_text(encoding="utf-8"))
    context = Context(open_home(Path(folder_at) / "home"), Settings())
    began = time.perf_counter()
    ids = fill(context, vectors, told["texts"][: len(vectors)])
    built_s = time.perf_counter() - began
    place = {chunk_id: number for number, chunk_id in enumerate(ids)}
    embedder = Given(queries)
    with context.catalogue() as catalogue:
        with catalogue.read() as db:
            generation = generations.published(db)
        kind = generation.kind if generation else "none"
        searcher = Searcher(catalogue, context.home.index, lambda _: embedder)
        numbered = [f"frage {number}" for number in range(len(queries))]
        meant, found = timed(legs(catalogue, searcher, queries), len(queries))
        every, _ = timed(whole(searcher, numbered, "meaning"), len(queries))
        said, _ = timed(whole(searcher, told["questions"], "words"), len(queries))
    np.save(ids_at, np.array([([place[one] for one in each] + [-1] * K)[:K] for each in found]))
    index = sum(path.stat().st_size for path in context.home.index.glob("*"))
    print(
        json.dumps(
            {
                "version": "",
                "how": f"{kind}, through the catalogue",
                "built_s": built_s,
                "p50_ms": float(np.percentile(meant, 50)),
                "p99_ms": float(np.percentile(meant, 99)),
                "whole_p50_ms": float(np.percentile(every, 50)),
                "whole_p99_ms": float(np.percentile(every, 99)),
                "words_p50_ms": float(np.percentile(said, 50)),
                "words_p99_ms": float(np.percentile(said, 99)),
                "disk_mb": (context.home.catalogue.stat().st_size + index) / 1e6,
                "index_mb": index / 1e6,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
