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
        """Whether two passages of one recording share any time."""
        mine, theirs = self.stored.chunk, other.stored.chunk
        return mine.start_ms < theirs.end_ms and theirs.start_ms < mine.end_ms

    @property
    def place(self) -> tuple[float, str, int]:
        """Where it stands among others: by its score, equal ones always in the same order."""
        return -self.score, self.stored.recording_id, self.stored.chunk.start_ms


def apart(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first; of those that overlap in time the better stays."""
    kept: list[Candidate] = []
    of_recording: dict[str, list[Candidate]] = {}
    for one in sorted(candidates, key=lambda one: one.place):
        beside = of_recording.setdefault(one.stored.recording_id, [])
        if not any(one.overlaps(other) for other in beside):
            beside.append(one)
            kept.append(one)
    return kept


def spread(candidates: Iterable[Candidate], each: int | None = EACH) -> list[Candidate]:
    """In order, but of one recording at most ``each`` before what others have to offer, and the
    rest after it. None: as many as it may."""
    first: list[Candidate] = []
    later: list[Candidate] = []
    seen: Counter[str] = Counter()
    for one in candidates:
        seen[one.stored.recording_id] += 1
        fits = each is None or seen[one.stored.recording_id] <= each
        (first if fits else later).append(one)
    return [*first, *later]
