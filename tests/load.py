"""How fast the pages are when many ask.

    python -m tests.load [--members 50] [--every 5] [--seconds 60] [--run]

Each member is signed in and asks the search page another question of the gold set every few
seconds, against the real server over the gold set's interviews with the bundled text model. With
``--run`` the sample films are worked on by ``interviews run`` beside it all the while.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from pipeline.accounts import sessions
from pipeline.catalog import accounts
from pipeline.catalog.connection import now_ms, open_catalogue
from tests import gold_set
from tests.forks import ROOT

SAMPLES = ROOT / "tests" / "samples"
AIM_MS = 150


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two questions")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--run", action="store_true", help="process recordings meanwhile")
    parser.add_argument("--home", type=Path, help="a home that was built before")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder) / "home"
        if not home.exists():
            gold_set.build(home)
        cookies = _members(home, given.members)
        with _served(home) as (port, pid), _working(home, wanted=given.run) as work:
            before = _processor_ms(pid)
            times, errors = asyncio.run(_asked(port, cookies, given.every, given.seconds))
            each = (_processor_ms(pid) - before) / max(len(times), 1)
            if work is not None and work.poll() is not None:
                print("note: the recordings were done before the questions were")
    _told(times, errors, given.members, given.every)
    print(f"{each:.0f} ms of processor time a page in the server")
    return 0


def _processor_ms(pid: int) -> float:
    spent = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _members(home: Path, count: int) -> list[str]:
    """Cookies of people who are signed in."""
    with open_catalogue(home / "catalogue.db") as catalogue, catalogue.write() as db:
        for number in range(count):
            if accounts.by_name(db, f"member{number}") is None:
                accounts.insert(db, f"member{number}", f"member{number}", "member", None, now_ms())
        return [
            sessions.begin(db, user, now_ms())
            for user in accounts.every(db)
            if user.role == "member"
        ][:count]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "INTERVIEWS_HOME": str(home), "INTERVIEWS_LANG": "en"}


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli.main", *arguments]


@contextmanager
def _served(home: Path) -> Iterator[tuple[int, int]]:
    """The server's port and process."""
    with subprocess.Popen(
        _command("serve", "--port", "0"),
        cwd=ROOT,
        env=_environment(home),
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            found = (re.search(r"http://127[.]0[.]0[.]1:([0-9]+)", line) for line in server.stderr)
            yield next(int(one[1]) for one in found if one), server.pid
        finally:
            server.terminate()


@contextmanager
def _working(home: Path, *, wanted: bool) -> Iterator[subprocess.Popen[bytes] | None]:
    """``interviews run`` over the sample films, again if they are done already."""
    if not wanted:
        yield None
        return
    films = [str(one) for one in sorted(SAMPLES.glob("*.mp4"))]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = _environment(home)
    subprocess.run(_command("add", *films), cwd=ROOT, env=environment, check=True, **quiet)  # type: ignore[call-overload]
    again = ("run", "--again", "transcribe")
    both = (" ".join(_command(*one)) for one in (("run",), again))
    loop = "while true; do {}; {} $IDS; done".format(*both)
    ids = _ids(home)
    environment["IDS"] = " ".join(ids)
    with subprocess.Popen(
        ["/bin/sh", "-c", loop], cwd=ROOT, env=environment, start_new_session=True, **quiet
    ) as work:  # type: ignore[call-overload]
        try:
            yield work
        finally:
            os.killpg(work.pid, 15)


def _ids(home: Path) -> list[str]:
    with open_catalogue(home / "catalogue.db") as catalogue, catalogue.read() as db:
        rows = db.execute("SELECT id FROM recordings WHERE media_path LIKE ?", (f"{SAMPLES}%",))
        return [str(row[0]) for row in rows]


async def _asked(
    port: int, cookies: Sequence[str], every_s: float, seconds: float
) -> tuple[list[float], list[str]]:
    questions = [str(row["question"]) for half in gold_set.HALVES for row in gold_set.rows(half)]
    until = time.perf_counter() + seconds
    times: list[float] = []
    errors: list[str] = []

    async def member(cookie: str, chance: random.Random) -> None:
        await asyncio.sleep(chance.uniform(0, every_s))
        while (began := time.perf_counter()) < until:
            query = urlencode({"q": chance.choice(questions)})
            try:
                status = await _status(port, f"/?{query}", cookie)
                if status != 200:
                    errors.append(str(status))
            except (OSError, ValueError, IndexError) as error:
                errors.append(type(error).__name__)
            took = time.perf_counter() - began
            times.append(took * 1000)
            await asyncio.sleep(max(every_s - took, 0))

    await asyncio.gather(
        *(member(cookie, random.Random(number)) for number, cookie in enumerate(cookies))
    )
    return times, errors


async def _status(port: int, path: str, cookie: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n"
            f"Cookie: session={cookie}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode())
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1])


def _told(times: Sequence[float], errors: Sequence[str], members: int, every_s: float) -> None:
    ordered = sorted(times)
    shares = ", ".join(
        f"p{share} {ordered[min(len(ordered) * share // 100, len(ordered) - 1)]:.0f} ms"
        for share in (50, 95, 99)
    )
    print(f"{members} members, a question every {every_s:g} s: {len(times)} pages, {shares}")
    print(f"slowest {ordered[-1]:.0f} ms, {len(errors)} errors {sorted(set(errors))}")
    print(f"aim: p95 below {AIM_MS} ms and no error; load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main())
