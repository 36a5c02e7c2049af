"""Found moments, recording by recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.values import Hit, Recording
from pipeline.web.excerpts import Excerpt, excerpt


@dataclass(frozen=True, slots=True)
class Moment:
    """A hit as a page shows it. ``place`` is where it lies in its recording, from 0 to 1."""

    hit: Hit
    excerpt: Excerpt
    place: float


@dataclass(frozen=True, slots=True)
class Found:
    """A recording with its moments, the best first."""

    recording: Recording
    moments: Sequence[Moment]

    @property
    def first(self) -> Moment:
        return self.moments[0]

    @property
    def in_time(self) -> list[Moment]:
        return sorted(self.moments, key=lambda one: one.hit.jump_ms)


def by_recording(hits: Sequence[Hit]) -> list[Found]:
    """The recordings in the order of their best hits, each with all of its own."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.recording.id, []).append(hit)
    return [Found(own[0].recording, [_moment(hit) for hit in own]) for own in groups.values()]


def _moment(hit: Hit) -> Moment:
    length = hit.recording.duration_ms or hit.end_ms or 1
    return Moment(hit, excerpt(hit), min(hit.jump_ms / length, 1.0))
