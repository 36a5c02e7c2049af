"""What is played of a recording, and pictures of it: never anything that is withheld now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from sqlite3 import Connection
from typing import Literal

from pipeline.catalog import renditions
from pipeline.catalog.renditions import Made
from pipeline.errors import InterviewsError
from pipeline.home import Home
from pipeline.run import reading, shelf
from pipeline.run.safekeeping import still_there
from pipeline.run.shown import shows
from pipeline.settings import Settings
from pipeline.stages import probe, rendition
from pipeline.stages.rendering import FRAMES
from pipeline.stages.rendition import EVERY_MS
from pipeline.values import Media, MediaInfo, Recording

Reason = Literal["no_media", "withheld", "gone", "waiting", "failed"]


@dataclass(frozen=True, slots=True)
class Playable:
    """A file that a browser may be given, whole or in byte ranges."""

    path: Path
    media_type: str
    has_video: bool


@dataclass(frozen=True, slots=True)
class Unplayable:
    """Why there is nothing to play; ``playing.<reason>`` of the message catalogue says it."""

    reason: Reason

    @property
    def key(self) -> str:
        return f"playing.{self.reason}"


def playable(
    home: Home, db: Connection, recording: Recording, settings: Settings
) -> Playable | Unplayable:
    """What is played of a recording: its rendition where there is a current one; else the original
    where browsers play it, nothing is withheld and the file is as it was added."""
    media = recording.media
    if media is None:
        return Unplayable("no_media")
    ours = settings.rendition == "on"
    withheld = reading.reaches(db, recording.id)
    made = _current(db, recording)
    if ours and made and made.file:
        file = shelf.place(home, recording.id, made.folder) / made.file
        if file.is_file():
            return Playable(file, made.media_type, made.has_video)
    if withheld:
        failed = made is not None and made.kind == "nothing"
        return Unplayable("failed" if ours and failed else "withheld")
    if not still_there(media):
        return Unplayable("gone")
    if made and made.kind == "original":
        return Playable(Path(media.path), made.media_type, made.has_video)
    return _original(media, made, ours=ours)


def _original(media: Media, made: Made | None, *, ours: bool) -> Playable | Unplayable:
    """The file itself where browsers play it; without renditions of ours in any case."""
    failed = Unplayable("failed")
    try:
        info = _info(Path(media.path), media.size, media.mtime_ns)
        decision = rendition.how(info, media.track, withheld=False)
    except InterviewsError:
        return failed
    if ours and decision.kind != "original":
        return failed if made and made.kind == "nothing" else Unplayable("waiting")
    return Playable(Path(media.path), rendition.original_type(info), info.has_video)


@lru_cache(maxsize=256)
def _info(path: Path, size: int, mtime_ns: int) -> MediaInfo:  # noqa: ARG001
    """What a file is; looked at once, as long as it stays the same."""
    return probe.probe(path)


def frame(home: Home, db: Connection, recording: Recording, at_ms: int) -> Path | None:
    """A picture of a recording at about that time, a JPEG; None where there is none."""
    made = _current(db, recording)
    if made is None or not made.frames:
        return None
    number = min(max(at_ms, 0) // EVERY_MS, made.frames - 1)
    path = shelf.place(home, recording.id, made.folder) / FRAMES / f"{number:06}.jpg"
    return path if path.is_file() else None


def _current(db: Connection, recording: Recording) -> Made | None:
    """What was made of a recording, unless something else is withheld by now."""
    found = renditions.get(db, recording.id)
    if found is None or recording.media is None:
        return None
    result, made = found
    withheld = reading.reaches(db, recording.id)
    shown = shows(recording.id, recording.media.track, withheld)
    return made if result.digest == shown else None
