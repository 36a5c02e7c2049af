"""The process in which a foreign media file is opened by PyAV: ``probe`` starts it under limits.

Takes a path, prints one line of JSON: what the file is, or ``{"error": key, "detail": …}``. It
hands PyAV an open file and forbids every protocol, so that nothing in the file can name another.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from pipeline.stages.boxes import is_streamable
from pipeline.stages.encryption import audio_is_encrypted
from pipeline.stages.sniff import demuxer_of

_MAX_TRACKS = 64
_MAX_TEXT = 200
_PROBE_BYTES = "20000000"
"""Tracks may begin late in a transport stream: look further than FFmpeg's 5 MB."""


_INTERLACED = frozenset((2, 3, 4, 5))
_HDR = {16: "smpte2084", 18: "arib-std-b67"}
"""AVFieldOrder and AVColorTransferCharacteristic, as FFmpeg's headers number them."""


def describe(file: BinaryIO) -> dict[str, Any]:
    """The JSON object for an open file."""
    demuxer = demuxer_of(file)
    if demuxer is None:
        return {"error": "not_media"}
    if audio_is_encrypted(file, demuxer):
        return {"error": "encrypted"}
    streamable = is_streamable(file, demuxer)
    file.seek(0)
    options = {
        "protocol_whitelist": "",
        "format_whitelist": demuxer,
        "probesize": _PROBE_BYTES,
        "analyzeduration": _PROBE_BYTES,
    }
    try:
        with av.open(
            file, mode="r", format=demuxer, options=options, metadata_errors="replace"
        ) as container:
            return {"container": demuxer, "streamable": streamable, **_facts(container)}
    except (av.FFmpegError, MemoryError, ValueError) as error:
        return {"error": "damaged", "detail": str(getattr(error, "strerror", error))[:_MAX_TEXT]}


def _facts(container: InputContainer) -> dict[str, Any]:
    start_us = container.start_time or 0
    pictures = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    return {
        "duration_us": container.duration,
        "start_us": start_us,
        "title": _text(container.metadata, "title"),
        "has_video": bool(pictures),
        "video": _video(pictures[0], start_us) if pictures else None,
        "tracks": [
            _track(number, stream, start_us)
            for number, stream in enumerate(container.streams.audio[:_MAX_TRACKS], start=1)
        ],
    }


def _video(stream: VideoStream, start_us: int) -> dict[str, Any] | None:
    """The picture's facts; None where nothing here can decode it."""
    if not stream.codec_context:
        return None
    rate = stream.average_rate or stream.guessed_rate
    return {
        "codec": stream.codec_context.codec.canonical_name,
        "pixel_format": stream.codec_context.pix_fmt,
        "width": stream.width,
        "height": stream.height,
        "rate": float(rate) if rate else None,
        "start_ms": _start_ms(stream, start_us),
        "interlaced": getattr(stream.codec_context, "field_order", 0) in _INTERLACED,
        "hdr": _HDR.get(stream.codec_context.color_trc),
    }


def _start_ms(stream: Stream, start_us: int) -> int:
    """When a track begins, counted from the container's own start."""
    if stream.start_time is None or stream.time_base is None:
        return 0
    return round(stream.start_time * stream.time_base * 1000 - start_us / 1000)


def _track(number: int, stream: AudioStream, start_us: int) -> dict[str, Any]:
    known = stream.codec_context
    return {
        "number": number,
        "codec": known.codec.canonical_name if known else "unknown",
        "channels": stream.channels or 0,
        "sample_rate": stream.sample_rate or 0,
        "language": _language(stream),
        "title": _text(stream.metadata, "title"),
        "default": bool(stream.disposition & Disposition.default),
        "start_ms": _start_ms(stream, start_us),
    }


def _language(stream: Stream) -> str | None:
    written = _text(stream.metadata, "language")
    return None if written in (None, "und") else written


def _text(metadata: dict[str, str], key: str) -> str | None:
    written = "".join(filter(str.isprintable, metadata.get(key, ""))).strip()
    return written[:_MAX_TEXT] or None


def main() -> None:
    """Describe the file named by the only argument."""
    with Path(sys.argv[1]).open("rb") as file:
        json.dump(describe(file), sys.stdout)


if __name__ == "__main__":
    main()
