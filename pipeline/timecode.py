"""Times as people write them: seconds or ``[h:]mm:ss[.mmm]``."""

from __future__ import annotations

import re

from pipeline.errors import BadInput

_CLOCK = re.compile(r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?")
_SECONDS = re.compile(r"\d{1,7}(?:[.,]\d{1,6})?")


def parse_time(written: str) -> int:
    """Milliseconds for ``written``: seconds (``90``, ``90.5``) or ``[h:]mm:ss[.mmm]``.

    Raises BadInput (``time.unreadable``) for anything else.
    """
    stripped = written.strip()
    if clock := _CLOCK.fullmatch(stripped):
        hours, minutes, seconds, fraction = clock.groups()
        whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
        return whole * 1000 + int((fraction or "").ljust(3, "0"))
    if _SECONDS.fullmatch(stripped):
        return to_ms(float(stripped.replace(",", ".")))
    raise BadInput("time.unreadable", time=written[:40])


def format_time(ms: int) -> str:
    """``hh:mm:ss.mmm``, as WebVTT writes it. Negative times are not of this world: ValueError."""
    if ms < 0:
        raise ValueError("a time before the start")
    seconds, millis = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}.{millis:03d}"


def format_short(ms: int) -> str:
    """``m:ss`` or ``h:mm:ss`` for people, rounded down so that playing starts no later."""
    minutes, second = divmod(max(ms, 0) // 1000, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def to_ms(seconds: float) -> int:
    """Whole milliseconds nearest to ``seconds``."""
    return round(seconds * 1000)


def to_seconds(ms: int) -> float:
    """Seconds with three decimals, as JSON carries them."""
    return round(ms / 1000, 3)
