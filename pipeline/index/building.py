"""The next generation, built from the catalogue beside the one that is searched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.catalog import chunks, generations, passages
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.chunks import Half
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.generations import Generation
from pipeline.catalog.passages import Passage
from pipeline.catalog.scope import Scope
from pipeline.catalog.vectors import Ids
from pipeline.index import files, recall, vectors
from pipeline.index.gathering import Gathering
from pipeline.index.recall import Nearest
from pipeline.values import ModelRef

LARGEST_TABLE = 20_000
"""Beyond this many passages their words get a file of their own. Below it, SQLite's full-text
table answers in milliseconds."""

_PAGE = 20_000


def lacks_words(generation: Generation | None) -> bool:
    """Whether a generation, as an earlier version built it, has no words though it should."""
    return (
        generation is not None
        and generation.words_sha256 is None
        and generation.chunks > LARGEST_TABLE
    )


class _Page(NamedTuple):
    ids: Ids
    vectors: Half
    passages: list[Passage]


def build(catalogue: Catalogue, index_dir: Path, model: ModelRef) -> Generation | None:
    """Write the next generation of ``model``'s chunks to ``index_dir``; None without any chunks.

    The files are whole and synced under their final names on return; nobody searches them until
    the caller publishes the generation. Raises HomeUnusable where the disk refuses.
    """
    with catalogue.read() as db:
        number = generations.reserve(db)
        count = chunks.count(db, model.hash)
        _, first = stored_vectors.vectors_after(db, model.hash, 0, Scope(), 1)
    if not len(first):
        return None
    words = Gathering() if count > LARGEST_TABLE else None
    with vectors.threads(len(os.sched_getaffinity(0))):
        index, nearest = _empty(catalogue, model, count, first.shape[1])
        newest = 0
        for page in _pages(catalogue, model, with_words=words is not None):
            exact = page.vectors.astype(np.float32)
            index.add_with_ids(exact, page.ids)
            newest = int(page.ids[-1])
            if nearest is not None:
                nearest.look_at(exact)
            if words is not None:
                words.take(page.passages)
        found = None if nearest is None else _tuned(catalogue, model, index, nearest)
    said = None
    if words is not None:
        said = files.write_whole(files.words_of(index_dir, number), words.write)
    write = partial(vectors.write, index)
    return Generation(
        id=number,
        model=model,
        dimension=index.d,
        kind="flat" if nearest is None else "ivf",
        chunks=index.ntotal,
        newest_chunk=newest,
        words_sha256=said,
        sha256=files.write_whole(files.vectors_of(index_dir, number), write),
        made_ms=0,
        state="published",
        recall=found,
    )


def _pages(catalogue: Catalogue, model: ModelRef, *, with_words: bool) -> Iterator[_Page]:
    """All there is, in order of id. A snapshot per page, so that a long build holds up no writer;
    what is deleted meanwhile is found dead by its id later."""
    after = 0
    while True:
        with catalogue.read() as db:
            ids, some = stored_vectors.vectors_after(db, model.hash, after, Scope(), _PAGE)
            read = passages.passages_after(db, model.hash, after, _PAGE) if with_words else []
        if not len(ids):
            return
        yield _Page(ids, some, read)
        after = int(ids[-1])


def _empty(
    catalogue: Catalogue, model: ModelRef, count: int, dimension: int
) -> tuple[Any, Nearest | None]:
    """An index for so many vectors and, where it does not compare all, what it is measured by."""
    if vectors.kind_for(count) == "flat":
        return vectors.flat(dimension), None
    sample = _sample(catalogue, model, vectors.TRAINED_ON * vectors.lists_for(count))
    return vectors.inverted(sample, count), Nearest(recall.like_questions(sample))


def _sample(catalogue: Catalogue, model: ModelRef, most: int) -> NDArray[np.float32]:
    """float32 [at most ``most``, dimension]: vectors from all over the collection."""
    with catalogue.read() as db:
        sample = stored_vectors.sample_vectors(db, model.hash, Scope(), most)
    return sample.astype(np.float32)


def _tuned(catalogue: Catalogue, model: ModelRef, index: Any, nearest: Nearest) -> float:
    with catalogue.read() as db:
        return recall.tune(index, nearest, partial(stored_vectors.vectors_of, db, model.hash))
