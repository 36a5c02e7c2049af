"""What is stale? A recording whose results do not carry the fingerprints that today's settings
ask for is work; nothing else is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

from pipeline.catalog import chunks, corrections, generations, queue, recordings
from pipeline.catalog.standing import Standing, standings
from pipeline.run import reading, shown
from pipeline.run.context import Context
from pipeline.run.keys import Keys, chapter_keys, chunk_keys, transcribe_keys
from pipeline.settings import Settings
from pipeline.values import ModelRef, Recording

Stage = Literal["transcribe", "chunk", "embed", "chapters", "rendition"]
STAGES: tuple[Stage, ...] = ("transcribe", "chunk", "embed", "chapters", "rendition")
"""Stages a person may ask to be done again. Chunks and their vectors are stored together."""

TEXT_STAGES: tuple[Stage, ...] = ("chunk", "embed")
"""What is made of a transcript that is there."""


@dataclass(frozen=True, slots=True)
class Work:
    """A recording and what has to be done to it.

    ``text_models`` are those for which its chunks are missing or stale: the one the settings
    name and, while that one is not yet published, the published one. ``chapters`` and
    ``rendition``: they are missing or stale. ``new``: nothing of it can be found yet.
    ``keeps_state`` marks a failed or cancelled recording whose old transcript must stay findable
    under new chunks (unless it is those that failed: then a retry is due first).
    """

    recording: Recording
    transcribe: bool
    text_models: tuple[ModelRef, ...]
    chapters: bool
    new: bool
    keeps_state: bool = False
    rendition: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        """All that is to be done, in the end."""
        return self._texts + (("rendition",) if self.rendition else ())

    @property
    def now(self) -> tuple[str, ...]:
        """What is done in one go: renditions wait until nothing else does."""
        return ("rendition",) if self.only_renders else self._texts

    @property
    def only_renders(self) -> bool:
        return self.rendition and not self._texts

    @property
    def _texts(self) -> tuple[str, ...]:
        first = ("transcribe",) if self.transcribe else ()
        texts = ("chunk", "embed") if self.text_models else ()
        return first + texts + (("chapters",) if self.chapters else ())


@dataclass(frozen=True, slots=True)
class _Found:
    """What the catalogue holds, read at one moment, and the keys that today's settings ask for."""

    standings: list[Standing]
    retryable: set[str]
    sets: dict[str, dict[str, str]]
    models: tuple[ModelRef, ...]
    chunk_keys: dict[str, Keys]
    chapter_keys: Keys
    transcribe_keys: Callable[[str, int | None], Keys]
    rendition_key: Callable[[Standing], str | None]


@dataclass(frozen=True, slots=True)
class _Need:
    """What has to be done to a recording."""

    transcribe: bool
    text_models: tuple[ModelRef, ...]
    chapters: bool
    new: bool
    keeps_state: bool
    rendition: bool = False


def plan(
    context: Context,
    db: sqlite3.Connection,
    only: Iterable[str] = (),
    *,
    texts_only: bool = False,
    new_first: bool = False,
) -> list[Work]:
    """All work there is, in order: by priority, then by age; with ``new_first`` what nobody can
    find yet comes before all else. ``texts_only``: only chunks and chapters of transcripts that are
    there, whatever else their recordings wait for.

    Raises Missing where recordings need a speech or text model that is not there.
    """
    found = _read(context, db, tuple(only))
    look = _text_need if texts_only else _need
    needs = {one.id: need for one in found.standings if (need := look(found, one))}
    known = recordings.get_many(db, needs)
    works = (
        Work(
            known[key],
            need.transcribe,
            need.text_models,
            need.chapters,
            need.new,
            need.keeps_state,
            need.rendition,
        )
        for key, need in needs.items()
    )
    return sorted(
        works,
        key=lambda work: (
            new_first and not work.new,
            -work.recording.facts.priority,
            work.recording.added_ms,
            work.recording.id,
        ),
    )


