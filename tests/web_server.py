"""The real server in a process of its own, with patience as short as a test wants it.

python -m tests.web_server HOME [--open] [--head S] [--body S] prints the address on standard error.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.settings import load_settings
from pipeline.web.server import Patience, serve
from tests.forks import ROOT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--head", type=float, default=15.0)
    parser.add_argument("--body", type=float, default=20.0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    context = Context(open_home(given.home), load_settings(given.home, {})[0])

    def ready(address: str) -> None:
        print(address, file=sys.stderr, flush=True)

    patience = Patience(given.head, given.body)
    serve(context, "127.0.0.1", 0, open_to_all=given.open, ready=ready, patience=patience)


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, its process and all that it has printed so far."""

    port: int
    pid: int
    log: Path

    def connected(self, timeout_s: float = 20, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout_s, (source, 0))

    def ask(self, request: bytes, source: str = "127.0.0.1") -> bytes:
        """All bytes that come back until the server closes the connection."""
        with self.connected(source=source) as connection:
            connection.sendall(request)
            return received(connection)

    @property
    def open_files(self) -> list[str]:
        links = Path(f"/proc/{self.pid}/fd").iterdir()
        return [str(one.readlink()) for one in links if one.is_symlink()]

    @property
    def resident_bytes(self) -> int:
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def is_alive(self) -> bool:
        head = b"GET /help HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        return self.ask(head).startswith(b"HTTP/1.1 200")


def received(connection: socket.socket) -> bytes:
    pieces: list[bytes] = []
    try:
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


@contextmanager
def running(home: Path, log: Path, *options: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.web_server", str(home), *options]
    with log.open("wb") as stream, subprocess.Popen(command, cwd=ROOT, stderr=stream) as process:
        try:
            yield Server(_port(process, log), process.pid, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    while process.poll() is None:
        lines = log.read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line.startswith("http://") and (port := urlsplit(line).port):
                return port
    raise AssertionError(log.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
