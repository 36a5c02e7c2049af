"""The machines of a cluster as processes of this one: real commands, told from one another by
their names."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import Interviews

_LONGEST_S = 120


class Machine:
    """A command that stays, and what it said so far."""

    def __init__(self, interviews: Interviews, *arguments: str, **environment: str) -> None:
        self.said = ""
        self._open = True
        self._process = subprocess.Popen(
            interviews.command(*arguments),
            env=interviews.environment(**environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def until(self, pattern: str) -> None:
        """Wait for a line that it says."""
        assert self._process.stderr is not None
        with self._patience():
            for line in self._process.stderr:
                self.said += line
                if re.search(pattern, line):
                    return
        raise AssertionError(f"{pattern} never came:\n{self.said}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Its exit status, once it has ended by itself."""
        with self._patience():
            self.said += self._process.communicate()[1] if self._open else ""
            self._open = False
            return self._process.wait()

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """A process that does not end or speak is ended, and its children with it."""
        timer = threading.Timer(_LONGEST_S, self._process.kill)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def children(self) -> list[int]:
        """Processes of models, which it spawned."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, IndexError):
                parent = int(path.read_text().rsplit(") ", 1)[1].split()[1])
                if parent == self.pid and "spawn_main" in (path.parent / "cmdline").read_text():
                    found.append(int(path.parent.name))
        return found


class Machines:
    """A scheduler and workers, none of which has a home of its own."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", **environment: str) -> None:
        self._nowhere = Interviews(folder / "nowhere")
        self._environment = environment
        self._running: list[Machine] = []
        self._host = host
        self._port = free_port(host)
        protocol = "tls" if environment else "tcp"
        self.url = f"{protocol}://{host}:{self._port}"
        self.nowhere = self._nowhere.home

    def start(self, *arguments: str, **environment: str) -> Machine:
        machine = Machine(self._nowhere, *arguments, **self._environment | environment)
        self._running.append(machine)
        return machine

    def scheduler(self) -> Machine:
        machine = self.start("scheduler", "--host", self._host, "--port", str(self._port))
        machine.until("Scheduler: ")
        return machine

    def worker(self, name: str) -> Machine:
        machine = self.start("worker", "--scheduler", self.url, "--name", name)
        machine.until("has joined")
        return machine

    def end(self) -> None:
        for machine in self._running:
            for child in machine.children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            machine.kill()


@contextlib.contextmanager
def machines(folder: Path, host: str = "127.0.0.1", **environment: str) -> Iterator[Machines]:
    found = Machines(folder, host, **environment)
    try:
        yield found
    finally:
        found.end()


def free_port(host: str) -> int:
    with socket.socket() as listening:
        listening.bind((host, 0))
        return int(listening.getsockname()[1])


def own_address() -> str:
    """This machine's in its network, where it has one; else its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # nothing is sent; the address is for documentation
        except OSError:
            return "127.0.0.1"
        return str(asking.getsockname()[0])
