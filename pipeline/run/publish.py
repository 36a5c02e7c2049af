"""Publishing: a new index generation is built beside the old one, then flipped in one commit."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.catalog import chunks, generations
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.generations import Generation
from pipeline.errors import InterviewsError
from pipeline.home import Home
from pipeline.run.context import Context
from pipeline.search import vectors
from pipeline.values import ModelRef


class AlreadyBuilding(InterviewsError):
    """Another process is building a generation right now."""


def due(db: sqlite3.Connection, context: Context, *, worked: bool) -> ModelRef | None:
    """The text model for which a generation should be built now, if any: for chunks it does not
    hold yet or no longer needs, since its file is gone or unreadable, or since every recording
    has its chunks for another model. What was rolled back stays so until something ``worked``."""
    if generations.is_held(db) and not worked:
        return None
    published = generations.text_model(db)
    if published is None:
        return None
    asked = context.text[1]
    if published.hash != asked.hash and complete_for(db, asked):
        return asked
    state = generations.index_state(db)
    stale = state.generation is None or state.behind > 0 or state.dead > 0
    stale = stale or not _readable(context.home, state.generation)
    return published if stale and (state.chunks > 0 or state.generation) else None


def _readable(home: Home, generation: Generation | None) -> bool:
    if generation is None:
        return False
    try:
        vectors.opened(home.index, generation)
    except InterviewsError:
        return False
    return True


def complete_for(db: sqlite3.Connection, asked: ModelRef) -> bool:
    """Whether every recording that can be found now will still be found under ``asked``."""
    published = generations.text_model(db)
    if published is None:
        return True
    before = chunks.set_fingerprints(db, published.hash)
    after = chunks.set_fingerprints(db, asked.hash)
    return bool(after) and before.keys() <= after.keys()


def publish(
    home: Home, catalogue: Catalogue, model: ModelRef, *, wait: bool = False
) -> Generation | None:
    """Build a generation of ``model``'s chunks and make it the one that is searched.

    None when there are no chunks. ``wait`` waits for another process that is building. Raises
    AlreadyBuilding otherwise, HomeUnusable.
    """
    with _building(home.index, wait):
        vectors.clear_unfinished(home.index)
        generation = vectors.build(catalogue, home.index, model)
        with catalogue.write() as db:
            if generation is None:
                generations.set_text_model(db, model)
                generations.retire_all(db)
            else:
                generations.publish(db, generation)
                before = generations.previous(db)
                keep = {model.hash} | ({before.model.hash} if before else set())
                chunks.drop_other_models(db, keep)
        clear_retired(home, catalogue)
    return generation


def clear_retired(home: Home, catalogue: Catalogue) -> None:
    """Delete the files of generations that nobody needs. Readers that still have one open keep
    reading it until they close it."""
    with catalogue.read() as db:
        retired = generations.retired(db)
    for generation in retired:
        vectors.path_of(home.index, generation.id).unlink(missing_ok=True)
        with catalogue.write() as db:
            generations.forget(db, generation.id)


@contextmanager
def _building(index: Path, wait: bool) -> Iterator[None]:
    index.mkdir(parents=True, exist_ok=True)
    with (index / ".build.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise AlreadyBuilding("index.building") from error
        yield
