"""What is stale? A recording whose results do not carry the fingerprints that today's settings
ask for is work; nothing else is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pipeline.catalog import chunks, generations, queue, recordings, transcripts
from pipeline.catalog.transcripts import StageResult
from pipeline.fingerprint import Plain, fingerprint
from pipeline.run.context import Context
from pipeline.search import analysis
from pipeline.settings import Settings
from pipeline.stages import chunk as chunk_stage
from pipeline.stages import transcribe as transcribe_stage
from pipeline.values import ModelRef, Recording

Stage = Literal["transcribe", "chunk", "embed"]
STAGES: tuple[Stage, ...] = ("transcribe", "chunk", "embed")
"""Stages a person may ask to be done again. Chunks and their vectors are stored together."""

EXTRACT_VERSION = 1
"""Raise it when another version of extraction would yield other audio."""

EMBED_VERSION = 1
"""Raise it when the string that is embedded is made otherwise."""

IMPORTED = "imported"
"""Fingerprint of a transcript that came from a file: never stale."""


@dataclass(frozen=True, slots=True)
class Work:
    """A recording and what has to be done to it.

    ``text_models`` are those for which its chunks are missing or stale: the one the settings
    name and, while that one is not yet published, the published one. ``keeps_state`` marks a
    failed or cancelled recording whose old transcript must stay findable under new chunks.
    """

    recording: Recording
    transcribe: bool
    text_models: tuple[ModelRef, ...]
    new: bool
    keeps_state: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        first = ("transcribe",) if self.transcribe else ()
        return first + (("chunk", "embed") if self.text_models else ())


def transcribe_key(recording: Recording, settings: Settings, speech: ModelRef) -> str:
    """The fingerprint a recognised transcript of ``recording`` should carry today."""
    automatic = recording.facts.language == "auto"
    parameters: dict[str, Plain] = {
        "extract": EXTRACT_VERSION,
        "language": recording.facts.language,
        "fallback": settings.language if automatic else None,
        "track": recording.media.track if recording.media else None,
        "window_seconds": settings.window_seconds,
        "compute_type": settings.compute_type,
        "beam_size": settings.beam_size,
    }
    return fingerprint("transcribe", transcribe_stage.VERSION, parameters, speech, [recording.id])


def chunk_key(transcript_digest: str, settings: Settings, text: ModelRef) -> str:
    """The fingerprint a recording's chunks should carry today."""
    parameters: dict[str, Plain] = {
        "embed": EMBED_VERSION,
        "words": analysis.VERSION,
        "chunk_size": settings.chunk_size,
        "chunk_overlap": settings.chunk_overlap,
    }
    return fingerprint("chunk", chunk_stage.VERSION, parameters, text, [transcript_digest])


@dataclass(frozen=True, slots=True)
class _Found:
    """What the catalogue holds, read at one moment."""

    recordings: list[Recording]
    results: dict[tuple[str, str], StageResult]
    sets: dict[str, dict[str, str]]
    published: ModelRef | None
    retryable: set[str]


def plan(context: Context, db: sqlite3.Connection, only: Iterable[str] = ()) -> list[Work]:
    """All work there is, in order: by priority, then by age.

    Raises Missing where recordings need a speech or text model that is not there.
    """
    found = _read(context, db, tuple(only))
    works = (_work(context, found, recording) for recording in found.recordings)
    return sorted(
        (work for work in works if work is not None),
        key=lambda work: (
            -work.recording.facts.priority,
            work.recording.added_ms,
            work.recording.id,
        ),
    )


def _read(context: Context, db: sqlite3.Connection, only: tuple[str, ...]) -> _Found:
    published = generations.text_model(db)
    rows = list(recordings.get_many(db, only).values()) if only else recordings.every(db)
    hashes = {published.hash} if published else set()
    if rows:
        hashes.add(context.text[1].hash)
    return _Found(
        recordings=rows,
        results=transcripts.results(db, only),
        sets={key: chunks.set_fingerprints(db, key, only) for key in hashes},
        published=published,
        retryable=queue.retryable(db),
    )


def _may_run(recording: Recording, found: _Found) -> bool:
    if recording.state == "failed":
        return recording.id in found.retryable
    return recording.state != "cancelled"


def _work(context: Context, found: _Found, recording: Recording) -> Work | None:
    result = found.results.get((recording.id, "transcribe"))
    runs = _may_run(recording, found)
    if not runs and result is None:
        return None
    transcribe = runs and _must_transcribe(context, recording, result)
    models = tuple(
        model
        for model in _text_models(context, found)
        if transcribe
        or result is None
        or found.sets[model.hash].get(recording.id)
        != chunk_key(result.digest, context.settings, model)
    )
    if not transcribe and not models and (recording.state == "done" or not runs):
        return None
    return Work(recording, transcribe, models, new=result is None, keeps_state=not runs)


def _must_transcribe(context: Context, recording: Recording, result: StageResult | None) -> bool:
    if recording.imported:
        return False
    if result is None:
        return True
    return result.fingerprint != transcribe_key(recording, context.settings, context.speech[1])


def _text_models(context: Context, found: _Found) -> list[ModelRef]:
    """The settings' text model and, while it is not published yet, the published one."""
    asked = context.text[1]
    models = [asked]
    if found.published and found.published.hash != asked.hash and _has(context, found.published):
        models.append(found.published)
    return models


def _has(context: Context, model: ModelRef) -> bool:
    """Whether the published model can still be loaded; without it old chunks stay as they are."""
    return context.has_text_model(model)
