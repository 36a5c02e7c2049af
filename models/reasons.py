"""What other libraries say went wrong, short enough for a message."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
