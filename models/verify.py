"""Are a model's files the ones they should be?

What they should be: the registry's sums; where it has none, those of ``model.lock.json``, written
when the files were fetched (or, for files brought by hand, when ``record`` was called).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.contracts import ModelError
from models.digest import LOCK_NAME, deciding_files, directory_sums, tree_hash, write_json
from models.folder import kind_of, tokenizer_file
from models.registry import ModelEntry, describe, entries

_SPEECH_FILES = ("config.json", "model.bin", "tokenizer.json")
"""faster-whisper would fetch a missing tokenizer.json from the hub: here it is an error."""


@dataclass(frozen=True, slots=True)
class Report:
    """A model's files by what is wrong with them; ``hash`` is over the files as they are.

    ``unrecorded`` files are there, but nothing says what they should be. ``unexpected`` ones are
    there beside a complete list that does not name them.
    """

    name: str
    directory: Path
    hash: str
    ok: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    unexpected: tuple[str, ...]
    unrecorded: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Nothing is missing or changed."""
        return not self.missing and not self.changed

    @property
    def good(self) -> bool:
        """Usable, and every file is accounted for."""
        return self.usable and not self.unexpected and not self.unrecorded


def local_entries(models_dir: Path) -> tuple[ModelEntry, ...]:
    """Models of one's own in the models folder: those that the registry does not name."""
    if not models_dir.is_dir():
        return ()
    known = {one.name for one in entries()}
    return tuple(
        replace(describe(folder, folder.name), size_mb=_bytes(folder) // 1_000_000)
        for folder in sorted(models_dir.iterdir())
        if not folder.name.startswith(".") and folder.name not in known and kind_of(folder)
    )


def _bytes(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in deciding_files(folder))


def check(entry: ModelEntry, directory: Path, *, cached: bool = False) -> Report:
    """Compare the files in ``directory`` with what they should be.

    ``cached`` allows remembered sums of large files. Raises ModelError ("damaged") where a file
    cannot be read.
    """
    try:
        sums = directory_sums(directory, cached=cached)
    except OSError as error:
        raise ModelError("damaged", entry.name, _file_of(error)) from error
    expected = expected_sums(entry, directory)
    required = set(expected) | _required(entry, directory)
    listed = {name for name in sums if name in expected}
    changed = {name for name in listed if expected[name] and expected[name] != sums[name]}
    unlisted = set(sums) - listed
    unrecorded = {name for name in listed if not expected[name]}
    return Report(
        name=entry.name,
        directory=directory,
        hash=tree_hash(sums),
        ok=tuple(sorted(listed - changed - unrecorded)),
        missing=tuple(sorted(required - set(sums))),
        changed=tuple(sorted(changed)),
        unexpected=tuple(sorted(unlisted)) if expected else (),
        unrecorded=tuple(sorted(unrecorded if expected else unlisted)),
    )


def expected_sums(entry: ModelEntry, directory: Path) -> dict[str, str]:
    """sha256 by file name: the lock's, overruled by the registry's; "" where neither knows."""
    locked = _read_lock(directory)
    if not entry.files:
        return locked
    return {name: known or locked.get(name, "") for name, known in entry.files}


def record(
    entry: ModelEntry,
    directory: Path,
    commit: str | None = None,
    origin: Mapping[str, object] | None = None,
) -> dict[str, str]:
    """Write ``model.lock.json``: from now on the files must stay as they are.

    ``origin`` is noted beside the sums: what a converted model was made of. Raises OSError.
    """
    sums = directory_sums(directory, cached=False)
    lock: dict[str, Any] = {"repo": entry.repo, "revision": entry.revision, "commit": commit}
    if origin is not None:
        lock["converted"] = dict(origin)
    write_json(directory / LOCK_NAME, {**lock, "files": sums})
    return sums


def _required(entry: ModelEntry, directory: Path) -> set[str]:
    if entry.kind == "speech":
        return set(_SPEECH_FILES)
    return set() if tokenizer_file(directory) else {"tokenizer.json"}


def _read_lock(directory: Path) -> dict[str, str]:
    path = directory / LOCK_NAME
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {str(name): str(known) for name, known in files.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("damaged", directory.name, LOCK_NAME) from error


def _file_of(error: OSError) -> str:
    return Path(str(error.filename)).name if error.filename else str(error.strerror)
