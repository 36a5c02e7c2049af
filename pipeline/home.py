"""The data directory: where everything of an installation lies."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from platformdirs import user_data_dir

from pipeline.errors import HomeUnusable, InterviewsError

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "fuse.sshfs", "ceph"})
"""File systems on which SQLite's locks cannot be trusted (https://sqlite.org/faq.html#q5)."""


@dataclass(frozen=True, slots=True)
class Home:
    """The paths under one data directory."""

    root: Path

    @property
    def catalogue(self) -> Path:
        return self.root / "catalogue.db"

    @property
    def index(self) -> Path:
        """FAISS generations."""
        return self.root / "index"

    @property
    def media(self) -> Path:
        """Copies of media files taken by ``--copy``."""
        return self.root / "media"

    @property
    def renditions(self) -> Path:
        """What browsers play, and pictures: ``renditions/<recording>/<key>/``."""
        return self.root / "renditions"

    @property
    def models(self) -> Path:
        """Fetched models, unless the settings name another folder."""
        return self.root / "models"

    @property
    def runners(self) -> Path:
        """One lock file for each living runner."""
        return self.root / "runners"

    @property
    def reports(self) -> Path:
        """What each night did, as text, page and JSON."""
        return self.root / "reports"

    @property
    def backups(self) -> Path:
        """Copies of the catalogue: one of each night, one of before each change of its schema."""
        return self.root / "backups"

    @property
    def ledger(self) -> Path:
        """Ids of removed recordings, replayed after any restore."""
        return self.root / "removed.jsonl"

    @property
    def pace(self) -> Path:
        """How many recognition processes hear fastest, as it was measured on this machine."""
        return self.root / "pace.json"

    @property
    def feedback(self) -> Path:
        """What members judged right and wrong: lines of a gold file, which staff may edit."""
        return self.root / "feedback.jsonl"


def default_root() -> Path:
    """The platform's user data directory."""
    return Path(user_data_dir("interviews", appauthor=False))


def open_home(root: Path) -> Home:
    """Make sure the data directory exists and can be written.

    Raises HomeUnusable: ``home.not_a_directory``, ``home.network``, ``home.read_only``,
    ``home.full``.
    """
    home = Home(Path(os.path.abspath(root)))
    try:
        for folder in (home.root, home.index, home.runners):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=home.root):  # without a name: whoever is killed here leaves nothing
            pass
    except OSError as error:
        raise disk_error(error, home.root) from error
    kind = file_system(home.root)
    if kind in _NETWORK:
        raise HomeUnusable("home.network", path=str(home.root), kind=kind)
    return home


def disk_error(error: OSError, path: Path) -> InterviewsError:
    """The plain form of what the operating system said about writing under ``path``."""
    keys = {
        errno.ENOSPC: "home.full",
        errno.EDQUOT: "home.full",
        errno.EROFS: "home.read_only",
        errno.EACCES: "home.read_only",
        errno.EPERM: "home.read_only",
        errno.ENOTDIR: "home.not_a_directory",
        errno.EEXIST: "home.not_a_directory",
    }
    key = keys.get(error.errno or 0, "home.unusable")
    return HomeUnusable(key, path=str(path), detail=error.strerror or str(error))


def file_system(path: Path) -> str:
    """The type of the file system ``path`` lies on; empty where the system does not tell."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    resolved = path.resolve()
    best, kind = -1, ""
    for line in mounts:
        _, mount, found, *_ = line.split(" ")
        point = Path(mount.replace("\\040", " "))
        if (resolved == point or point in resolved.parents) and len(point.parts) > best:
            best, kind = len(point.parts), found
    return kind


def sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
