"""Publishing: a new index generation is built beside the old one, then flipped in one commit.

A generation file that no row of the catalogue names is nobody's: a candidate that was dropped, or
what a killed build or a restore has left. Whoever builds next clears it away.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.catalog import chunks, generations, refusals
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.generations import Generation
from pipeline.errors import InterviewsError, NotFound
from pipeline.home import Home
from pipeline.index import building, files, opening
from pipeline.run import refusal
from pipeline.run.context import Context
from pipeline.values import ModelRef


class AlreadyBuilding(InterviewsError):
    """Another process is building a generation right now."""


def due(db: sqlite3.Connection, context: Context, *, worked: bool) -> ModelRef | None:
    """The text model for which a generation should be built now without asking any questions, if
    any: the first of the ``candidates`` that the gold gate has not refused."""
    models = candidates(db, context, worked=worked)
    return next((one for one in models if refusal.standing(db, context, one) is None), None)


def candidates(db: sqlite3.Connection, context: Context, *, worked: bool) -> list[ModelRef]:
    """The text models for which a generation should be built now, the preferred one first: the one
    the settings name, since every recording has its chunks for it; the published one, for chunks
    its generation does not hold yet or no longer needs, or since its file is gone or unreadable.
    What was rolled back stays so until something ``worked``."""
    if generations.is_held(db) and not worked:
        return []
    published = generations.text_model(db)
    if published is None:
        return []
    asked = context.text[1]
    models = [asked] if published.hash != asked.hash and complete_for(db, asked) else []
    state = generations.index_state(db)
    stale = state.behind > 0 or state.dead > 0
    stale = stale or building.lacks_words(state.generation)
    stale = stale or not opening.readable(context.home.index, state.generation)
    if stale and (state.chunks > 0 or state.generation is not None):
        models.append(published)
    return models


def complete_for(db: sqlite3.Connection, asked: ModelRef) -> bool:
    """Whether every recording that can be found now will still be found under ``asked``."""
    published = generations.text_model(db)
    if published is None:
        return True
    before = chunks.set_fingerprints(db, published.hash)
    after = chunks.set_fingerprints(db, asked.hash)
    return bool(after) and before.keys() <= after.keys()


def publish(
    home: Home,
    catalogue: Catalogue,
    model: ModelRef,
    *,
    asked: ModelRef | None = None,
    wait: bool = False,
) -> Generation | None:
    """Build a generation of ``model``'s chunks and make it the one that is searched.

    None when there are no chunks. Where it is known which model is ``asked`` for by the settings,
    chunks of models that nobody needs any more are deleted. ``wait`` waits for another process
    that is building. Raises AlreadyBuilding otherwise, HomeUnusable.
    """
    with candidate(home, catalogue, model, wait=wait) as generation:
        flip(home, catalogue, model, generation, asked=asked)
    return generation


@contextmanager
def candidate(
    home: Home, catalogue: Catalogue, model: ModelRef, *, wait: bool = False
) -> Iterator[Generation | None]:
    """A generation of ``model``'s chunks, whole in its file but searched by nobody; None when
    there are no chunks. Nobody else builds while the block lasts; what is not flipped by its end
    is dropped. Raises as ``publish`` does."""
    with _building(home.index, wait):
        files.clear_unfinished(home.index)
        _clear_strays(home, catalogue)
        try:
            yield building.build(catalogue, home.index, model)
        finally:
            _clear_strays(home, catalogue)


def flip(
    home: Home,
    catalogue: Catalogue,
    model: ModelRef,
    generation: Generation | None,
    *,
    asked: ModelRef | None = None,
) -> None:
    """Make a ``candidate`` the generation that is searched, from one commit on. The one before is
    kept to go back to, unless its file is damaged."""
    sound = _published_is_sound(home, catalogue)
    with catalogue.write() as db:
        if generation is None:
            generations.set_text_model(db, model)
            generations.retire_all(db)
        else:
            generations.publish(db, generation)
            if not sound:
                generations.forget_previous(db)
            if asked is not None:
                before = generations.previous(db)
                needed = {model.hash, asked.hash} | ({before.model.hash} if before else set())
                chunks.drop_other_models(db, needed)
        refusals.forget(db, model.hash)
    clear_retired(home, catalogue)


def roll_back(home: Home, catalogue: Catalogue) -> Generation:
    """Search the generation before the present one again, until something is published anew.

    Raises NotFound where there is none, or where most of what it holds was cut anew since and is
    there no more; InterviewsError (``index.damaged``) where its file is not what was built.
    """
    with catalogue.write() as db:
        before = generations.previous(db)
        if before is None or generations.published(db) is None:
            raise NotFound("index.no_previous")
        gone = before.chunks - chunks.count(db, before.model.hash, before.newest_chunk)
        if gone * 2 > before.chunks:
            raise NotFound("index.previous_gone", id=before.id, gone=gone, chunks=before.chunks)
        opening.check(home.index, before)
        generations.roll_back(db)
    return before


def _published_is_sound(home: Home, catalogue: Catalogue) -> bool:
    with catalogue.read() as db:
        current = generations.published(db)
    try:
        if current is not None:
            opening.check(home.index, current)
    except InterviewsError:
        return False
    return True


def tidy(home: Home, catalogue: Catalogue) -> None:
    """Delete what killed builds and restores have left among the index files, unless somebody is
    building; then that is seen to."""
    try:
        with _building(home.index, wait=False):
            files.clear_unfinished(home.index)
            _clear_strays(home, catalogue)
            clear_retired(home, catalogue)
    except AlreadyBuilding:
        return


def _clear_strays(home: Home, catalogue: Catalogue) -> None:
    """Only for whoever holds the build lock: a candidate is a stray until it is flipped."""
    with catalogue.read() as db:
        known = {path for one in generations.every(db) for path in files.of(home.index, one)}
    for path in files.files(home.index):
        if path not in known:
            path.unlink(missing_ok=True)


def clear_retired(home: Home, catalogue: Catalogue) -> None:
    """Delete the files of generations that nobody needs. Readers that still have one open keep
    reading it until they close it."""
    with catalogue.read() as db:
        retired = generations.retired(db)
    for generation in retired:
        files.delete(home.index, generation.id)
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
