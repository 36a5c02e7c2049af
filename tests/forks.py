"""Commands in processes that are forked from one that has imported everything, so that hundreds of
them do not spend their time on imports.

    with Forks(SETTINGS) as forks:
        child = forks.start(home, "--kill-at", "rename:3", "--", "nightly")
        child.wait()

The forked process is ``tests.faults`` in a group of its own, or with ``forks.begin`` the plain
command line: it has its own arguments, environment, folder and streams, and ends as any other.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from models.load import _OFFLINE

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = {
    "INTERVIEWS_LANG": "en",
    "INTERVIEWS_INBOX_SETTLE_SECONDS": "0",
    "INTERVIEWS_WINDOW_SECONDS": "30",
    "INTERVIEWS_BEAM_SIZE": "1",
    "INTERVIEWS_THREADS": "1",
    "INTERVIEWS_RENDITION": "off",
    "OMP_NUM_THREADS": "1",
}

_STREAMS = ("out", "err")
_LONGEST_S = 300
_SET_MEANWHILE = (
    "PYTEST_CURRENT_TEST", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "TORCHINDUCTOR_CACHE_DIR",
)  # fmt: skip
"""By pytest for each test, by torch when it is imported."""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment is not for the program itself, but for the interpreter and the
    libraries, which read it while they start. What they set themselves is left out."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("INTERVIEWS_")
        and name not in _SET_MEANWHILE
        and _OFFLINE.get(name) != value
    }


class Forks:
    """The process that forks. One command after another is asked of it; the forked run at once."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.surroundings = surroundings(os.environ)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forks"],
            cwd=ROOT,
            env={**self.surroundings, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.communicate()

    def ask(self, question: dict[str, Any]) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(question), file=self._server.stdin, flush=True)
        if "wait" in question and not select.select([self._server.stdout], [], [], _LONGEST_S)[0]:
            os.killpg(question["wait"], signal.SIGKILL)
            self._server.stdout.readline()
            raise subprocess.TimeoutExpired("a forked command", _LONGEST_S)
        return json.loads(self._server.stdout.readline())

    def start(self, home: Path, *given: str | Path, **environment: str) -> Child:
        """Begin ``tests.faults`` with what was ``given``."""
        return self._begin(
            {
                "faults": ["--home", str(home), *map(str, given)],
                "environment": environment,
            }
        )

    def begin(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Begin ``interviews`` with ``arguments`` in the folder that this process is in."""
        return self._begin(
            {
                "command": arguments,
                "environment": dict(environment),
                "folder": str(Path.cwd()),
            }
        )

    def _begin(self, question: dict[str, Any]) -> Child:
        place = Path(tempfile.mkdtemp(prefix="forks-"))
        for name in _STREAMS:
            (place / name).touch()
        return Child(self, self.ask(question | {"said": str(place)}), place)

    def __call__(self, home: Path, *given: str | Path, **environment: str) -> Ran:
        """Begin, and wait for the end."""
        return self.start(home, *given, **environment).wait()


@dataclass(frozen=True, slots=True)
class Child:
    """A forked command."""

    forks: Forks
    pid: int
    said: Path

    def end(self) -> Ran:
        """Its end: the code is negative where a signal was it."""
        code = self.forks.ask({"wait": self.pid})
        out, err = ((self.said / name).read_text(encoding="utf-8") for name in _STREAMS)
        shutil.rmtree(self.said)
        return Ran(code, out, err)

    def wait(self) -> Ran:
        """Its end, after which nothing of it lives on."""
        ran = self.end()
        self.signal(signal.SIGKILL)
        return ran

    def stopped(self) -> None:
        """Wait until it has stopped itself."""
        assert self.forks.ask({"stopped": self.pid})

    def signal(self, number: signal.Signals) -> None:
        """To the command and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


@functools.cache
def commands() -> Forks:
    """For all plain commands of this test process."""
    forks = Forks({})
    atexit.register(forks.close)
    return forks


def _serve() -> None:
    from tests import faults

    faults.warm()
    gc.freeze()  # a child that collects garbage is not to copy all of this
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            answer = os.waitstatus_to_exitcode(os.waitpid(question["wait"], 0)[1])
        elif "stopped" in question:
            answer = os.WIFSTOPPED(os.waitpid(question["stopped"], os.WUNTRACED)[1])
        else:
            answer = os.fork()
            # Either may be first, and the group is to be there before anyone signals it.
            os.setpgid(answer, 0)
            if not answer:
                _become(question)
        print(json.dumps(answer), flush=True)
    os._exit(0)  # nothing of what was imported is to be taken down in order


def _become(question: dict[str, Any]) -> NoReturn:
    """Be the forked command, and end."""
    for number, name in enumerate(_STREAMS, start=1):
        os.dup2(os.open(f"{question['said']}/{name}", os.O_WRONLY), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if "faults" in question:
        _strike(question)
    os.environ.clear()
    os.environ.update(question["environment"])
    os.chdir(question["folder"])
    program = importlib.import_module("pipeline.cli.main")
    # As ``python -m pipeline.cli.main``: processes that it spawns look there for what it is.
    sys.modules["__main__"] = program
    sys.argv = [str(program.__file__), *question["command"]]
    _end(program.main)


def _strike(question: dict[str, Any]) -> NoReturn:
    from tests import faults

    os.environ.update(question["environment"])
    _end(lambda: sys.exit(faults.perform(question["faults"])))


def _end(work: Callable[[], NoReturn]) -> NoReturn:
    """Do it and end as a process does, except that what was imported is not taken down in order."""
    code = 70
    try:
        work()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
