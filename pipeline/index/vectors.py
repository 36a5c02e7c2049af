"""The vectors of a generation as a FAISS index: filled, opened memory-mapped, searched.

The only room that imports faiss. Spawn, never fork, once it is imported (faiss 1.15 hung after a
fork); searching runs in one thread, since many searches may run at once. A vector's id is its
chunk's id, which is never used again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import faiss as untyped_faiss
import numpy as np
from numpy.typing import NDArray

from pipeline.catalog.vectors import Ids
from pipeline.errors import InterviewsError

faiss: Any = untyped_faiss  # its type hints lag behind its functions

Kind = Literal["flat", "ivf"]

Query = NDArray[np.float32]
"""float32 [1, dimension], L2-normalised."""

Vectors = NDArray[np.float32]
"""float32 [n, dimension], rows L2-normalised."""

Ranking = list[tuple[int, float]]
"""(chunk id, inner product), best first."""

Flags = NDArray[np.bool_]
"""bool [largest id + 1]: which ids may be found."""

LARGEST_FLAT = 100_000
"""Beyond this many vectors every one of them is no longer compared with every query."""

TRAINED_ON = 50
"""Vectors for each inverted list. FAISS asks for 39 at least
(https://github.com/facebookresearch/faiss/wiki/FAQ)."""

_ROUNDS = 6
"""Of k-means. Further ones cost the build minutes; what lists are not good at, reading one more of
them makes up for, and how many are read is measured."""

faiss.omp_set_num_threads(1)


def kind_for(count: int) -> Kind:
    """Which index suits so many vectors."""
    return "flat" if count <= LARGEST_FLAT else "ivf"


def lists_for(count: int) -> int:
    """Inverted lists for so many vectors: as finding the lists costs about what reading them does,
    some multiple of the root."""
    return max(1, 2 * math.isqrt(count))


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within it FAISS uses so many: a build may take what there is, it has the lowest priority."""
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(1)


def flat(dimension: int) -> Any:
    """Every vector is compared with every query, in half precision."""
    half = faiss.ScalarQuantizer.QT_fp16
    return faiss.IndexIDMap2(
        faiss.IndexScalarQuantizer(dimension, half, faiss.METRIC_INNER_PRODUCT)
    )


def inverted(sample: Vectors, count: int) -> Any:
    """Inverted lists for ``count`` vectors like those of ``sample``, with a byte for each number:
    whoever searches compares what is found with the true vectors."""
    dimension = sample.shape[1]
    lists = max(1, min(lists_for(count), len(sample) // TRAINED_ON))  # many passages may be alike
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension),
        dimension,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.cp.niter = _ROUNDS
    index.cp.spherical = True
    index.cp.max_points_per_centroid = TRAINED_ON
    index.train(sample)
    return index


def write(index: Any, file: BinaryIO) -> None:
    written = faiss.PyCallbackIOWriter(file.write)
    faiss.write_index(index, written)
    del written  # its buffer goes to the file before the file is synced


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

    @property
    def is_rough(self) -> bool:
        """Whether its inner products are those of vectors with a byte for each number."""
        return isinstance(self._nested, faiss.IndexIVF)

    def search(self, query: Query, k: int, allowed: Flags | None = None) -> Ranking:
        """The ``k`` nearest chunks, only those ``allowed`` where given.

        Raises InterviewsError (``index.damaged``) where faiss fails.
        """
        if self.count == 0 or k < 1 or (allowed is not None and not allowed.any()):
            return []
        # FAISS reads the bits during the search: they must live as long.
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        share = 1.0 if allowed is None else min(1.0, int(allowed.sum()) / self.count)
        try:
            scores, ids = self._index.search(
                np.ascontiguousarray(query, dtype=np.float32),
                min(k, self.count),
                params=self._parameters(bits, share),
            )
        except RuntimeError as error:
            raise InterviewsError("index.damaged", path=str(self._path)) from error
        pairs = zip(ids[0], scores[0], strict=True)
        return [(int(chunk_id), float(score)) for chunk_id, score in pairs if chunk_id >= 0]

    def _parameters(self, bits: NDArray[np.uint8] | None, share: float) -> Any:
        """A bit for each id up to the largest, in the form this kind of index takes: constant time
        for each vector met. None for none. The smaller the ``share`` of all that may be found, the
        further away its nearest are: the more lists are read."""
        if bits is None:
            return None
        selector = faiss.IDSelectorBitmap(bits)
        if isinstance(self._nested, faiss.IndexIVF):
            probes = min(math.ceil(self._nested.nprobe / share), self._nested.nlist)
            return faiss.SearchParametersIVF(sel=selector, nprobe=probes)
        return faiss.SearchParameters(sel=selector)


def flags_of(ids: Ids) -> Flags:
    """int64 [n] ids, sorted, as flags."""
    flags = np.zeros(int(ids[-1]) + 1 if len(ids) else 1, dtype=bool)
    flags[ids] = True
    return flags
