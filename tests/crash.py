"""Kill a run at a random moment, run again, and compare with a run that was left in peace.

    python -m tests.crash --times 20

Each time a fresh home with media and transcripts is used, and ``kill -9`` hits the whole process
group at a random fraction of the undisturbed run's time.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import SAMPLES, Interviews
from tests.content import content

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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    media = sorted(SAMPLES.glob("*.mp4"))[:2]
    with tempfile.TemporaryDirectory() as folder:
        expected, took = undisturbed(Path(folder) / "peace", media)
        print(f"undisturbed: {took:.1f} s")
        different = 0
        for number in range(options.times):
            after = chance.random() * took
            same = killed(Path(folder) / f"{number}", media, after) == expected
            different += not same
            print(
                f"{number + 1:3}: killed after {after:5.1f} s: {'same' if same else 'DIFFERENT'}",
                flush=True,
            )
    print(f"{options.times} kills, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