def _read(context: Context, db: sqlite3.Connection, only: tuple[str, ...]) -> _Found:
    settings = context.settings
    rows = standings(db, only)
    published = generations.text_model(db)
    models = _text_models(context, published) if rows else ()
    hashes = {model.hash for model in (*models, published) if model}
    return _Found(
        standings=rows,
        retryable=queue.retryable(db),
        sets={one: chunks.set_fingerprints(db, one, only) for one in hashes},
        models=models,
        chunk_keys={model.hash: chunk_keys(settings, model) for model in models},
        chapter_keys=chapter_keys(),
        transcribe_keys=cache(partial(_speech_keys, context)),
        rendition_key=_rendition_keys(db, settings),
    )


def _rendition_keys(db: sqlite3.Connection, settings: Settings) -> Callable[[Standing], str | None]:
    """The fingerprint a recording's rendition should carry today; None where it needs none."""
    if settings.rendition == "off":
        return lambda _: None
    keys, reticent = shown.keys(settings), corrections.withheld_ids(db)

    def key(one: Standing) -> str | None:
        withheld = reading.reaches(db, one.id) if one.id in reticent else ()
        return keys(shown.shows(one.id, one.track, withheld)) if one.playable else None

    return key


def _speech_keys(context: Context, language: str, track: int | None) -> Keys:
    """Only a recording that is to be recognised needs the speech model to be there."""
    return transcribe_keys(context.settings, context.speech[1], language, track)


def _text_models(context: Context, published: ModelRef | None) -> tuple[ModelRef, ...]:
    """The settings' text model and, while it is not published yet, the published one, if it can
    still be loaded; without it old chunks stay as they are."""
    asked = context.text[1]
    if published and published.hash != asked.hash and context.has_text_model(published):
        return asked, published
    return (asked,)


def _need(found: _Found, one: Standing) -> _Need | None:
    runs = one.id in found.retryable if one.state == "failed" else one.state != "cancelled"
    if not runs and (one.read is None or (one.state == "failed" and one.stage in TEXT_STAGES)):
        return None
    transcribe = runs and _must_transcribe(found, one)
    unread = transcribe or one.read is None
    models = found.models if unread else _stale_models(found, one)
    parts = transcribe or _stale_chapters(found, one)
    renders = runs and _must_render(found, one)
    if not (transcribe or models or parts or renders) and (one.state == "done" or not runs):
        return None
    new = not any(one.id in made for made in found.sets.values())
    return _Need(transcribe, models, parts, new, keeps_state=not runs, rendition=renders)


def _text_need(found: _Found, one: Standing) -> _Need | None:
    """Chunks and chapters alone; the recording goes on waiting for whatever it waits for."""
    models = _stale_models(found, one)
    parts = _stale_chapters(found, one)
    if not models and not parts:
        return None
    return _Need(False, models, parts, new=False, keeps_state=one.state != "done")


def _stale_models(found: _Found, one: Standing) -> tuple[ModelRef, ...]:
    """The text models whose chunks do not carry the fingerprint of what is read now."""
    if one.read is None:
        return ()
    inputs = (one.read, one.about)
    return tuple(
        model
        for model in found.models
        if found.sets[model.hash].get(one.id) != found.chunk_keys[model.hash](inputs)
    )


def _stale_chapters(found: _Found, one: Standing) -> bool:
    """Chapters are made of the chunks for the text model the settings name, the first of those
    found."""
    if one.read is None:
        return False
    chunked = found.chunk_keys[found.models[0].hash]([one.read, one.about])
    return one.chaptered != found.chapter_keys([chunked])


def _must_transcribe(found: _Found, one: Standing) -> bool:
    if one.imported or one.recognised is None:
        return not one.imported
    return one.recognised != found.transcribe_keys(one.language, one.track)([one.id])


def _must_render(found: _Found, one: Standing) -> bool:
    wanted = found.rendition_key(one)
    return wanted is not None and one.rendered != wanted
