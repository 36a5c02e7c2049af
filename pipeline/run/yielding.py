"""Work that gives way to people who search and read meanwhile."""

from __future__ import annotations

import os
from contextlib import suppress

LOW = 19
"""How far below the pages recordings are worked on (``nice``)."""


def give_way() -> None:
    """This process, and all that it starts from now on, works with a low priority."""
    with suppress(OSError):  # where that is not allowed, work goes on as it is
        os.nice(max(LOW - os.nice(0), 0))
