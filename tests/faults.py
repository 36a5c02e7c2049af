"""The real command line, struck at a named point: killed, stopped, told that the disk is full,
or with a clock that jumps.

    python -m tests.faults --home HOME --kill-at rename:3 -- nightly --engine inline
    python -m tests.faults --home HOME --count -- nightly --engine inline

Nothing in the product knows of this: files are watched through ``sys.addaudithook``, the rest is
wrapped from outside. ``POINT:N`` is the N-th time something happens (from 1 on), ``POINT:N+`` that
and every later one. Points:

    write          a file under the home directory is opened for writing
    rename, remove a file there is renamed, deleted
    fsync          a file or folder is synced
    before-commit, after-commit   a transaction of the catalogue
    build, built   a generation of the index
    report, reported              the report of the night
    recognise      a window goes to the recogniser (with ``--engine inline``)
"""

from __future__ import annotations

import argparse
import errno
import functools
import importlib
import json
import os
import re
import resource
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

POINTS = (
    "write",
    "rename",
    "remove",
    "fsync",
    "before-commit",
    "after-commit",
    "build",
    "built",
    "report",
    "reported",
    "recognise",
)

_AUDITED = {"os.rename": "rename", "os.remove": "remove"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_UNITS = {"s": 1, "h": 3600, "d": 86_400}


class ModelRaises(RuntimeError):
    """What no model should do."""


@dataclass(frozen=True, slots=True)
class At:
    """The ``number``-th time that ``point`` is met, and where ``on`` every later one."""

    point: str
    number: int
    on: bool = False

    def is_now(self, point: str, number: int) -> bool:
        met = number >= self.number if self.on else number == self.number
        return point == self.point and met


def at(text: str) -> At:
    """``POINT:N`` or ``POINT:N+``."""
    match = re.fullmatch(r"([a-z-]+):([1-9]\d*)(\+?)", text)
    if not match or match[1] not in POINTS:
        raise argparse.ArgumentTypeError(f"{text}: POINT:N or POINT:N+, a point of {POINTS}")
    return At(match[1], int(match[2]), bool(match[3]))


@dataclass(frozen=True, slots=True)
class Jump:
    """The clock is ``seconds`` off from its ``number``-th reading on."""

    seconds: int
    number: int


def jump(text: str) -> Jump:
    """``+3d``, ``-12h``, ``+90s:5``."""
    match = re.fullmatch(r"([+-]\d+)([shd])(?::([1-9]\d*))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: such as +3d or -12h:5")
    return Jump(int(match[1]) * _UNITS[match[2]], int(match[3] or 1))


class Faults:
    """Counts every point and strikes where it was told to."""

    def __init__(
        self,
        home: str,
        signals: Mapping[signal.Signals, At | None],
        fail: At | None = None,
        code: str = "ENOSPC",
    ) -> None:
        self.met: Counter[str] = Counter()
        self._home = os.path.abspath(home) + os.sep
        self._signals = {number: at for number, at in signals.items() if at}
        self._fail = fail
        self._code = getattr(errno, code)

    def meet(self, point: str) -> None:
        """``point`` is reached."""
        self.met[point] += 1
        for number, one in self._signals.items():
            if one.is_now(point, self.met[point]):
                os.kill(os.getpid(), number)
        if self._fail and self._fail.is_now(point, self.met[point]):
            raise self._error(point)

    def _error(self, point: str) -> Exception:
        if point == "recognise":
            return ModelRaises("the model raises")
        if point.endswith("-commit"):
            return sqlite3.OperationalError("database or disk is full")
        return OSError(self._code, os.strerror(self._code))

    def install(self) -> None:
        """Wrap the process from outside."""
        sys.addaudithook(self._audit)
        os.fsync = self._before("fsync", os.fsync)
        self._wrap_product()

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        point = _AUDITED.get(event) or ("write" if event == "open" and _writes(arguments) else None)
        if point and str(arguments[0]).startswith(self._home):
            self.meet(point)

    def _wrap_product(self) -> None:
        from pipeline.catalog.connection import Catalogue
        from pipeline.index import building
        from pipeline.reports import store
        from pipeline.run import engine, workers

        plain = Catalogue.write

        @contextmanager
        def write(catalogue: Catalogue) -> Iterator[sqlite3.Connection]:
            with plain(catalogue) as db:
                yield db
                self.meet("before-commit")
            self.meet("after-commit")

        Catalogue.write = write  # type: ignore[method-assign]
        building.build = self._around("build", building.build, "built")
        store.write = self._around("report", store.write, "reported")
        # Worker processes are sent its name and find their own.
        workers.recognise = self._before("recognise", engine.recognise)
        engine.recognise = workers.recognise

    def _before(self, point: str, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapped(*arguments: P.args, **named: P.kwargs) -> R:
            self.meet(point)
            return function(*arguments, **named)

        return wrapped

    def _around(self, before: str, function: Callable[P, R], after: str) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapped(*arguments: P.args, **named: P.kwargs) -> R:
            self.meet(before)
            result = function(*arguments, **named)
            self.meet(after)
            return result

        return wrapped


def _writes(arguments: tuple[Any, ...]) -> bool:
    """Whether an audited ``open`` of a named file is for writing."""
    path, _, flags = arguments
    return isinstance(path, str | bytes | os.PathLike) and bool(flags & _WRITING)


def shift_clock(wanted: Jump) -> None:
    """The clock jumps. ``date.today`` reads ``time.time``, so days jump with it; what the file
    system notes does not, as when a machine's clock is set right between two nights."""
    readings = 0
    plain, plain_ns = time.time, time.time_ns

    def off() -> int:
        nonlocal readings
        readings += 1
        return wanted.seconds if readings >= wanted.number else 0

    time.time = lambda: plain() + off()
    time.time_ns = lambda: plain_ns() + off() * 1_000_000_000


def warm() -> None:
    """Import what commands import, for whoever forks."""
    cli = importlib.import_module("pipeline.cli.main").cli
    for name in cli.commands:
        cli.commands[name]
    importlib.import_module("models.load").go_offline()
    for name in ("models.text.embedder", "models.text.quick_embedder", "models.speech.whisper"):
        importlib.import_module(name)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    made.add_argument("--home", default=os.environ.get("INTERVIEWS_HOME"))
    made.add_argument("--kill-at", type=at, metavar="POINT:N")
    made.add_argument("--stop-at", type=at, metavar="POINT:N", help="SIGSTOP")
    made.add_argument("--raise-at", type=at, metavar="POINT:N")
    made.add_argument("--error", default="ENOSPC", help="what --raise-at says: ENOSPC, EROFS, …")
    made.add_argument("--clock", type=jump, metavar="+3d[:N]")
    made.add_argument("--file-size", type=int, metavar="BYTES", help="no file grows beyond this")
    made.add_argument("--count", action="store_true", help="say how often each point was met")
    made.add_argument("arguments", nargs="+", help="the command, after --")
    return made


def perform(given: list[str]) -> int:
    """Run the command line of ``given`` with its faults; the exit code."""
    options = parser().parse_args(given)
    if not options.home:
        parser().error("--home or INTERVIEWS_HOME")
    os.environ["INTERVIEWS_HOME"] = options.home
    from pipeline.cli.main import main

    signals = {signal.SIGKILL: options.kill_at, signal.SIGSTOP: options.stop_at}
    faults = Faults(options.home, signals, options.raise_at, options.error)
    faults.install()
    if options.file_size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_size, options.file_size))
    if options.clock:
        shift_clock(options.clock)
    code = 0
    try:
        main(options.arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    if options.count:
        print(json.dumps({point: faults.met[point] for point in POINTS}), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(perform(sys.argv[1:]))
