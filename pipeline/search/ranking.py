"""Which of the passages in the running are shown, and in what order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.catalog.chunks import StoredChunk
from pipeline.search.reading import Reading
from pipeline.values import Recording

EACH = 3
"""Hits that one recording may have while others still have any: a page of ten then shows at least
four recordings."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage in the running, read against the query."""

    stored: StoredChunk
    recording: Recording
    reading: Reading
    score: float

    def overlaps(self, other: Candidate) -> bool:
        mine, theirs = self.stored.chunk, other.stored.chunk
        return (
            self.stored.recording_id == other.stored.recording_id
            and mine.start_ms < theirs.end_ms
            and theirs.start_ms < mine.end_ms
        )

    @property
    def place(self) -> tuple[float, str, int]:
        """Where it stands among others: by its score, equal ones always in the same order."""
        return -self.score, self.stored.recording_id, self.stored.chunk.start_ms


def chosen(candidates: Iterable[Candidate], limit: int, each: int | None = EACH) -> list[Candidate]:
    """The best ``limit``: of those that overlap in time the better stays; of one recording at most
    ``each`` come before what others have to offer, and the rest after it. None: as many as it
    may."""
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda one: one.place):
        if not any(one.overlaps(other) for other in kept):
            kept.append(one)
    if each is None:
        return kept[:limit]
    first: list[Candidate] = []
    later: list[Candidate] = []
    seen: Counter[str] = Counter()
    for one in kept:
        seen[one.stored.recording_id] += 1
        (first if seen[one.stored.recording_id] <= each else later).append(one)
    return [*first, *later][:limit]
