"""Commands in processes that are forked from one that has imported everything, so that hundreds of
killed runs do not spend their time on imports.

    with Forks() as forks:
        child = forks.start(home, "--kill-at", "rename:3", "--", "nightly")
        child.wait()

The forked process is ``tests.faults`` in a session of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Ran

SETTINGS = {
    "INTERVIEWS_LANG": "en",
    "INTERVIEWS_INBOX_SETTLE_SECONDS": "0",
    "INTERVIEWS_WINDOW_SECONDS": "30",
    "INTERVIEWS_BEAM_SIZE": "1",
    "INTERVIEWS_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}

_STREAMS = ("out", "err")


class Forks:
    """The process that forks. One command after another is asked of it; the forked run at once."""

    def __init__(self) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("INTERVIEWS_")}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forks"],
            cwd=ROOT,
            env=kept | SETTINGS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def ask(self, question: dict[str, Any]) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(question), file=self._server.stdin, flush=True)
        return json.loads(self._server.stdout.readline())

    def start(self, home: Path, *given: str | Path, **environment: str) -> Child:
        """Begin ``tests.faults`` with what was ``given``."""
        place = Path(tempfile.mkdtemp(prefix="faults-"))
        question = {
            "given": ["--home", str(home), *map(str, given)],
            "environment": environment,
            "said": str(place),
        }
        return Child(self, self.ask(question), place)

    def __call__(self, home: Path, *given: str | Path, **environment: str) -> Ran:
        """Begin, and wait for the end."""
        return self.start(home, *given, **environment).wait()


@dataclass(frozen=True, slots=True)
class Child:
    """A forked command."""

    forks: Forks
    pid: int
    said: Path

    def wait(self) -> Ran:
        """Its end: the code is negative where a signal was it. Nothing of it lives on."""
        code = self.forks.ask({"wait": self.pid})
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        out, err = ((self.said / name).read_text(encoding="utf-8") for name in _STREAMS)
        shutil.rmtree(self.said)
        return Ran(code, out, err)

    def stopped(self) -> None:
        """Wait until it has stopped itself."""
        assert self.forks.ask({"stopped": self.pid})

    def signal(self, number: signal.Signals) -> None:
        """To the command and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _serve() -> None:
    from tests import faults

    faults.warm()
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            answer = os.waitstatus_to_exitcode(os.waitpid(question["wait"], 0)[1])
        elif "stopped" in question:
            answer = os.WIFSTOPPED(os.waitpid(question["stopped"], os.WUNTRACED)[1])
        else:
            answer = os.fork()
            if not answer:
                _become(question)
        print(json.dumps(answer), flush=True)
    os._exit(0)  # nothing of what was imported is to be taken down in order


def _become(question: dict[str, Any]) -> None:
    """Be the forked command, and end."""
    from tests import faults

    os.setsid()
    for number, name in enumerate(_STREAMS, start=1):
        os.dup2(os.open(f"{question['said']}/{name}", os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(question["environment"])
    code = 70
    try:
        code = faults.perform(question["given"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
