"""What a media file is and holds, as its headers claim. Only a child process opens it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pipeline
from pipeline.errors import BadInput, MediaError
from pipeline.stages.ffmpeg import Limits, bare_environment, limited
from pipeline.values import AudioTrack, MediaInfo, VideoTrack

CHILD = "pipeline.stages.probe_child"
LIMITS = Limits(cpu_s=30)
TIMEOUT_S = 60.0
BYTES_PER_SECOND = 16
"""No recording takes less: a header that claims more time than this allows is not believed."""


def probe(path: Path) -> MediaInfo:
    """What ``path`` is and holds. Raises MediaError (``media.*``) for what cannot be opened.

    Opens the file in a child process of its own, under limits of time, processor and memory.
    """
    size = _size_of_regular_file(path)
    said = _ask_child(path)
    if "error" in said:
        raise MediaError(
            f"media.{said['error']}", path=shown(path), detail=str(said.get("detail", ""))
        )
    return _media_info(said, size)


def choose_track(info: MediaInfo, track: int | None) -> AudioTrack:
    """The audio track numbered ``track``, by default the first.

    Raises MediaError (``media.no_audio``), or BadInput (``media.no_such_track``).
    """
    if not info.tracks:
        raise MediaError("media.no_audio")
    if track is None:
        return info.tracks[0]
    for candidate in info.tracks:
        if candidate.number == track:
            return candidate
    numbers = ", ".join(str(candidate.number) for candidate in info.tracks)
    raise BadInput("media.no_such_track", track=track, numbers=numbers)


def duration_ms(info: MediaInfo, decoded_ms: int) -> int:
    """How long the recording is, as a player shows it.

    With pictures it may go on after its sound, so the longer counts of what the container claims
    and what decoded; without pictures only what decoded does.
    """
    if info.has_video and info.duration_ms is not None:
        return max(info.duration_ms, decoded_ms)
    return decoded_ms


def shown(path: Path) -> str:
    """``path`` as text for people and JSON, also where its name is no valid UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _size_of_regular_file(path: Path) -> int:
    """Bytes of ``path``. Only a file with content is let through: a pipe would block for ever."""
    try:
        status = path.stat()
        readable = os.access(path, os.R_OK)
    except (OSError, ValueError) as error:
        raise MediaError("media.unreadable", path=shown(path)) from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("media.not_a_file", path=shown(path))
    if not readable:
        raise MediaError("media.unreadable", path=shown(path))
    if status.st_size == 0:
        raise MediaError("media.empty", path=shown(path))
    return status.st_size


def _ask_child(path: Path) -> dict[str, Any]:
    root = str(Path(pipeline.__file__).parents[1])
    command = limited((sys.executable, "-P", "-m", CHILD, str(path.absolute())), LIMITS)
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**bare_environment(), "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8"},
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError("media.too_demanding", path=shown(path)) from error
    try:
        said: dict[str, Any] = json.loads(child.stdout)
    except ValueError as error:
        raise MediaError("media.too_demanding", path=shown(path)) from error
    return said


def _media_info(said: dict[str, Any], size: int) -> MediaInfo:
    tracks = (AudioTrack(**track) for track in said["tracks"])
    claimed = said["duration_us"]
    believable = claimed is not None and 0 < claimed <= size / BYTES_PER_SECOND * 1_000_000
    return MediaInfo(
        container=said["container"],
        duration_ms=round(claimed / 1000) if believable else None,
        start_ms=round(said["start_us"] / 1000),
        # What has neither rate nor channels was taken for a track by chance.
        tracks=tuple(track for track in tracks if track.sample_rate and track.channels),
        has_video=said["has_video"],
        title=said["title"],
        video=VideoTrack(**said["video"]) if said["video"] else None,
        streamable=said["streamable"],
    )
