"""Opening a generation, after a look whether its files are those recorded (not byte by byte)."""

from __future__ import annotations

from pathlib import Path

from pipeline.catalog.generations import Generation
from pipeline.errors import InterviewsError
from pipeline.index import files
from pipeline.index.postings import Postings
from pipeline.index.vectors import VectorIndex


def vectors(index_dir: Path, generation: Generation) -> VectorIndex:
    """Raises InterviewsError (``index.damaged``)."""
    path = files.vectors_of(index_dir, generation.id)
    index = VectorIndex.open(path)
    if index.count != generation.chunks or index.dimension != generation.dimension:
        raise InterviewsError("index.damaged", path=str(path))
    return index


def words(index_dir: Path, generation: Generation) -> Postings:
    """Raises InterviewsError (``index.damaged``)."""
    path = files.words_of(index_dir, generation.id)
    postings = Postings.open(path)
    if postings.count != generation.chunks or postings.newest != generation.newest_chunk:
        raise InterviewsError("index.damaged", path=str(path))
    return postings


def readable(index_dir: Path, generation: Generation | None) -> bool:
    """Whether there is a generation and its files open as recorded."""
    if generation is None:
        return False
    try:
        vectors(index_dir, generation)
        if generation.words_sha256 is not None:
            words(index_dir, generation)
    except InterviewsError:
        return False
    return True


def check(index_dir: Path, generation: Generation) -> None:
    """Byte by byte: are the files those that were built, and do they open?

    Raises InterviewsError (``index.damaged``).
    """
    files.check(index_dir, generation)
    vectors(index_dir, generation)
    if generation.words_sha256 is not None:
        words(index_dir, generation)
