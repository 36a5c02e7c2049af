"""FFmpeg, under limits. The only module that runs it.

Every file is opened alone: by absolute path, by a demuxer chosen beforehand, with no other
protocol than ``file`` (what guards against playlists, see ``sniff``). The process gets no standard
input, a bare environment, limits of processor time, memory and written bytes, and is killed where
nothing comes out of it for too long.
"""

from __future__ import annotations

import errno
import os
import re
import selectors
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import imageio_ffmpeg

from pipeline.errors import Missing

_READ_BYTES = 1 << 18
_COMPLAINT_BYTES = 1 << 14
"""How much of standard error is kept; a damaged file can write gigabytes of it."""

_SHELL_LIMITS = (
    '{ ulimit -c 0; ulimit -t "$1"; ulimit -v "$2"; ulimit -f "$3"; } 2>/dev/null; '
    'shift 3; exec "$@"'
)
"""The shell sets the limits: Python's ``preexec_fn`` is unsafe once there are threads.

One that the system does not know, or that is already lower, leaves the others in force.
"""

_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
"""Nothing else: FFREPORT, for one, would make FFmpeg write a file."""

_LAUNCHER = """import ctypes, os, sys
os.nice(10)
try:
    ctypes.CDLL(None).prctl(1, 9)
except (AttributeError, OSError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])"""
"""Long work gives way to searches, and is killed when we are, by Linux (PR_SET_PDEATHSIG, SIGKILL):
FFmpeg ignores that nobody listens any more and would go on for hours. It does not even begin where
we are gone already."""

_PREFIX = re.compile(r"^(\[[^\]]*\] *)+")
_EMPTY_PHRASES = (
    "Conversion failed",
    "Error opening input file",
    "Error opening output file",
    "Error opening input:",
    "Task finished with error",
    "Terminating thread",
    "Nothing was written into output",
    "Could not open encoder before EOF",
    "Last message repeated",
    "size=",
    "To ignore this",
)
"""Lines that only say that something went wrong; what went wrong stands before them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may use. ``stall_s``: longest wait for its next output."""

    cpu_s: int = 600
    memory_bytes: int = 2 << 30
    file_bytes: int = 0
    stall_s: float = 60.0


@cache
def ffmpeg_path() -> Path:
    """The system's ffmpeg, else imageio-ffmpeg's. Raises Missing (``media.no_ffmpeg``)."""
    if found := shutil.which("ffmpeg"):
        return Path(found).absolute()
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute()
    except RuntimeError as error:
        raise Missing("media.no_ffmpeg") from error


@cache
def ffmpeg_version() -> str:
    """What ffmpeg calls itself, such as ``7.1``. Raises Missing (``media.no_ffmpeg``)."""
    try:
        first_line = run(("-version",), Limits(cpu_s=20)).output.decode().partition("\n")[0]
    except OSError as error:
        raise Missing("media.no_ffmpeg") from error
    found = re.match(r"ffmpeg version (\S+)", first_line)
    if not found:
        raise Missing("media.no_ffmpeg")
    return found[1]


@cache
def filters() -> frozenset[str]:
    """The names of the filters that this ffmpeg has. Raises Missing (``media.no_ffmpeg``)."""
    listed = run(("-filters",), Limits(cpu_s=20)).output.decode("utf-8", "replace").splitlines()
    return frozenset(line.split()[1] for line in listed if "->" in line)


def input_options(demuxer: str) -> dict[str, str]:
    """Options that go before ``-i``, as keywords for ffmpeg-python's ``input``.

    The format whitelist also binds demuxers that a demuxer opens by itself (subtitles in AVI).
    """
    return {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "format": demuxer,
        "probesize": "20000000",
        "analyzeduration": "20000000",
    }


def file_url(path: Path) -> str:
    """``path`` so that no character of it is read as an option, a protocol or a pattern."""
    return f"file:{path.absolute()}"


