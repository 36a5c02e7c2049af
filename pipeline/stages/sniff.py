"""Which demuxer a file needs, decided by its first bytes alone.

The name of a file says nothing, and the libraries' own guessing would also open playlists, scripts,
subtitles and pictures, some of which read other files or the network. So only containers that can
carry a recording are known here; whatever else comes is refused before any demuxer sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

HEAD_BYTES = 1 << 16
"""How much of the start is looked at; also how far a raw stream may begin after its tags."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"FLV\x01", "flv"),
    (0, b".snd", "au"),
    (0, b"caff", "caf"),
    (0, b"TTA1", "tta"),
    (0, b"wvpk", "wv"),
    (0, b"MAC ", "ape"),
    (0, b"MPCK", "mpc8"),
    (0, b"MP+", "mpc"),
    (0, b"DSD ", "dsf"),
    (0, b"#!AMR", "amr"),
    (0, b".RMF", "rm"),
    (0, b"\x02dss", "dss"),
    (0, b"\x03dss", "dss"),
    (0, b"Creative Voice File", "voc"),
    (0, b"NIST_1A", "nistsphere"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "mxf"),
    (0, b"\x7f\xfe\x80\x01", "dts"),
    (0, b"\x0b\x77", "ac3"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"\x1f\x07\x00", "dv"),
)
"""Offset, bytes, demuxer: the opening of each container, as its specification gives it."""

_CHUNKED: dict[tuple[bytes, bytes], str] = {
    (b"RIFF", b"WAVE"): "wav",
    (b"RIFX", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"BW64", b"WAVE"): "wav",
    (b"RIFF", b"AVI "): "avi",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}
"""Container and form type of the two EA-IFF descendants: bytes 0-4 and 8-12."""

_MP4_BOXES = frozenset(
    (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"sidx", b"moof")
)
"""Boxes an ISO base media or QuickTime file may begin with."""

_BITRATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""kbit/s by (MPEG version, layer), index 1 to 14; ISO 11172-3 and 13818-3."""

_Length = Callable[[bytes, int], int]
_RATES = (44_100, 48_000, 32_000)
_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_FRAMES_IN_A_ROW = 4
"""Chained frame headers that make a raw stream: sync words alone occur in any random file."""


def demuxer_of(file: BinaryIO) -> str | None:
    """FFmpeg's name of the demuxer for ``file``, or None for anything that is no recording."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if named := _by_magic(head):
        return named
    if _is_transport_stream(head):
        return "mpegts"
    after_tags = _skip_id3(file, head)
    if after_tags.startswith(b"fLaC"):
        return "flac"
    if after_tags.startswith(b"TTA1"):
        return "tta"
    return _raw_stream(after_tags)


def _by_magic(head: bytes) -> str | None:
    for offset, magic, demuxer in _MAGIC:
        if head.startswith(magic, offset):
            return demuxer
    if head[4:8] in _MP4_BOXES:
        return "mov"
    return _CHUNKED.get((head[:4], head[8:12]))


def _is_transport_stream(head: bytes) -> bool:
    """Five sync bytes at one of the three packet lengths of MPEG-TS (ISO 13818-1, M2TS, FEC)."""
    for length in (188, 192, 204):
        for start in range(min(length, max(0, len(head) - 4 * length))):
            if all(head[start + length * step] == 0x47 for step in range(5)):
                return True
    return False


def _skip_id3(file: BinaryIO, head: bytes) -> bytes:
    """What follows the ID3v2 tags at the start, at most ``HEAD_BYTES`` of it."""
    position = 0
    for _ in range(4):
        if head[:3] != b"ID3" or len(head) < 10:
            break
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        position += 10 + size + (10 if head[5] & 0x10 else 0)
        file.seek(position)
        head = file.read(HEAD_BYTES)
    return head


def _raw_stream(data: bytes) -> str | None:
    """``mp3`` or ``aac`` where frame headers follow one another, else None."""
    for match in _SYNC.finditer(data):
        for demuxer, length_of in (("mp3", _mpeg_frame), ("aac", _adts_frame)):
            if _chain(data, match.start(), length_of):
                return demuxer
    return None


def _chain(data: bytes, start: int, length_of: _Length) -> bool:
    """Whether frames follow one another from ``start``; at 0 a file of few whole frames will do."""
    position, frames = start, 0
    while frames < _FRAMES_IN_A_ROW:
        length = length_of(data, position)
        if not length:
            return start == 0 and frames > 0 and position >= len(data)
        position += length
        frames += 1
    return True


def _mpeg_frame(data: bytes, at: int) -> int:
    """Bytes of the MPEG audio frame whose header lies at ``at``, 0 for none."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return 0
    version_bits, layer_bits = data[at + 1] >> 3 & 3, data[at + 1] >> 1 & 3
    bitrate_index, rate_index = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version_bits == 1 or layer_bits == 0 or rate_index == 3 or bitrate_index in (0, 15):
        return 0
    layer, version = 4 - layer_bits, 1 if version_bits == 3 else 2
    rate = _RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version_bits]
    bits = _BITRATES[version, layer][bitrate_index - 1] * 1000
    padding = data[at + 2] >> 1 & 1
    if layer == 1:
        return (12 * bits // rate + padding) * 4
    samples_in_bytes = 72 if layer == 3 and version == 2 else 144
    return samples_in_bytes * bits // rate + padding


def _adts_frame(data: bytes, at: int) -> int:
    """Bytes of the ADTS frame whose header lies at ``at``, 0 for none (ISO 13818-7)."""
    if at + 7 > len(data) or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        return 0
    if data[at + 2] >> 2 & 15 > 12:
        return 0
    length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return length if length >= 7 else 0
