"""A disk that fills up in the middle of a file, for processes that a test starts.

Python reads ``sitecustomize`` before all else; the one made here lets a file of a certain name take
so many bytes and then answers as the operating system does: a short write, and after it ENOSPC.
"""

from __future__ import annotations

import os
from pathlib import Path

_CODE = """
import builtins, errno, io, os

NAME, ROOM = {name!r}, {room}


class Full(io.FileIO):
    def write(self, data):
        left = ROOM - self.tell()
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.name)
        return super().write(memoryview(data).cast("B")[:left])


really = io.open


def opened(file, mode="r", *rest, **more):
    if str(file).endswith(NAME) and "b" in mode and ("w" in mode or "+" in mode):
        raw = Full(file, mode.replace("b", ""))
        return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
    return really(file, mode, *rest, **more)


builtins.open = io.open = opened
"""


def full_disk(folder: Path, name: str, room: int) -> dict[str, str]:
    """The environment in which files whose name ends in ``name`` hold ``room`` bytes at most."""
    return startup(folder, _CODE.format(name=name, room=room))


def startup(folder: Path, code: str) -> dict[str, str]:
    """The environment in which every Python process begins with ``code``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    path = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(folder), path] if path else [str(folder)])}
