"""Where renditions lie, ``renditions/<recording>/<key>/``: each folder whole or absent.

A folder gets its name when all in it is on the disk; before that it is called after whoever fills
it. Which one is played is said by the catalogue alone.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.home import Home, disk_error, sync_folder

_SPARE_BYTES = 200_000_000
"""What must be left on the disk for all else."""


def place(home: Home, recording_id: str, folder: str) -> Path:
    """Where a rendition lies, or would."""
    return home.renditions / recording_id / folder


@contextmanager
def filling(home: Home, recording_id: str, owner: str, expected: int) -> Iterator[Path]:
    """A new folder to be filled with about ``expected`` bytes; it is gone afterwards unless
    ``settle`` gave it its name.

    Raises HomeUnusable, also where the disk has not that much room.
    """
    part = place(home, recording_id, f".part-{owner}")
    try:
        _delete(part)
        for folder in (home.renditions, part.parent, part):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_room(home, expected)
        yield part
    except OSError as error:
        raise disk_error(error, home.renditions) from error
    finally:
        _delete(part)
        _drop_if_empty(part.parent)


def check_room(home: Home, expected: int = 0) -> None:
    """Raises OSError (ENOSPC) where the disk has not that much room, and some for all else."""
    if shutil.disk_usage(home.renditions).free < expected + _SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def sync(part: Path) -> int:
    """Bring all in a filled folder to the disk; how many bytes that is. Raises OSError."""
    total = 0
    for folder, _, names in os.walk(part):
        for name in names:
            with Path(folder, name).open("rb") as file:
                os.fsync(file.fileno())
                total += os.fstat(file.fileno()).st_size
        sync_folder(Path(folder))
    return total


def settle(part: Path, name: str) -> None:
    """Give a filled folder its name, in place of a former one that has it. Raises OSError."""
    target = part.with_name(name)
    _delete(target)
    part.rename(target)
    for folder in (target.parent, target.parent.parent):
        sync_folder(folder)


def lying(home: Home) -> dict[str, list[str]]:
    """The names of all there is, by recording."""
    return {name: _names(home.renditions / name) for name in _names(home.renditions)}


def keep_only(home: Home, recording_id: str, folder: str) -> None:
    """Delete what else lies there of a recording: former renditions, and what was left half
    done. Only who holds the recording may call it."""
    for path in _below(home.renditions / recording_id):
        if path.name != folder:
            _delete(path)
    _drop_if_empty(home.renditions / recording_id)


def drop(home: Home, recording_id: str) -> None:
    """Delete all that lies there of a recording. Raises HomeUnusable."""
    folder = home.renditions / recording_id
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue  # somebody else is deleting it, too
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:  # or is filling it, and about to see why not to
                raise disk_error(error, folder) from error


def _below(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder)]


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - thousands of folders: names are enough
    except (FileNotFoundError, NotADirectoryError):
        return []


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _drop_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # something else of the recording lies there
