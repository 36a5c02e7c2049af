"""From a media file to windows of audio: 16 kHz, mono, in time with what a player shows.

FFmpeg decodes, we mix, cut and level while its output comes in, so that memory holds one window
however long the recording is. The same file always gives the same windows.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import ffmpeg
import numpy as np

from pipeline.errors import MediaError
from pipeline.stages.ffmpeg import Limits, Stream, file_url, input_options
from pipeline.stages.mixing import BLOCK, Mixer, levelled, on_grid
from pipeline.stages.probe import choose_track, shown
from pipeline.stages.silence import SAMPLES_PER_MS, cut
from pipeline.values import SAMPLE_RATE, Audio, Failure, MediaInfo, Window

_AU_HEADER = struct.Struct(">4s5I")
"""Magic, offset of the data, size, encoding, rate, channels (Sun's .au): tells what really came."""
_FLOAT32 = 6

_ALIGN = "aresample=async=1:first_pts=0"
"""Silence where the audio begins later than the file or has a hole, so that times stay true."""

_INPUT = "input"
"""Stands for the file until the list is made: ffmpeg-python takes no name that is not UTF-8."""

_SLOWEST = 20
"""Decoding that takes more than 1/20 of the time it plays is ended."""


class AudioStream:
    """Windows of one audio track, in order, each decoded when it is asked for.

    Iterate over it once, as a context manager or to the end; leaving it ends FFmpeg.
    ``decoded_ms`` grows as windows come and is the track's whole length at the end. ``warning`` is
    set at the end where the file was damaged and only a part, which was yielded, decoded.
    """

    def __init__(self, source: _Source, window_ms: int, first: int) -> None:
        self._source = source
        self._blocks = source.blocks()
        self._windows = enumerate(cut(self._blocks, window_ms))
        self._first = first
        self.decoded_ms = 0

    @property
    def warning(self) -> Failure | None:
        return self._source.warning

    def __iter__(self) -> Iterator[Window]:
        return self

    def __next__(self) -> Window:
        for number, (start_ms, audio, last) in self._windows:
            end_ms = start_ms + -(-len(audio) // SAMPLES_PER_MS)
            self.decoded_ms = end_ms
            if number >= self._first:
                return Window(number, start_ms, end_ms, on_grid(levelled(audio)), last)
        raise StopIteration

    def close(self) -> None:
        """End FFmpeg. No window comes after it."""
        self._windows = enumerate(())
        self._blocks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def windows(
    path: Path,
    info: MediaInfo,
    track: int | None,
    *,
    window_ms: int,
    limit_ms: int,
    first: int = 0,
) -> AudioStream:
    """Windows of at most about ``window_ms`` of the audio track ``track`` (None: the first).

    ``first`` leaves out the windows before that number: a run that was interrupted goes on with
    the very same cuts. Raises MediaError and BadInput as ``choose_track`` does, and while
    iterating MediaError: ``media.no_samples`` where nothing decodes, ``media.too_long`` beyond
    ``limit_ms``, ``media.too_demanding`` where FFmpeg hung before anything came.
    """
    number = choose_track(info, track).number
    source = _Source(path, _arguments(path, info.container, number), limit_ms)
    return AudioStream(source, window_ms, first)


def _arguments(path: Path, demuxer: str, track: int) -> list[str]:
    """FFmpeg's argument list: one audio track, all its channels, as float32 .au on its output."""
    opened = ffmpeg.input(_INPUT, **input_options(demuxer), threads=1)
    decoded = ffmpeg.output(
        opened[f"a:{track - 1}"],
        "pipe:1",
        format="au",
        acodec="pcm_f32be",
        ar=SAMPLE_RATE,
        af=_ALIGN,
        vn=None,
        sn=None,
        dn=None,
        map_metadata=-1,
        loglevel="error",
    )
    arguments: list[str] = ffmpeg.compile(decoded)[1:]
    return [file_url(path) if argument == _INPUT else argument for argument in arguments]


class _Source:
    """One run of FFmpeg as blocks of mono audio."""

    def __init__(self, path: Path, arguments: list[str], limit_ms: int) -> None:
        self._path = path
        self._arguments = arguments
        self._limit_ms = limit_ms
        self._limits = Limits(cpu_s=120 + limit_ms // 1000 // _SLOWEST)
        self.warning: Failure | None = None

    def blocks(self) -> Generator[Audio, None, None]:
        """Mono float32 blocks of a second, the last one shorter."""
        samples = 0
        with Stream(self._arguments, self._limits) as stream:
            mixer, channels = Mixer(), _channels(stream)
            while channels and len(pcm := stream.read(BLOCK * channels * 4)) >= channels * 4:
                block = mixer.mix(_samples(pcm, channels))
                samples += len(block)
                if samples > self._limit_ms * SAMPLES_PER_MS:
                    hours = round(self._limit_ms / 3_600_000, 1)
                    raise MediaError("media.too_long", path=shown(self._path), hours=hours)
                yield block
            self._judge(stream, samples)

    def _judge(self, stream: Stream, samples: int) -> None:
        """After the last block: was it all, a part, or nothing?"""
        status = stream.finish()
        detail = stream.complaint()
        if not samples:
            ended = stream.stalled or status < 0
            kind = "media.too_demanding" if ended else "media.no_samples"
            raise MediaError(kind, path=shown(self._path), detail=detail)
        if status or detail or stream.stalled:
            decoded_s = round(samples / SAMPLE_RATE, 1)
            self.warning = MediaError(
                "media.partly_damaged",
                path=shown(self._path),
                detail=detail or "–",
                seconds=decoded_s,
            ).failure()


def _channels(stream: Stream) -> int:
    """Channels of the output, from its .au header; 0 where none came."""
    header = stream.read(_AU_HEADER.size)
    if len(header) < _AU_HEADER.size:
        return 0
    magic, offset, _, encoding, rate, channels = _AU_HEADER.unpack(header)
    assert (magic, encoding, rate) == (b".snd", _FLOAT32, SAMPLE_RATE), "not what was asked for"
    stream.read(offset - _AU_HEADER.size)
    return int(channels)


def _samples(pcm: bytes, channels: int) -> Audio:
    """Float32 [n, channels] of big-endian bytes; what is no number becomes silence."""
    whole = len(pcm) // (4 * channels) * channels
    block = np.frombuffer(pcm, ">f4", whole).astype(np.float32).reshape(-1, channels)
    # Files of floats may hold anything; squares of 1e6 still fit a float32.
    return np.clip(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0), -1e6, 1e6)
