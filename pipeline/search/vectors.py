"""FAISS generations: built from the catalogue beside the old one, opened memory-mapped, searched.

The only module that imports faiss. Spawn, never fork, once it is imported (faiss 1.15 hung after a
fork); searching runs in one thread, since many searches may run at once.

A generation is derived: it can be rebuilt from the catalogue at any time. A vector's id is its
chunk's id, which is never used again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import faiss as untyped_faiss
import numpy as np
from numpy.typing import NDArray

from pipeline.catalog import chunks, generations
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.chunks import Half
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.generations import Generation
from pipeline.catalog.scope import Scope
from pipeline.catalog.vectors import Ids
from pipeline.errors import InterviewsError
from pipeline.home import disk_error, sync_folder
from pipeline.values import ModelRef

faiss: Any = untyped_faiss  # its type hints lag behind its functions

Kind = Literal["flat", "ivf"]

Query = NDArray[np.float32]
"""float32 [1, dimension], L2-normalised."""

Ranking = list[tuple[int, float]]
"""(chunk id, inner product), best first."""

LARGEST_FLAT = 100_000
"""Beyond this many vectors every one of them is no longer compared with every query."""

_PAGE = 20_000
_SAMPLE = 200_000
_QUERIES = 200
_NEIGHBOURS = 10
_RECALL = 0.98
"""Of the true ten nearest neighbours of the collection's own vectors, how many must be found."""

faiss.omp_set_num_threads(1)


def kind_for(count: int) -> Kind:
    """Which index suits so many vectors."""
    return "flat" if count <= LARGEST_FLAT else "ivf"


def path_of(index_dir: Path, generation_id: int) -> Path:
    return index_dir / f"generation-{generation_id:06}.faiss"


def number_of(path: Path) -> int:
    """The id of the generation in the file ``path``."""
    return int(path.stem.removeprefix("generation-"))


def files(index_dir: Path) -> list[Path]:
    """All files of generations, oldest first."""
    return sorted(index_dir.glob("generation-*.faiss"), key=number_of)


def clear_unfinished(index_dir: Path) -> None:
    """Delete what a build that was killed has left. Only for whoever holds the build lock."""
    for left in index_dir.glob(".building-*"):
        left.unlink(missing_ok=True)


# --- building --------------------------------------------------------------------------------


def build(catalogue: Catalogue, index_dir: Path, model: ModelRef) -> Generation | None:
    """Write the next generation of ``model``'s chunks to ``index_dir``; None without any chunks.

    The file is whole and synced under its final name on return; nobody searches it until the
    caller publishes the generation. Raises HomeUnusable where the disk refuses.
    """
    with catalogue.read() as db:
        number = generations.reserve(db)
        count = chunks.count(db, model.hash)
        _, first = stored_vectors.vectors_after(db, model.hash, 0, Scope(), 1)
    if not len(first):
        return None
    kind = kind_for(count)
    index = _empty(kind, first.shape[1], catalogue, model, count)
    newest = 0
    for ids, vectors in _pages(catalogue, model):
        index.add_with_ids(vectors.astype(np.float32), ids)
        newest = int(ids[-1])
    if kind == "ivf":
        index.nprobe = _probes(index, _sample(catalogue, model, count)[:_QUERIES])
    digest = _write(index, path_of(index_dir, number))
    return Generation(
        id=number,
        model=model,
        dimension=index.d,
        kind=kind,
        chunks=index.ntotal,
        newest_chunk=newest,
        sha256=digest,
        made_ms=0,
        state="published",
    )


def _pages(catalogue: Catalogue, model: ModelRef) -> Iterator[tuple[Ids, Half]]:
    """All vectors in order of id. A snapshot per page, so that a long build holds up no writer;
    what is deleted meanwhile is found dead by its id later."""
    after = 0
    while True:
        with catalogue.read() as db:
            ids, vectors = stored_vectors.vectors_after(db, model.hash, after, Scope(), _PAGE)
        if not len(ids):
            return
        yield ids, vectors
        after = int(ids[-1])


def _empty(kind: Kind, dimension: int, catalogue: Catalogue, model: ModelRef, count: int) -> Any:
    half, inner = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    if kind == "flat":
        return faiss.IndexIDMap2(faiss.IndexScalarQuantizer(dimension, half, inner))
    lists = round(4 * count**0.5)  # https://github.com/facebookresearch/faiss/wiki/Guidelines
    quantiser = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(quantiser, dimension, lists, half, inner)
    index.train(_sample(catalogue, model, count))
    return index


