"""What an export says of a recording besides what was said in it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.values import Chapter


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """Facts from the catalogue for the head of an export; whatever is unknown stays empty."""

    title: str = ""
    people: tuple[str, ...] = ()
    recorded: str | None = None
    collection: str | None = None
    recording_id: str | None = None
    chapters: tuple[Chapter, ...] = ()
