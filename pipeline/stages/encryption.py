"""Whether a file's audio is encrypted: decoded without its key it would be noise, not speech.

Neither FFmpeg's command nor PyAV tells; both take the encrypted samples for plain ones. So the
two containers that streaming services use are looked into here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.stages.boxes import boxes

_ENCRYPTED_AUDIO = frozenset((b"enca", b"drms"))
"""Sample entries of protected audio: ISO 14496-12 (8.12) and iTunes' older own."""

_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_MATROSKA_ENCRYPTION = re.compile(rb"\x6d\x80.{1,8}?\x62\x40.{1,40}?\x50\x35", re.DOTALL)
"""ContentEncodings > ContentEncoding > ContentEncryption (RFC 9559), close behind one another."""

_TRACKS = b"\x16\x54\xae\x6b"
_MATROSKA_HEAD = 1 << 20


def audio_is_encrypted(file: BinaryIO, demuxer: str) -> bool:
    """Whether ``file``, read by ``demuxer``, carries audio under digital rights management."""
    if demuxer == "mov":
        size = file.seek(0, 2)
        return any(entry in _ENCRYPTED_AUDIO for entry in _sample_entries(file, 0, size, 0))
    if demuxer == "matroska":
        file.seek(0)
        _, found, tracks = file.read(_MATROSKA_HEAD).partition(_TRACKS)
        return bool(found and _MATROSKA_ENCRYPTION.search(tracks))
    return False


def _sample_entries(file: BinaryIO, start: int, end: int, depth: int) -> Iterator[bytes]:
    """The types of all sample entries below ``start..end``, walking down ``_PATH``."""
    for kind, begin, stop in boxes(file, start, end):
        if depth == len(_PATH):
            yield kind
        elif kind == _PATH[depth]:
            # stsd is a full box: version, flags and a count stand before its entries.
            inner = begin + 8 if kind == b"stsd" else begin
            yield from _sample_entries(file, inner, stop, depth + 1)
