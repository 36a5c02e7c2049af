"""The pace: with how many processes, and threads of each, recognition is fastest on this machine.

Two processes of one thread may hear faster than one of two, or slower: it depends on processor,
memory and model, and nobody should have to find out by hand. So it is measured once
(``pipeline.run.pacing``) and kept in ``pace.json`` in the home directory, beside the settings and
below them: ``--workers`` and the setting ``threads`` always win.

Why not in ``interviews.toml``: that file is its owner's, with comments and an order of its own,
often managed by a tool or read-only; a program that writes into it takes it away from them. And a
measured value holds only for the machine it was measured on, which a copied settings file does not
know: here each is kept with the facts it depends on, and other facts mean measuring anew.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from models.digest import write_json
from pipeline.fingerprint import digest
from pipeline.home import Home, disk_error

CLEAR = 0.05
"""By how much more processes must be faster: each holds a model of its own in memory."""

_WORKERS = (1, 2, 4, 8, 16)
_WORKER_BYTES = 1 << 30
"""What a process takes beside its model: libraries, a window of ten minutes and its features."""

_SHARE_OF_MEMORY = 0.8


@dataclass(frozen=True, slots=True)
class Split:
    """Recognition processes, and threads of each."""

    workers: Annotated[int, Field(ge=1)]
    threads: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Measured:
    """A split, and the seconds of sound that it heard in a second."""

    split: Split
    speed: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What a pace depends on: other facts, another pace."""

    cores: int
    processor: str
    device: str
    compute_type: str
    batch_size: int
    model: str


@dataclass(frozen=True, slots=True)
class Pace:
    """What was chosen, and what was measured for it. ``complete``: nothing was left out for want of
    time, of which there were ``limit_s`` seconds."""

    chosen: Split
    measured: tuple[Measured, ...]
    complete: bool
    limit_s: float


_PACE = TypeAdapter(Pace)


def splits(cores: int, model_bytes: int, free_bytes: int | None) -> list[Split]:
    """What there is to choose from, fewest processes first: all use (nearly) all cores, and have a
    model each in memory. Where nobody knows how much is free, one process it is."""
    each = model_bytes + _WORKER_BYTES
    room = int(_SHARE_OF_MEMORY * free_bytes / each) if free_bytes else 1
    most = max(1, min(cores, room))
    return [Split(workers, cores // workers) for workers in _WORKERS if workers <= most]


def measure(
    tried: Sequence[Split],
    trial: Callable[[Split, float], float | None],
    clock: Callable[[], float],
    limit_s: float,
) -> Pace:
    """Try splits one after the other within a time limit, and choose.

    ``trial`` tells the speed of a split, or None where it did not come to an end within the seconds
    it is given, or could not be tried at all. The first split is what is taken without any
    measurement.
    """
    ends = clock() + limit_s
    found: list[Measured] = []
    complete = True
    for split in tried:
        left_s = ends - clock()
        speed = trial(split, left_s) if left_s > 0 else None
        if speed is None:
            complete = False
            break
        found.append(Measured(split, speed))
    return Pace(choose(found) or tried[0], tuple(found), complete, limit_s)


def choose(found: Sequence[Measured]) -> Split | None:
    """The fastest; of those that are about as fast, the one with the fewest processes."""
    fastest = max((one.speed for one in found), default=0.0)
    about = [one.split for one in found if one.speed * (1 + CLEAR) >= fastest]
    return min(about, key=lambda split: split.workers, default=None)


def kept(home: Home, facts: Facts) -> Pace | None:
    """What was measured under these facts; None where nothing was, or the note is damaged."""
    try:
        return _PACE.validate_python(_notes(home).get(digest(asdict(facts))))
    except ValidationError:
        return None


def keep(home: Home, facts: Facts, pace: Pace) -> None:
    """Raises HomeUnusable."""
    row = {"facts": asdict(facts), **asdict(pace)}
    try:
        write_json(home.pace, _notes(home) | {digest(asdict(facts)): row})
    except OSError as error:
        raise disk_error(error, home.pace) from error


def _notes(home: Home) -> dict[str, object]:
    try:
        notes = json.loads(home.pace.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def processor() -> str:
    """The name of the processor, as well as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
