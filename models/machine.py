"""What there is to compute with."""

from __future__ import annotations

import os
from pathlib import Path


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int | None:
    """Bytes that can still be taken, by the machine and by the container we may be in; None where
    the system does not tell."""
    found = [one for one in (_machine_free(), _container_free()) if one is not None]
    return min(found, default=None)


def _machine_free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    free = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(kibibytes) * 1024 for kibibytes in free), None)


def _container_free() -> int | None:
    """By control groups, version 2 (https://docs.kernel.org/admin-guide/cgroup-v2.html): files that
    are cached count as taken, and are given back on demand."""
    group = Path("/sys/fs/cgroup")
    try:
        most, taken = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(most) - int(taken) + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):  # no such limit, "max" among them
        return None


def has_card() -> bool:
    """Whether there is a graphics card that we can use."""
    return bool(cards())


def device_for(wish: str) -> str:
    """``wish``, or where that is "auto" what there is: "cuda" or "cpu"."""
    if wish != "auto":
        return wish
    return "cuda" if has_card() else "cpu"


def cards() -> int:
    """Graphics cards that we can use."""
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())
