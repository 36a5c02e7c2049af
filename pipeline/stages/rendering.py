"""FFmpeg makes what a browser plays, and pictures of it, in one pass over a file.

Time 0 is what a player shows as the start of the original. What is withheld is silent and black:
each frame of sound or picture that touches such a stretch, before anything is encoded.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline.errors import MediaError
from pipeline.stages.ffmpeg import Limits, Stream, file_url, filters, input_options
from pipeline.stages.probe import shown
from pipeline.stages.rendition import EVERY_MS, Decision, even_rate
from pipeline.values import MediaInfo, Span

FRAMES = "frames"
"""The folder of pictures: 000000.jpg, 000001.jpg …, one for each ``EVERY_MS``."""

_INPUT = "input"
"""Stands for the file until the list is made: ffmpeg-python takes no name that is not UTF-8."""

_RATE = 48_000
_BLOCK = 480
"""Samples a second and samples that are muted together: 10 ms."""

_FRAME_PIXELS = 320
_VIDEO_BITS, _AUDIO_BITS = 4_000_000, 128_000
"""Bits per second: of the picture the most, of the sound what is aimed at."""

_TYPICAL_BITS = 1_500_000
_POLL_S = 0.5
_STALL_S = 900.0
"""Moving the index of a large file to its front takes minutes without a sign of progress."""

_TIME = re.compile(rb"^out_time_us=(-?\d+)", re.M)
_TAIL = 4096


def name_of(decision: Decision) -> str:
    """What the file to be played is called."""
    return "play.mp4" if decision.picture else "play.m4a"


def expected_bytes(decision: Decision, size: int, duration_ms: int) -> int:
    """About how much room the outcome takes, of a source of ``size`` bytes."""
    if decision.kind == "original":
        return 1 << 20
    if decision.kind == "copied":
        return size
    bits = _TYPICAL_BITS if decision.picture else _AUDIO_BITS
    return bits // 8 * duration_ms // 1000


def limits(size: int, duration_ms: int) -> Limits:
    """What the work on a source of ``size`` bytes may use."""
    seconds = duration_ms // 1000 + 60
    most = max(size, (_VIDEO_BITS + 2 * _AUDIO_BITS) // 8 * seconds)
    return Limits(
        cpu_s=600 + 20 * seconds,
        memory_bytes=6 << 30,
        file_bytes=most + most // 4 + (64 << 20),
        stall_s=_STALL_S,
    )


def arguments(
    path: Path,
    info: MediaInfo,
    decision: Decision,
    withheld: Sequence[Span],
    *,
    height: int,
    threads: int,
) -> list[str]:
    """FFmpeg's argument list; empty where there is nothing to be made. It writes to the folder it
    runs in, which needs one called ``FRAMES`` where there is a picture."""
    only_frames = decision.kind == "original"
    # Frames that no other is made from need not be decoded for a picture every few seconds.
    only_looked_at = decision.picture and (only_frames or decision.copy_video)
    skip = {"skip_frame:v": "noref"} if only_looked_at else {}
    opened = ffmpeg.input(_INPUT, **input_options(info.container), **skip, threads=threads)
    outputs = []
    picture = None
    if decision.picture:
        picture = opened["V:0"]
        if not only_frames and not decision.copy_video:
            made = _picture(picture, decision, withheld, height).split()
            picture, frames = made[0], made[1]
        else:
            frames = picture
        outputs.append(_frames(frames))
    if not only_frames:
        outputs.insert(0, _play(opened, picture, decision, withheld, threads))
    if not outputs:
        return []
    listed: list[str] = ffmpeg.compile(ffmpeg.merge_outputs(*outputs))[1:]
    said = ["-loglevel", "error", "-progress", "pipe:1", "-nostats", "-max_error_rate", "1"]
    return said + [file_url(path) if one == _INPUT else one for one in listed]


def _play(
    opened: Any, picture: Any, decision: Decision, withheld: Sequence[Span], threads: int
) -> Any:
    sound = opened[f"a:{decision.track.number - 1}"]
    streams = [picture] if picture is not None else []
    options: dict[str, Any] = {}
    if decision.copy_audio:
        options["c:a"] = "copy"
    else:
        sound = _sound(sound, withheld)
        options |= {"c:a": "aac", "b:a": _AUDIO_BITS, "ac": min(decision.track.channels, 2)}
    if decision.copy_video:
        options["c:v"] = "copy"
    elif picture is not None:
        options |= {
            "c:v": "libx264",
            "profile:v": "high",
            "preset": "veryfast",
            "crf": 23,
            "maxrate": _VIDEO_BITS,
            "bufsize": 2 * _VIDEO_BITS,
            "force_key_frames": "expr:gte(t,n_forced*2)",
            "threads:v": threads,
        }
    return ffmpeg.output(
        *streams,
        sound,
        f"file:{name_of(decision)}",
        format="mp4",
        movflags="+faststart",
        map_metadata=-1,
        map_chapters=-1,
        sn=None,
        dn=None,
        **options,
    )


def _sound(sound: Any, withheld: Sequence[Span]) -> Any:
    # Silence where the sound begins late or has a hole, as when it was recognised.
    made = sound.filter("aresample", _RATE, **{"async": 1, "first_pts": 0})
    if not withheld:
        return made
    made = made.filter("asetnsamples", n=_BLOCK, p=0)
    return made.filter("volume", 0, enable=_within(withheld, before_ms=1000 * _BLOCK / _RATE))


def _picture(picture: Any, decision: Decision, withheld: Sequence[Span], height: int) -> Any:
    """The picture at a steady rate from time 0, of square pixels, no larger than asked for."""
    assert decision.picture is not None
    rate = even_rate(decision.picture.rate)
    share = f"min(1,min({height * 16}/9/(iw*sar),{height}/ih))"
    if decision.deinterlaces:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    made = picture.filter("fps", f"{rate:.6f}", start_time=0).filter(
        "scale", f"max(2,trunc(iw*sar*{share}/2)*2)", f"max(2,trunc(ih*{share}/2)*2)"
    )
    made = _toned(made, decision.tones_from).filter("setsar", 1).filter("format", "yuv420p")
    if not withheld:
        return made
    # A frame stands for half a frame before and after its own time; one that was two moments has
    # something of its neighbours, too.
    span_ms = 1000 / rate
    beside_ms = span_ms if decision.deinterlaces else 0.0
    hidden = _within(withheld, before_ms=1.5 * span_ms + beside_ms, after_ms=span_ms + beside_ms)
    return made.filter("drawbox", 0, 0, "iw", "ih", "black", "fill", enable=hidden)


def _toned(picture: Any, tones_from: str | None) -> Any:
    """The picture in the brightness and colours of an ordinary screen, where FFmpeg has what that
    takes; without it, it is shown pale."""
    if tones_from is None or not filters() >= {"zscale", "tonemap"}:
        return picture
    return (
        picture.filter("zscale", tin=tones_from, min="bt2020nc", pin="bt2020", t="linear", npl=100)
        .filter("format", "gbrpf32le")
        .filter("zscale", p="bt709")
        .filter("tonemap", "hable", desat=0)
        .filter("zscale", t="bt709", m="bt709", r="tv")
    )


def _frames(picture: Any) -> Any:
    size = _FRAME_PIXELS
    made = (
        picture.filter("fps", f"1000/{EVERY_MS}", start_time=0, round="up")
        .filter("scale", size, size, force_original_aspect_ratio="decrease", out_range="full")
        .filter("setsar", 1)
        .filter("format", "yuvj420p")
    )
    return ffmpeg.output(
        made,
        f"file:{FRAMES}/%06d.jpg",
        format="image2",
        start_number=0,
        map_metadata=-1,
        **{"c:v": "mjpeg", "q:v": 5, "threads:v": 1},
    )


def _within(withheld: Sequence[Span], *, before_ms: float, after_ms: float = 0.0) -> str:
    """Whether a frame's time lies in a stretch, or so near that the frame may touch it."""
    return "+".join(
        f"gt(t,{(one.start_ms - before_ms) / 1000:.6f})*lt(t,{(one.end_ms + after_ms) / 1000:.6f})"
        for one in withheld
    )


def render(
    path: Path, listed: Sequence[str], folder: Path, bounds: Limits
) -> Generator[int, None, None]:
    """Run FFmpeg in ``folder``: again and again how many milliseconds are made. Whoever stops
    listening ends it.

    Raises MediaError (``rendition.failed``, with FFmpeg's complaint), and OSError where it found no
    room on the disk.
    """
    reached_ms, moved = 0, time.monotonic()
    with Stream(listed, bounds, folder) as stream:
        tail = b""
        while (piece := stream.some(_POLL_S)) != b"":
            tail = (tail + (piece or b""))[-_TAIL:]
            told = _TIME.findall(tail)
            now_ms = max(reached_ms, int(told[-1]) // 1000) if told else reached_ms
            if now_ms > reached_ms:
                reached_ms, moved = now_ms, time.monotonic()
            elif time.monotonic() - moved > bounds.stall_s:
                raise MediaError("rendition.failed", path=shown(path), detail="–")
            yield reached_ms
        if stream.finish():
            stream.check_room()
            detail = stream.complaint() or "–"
            raise MediaError("rendition.failed", path=shown(path), detail=detail)
