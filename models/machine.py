"""What there is to compute with."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_card() -> bool:
    """Whether there is a graphics card that we can use."""
    return bool(cards())


def cards() -> int:
    """Graphics cards that we can use."""
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())
