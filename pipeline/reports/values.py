"""What a night did, as plain values: the source of its text, its page and its JSON.

Times of day are Unix milliseconds, lengths milliseconds, sizes bytes. Every entry about a recording
carries the recording's id, so that a removal reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.values import Failure


@dataclass(frozen=True, slots=True)
class Taken:
    """A file of the inbox that became a recording (or was known)."""

    recording_id: str
    title: str
    path: str
    known: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A file of the inbox that could not be taken, or only partly, and why."""

    path: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Done:
    """A recording that was worked on to its end. ``new``: it had no transcript before."""

    recording_id: str
    title: str
    new: bool
    stages: tuple[str, ...]
    took_ms: int
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A recording that did not get done, or only as far as its file could be read."""

    recording_id: str
    title: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Retold:
    """A transcript that reads otherwise than before, word by word; ``commonest`` are the most
    frequent substitutions as (before, after, how often)."""

    recording_id: str
    title: str
    words: int
    replaced: int
    inserted: int
    deleted: int
    commonest: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class ToReview:
    """How many corrections of a recording lie over machine text that changed."""

    recording_id: str
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """A recording whose time is up on ``day`` (ISO date); ``removed``: it went this night."""

    recording_id: str
    title: str
    day: str
    removed: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What came of publishing: nDCG@10 of the gold questions before and after, where asked.

    ``reason`` is a key of the message catalogue (``report.publish.…``)."""

    generation: int | None
    flipped: bool
    questions: int
    before: float | None
    after: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes: what is ``free`` on the home's disk, and what the parts of the home take.
    ``renditions`` is None in reports of a time when they were not counted."""

    free: int
    catalogue: int
    index: int
    media: int
    backups: int
    renditions: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is left for the next night: recordings, their audio, the expected time (None: no
    experience yet)."""

    recordings: int
    audio_ms: int
    expected_ms: int | None


@dataclass(frozen=True, slots=True)
class Night:
    """One run of ``nightly``. ``troubles`` are steps that could not be done, by name of the step
    (``inbox``, ``run``, ``publish``, ``check``, ``backup``, ``retention``); ``demonstration`` the
    bundled models that were at work."""

    started_ms: int
    ended_ms: int
    until: str | None
    stopped: bool
    demonstration: tuple[str, ...] = ()
    taken: tuple[Taken, ...] = ()
    waiting: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    done: tuple[Done, ...] = ()
    failed: tuple[Failed, ...] = ()
    partial: tuple[Failed, ...] = ()
    retold: tuple[Retold, ...] = ()
    to_review: tuple[ToReview, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    published: Published | None = None
    index_sound: bool | None = None
    backup: str | None = None
    space: Space | None = None
    forecast: Forecast | None = None
    troubles: tuple[tuple[str, Failure], ...] = ()

    @property
    def slowest(self) -> tuple[Done, ...]:
        """The five recordings that took longest."""
        return tuple(sorted(self.done, key=lambda one: -one.took_ms)[:5])
