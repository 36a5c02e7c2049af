"""Which program this is, and which work a worker may be given.

A worker offers a Dask resource for each speech model it has, named by program and model; work asks
for exactly one. So the scheduler itself keeps work from a worker with another program or model,
and the names say what is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

_MARK = "interviews"
_LIBRARIES = ("ctranslate2", "faster-whisper", "tokenizers", "onnxruntime", "av")
_LEFT_OUT = {"training", "bundled", "__pycache__"}


@cache
def program() -> str:
    """This program's version, and a sum over the sources and libraries that decide what a worker
    answers: two states of one version are two programs."""
    try:
        number = version("interviews")
    except PackageNotFoundError:  # run from its sources
        number = "0"
    hasher = hashlib.sha256()
    for library in _LIBRARIES:
        hasher.update(f"{library} {version(library)}\0".encode())
    for path in _sources():
        hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{number}-{hasher.hexdigest()[:8]}"


def _sources() -> Iterable[Path]:
    for package in ("models", "pipeline.run.cluster"):
        folder = Path(str(files(package)))
        for path in sorted(folder.rglob("*.py")):
            if not _LEFT_OUT & set(path.relative_to(folder).parts):
                yield path
    yield Path(str(files("pipeline.stages"))) / "mixing.py"  # the grid of what is sent


def resource(model_hash: str, of: str | None = None) -> str:
    """The name of the resource that work with a model needs, or that a worker offers."""
    return f"{_MARK} {of or program()} {model_hash}"


class Unfit(NamedTuple):
    """Why a worker gets no work: ``stranger`` (none of ours), ``program`` or ``model``; and what
    it has instead."""

    reason: str
    has: str


def unfit(offered: Mapping[str, float], model_hash: str) -> Unfit | None:
    """What keeps a worker that offers these resources from our work; None where nothing does."""
    ours = [name.split(" ") for name in offered if name.startswith(f"{_MARK} ")]
    ours = [parts for parts in ours if len(parts) == 3]
    if not ours:
        return Unfit("stranger", "")
    mine = [parts[2] for parts in ours if parts[1] == program()]
    if not mine:
        return Unfit("program", ours[0][1])
    if model_hash not in mine:
        return Unfit("model", ", ".join(sorted(one[:12] for one in mine)))
    return None
