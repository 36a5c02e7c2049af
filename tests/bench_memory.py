"""``make bench-memory``: what a long queue costs in memory.

    python -m tests.bench_memory [--hours 10] [--minutes 20] [--workers 1] [--size tiny]

``interviews run`` works off a queue of recordings of ``--minutes`` each: ``--hours`` of them, and
``--beside`` hours (a tenth), in turn. Its whole tree of processes (driver, workers, ffmpeg) is
looked at several times a second; what counts is the largest sum seen. "resident" counts what
processes share (libraries, mapped models) once for each of them, "own share" divides it among them.
Most of each recording is hushed noise, so that hours of it take minutes; the model is one of a
published size that says one sentence to whatever it hears.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.values import SAMPLE_RATE
from tests import bench_fleet, checkpoints
from tests.benching import ROOT, Result, Results, judged, parser, ratios, spread

AIM = 1.1
EVERY_S = 0.2
_TURN_S = 120
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Peak(NamedTuple):
    """Bytes at most of a whole tree of processes, and the most at once that it was."""

    resident: int
    share: int
    processes: int


class Watch(threading.Thread):
    """Looks at a process and all that come of it until it ends."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._done = threading.Event()
        self.peak = Peak(0, 0, 0)
        self.highest: dict[int, int] = {}

    def run(self) -> None:
        while not self._done.wait(EVERY_S):
            every = tree(self._root)
            seen = [self._look(pid) for pid in every]
            resident, share = (
                (sum(column) for column in zip(*seen, strict=True)) if seen else (0, 0)
            )
            self.peak = Peak(*map(max, self.peak, (resident, share, len(every))))

    def _look(self, pid: int) -> tuple[int, int]:
        try:
            fields = _fields(Path(f"/proc/{pid}/smaps_rollup"))
            self.highest[pid] = max(self.highest.get(pid, 0), fields["Rss"])
        except (OSError, KeyError):
            return 0, 0  # it has just ended
        return fields["Rss"], fields["Pss"]

    def end(self) -> Peak:
        self._done.set()
        self.join()
        return self.peak


def _fields(path: Path) -> dict[str, int]:
    """Bytes by name."""
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {one[0].rstrip(":"): int(one[1]) * 1024 for one in lines if one[-1] == "kB"}


def tree(root: int) -> list[int]:
    """A process and all that come of it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(
                int(folder.name)
            )
    found, waiting = [], [root]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def recordings(folder: Path, hours: float, minutes: float, spoken: float) -> list[Path]:
    """Files of their own: talk, then hushed noise, and again, every two minutes."""
    loud_s = max(1, round(_TURN_S * spoken))
    chance = np.random.default_rng(1)
    talk = np.concatenate(bench_fleet._films())
    count = max(1, round(hours * 60 / minutes))
    paths = []
    for number in range(count):
        path = folder / f"{number:04}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            left = round(minutes * 60)
            while left > 0:
                begin = int(chance.integers(0, len(talk) - loud_s * SAMPLE_RATE))
                loud = talk[begin : begin + min(loud_s, left) * SAMPLE_RATE]
                hushed_s = max(min(_TURN_S, left) - loud_s, 0)
                hushed = chance.normal(0, 1e-4, hushed_s * SAMPLE_RATE)
                sound = np.concatenate([loud, hushed])
                file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
                left -= _TURN_S
        paths.append(path)
    return paths


def worked_off(home: Path, workers: int, **settings: str) -> Peak:
    """Work off what waits in a home; what that took at most."""
    with subprocess.Popen(
        [*_INTERVIEWS, "run", "--workers", str(workers), "--json"],
        env=_environment(home, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watch = Watch(process.pid)
        watch.start()
        said, complained = process.communicate()
        found = watch.end()
    assert process.returncode == 0, complained
    assert json.loads(said)["done"], said
    return found


_INTERVIEWS = (sys.executable, "-m", "pipeline.cli.main")


def _environment(home: Path, **settings: str) -> dict[str, str]:
    own = {"HOME": str(home), "LANG": "en", **settings}
    named = {f"INTERVIEWS_{name.upper()}": value for name, value in own.items()}
    return {**os.environ, **named, "PYTHONPATH": str(ROOT)}


def peak(home: Path, model: str, files: list[Path], workers: int) -> tuple[Peak, float]:
    """What ``interviews run`` took for these files, and its seconds."""
    settings = {"speech_model": model, "rendition": "off"}
    subprocess.run(
        [*_INTERVIEWS, "add", *map(str, files), "--language", "de", "--json"],
        env=_environment(home, **settings),
        check=True,
        capture_output=True,
    )
    began = time.perf_counter()
    found = worked_off(home, workers, **settings)
    return found, time.perf_counter() - began


def _found(seen: list[Peak], name: str) -> list[float]:
    return [float(getattr(one, name)) for one in seen]


def main() -> int:
    options = parser(__doc__, rounds=1)
    options.add_argument("--hours", type=float, default=10.0, help="of the long queue")
    options.add_argument("--beside", type=float, help="hours of the short one; a tenth")
    options.add_argument("--minutes", type=float, default=20.0, help="of each recording")
    options.add_argument("--spoken", type=float, default=0.1, help="share of talk in them")
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--size", choices=["bundled", *checkpoints.SIZES], default="tiny")
    given = options.parse_args()
    results = Results(given.json)
    brief_h = given.beside or given.hours / 10
    short, long = [], []
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        work = Path(folder)
        model = "bundled-whisper-de-en"
        if given.size != "bundled":
            model = str(bench_fleet.speaking_model(work, given.size))
        (work / "sound").mkdir()
        files = recordings(work / "sound", given.hours, given.minutes, given.spoken)
        few = files[: max(1, round(len(files) * brief_h / given.hours))]
        seconds: Mapping[str, float] = {}
        for number in range(given.rounds):
            one, brief = peak(work / f"short-{number}", model, few, given.workers)
            other, whole = peak(work / f"long-{number}", model, files, given.workers)
            short.append(one)
            long.append(other)
            seconds = {f"{len(few)} recordings": brief, f"{len(files)} recordings": whole}
    for name, aim in (("resident", AIM), ("share", None)):
        ratio = ratios(_found(long, name), _found(short, name))
        results.add(
            Result(
                f"peak memory of {given.hours:g} h in the queue against {brief_h:g} h"
                f" ({'resident' if aim else 'own share'}, {given.workers} workers)",
                ratio,
                given.rounds,
                seconds,
                {
                    "long, MB": spread(_found(long, name)).median / 1e6,
                    "short, MB": spread(_found(short, name)).median / 1e6,
                    "processes at once": max(one.processes for one in long),
                },
                f"at most {AIM:g}" if aim else "",
                judged(ratio.median, most=aim),
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
