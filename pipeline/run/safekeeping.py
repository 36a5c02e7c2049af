"""Copies of media under the home directory: each whole or absent, whatever is killed when.

A file from the inbox is read once, copied and hashed together, since it may come over a network.
Its copy gets its name before its recording is stored; until then a claim beside it says whose it
is. A claim that outlives its scan leads to a copy that nobody refers to, which is cleared away. The
source is deleted after its claim, so it still is where it was whenever a claimed copy goes. Copies
without a claim are left alone: after a restore they may be all there is of a later recording.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.catalog import recordings
from pipeline.catalog.connection import Catalogue
from pipeline.errors import BadInput, MediaError
from pipeline.fingerprint import file_sha256
from pipeline.fingerprint import recording_id as id_of
from pipeline.home import Home, disk_error, sync_folder
from pipeline.values import Failure, Media, Recording

_BLOCK = 1 << 20
_OURS = ".inbox-"


def still_there(media: Media) -> bool:
    """Whether the file is as it was when it was last seen."""
    try:
        found = Path(media.path).stat()
    except OSError:
        return False
    return found.st_size == media.size and found.st_mtime_ns == media.mtime_ns


def present(recording: Recording) -> Media:
    """The media file, as it was when it was added. Raises MediaError otherwise: old times must
    not be laid over other sound."""
    media = recording.media
    if media is None:
        raise MediaError("media.none", title=recording.facts.title)
    try:
        found = Path(media.path).stat()
    except OSError as error:
        raise MediaError("media.gone", path=media.path) from error
    same = found.st_size == media.size
    if same and found.st_mtime_ns != media.mtime_ns:
        same = id_of(file_sha256(Path(media.path))) == recording.id
    if not same:
        raise MediaError("media.altered", path=media.path)
    return media


def changed(seen: Iterable[tuple[str, Media]]) -> dict[str, Failure]:
    """Media that are not as they were when they were last seen, by the recording's id: by size and
    time alone, since reading thousands of films would take hours."""
    found = {}
    for recording_id, media in seen:
        if not still_there(media):
            key = "media.altered" if Path(media.path).exists() else "media.gone"
            found[recording_id] = MediaError(key, path=media.path).failure()
    return found


def copy_name(recording_id: str, source: Path) -> str:
    """What a copy of ``source`` is called."""
    return f"{recording_id}{source.suffix.lower()[:8]}"


def take_copy(home: Home, path: Path, recording_id: str) -> Path:
    """A copy of ``path``. Raises HomeUnusable."""
    folder = home.media
    place = folder / copy_name(recording_id, path)
    partial = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.touch(mode=0o600)
        shutil.copyfile(path, partial)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(place)
        sync_folder(folder)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise disk_error(error, folder) from error
    return place


@dataclass(frozen=True, slots=True)
class Fetched:
    """A copy that has no name yet: where it lies, its content's sha256 and its bytes."""

    partial: Path
    sha256: bytes
    size: int


def fetch(home: Home, source: Path, size: int) -> Fetched:
    """Copy and hash ``source``, synced to the disk.

    Raises BadInput (``add.unreadable``, ``add.missing``) where it cannot be read, HomeUnusable
    where it cannot be written; nothing of it is left then.
    """
    folder = home.media
    partial = folder / f"{_OURS}{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        partial.touch(mode=0o600)
        hasher, copied = hashlib.sha256(), 0
        with partial.open("wb") as stream:
            for block in _blocks(source):
                hasher.update(block)
                copied += stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise disk_error(error, folder) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Fetched(partial, hasher.digest(), copied)


def _blocks(source: Path) -> Iterator[bytes]:
    """What ``source`` holds. Its errors are told from those of the disk that is written to."""
    try:
        with source.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except FileNotFoundError as error:
        raise BadInput("add.missing", path=str(source)) from error
    except OSError as error:
        detail = error.strerror or str(error)
        raise BadInput("add.unreadable", path=str(source), detail=detail) from error


def settle_in(home: Home, fetched: Fetched, name: str) -> Path:
    """Give a fetched copy its name, claimed until ``disclaim``. Raises HomeUnusable."""
    place = home.media / name
    try:
        _claim(place).touch(mode=0o600)
        fetched.partial.replace(place)
        sync_folder(home.media)
    except OSError as error:
        raise disk_error(error, home.media) from error
    return place


def disclaim(place: Path) -> None:
    """The recording of the copy at ``place`` is stored. Raises HomeUnusable."""
    try:
        _claim(place).unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(error, place.parent) from error


def drop(fetched: Fetched) -> None:
    """A fetched copy is not needed."""
    fetched.partial.unlink(missing_ok=True)


def tidy(home: Home, catalogue: Catalogue) -> None:
    """Clear away what scans that were killed left behind. Only one scan may be at work.

    Raises HomeUnusable.
    """
    try:
        for partial in home.media.glob(f"{_OURS}*.part"):
            partial.unlink(missing_ok=True)
        for claim in home.media.glob(f"{_OURS}*.claim"):
            place = claim.with_name(claim.name.removeprefix(_OURS).removesuffix(".claim"))
            if not _is_kept(catalogue, place):
                place.unlink(missing_ok=True)
            claim.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(error, home.media) from error


def _claim(place: Path) -> Path:
    return place.with_name(f"{_OURS}{place.name}.claim")


def _is_kept(catalogue: Catalogue, place: Path) -> bool:
    with catalogue.read() as db:
        found = recordings.get_many(db, [place.stem]).get(place.stem)
    return found is not None and found.media is not None and found.media.path == str(place)
