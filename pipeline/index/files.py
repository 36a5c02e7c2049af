"""The files of generations: their names, and how one comes to be whole or not at all.

A generation is derived: it can be built anew from the catalogue at any time. It has a file of
vectors and, where there are many passages, one of words.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.catalog.generations import Generation
from pipeline.errors import InterviewsError
from pipeline.home import disk_error, sync_folder

VECTORS, WORDS = ".faiss", ".words"


def vectors_of(index_dir: Path, generation_id: int) -> Path:
    return index_dir / f"generation-{generation_id:06}{VECTORS}"


def words_of(index_dir: Path, generation_id: int) -> Path:
    return index_dir / f"generation-{generation_id:06}{WORDS}"


def of(index_dir: Path, generation: Generation) -> list[Path]:
    """The files that a generation has."""
    own = [vectors_of(index_dir, generation.id)]
    return own if generation.words_sha256 is None else [*own, words_of(index_dir, generation.id)]


def number_of(path: Path) -> int:
    """The id of the generation that the file ``path`` belongs to."""
    return int(path.stem.removeprefix("generation-"))


def files(index_dir: Path) -> list[Path]:
    """All files of generations, oldest first."""
    found = [path for end in (VECTORS, WORDS) for path in index_dir.glob(f"generation-*{end}")]
    return sorted(found, key=lambda path: (number_of(path), path.suffix))


def delete(index_dir: Path, generation_id: int) -> None:
    """Readers that still have a file open keep reading it until they close it."""
    vectors_of(index_dir, generation_id).unlink(missing_ok=True)
    words_of(index_dir, generation_id).unlink(missing_ok=True)


def clear_unfinished(index_dir: Path) -> None:
    """Delete what a build that was killed has left. Only for whoever holds the build lock."""
    for left in index_dir.glob(".building-*"):
        left.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> str:
    """The file ``path`` as ``write`` makes it, synced under its final name; its sha256. Raises
    HomeUnusable where the disk refuses."""
    unfinished = path.with_name(f".building-{os.getpid()}-{path.name}")
    try:
        with unfinished.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)  # as the catalogue: only the owner reads it
            write(file)
            file.flush()
            os.fsync(file.fileno())
        digest = _digest(unfinished)
        unfinished.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise disk_error(error, path.parent) from error
    return digest


def check(index_dir: Path, generation: Generation) -> None:
    """Byte by byte: are the files of a generation those that were built?

    Raises InterviewsError (``index.damaged``).
    """
    _check(vectors_of(index_dir, generation.id), generation.sha256)
    if generation.words_sha256 is not None:
        _check(words_of(index_dir, generation.id), generation.words_sha256)


def _check(path: Path, sha256: str) -> None:
    try:
        sound = _digest(path) == sha256
    except OSError as error:
        raise InterviewsError("index.damaged", path=str(path)) from error
    if not sound:
        raise InterviewsError("index.damaged", path=str(path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
