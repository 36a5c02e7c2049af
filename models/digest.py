"""What a model directory is made of: the files that decide results, their sums, one hash.

Sums of large files are kept in ``.hash-cache.json`` inside the directory, by size and times, so
that a start does not read gigabytes. The cache only saves time: anything unreadable or odd in it
means hashing again, and a directory that cannot be written simply has none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

CACHE_NAME = ".hash-cache.json"
LOCK_NAME = "model.lock.json"

_BLOCK = 1 << 20
_CACHE_FROM_BYTES = 16 << 20
"""Smaller files are read each time: that costs milliseconds."""
_OTHER_FORMATS = frozenset({"onnx", "openvino", "assets"})
_NOT_DECIDING = (".md", ".h5", ".msgpack", ".ot", ".part", ".png", ".jpg", ".pdf")
_NOT_DECIDING_NAMES = frozenset({LOCK_NAME, "license", "license.txt", "notice", "notice.txt"})


def deciding_files(directory: Path) -> tuple[str, ...]:
    """Names, sorted and with "/", of the files that can change what the model yields.

    Left out: documents, licences, hidden files, weights in formats nobody here loads (another
    framework's, or pickled ones beside ``model.safetensors``).
    """
    has_safetensors = (directory / "model.safetensors").is_file()
    names = []
    for path in directory.rglob("*"):
        parts = path.relative_to(directory).parts
        if not path.is_file() or any(part.startswith(".") for part in parts):
            continue
        if parts[0] in _OTHER_FORMATS or _is_document(path):
            continue
        if has_safetensors and path.name.startswith("pytorch_model"):
            continue
        names.append("/".join(parts))
    return tuple(sorted(names))


def _is_document(path: Path) -> bool:
    return path.name.lower() in _NOT_DECIDING_NAMES or path.suffix.lower() in _NOT_DECIDING


def tree_hash(sums: Mapping[str, str]) -> str:
    """Hex sha256 over the sorted (file name, sha256) pairs: a model's hash."""
    hasher = hashlib.sha256()
    for name in sorted(sums):
        hasher.update(f"{name}\0{sums[name]}\n".encode("utf-8", "surrogatepass"))
    return hasher.hexdigest()


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def git_blob_id(path: Path) -> str:
    """The git object id (SHA-1) of a file: what the hub declares for files outside LFS."""
    hasher = hashlib.sha1(usedforsecurity=False)
    hasher.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def directory_sums(directory: Path, *, cached: bool) -> dict[str, str]:
    """sha256 by name of every deciding file; ``cached`` allows remembered sums of large files."""
    remembered = _read_cache(directory) if cached else {}
    sums: dict[str, str] = {}
    keep: dict[str, list[int | str]] = {}
    for name in deciding_files(directory):
        path = directory / name
        stamp = _stamp(path)
        known = remembered.get(name)
        if known is not None and known[:-1] == stamp:
            sums[name] = str(known[-1])
        else:
            sums[name] = file_sha256(path)
        if isinstance(stamp[0], int) and stamp[0] >= _CACHE_FROM_BYTES:
            keep[name] = [*stamp, sums[name]]
    if keep and keep != remembered:
        _write_cache(directory, keep)
    return sums


def _stamp(path: Path) -> list[int | str]:
    status = path.stat()
    # The change time cannot be set back by a copy or a tool, the modification time can.
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _read_cache(directory: Path) -> dict[str, list[int | str]]:
    try:
        cache = json.loads((directory / CACHE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(cache, dict):
        return {}
    return {name: row for name, row in cache.items() if isinstance(row, list) and len(row) == 4}


def _write_cache(directory: Path, cache: Mapping[str, list[int | str]]) -> None:
    # A read-only directory is a normal way to share models: then every start hashes.
    with suppress(OSError):
        write_json(directory / CACHE_NAME, cache)


def write_json(path: Path, value: object) -> None:
    """Write ``value`` whole or not at all. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(value, stream, indent=1, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
