"""What a search may see: one filter, the same for words and for meaning."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, replace

from pipeline.catalog import audience
from pipeline.values import Viewer

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Scope:
    """Limits a search acts under before anything is ranked. None means no limit."""

    language: str | None = None
    collection: str | None = None
    person: str | None = None
    year: str | None = None
    """The four digits with which a recording's date begins."""

    holds: str = ""
    """What a passage must hold, in the full-text table's query syntax."""

    lacks: str = ""
    """What it must not hold."""

    viewer: Viewer | None = None
    """Who asks; None is the command line, which sees all."""

    recording: str | None = None

    @property
    def unlimited(self) -> bool:
        return audience.sees_all(self.viewer) and replace(self, viewer=None) == Scope()

    @property
    def seen(self) -> Scope:
        """All that who asks may see: what a search may know of the collection."""
        return Scope(viewer=self.viewer)

    def eased(self, db: sqlite3.Connection) -> Scope:
        """The same without the viewer where nothing is hidden from them, which is quicker."""
        if self.viewer is not None and audience.hides_nothing(db, self.viewer):
            return replace(self, viewer=None)
        return self

    def holding(self, holds: str, lacks: str) -> Scope:
        return replace(self, holds=holds, lacks=lacks)

    def condition(self) -> tuple[str, list[str]]:
        """An SQL condition over ``chunks`` and ``recordings``, with its values."""
        of_recordings, values = self.of_recordings()
        parts = [] if of_recordings == "1" else [of_recordings]
        if self.language is not None:
            # As a hit shows it: captions name no language, their recording may.
            parts.append(
                "coalesce(chunks.language, recordings.spoken_language,"
                " nullif(recordings.language, 'auto')) = ?"
            )
            values.append(self.language)
        # The plus keeps SQLite from asking the full-text table once for every id.
        matching = "(SELECT rowid FROM chunk_words WHERE chunk_words MATCH ?)"
        if self.holds:
            parts.append(f"+chunks.id IN {matching}")
            values.append(f"words : ({self.holds})")
        if self.lacks:
            parts.append(f"+chunks.id NOT IN {matching}")
            values.append(f"words : ({self.lacks})")
        return " AND ".join(parts) or "1", [_storable(value) for value in values]

    def of_recordings(self) -> tuple[str, list[str]]:
        """The part of the condition that is about ``recordings`` alone, with its values."""
        allowed, values = audience.condition(self.viewer)
        parts = [] if allowed == "1" else [allowed]
        if self.recording is not None:
            parts.append("recordings.id = ?")
            values.append(self.recording)
        if self.collection is not None:
            parts.append("recordings.collection = ?")
            values.append(self.collection)
        if self.year is not None:
            parts.append("substr(recordings.recorded, 1, 4) = ?")
            values.append(self.year)
        if self.person is not None:
            parts.append(
                "EXISTS (SELECT 1 FROM people WHERE people.recording_id = recordings.id"
                " AND people.name LIKE ? ESCAPE '\\')"
            )
            escaped = self.person.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            values.append(f"%{escaped}%")
        return " AND ".join(parts) or "1", [_storable(value) for value in values]


def _storable(value: str) -> str:
    """No row holds what is no character, and SQLite takes none."""
    return _SURROGATE.sub("\ufffd", value)