class Stream:
    """A running ffmpeg whose standard output is read piece by piece.

    Use as a context manager: leaving it kills and reaps the process. ``stalled`` says that it was
    killed for silence; ``status`` is its exit status, negative for a signal, None while it runs.
    With a ``folder`` it is long work that writes files there, for us alone to read.
    """

    def __init__(
        self, arguments: Sequence[str], limits: Limits, folder: Path | None = None
    ) -> None:
        self._limits = limits
        command = (str(ffmpeg_path()), "-nostdin", "-hide_banner", *arguments)
        if folder is not None:
            command = (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command)
        self._process = subprocess.Popen(
            limited(command, limits),
            cwd=folder,
            umask=-1 if folder is None else 0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pipesize=_READ_BYTES,
            env=bare_environment(),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._descriptor = self._process.stdout.fileno()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._descriptor, selectors.EVENT_READ)
        self._complaints = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.stalled = False

    def _listen(self) -> None:
        assert self._process.stderr is not None
        while piece := os.read(self._process.stderr.fileno(), _READ_BYTES):
            self._complaints += piece
            del self._complaints[:-_COMPLAINT_BYTES]

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes of output; fewer only where the output ends."""
        pieces: list[bytes] = []
        wanted = size
        while wanted:
            if not self._selector.select(self._limits.stall_s):
                self.stalled = True
                self._process.kill()
                break
            piece = os.read(self._descriptor, min(wanted, _READ_BYTES))
            if not piece:
                break
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def some(self, wait_s: float) -> bytes | None:
        """What output there is by now: b"" at its end, None where none came for ``wait_s``."""
        if not self._selector.select(wait_s):
            return None
        return os.read(self._descriptor, _READ_BYTES)

    @property
    def status(self) -> int | None:
        return self._process.returncode

    def finish(self) -> int:
        """Wait for the end after the last byte was read; the exit status."""
        try:
            self._process.wait(self._limits.stall_s)
        except subprocess.TimeoutExpired:
            self.stalled = True
            self._process.kill()
            self._process.wait()
        self._listener.join()
        return self._process.returncode

    def complaint(self) -> str:
        """The last meaningful line of standard error, without file names; "" for none."""
        return meaningful(self._complaints.decode("utf-8", "replace"))

    def check_room(self) -> None:
        """Raises OSError where it complained that the disk is full, or our share of it."""
        said = self._complaints.decode("utf-8", "replace").splitlines()
        for code in (errno.ENOSPC, errno.EDQUOT):
            words = os.strerror(code)
            if any(line.endswith(words) for line in said):
                raise OSError(code, words)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished run left: its standard output, exit status and last complaint."""

    output: bytes
    status: int
    complaint: str
    stalled: bool


def run(arguments: Sequence[str], limits: Limits, *, output_bytes: int = 1 << 20) -> Outcome:
    """Run ffmpeg to its end and keep at most ``output_bytes`` of its standard output.

    One that writes more is killed, and so is one that prints nothing for ``limits.stall_s``: give
    work that writes to a file (with ``limits.file_bytes``) its whole time there.
    """
    with Stream(arguments, limits) as stream:
        output = stream.read(output_bytes)
        if len(output) < output_bytes:
            stream.finish()
    return Outcome(output, stream.status or 0, stream.complaint(), stream.stalled)


def limited(command: Sequence[str], limits: Limits) -> list[str]:
    """``command`` so that it runs under ``limits`` of processor time, memory and written bytes."""
    numbers = (limits.cpu_s, limits.memory_bytes // 1024, limits.file_bytes // 512)
    return ["/bin/sh", "-c", _SHELL_LIMITS, "sh", *map(str, numbers), *command]


def bare_environment() -> dict[str, str]:
    """What of the environment a child that opens foreign files is given."""
    return {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}


def meaningful(complaints: str) -> str:
    """The last line that says something, without log prefixes and file names."""
    for line in reversed(complaints.splitlines()):
        said = _PREFIX.sub("", line.strip())
        said = re.sub(r"file:/.*", "", said).strip(" :'\"")
        if said and not said.startswith(_EMPTY_PHRASES):
            return "".join(filter(str.isprintable, said))[:200]
    return ""
