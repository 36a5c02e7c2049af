"""``make bench-million``: search among a million passages of real talk.

    python -m tests.bench_million [--chunks 1000000] [--home DIR] [--text-model NAME] [--rounds 5]

Needs the shared transcripts. Without ``--home`` the data directory is made anew in a temporary
folder, which takes some twenty minutes, and deleted; with it, it is made once and kept. The windows
that stand in for a million passages overlap (``tests.million_home``), which the result states.

Timed in one thread, warm, each question once a round, without encoding it: what a server does
between the question's vector and its hits. The recall is that of the ten nearest, for the questions
and for passages of the collection, against comparing all.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from models.contracts import Embedder, Vectors
from pipeline.catalog import generations
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.recordings import Database
from pipeline.catalog.scope import Scope
from pipeline.home import open_home
from pipeline.index import recall
from pipeline.run import publish
from pipeline.run.context import Context
from pipeline.search.analysis import query_words
from pipeline.search.meaning import meaning_leg
from pipeline.search.search import DEPTH, Searcher
from pipeline.search.spoken import InTable, Spoken
from pipeline.search.words import words_leg
from pipeline.settings import load_settings
from pipeline.values import ModelRef
from tests import million_home
from tests.benching import Result, Results, judged, parser
from tests.conftest import SHARED
from tests.scale import COLLECTIONS

EACH = 6
"""Every so many questions of the shared interviews are asked."""

COMPARED = 12
"""Questions that are asked of the full-text table, too, which takes long."""

ONE = COLLECTIONS[0]
"""The collection that somebody keeps to."""

_PAGE = 20_000
P50_MS, P99_MS, RECALL, WORDS_MS = 25, 80, 0.97, 20


class Remembered:
    """A text model that encodes each question once: before anything is timed."""

    def __init__(self, embedder: Embedder) -> None:
        self.info = embedder.info
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens
        self.count_tokens = embedder.count_tokens
        self.encode_passages = embedder.encode_passages
        self.encode_query = cache(embedder.encode_query)


def main() -> int:
    options = parser(__doc__, rounds=5)
    options.add_argument("--home", type=Path)
    options.add_argument("--chunks", type=int, default=1_000_000)
    options.add_argument("--step", type=int, default=1, help="words from one window to the next")
    options.add_argument("--text-model", default="auto")
    given = options.parse_args()
    if not (SHARED / "transcripts").is_dir():
        sys.exit(f"{SHARED / 'transcripts'} is not there: there is no talk to search in")
    results = Results(given.json)
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        home = open_home(given.home or Path(folder) / "home")
        context = Context(home, load_settings(home.root, {})[0].model_copy(
            update={"text_model": given.text_model}))  # fmt: skip
        with context.catalogue() as catalogue:
            with catalogue.read() as db:
                known = generations.index_state(db).chunks
            if not known:
                million_home.fill(context, given.chunks, given.step)
            build(context, catalogue, results)
            ask(context, catalogue, given.rounds, results)
    return 0


def questions() -> list[str]:
    """In German and in English."""
    files = [SHARED / "moments" / language / "queries.jsonl" for language in ("de", "en")]
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return [str(row.get("query") or row["question"]) for row in rows][::EACH]


def build(context: Context, catalogue: Catalogue, results: Results) -> None:
    """The index, anew."""
    began = time.perf_counter()
    made = publish.publish(context.home, catalogue, context.text[1])
    took = time.perf_counter() - began
    assert made is not None
    # Of this process so far: encoding some questions is in it as well.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sizes = {path.suffix: path.stat().st_size for path in context.home.index.iterdir()}
    results.add(
        Result(
            f"index of {made.chunks} passages built ({made.kind}, {made.dimension} dimensions)",
            figures={
                "s": took,
                "GB of memory": peak,
                "MB of vectors": sizes.get(".faiss", 0) / 1e6,
                "MB of words": sizes.get(".words", 0) / 1e6,
                "recall measured": made.recall or 1.0,
            },
            aim="within 120 s and 3 GB",
            met=took <= 120 and peak <= 3,
        )
    )


def ask(context: Context, catalogue: Catalogue, rounds: int, results: Results) -> None:
    asked = questions()
    embedder = Remembered(context.embedder_for(context.text[1]))
    searcher = Searcher(catalogue, context.home.index, lambda _: embedder)
    for name, scope in (("hybrid search", Scope()), ("in one collection", Scope(collection=ONE))):
        for question in asked:  # once, so that the files lie in memory
            searcher.search(question, scope=scope)
        gc.freeze()  # as the server does
        took = [_milliseconds(searcher, one, scope) for _ in range(rounds) for one in asked]
        p50, p99 = np.percentile(took, (50, 99))
        results.add(
            Result(
                f"{name}, warm, without encoding the question",
                rounds=rounds,
                figures={"p50 ms": p50, "p99 ms": p99, "questions": len(asked)},
                aim=f"p50 ≤ {P50_MS} ms, p99 ≤ {P99_MS} ms",
                met=bool(p50 <= P50_MS and p99 <= P99_MS),
            )
        )
    words(searcher, catalogue, context.text[1], asked, rounds, results)
    nearest(searcher, catalogue, context.text[1], embedder, asked, results)


def _milliseconds(searcher: Searcher, question: str, scope: Scope) -> float:
    began = time.perf_counter()
    searcher.search(question, scope=scope)
    return (time.perf_counter() - began) * 1000


def words(
    searcher: Searcher,
    catalogue: Catalogue,
    model: ModelRef,
    asked: Sequence[str],
    rounds: int,
    results: Results,
) -> None:
    """The words leg by itself, and what SQLite's full-text table brings beside it."""
    took: list[float] = []

    def timed(spoken: Spoken, question: str) -> list[int]:
        began = time.perf_counter()
        found = words_leg(spoken, query_words(question), DEPTH)
        took.append((time.perf_counter() - began) * 1000)
        return found

    with catalogue.read() as db:
        spoken = searcher.indexes.spoken(db, model.hash, Scope())
        for _ in range(rounds):
            for question in asked:
                timed(spoken, question)
        p50, p99 = np.percentile(took, (50, 99))
        took.clear()
        table = InTable(db, model.hash, Scope())
        some = asked[:: max(1, len(asked) // COMPARED)]
        same = [timed(table, one) == words_leg(spoken, query_words(one), DEPTH) for one in some]
    results.add(
        Result(
            "words leg alone",
            rounds=rounds,
            figures={
                "p50 ms": p50,
                "p99 ms": p99,
                "p50 ms of the full-text table": float(np.median(took)),
                "questions with the same passages in the same order": f"{sum(same)} of {len(same)}",
            },
            aim=f"p50 ≤ {WORDS_MS} ms",
            met=judged(float(p50), most=WORDS_MS),
        )
    )


def nearest(
    searcher: Searcher,
    catalogue: Catalogue,
    model: ModelRef,
    embedder: Remembered,
    asked: Sequence[str],
    results: Results,
) -> None:
    """The meaning leg's ten best beside those of comparing everything."""
    with catalogue.read() as db:
        generation = searcher.indexes.generation(db)
        assert generation is not None
        own = stored_vectors.sample_vectors(db, model.hash, Scope(), recall.ASKED)
        theirs = np.concatenate([embedder.encode_query(question) for question in asked])
        published = searcher.indexes.opened(generation)
        for name, queries in (("questions", theirs), ("passages", own.astype(np.float32))):
            exact = _exact(db, model, queries)
            found = 0
            for query, best in zip(queries, exact, strict=True):
                leg = meaning_leg(db, published, query[np.newaxis], model.hash, Scope(), DEPTH)
                found += sum(score >= best - 1e-4 for _, score in leg.ranking[: recall.NEIGHBOURS])
            share = found / (len(queries) * recall.NEIGHBOURS)
            results.add(
                Result(
                    f"recall@10 of the meaning leg, {len(queries)} {name}",
                    figures={"recall": share},
                    aim=f"≥ {RECALL}",
                    met=judged(share, least=RECALL),
                )
            )


def _exact(db: Database, model: ModelRef, queries: Vectors) -> Vectors:
    """float32 [queries]: the inner product of the tenth nearest of all."""
    best = np.full((len(queries), recall.NEIGHBOURS), -np.inf, np.float32)
    after = 0
    while True:
        ids, page = stored_vectors.vectors_after(db, model.hash, after, Scope(), _PAGE)
        if not len(ids):
            least: Vectors = best.min(axis=1)
            return least
        every = np.concatenate((best, queries @ page.astype(np.float32).T), axis=1)
        best = -np.partition(-every, recall.NEIGHBOURS - 1, axis=1)[:, : recall.NEIGHBOURS]
        after = int(ids[-1])


if __name__ == "__main__":
    sys.exit(main())
