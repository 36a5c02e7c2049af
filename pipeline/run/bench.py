"""What one lane of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.catalog.connection import Catalogue
from pipeline.run.context import Context
from pipeline.run.engine import Engine
from pipeline.run.observer import Observer


class Stopped(Exception):
    """The run was asked to stop."""


@dataclass(frozen=True)
class Bench:
    """What one lane works with. ``stopping`` is asked between windows, ``dropping`` all the time:
    whether what is under way is to be left, too."""

    context: Context
    catalogue: Catalogue
    engine: Callable[[], Engine]
    owner: str
    observer: Observer
    stopping: Callable[[], bool]
    dropping: Callable[[], bool]


def extrapolated_ms(took_s: float, part: int, whole: int) -> int:
    """Milliseconds that the whole would have taken, by the part that was not kept from before; 0,
    which says nothing, where all was."""
    return round(took_s * 1000 * whole / part) if part > 0 else 0
