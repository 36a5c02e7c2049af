"""Looking into the inbox: every folder, every file, as they are at one moment."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import BadInput, MediaError
from pipeline.formats.characters import clean_text
from pipeline.home import file_system
from pipeline.inbox.bundles import PASSING, Bundle, Part, bundles, composed
from pipeline.run.intake import Refused, refuse_odd_name, unreadable
from pipeline.stages.probe import shown

_SYSTEM_FILES = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"))
_SYSTEM_FOLDERS = frozenset(
    "@eadir @tmp @recycle @recently-snapshot @__thumb #recycle #snapshot $recycle.bin lost+found"
    " __macosx".split()
) | {"system volume information"}
"""What Windows, macOS and network storages (Synology, QNAP) put into every folder."""

LOCAL = frozenset("ext2 ext3 ext4 xfs btrfs zfs f2fs jfs bcachefs tmpfs overlay".split())
"""File systems whose time of change (ctime) is this machine's own and not to be set by anyone.
That of a network share is another clock's, and may come late."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A bundle and where it lies. ``changed_ms``: when it, or the folder it came in, last changed;
    None where the file system cannot be trusted to know."""

    bundle: Bundle
    collection: str | None
    changed_ms: int | None


def look(folder: Path) -> Iterator[Dropped | Refused]:
    """All that lies in ``folder`` and below, in order of name, and what cannot be looked at.

    The first folder below gives the collection; deeper ones only sort. Raises OSError where
    ``folder`` itself cannot be read.
    """
    device = folder.stat().st_dev if file_system(folder) in LOCAL else None
    waiting: list[tuple[Path, str | None, int]] = [(folder, None, 0)]
    while waiting:
        place, collection, above_ms = waiting.pop()
        try:
            listing = _list(place, device)
        except OSError as error:
            if place == folder:
                raise
            yield Refused(place, unreadable(place, error))
            continue
        yield from listing.refused
        # A folder that was moved here whole shows that by its own time of change alone.
        folder_ms = max(above_ms, listing.changed_ms or 0)
        for bundle in bundles(listing.files, listing.passing):
            known = bundle.changed_ms is not None and listing.changed_ms is not None
            changed_ms = max(bundle.changed_ms or 0, folder_ms) if known else None
            yield Dropped(bundle, collection, changed_ms)
        for below in sorted(listing.folders, reverse=True):
            name = collection or composed(clean_text(below.name)) or None
            waiting.append((below, name, 0 if place == folder else folder_ms))


@dataclass(slots=True)
class _Listing:
    """What one folder holds."""

    files: list[Part] = field(default_factory=list)
    passing: list[Part] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    changed_ms: int | None = None


def _list(folder: Path, device: int | None) -> _Listing:
    listing = _Listing(changed_ms=_changed_ms(folder.stat(), device))
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        try:
            _sort_in(listing, entry, device)
        except FileNotFoundError:
            continue  # taken away just now
        except OSError as error:
            path = Path(entry.path)
            listing.refused.append(Refused(path, unreadable(path, error)))
    return listing


def _sort_in(listing: _Listing, entry: os.DirEntry[str], device: int | None) -> None:
    path = Path(entry.path)
    is_folder = entry.is_dir(follow_symlinks=False)
    if entry.name.lower() in (_SYSTEM_FOLDERS if is_folder else _SYSTEM_FILES):
        return
    status = entry.stat(follow_symlinks=False)
    part = Part(path, status.st_size, status.st_mtime_ns, _changed_ms(status, device))
    if is_passing(entry.name, folder=is_folder):
        if not is_folder:
            listing.passing.append(part)
        return
    try:
        refuse_odd_name(path)
        if entry.is_symlink():
            raise BadInput("inbox.link", path=shown(path))
        if not is_folder and not stat.S_ISREG(status.st_mode):
            raise MediaError("media.not_a_file", path=shown(path))
    except BadInput as error:
        listing.refused.append(Refused(path, error))
        return
    if is_folder:
        listing.folders.append(path)
    else:
        listing.files.append(part)


def is_passing(name: str, *, folder: bool = False) -> bool:
    """Whether a thing of this name is none that people dropped, or not yet: hidden, an editor's
    own, or still being written."""
    if name.startswith(".") or Path(name).suffix.lower() == ".download":
        return True
    if folder:
        return False
    return name.startswith("~$") or name.endswith("~") or Path(name).suffix.lower() in PASSING


def _changed_ms(status: os.stat_result, device: int | None) -> int | None:
    return status.st_ctime_ns // 1_000_000 if status.st_dev == device else None
