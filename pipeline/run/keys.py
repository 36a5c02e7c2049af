"""The fingerprints that results should carry today: of a stage, its version, the settings that
matter to it, its model and what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict

from pipeline.catalog.standing import about
from pipeline.fingerprint import Plain, fingerprints
from pipeline.search import analysis
from pipeline.settings import Settings
from pipeline.stages import chapters as chapter_stage
from pipeline.stages import chunk as chunk_stage
from pipeline.stages import transcribe as transcribe_stage
from pipeline.stages.chapters import ChapterParameters
from pipeline.values import ModelRef, Recording, RecordingFacts

EXTRACT_VERSION = 1
"""Raise it when another version of extraction would yield other audio."""

EMBED_VERSION = 2
"""Raise it when the string that is embedded is made otherwise."""

IMPORTED = "imported"
"""Fingerprint of a transcript that came from a file: never stale."""

Keys = Callable[[Iterable[str]], str]
"""Fingerprints of one stage by what it reads."""


def transcribe_key(recording: Recording, settings: Settings, speech: ModelRef) -> str:
    """The fingerprint a recognised transcript of ``recording`` should carry today."""
    track = recording.media.track if recording.media else None
    return transcribe_keys(settings, speech, recording.facts.language, track)([recording.id])


def chunk_key(
    transcript_digest: str, facts: RecordingFacts, settings: Settings, text: ModelRef
) -> str:
    """The fingerprint a recording's chunks should carry today."""
    return chunk_keys(settings, text)([transcript_digest, about(facts)])


def chapter_key(
    transcript_digest: str, facts: RecordingFacts, settings: Settings, text: ModelRef
) -> str:
    """That of its chapters: its chunks' tell the topics."""
    return chapter_keys()([chunk_key(transcript_digest, facts, settings, text)])


def transcribe_keys(settings: Settings, speech: ModelRef, language: str, track: int | None) -> Keys:
    parameters: dict[str, Plain] = {
        "extract": EXTRACT_VERSION,
        "language": language,
        "fallback": settings.language if language == "auto" else None,
        "track": track,
        "window_seconds": settings.window_seconds,
        "compute_type": settings.compute_type,
        "beam_size": settings.beam_size,
    }
    return fingerprints("transcribe", transcribe_stage.VERSION, parameters, speech)


def chunk_keys(settings: Settings, text: ModelRef) -> Keys:
    parameters: dict[str, Plain] = {
        "embed": EMBED_VERSION,
        "words": analysis.VERSION,
        "chunk_size": settings.chunk_size,
        "chunk_overlap": settings.chunk_overlap,
    }
    return fingerprints("chunk", chunk_stage.VERSION, parameters, text)


def chapter_keys() -> Keys:
    return fingerprints(
        "chapters",
        chapter_stage.VERSION,
        {"words": analysis.VERSION, **asdict(ChapterParameters())},
        model=None,
    )