def _sample(catalogue: Catalogue, model: ModelRef, count: int) -> NDArray[np.float32]:
    """float32 [n, dimension]: vectors from all over the collection, always the same ones."""
    step = max(1, count // _SAMPLE)
    taken = [vectors[::step] for _, vectors in _pages(catalogue, model)]
    together = np.concatenate(taken)
    order = np.random.default_rng(0).permutation(len(together))
    return together[order].astype(np.float32)


def _probes(index: Any, queries: NDArray[np.float32]) -> int:
    """How many inverted lists must be read for the recall asked for."""
    index.nprobe = index.nlist
    _, truth = index.search(queries, _NEIGHBOURS)
    probes = 4
    while probes < index.nlist:
        index.nprobe = probes
        _, found = index.search(queries, _NEIGHBOURS)
        hits = [len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True)]
        if sum(hits) >= _RECALL * truth.size:
            return probes
        probes *= 2
    return int(index.nlist)


def _write(index: Any, path: Path) -> str:
    """The index at ``path``, whole or not at all; its sha256."""
    unfinished = path.with_name(f".building-{os.getpid()}-{path.name}")
    try:
        with unfinished.open("wb") as file:
            written = faiss.PyCallbackIOWriter(file.write)
            faiss.write_index(index, written)
            del written  # its buffer goes to the file before the file is synced
            file.flush()
            os.fsync(file.fileno())
        digest = _digest(unfinished)
        unfinished.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise disk_error(error, path.parent) from error
    return digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- searching -------------------------------------------------------------------------------


class VectorIndex:
    """A generation opened for searching. Its file stays mapped as long as this lives, also when
    the file's name is gone."""

    def __init__(self, index: Any, path: Path) -> None:
        self._path = path
        self._index = index
        self._nested = faiss.downcast_index(index)

    @classmethod
    def open(cls, path: Path) -> VectorIndex:
        """Memory-mapped. Raises InterviewsError (``index.damaged``) where the file is missing or
        not readable."""
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), path)
        except RuntimeError as error:
            raise InterviewsError("index.damaged", path=str(path)) from error

    @property
    def count(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    def search(self, query: Query, k: int, allowed: Ids | None = None) -> Ranking:
        """The ``k`` nearest chunks, only those ``allowed`` where given (int64 [n] chunk ids).

        Raises InterviewsError (``index.damaged``) where faiss fails.
        """
        if self.count == 0 or k < 1 or (allowed is not None and not len(allowed)):
            return []
        selector, bits = _selector(allowed)
        try:
            scores, ids = self._index.search(
                np.ascontiguousarray(query, dtype=np.float32),
                min(k, self.count),
                params=self._parameters(selector),
            )
        except RuntimeError as error:
            raise InterviewsError("index.damaged", path=str(self._path)) from error
        del bits  # faiss reads it during the search
        pairs = zip(ids[0], scores[0], strict=True)
        return [(int(chunk_id), float(score)) for chunk_id, score in pairs if chunk_id >= 0]

    def _parameters(self, selector: Any) -> Any:
        """``selector`` in the form this kind of index takes; None for none."""
        if selector is None:
            return None
        if isinstance(self._nested, faiss.IndexIVF):
            return faiss.SearchParametersIVF(sel=selector, nprobe=self._nested.nprobe)
        return faiss.SearchParameters(sel=selector)


def _selector(allowed: Ids | None) -> tuple[Any, NDArray[np.uint8] | None]:
    """A bit for each id up to the largest: constant time for each vector met."""
    if allowed is None:
        return None, None
    flags = np.zeros(int(allowed.max()) + 1, dtype=bool)
    flags[allowed] = True
    bits = np.packbits(flags, bitorder="little")
    return faiss.IDSelectorBitmap(bits), bits


def opened(index_dir: Path, generation: Generation) -> VectorIndex:
    """The generation's index, after a look whether it is the one recorded (not byte by byte).

    Raises InterviewsError (``index.damaged``).
    """
    path = path_of(index_dir, generation.id)
    index = VectorIndex.open(path)
    if index.count != generation.chunks or index.dimension != generation.dimension:
        raise InterviewsError("index.damaged", path=str(path))
    return index


def readable(index_dir: Path, generation: Generation | None) -> bool:
    """Whether there is a generation and its file opens as recorded."""
    if generation is None:
        return False
    try:
        opened(index_dir, generation)
    except InterviewsError:
        return False
    return True


def check(path: Path, generation: Generation) -> None:
    """Byte by byte: is the file at ``path`` the generation that was built, and does it open?

    Raises InterviewsError (``index.damaged``).
    """
    try:
        sound = _digest(path) == generation.sha256
    except OSError as error:
        raise InterviewsError("index.damaged", path=str(path)) from error
    if not sound:
        raise InterviewsError("index.damaged", path=str(path))
    opened(path.parent, generation)
