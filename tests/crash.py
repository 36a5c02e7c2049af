"""Kill a run or a night at a random moment, let a night pass in peace, and compare with what comes
of both when neither is disturbed.

    python -m tests.crash --times 200 --jobs 2

The home (20 recordings, an inbox, people's work; see ``tests.fault_home``) is made once and copied
for each kill; ``kill -9`` hits the whole process group at a random fraction of the undisturbed
time. Kills alternate between ``run`` and ``nightly``. Nothing may be lost, double, or left over.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Interviews
from tests.content import content, everything
from tests.fault_home import copied, prepare
from tests.forks import SETTINGS, Forks

CAPTIONS = """WEBVTT

00:00.000 --> 00:04.000
<v Anna Weber>Die Stadt plant ein neues Netz für die Fernwärme.

00:04.500 --> 00:09.000
<v Thomas Klein>Der Ausbau kostet zwei Millionen Euro und dauert vier Jahre.
"""


def fresh(home: Path, media: list[Path]) -> Interviews:
    """A home with media and transcripts added and not yet run."""
    home.mkdir(parents=True)
    interviews = Interviews(home)
    for number in range(3):
        text = home / f"gespraech-{number}.vtt"
        text.write_text(CAPTIONS.replace("vier Jahre", f"{number + 2} Jahre"), encoding="utf-8")
    interviews("add", *media, *sorted(home.glob("*.vtt")))
    return interviews


def undisturbed(home: Path, media: list[Path]) -> tuple[dict[str, object], float]:
    """The content a run should yield, and the seconds it took."""
    interviews = fresh(home, media)
    began = time.monotonic()
    interviews("run", INTERVIEWS_WINDOW_SECONDS="30")
    return dict(content(home)), time.monotonic() - began


def killed(home: Path, media: list[Path], after_s: float) -> dict[str, object]:
    """The content after a kill at ``after_s`` and a second run."""
    interviews = fresh(home, media)
    process = subprocess.Popen(
        interviews.command("run"),
        env=interviews.environment(INTERVIEWS_WINDOW_SECONDS="30"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    interviews("run", INTERVIEWS_WINDOW_SECONDS="30")
    return dict(content(home))


@dataclass(frozen=True, slots=True)
class Peace:
    """What an undisturbed command and the night after it yield, and how long the command took."""

    content: dict[str, object]
    took_s: float


@dataclass(frozen=True, slots=True)
class Kill:
    """One blow: the number of it, the command it hits and when."""

    number: int
    command: str
    after_s: float


def peace(forks: Forks, base: Path, place: Path, command: str) -> Peace:
    """``command`` and a night, left alone."""
    home = copied(base, place)
    began = time.monotonic()
    ended = forks(home, "--", command, "--engine", "inline")
    took = time.monotonic() - began
    assert ended.code == 0, ended.err
    return Peace(_settled(forks, home), took)


def struck(forks: Forks, base: Path, place: Path, kill: Kill) -> tuple[bool, dict[str, object]]:
    """Whether the blow hit while the command was at work, and the content after a night."""
    home = copied(base, place)
    child = forks.start(home, "--", kill.command, "--engine", "inline")
    time.sleep(kill.after_s)
    child.signal(signal.SIGKILL)
    hit = child.wait().code < 0
    return hit, _settled(forks, home)


def _settled(forks: Forks, home: Path) -> dict[str, object]:
    ended = forks(home, "--", "nightly", "--engine", "inline")
    if ended.code:
        return {"the night after": f"{ended.code}: {ended.out}{ended.err}"}
    found = everything(home)
    shutil.rmtree(home)
    return found


def differences(found: dict[str, object], expected: dict[str, object]) -> list[str]:
    """The tables and folders that differ."""
    return sorted(
        name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
    )


def kills(times: int, seed: int, expected: dict[str, Peace]) -> Iterator[Kill]:
    """Every second one hits a ``run``, the others a ``nightly``."""
    chance = random.Random(seed)
    for number in range(times):
        command = ("run", "nightly")[number % 2]
        yield Kill(number, command, chance.random() * expected[command].took_s)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="kills at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=18, help="transcripts in the catalogue")
    options = parser.parse_args()
    met: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        base = prepare(place / "base", texts=options.texts)
        with Forks(SETTINGS) as forks:
            peace(forks, base, place / "warm", "run")  # the files' first reading counts for nothing
            expected = {
                command: peace(forks, base, place / f"peace-{command}", command)
                for command in ("run", "nightly")
            }
        for command, found in expected.items():
            print(f"undisturbed {command}: {found.took_s:.1f} s", flush=True)

        def strike(share: list[Kill]) -> None:
            with Forks(SETTINGS) as forks:
                for kill in share:
                    hit, found = struck(forks, base, place / f"{kill.number}", kill)
                    wrong = differences(found, expected[kill.command].content)
                    met.update(["hit"] if hit else ["late"])
                    met.update(["different"] if wrong else ["same"])
                    said = f"DIFFERENT: {', '.join(wrong)}" if wrong else "same"
                    when = f"{kill.command} killed after {kill.after_s:5.1f} s"
                    print(
                        f"{kill.number + 1:3}: {when}{'' if hit else ' (late)'}: {said}", flush=True
                    )

        blows = list(kills(options.times, options.seed, expected))
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(strike, [blows[job :: options.jobs] for job in range(options.jobs)]))
    print(
        f"{options.times} kills, {met['hit']} while at work: {met['same']} the same as in peace,"
        f" {met['different']} different"
    )
    return 1 if met["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
