"""The boxes of ISO base media and QuickTime files, and whether a file's layout suits a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_MAX_BOXES = 4096

_DOCTYPE_WEBM = b"\x42\x82\x84webm"
"""The EBML element DocType with its length and what it says in WebM (RFC 8794, 11.2.7)."""

_EBML_HEAD = 4096


def is_streamable(file: BinaryIO, demuxer: str) -> bool:
    """Whether ``file`` is laid out so that a browser can begin to play and jump at once: of an MP4
    the index comes before the samples and is whole, of Matroska it is the part called WebM."""
    if demuxer == "mov":
        kinds = [kind for kind, _, _ in boxes(file, 0, file.seek(0, 2))]
        whole = b"moof" not in kinds and b"moov" in kinds and b"mdat" in kinds
        return whole and kinds.index(b"moov") < kinds.index(b"mdat")
    if demuxer == "matroska":
        file.seek(0)
        return _DOCTYPE_WEBM in file.read(_EBML_HEAD)
    return True


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type and content range of each box in ``start..end``; stops at the first absurd one."""
    position = start
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if position + 8 > end or len(header) < 8:
            return
        size, content = int.from_bytes(header[:4], "big"), 8
        if size == 1:
            size, content = int.from_bytes(header[8:16], "big"), 16
        elif size == 0:
            size = end - position
        if size < content or position + size > end:
            return
        yield header[4:8], position + content, position + size
        position += size
