"""A finished model folder takes its place by being renamed: it is there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What the operating system says where a disk, or what one may use of it, is full."""

SPARE_BYTES = 64 << 20
"""Left free beside a model, for what else is written meanwhile."""


def place(finished: Path, target: Path) -> None:
    """Move a folder to ``target``; a former one is moved away first and dropped after.

    Raises OSError; the former one is back in its place then.
    """
    for path in (*finished.rglob("*"), finished):
        sync(path)
    recover(target)
    former = _former(target)
    drop(former)
    if os.path.lexists(target):
        target.rename(former)
    try:
        finished.rename(target)
    except OSError:
        with suppress(OSError):  # what remains is for ``recover``
            recover(target)
        raise
    sync(target.parent)
    drop(former)


def recover(target: Path) -> bool:
    """Whether a former folder was put back that a process left aside when it was killed."""
    former = _former(target)
    if os.path.lexists(target) or not os.path.lexists(former):
        return False
    former.rename(target)
    return True


def _former(target: Path) -> Path:
    return target.with_name(f".former-{target.name}")


def drop(folder: Path) -> None:
    """Delete a folder, or a link to one; what cannot be deleted stays."""
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the operating system write down what it holds back of a file or folder."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders, and has no need to
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def megabytes_lacking(folder: Path, bytes_needed: int) -> int:
    """0 where there is room for so many bytes in ``folder``, else how many MB are needed."""
    if shutil.disk_usage(folder).free >= bytes_needed + SPARE_BYTES:
        return 0
    return bytes_needed // 1_000_000 + 1
