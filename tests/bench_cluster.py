"""What a cluster is worth: Dask against inline with a recogniser that only sleeps, and how many
workers one driver can feed.

    python -m tests.bench_cluster [--rounds 5] [--scale 20] [--workers 2 32] [--json FILE]

Everything but the recogniser is real: sound of the sample films as ``stages.extract`` yields it, an
engine with room as a run has it, FLAC through a scheduler to workers, which unpack it. For each
second of sound the recogniser sleeps a tenth of one, as for ten-minute windows at a minute each;
windows and sleeps are both ``--scale`` times shorter, so that bytes and work keep their proportion
while what Dask costs for each window weighs that much more than in life. The workers are threads of
one other process, each with a connection of its own.

Kinds take turns in each round. ``× inline`` is windows per second against inline's in the same
round. How many workers a driver can feed is computed from what whole ten-minute windows cost it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.contracts import ModelInfo, Recognition, RecognitionTask
from pipeline.run.cluster.access import Access
from pipeline.run.cluster.executor import Cluster, Waits
from pipeline.run.cluster.orders import Answer, Order
from pipeline.run.cluster.parcels import packed, unpacked
from pipeline.run.engine import Engine
from pipeline.run.loads import Size
from pipeline.run.workers import InlineExecutor
from pipeline.stages import extract, probe
from pipeline.values import SAMPLE_RATE, Audio
from tests.cluster import HASH, SPEC, Site
from tests.forks import ROOT

FILMS = sorted((ROOT / "tests" / "samples").glob("*.mp4"))
WINDOW_S, SLEEP_S = 600.0, 60.0
TASK = RecognitionTask("de")
GIGABIT = 125_000_000
"""Bytes per second."""


class Sleeper:
    """Holds no model; takes as long as one would."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def answer(self, order: Order, tell: Callable[[bool], None]) -> Answer:
        tell(True)
        began = time.monotonic()
        sounds = [unpacked(parcel) for parcel in order.parcels]
        doze(sum(map(len, sounds)) / SAMPLE_RATE * self._rate - (time.monotonic() - began))
        return Answer(tuple(nothing() for _ in sounds), time.monotonic() - began)


class SleepingInline(InlineExecutor):
    """The same in the calling process, with nothing packed and nothing sent."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        _, windows = args
        doze(sum(len(audio) // 4 for audio, _ in windows) / SAMPLE_RATE * self._rate)
        future: Future[Any] = Future()
        future.set_result([nothing() for _ in windows])
        return future


def doze(seconds: float) -> None:
    time.sleep(max(seconds, 0.0))


def nothing() -> Recognition:
    return Recognition((), (), ModelInfo("sleeper", HASH), {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 32])
    parser.add_argument("--each", type=int, default=8, help="windows for each worker and round")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--site", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=SLEEP_S / WINDOW_S, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.site is not None:
        return serve(given.site, given.rate)
    sounds = windows(round(WINDOW_S / given.scale * 1000))
    found: dict[str, Any] = {"machine": machine(), "rounds": given.rounds, "scale": given.scale}
    found["speed"] = speeds(sounds, given.workers, given.rounds, given.each, given.rate)
    found["driver"] = driver_costs(given.rounds)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


def machine() -> dict[str, object]:
    cores = len(os.sched_getaffinity(0))
    return {"cores": cores, "processor": platform.machine(), "python": platform.python_version()}


def windows(window_ms: int) -> list[Audio]:
    """The sample films' windows, but for what is left over at their ends."""
    found = []
    for film in FILMS:
        info = probe.probe(film)
        with extract.windows(film, info, None, window_ms=window_ms, limit_ms=10**7) as stream:
            found += [one.audio for one in stream if not one.last]
    return found


# --- speed -------------------------------------------------------------------------------------


def speeds(
    sounds: list[Audio], sizes: list[int], rounds: int, each: int, rate: float
) -> dict[str, Any]:
    """Windows per second of each kind, in turns, and their ratios to inline's."""
    inline, ratios = [], {size: list[float]() for size in sizes}
    for number in range(rounds):
        inline.append(timed(lambda: SleepingInline(rate), 1, sounds, each))
        for size in sizes:
            with site(size, rate) as access:
                now = timed(None, size, sounds, each * size, access)
            ratios[size].append(now / inline[-1])
            print(f"round {number + 1}: {size} workers {ratios[size][-1]:.2f} × inline", flush=True)
    found: dict[str, Any] = {"inline, windows/s": spread(inline)}
    for size, each_round in ratios.items():
        found[f"{size} workers, × inline"] = spread(each_round)
        print(f"{size} workers: {shown(each_round)} × inline")
    return found


def timed(
    make: Callable[[], Executor] | None,
    workers: int,
    sounds: list[Audio],
    count: int,
    access: Access | None = None,
) -> float:
    """Windows per second, from the first that goes out to the last that comes back."""
    there = threading.Event()

    def resized(size: int) -> None:
        engine.resize(size)
        if size == workers:
            there.set()

    def join() -> Executor:
        assert access is not None
        return Cluster(access, SPEC, Waits(60.0), notice=lambda _: None, resize=resized)

    load = Size(max(len(one) for one in sounds) * 1000 // SAMPLE_RATE, 8)
    engine = Engine("dask", make or join, SPEC, workers=1, load=load)
    try:
        if make is None:
            engine.submit(sounds[0], TASK).result()
            assert there.wait(60.0), "not all workers came"
        began = time.perf_counter()
        send(engine, [sounds[number % len(sounds)] for number in range(count)])
        return count / (time.perf_counter() - began)
    finally:
        engine.close()


def send(engine: Engine, sounds: list[Audio]) -> None:
    """As the lanes of a run do: each window when there is room for it."""
    pending = []
    for number, sound in enumerate(sounds):
        held_ms = len(sound) * 1000 // SAMPLE_RATE
        while not engine.room.enter(number, held_ms, 1.0):
            continue
        answer = engine.submit(sound, TASK)
        answer.then(lambda held_ms=held_ms: engine.room.leave(held_ms))  # type: ignore[misc]
        pending.append(answer)
    for answer in pending:
        answer.result()


# --- what a window costs the driver ------------------------------------------------------------


def driver_costs(rounds: int) -> dict[str, Any]:
    """Bytes and milliseconds of a ten-minute window, and how many workers that leaves room for."""
    [film] = windows_of_ten_minutes()
    raw = np.asarray(film, dtype="<f4").tobytes()
    sizes = {"float32": len(raw), "FLAC": len(packed(raw))}
    packing, unpacking, extracting, passing = [], [], [], []
    for _ in range(rounds):
        packing.append(cost(lambda: packed(raw)))
        unpacking.append(cost(partial(unpacked, packed(raw))))
        extracting.append(decoding_cost())
        passing.append(passing_cost(film))
    print(f"a window of ten minutes: {sizes['float32'] / 1e6:.1f} MB, as FLAC "
          f"{sizes['FLAC'] / 1e6:.1f} MB")  # fmt: skip
    costs = {
        "extract": extracting,
        "pack": packing,
        "pack, send and receive": passing,
        "unpack (worker)": unpacking,
    }
    for name, each in costs.items():
        print(f"  {name}: {shown(each)} ms of processor time")
    net_ms = sizes["FLAC"] / GIGABIT * 1000
    sending_ms = statistics.median(passing)
    cpu_ms = sending_ms + statistics.median(extracting)
    found = {
        "bytes": sizes,
        "ms": {name: spread(each) for name, each in costs.items()},
        "network at 1 Gbit/s, ms": round(net_ms, 1),
    }
    for name, each_s in (("60 s a window (10 × real time)", 60), ("6 s (100 ×)", 6)):
        limits = {
            "one sending thread": each_s * 1000 / sending_ms,
            "one core for everything": each_s * 1000 / cpu_ms,
            "1 Gbit/s": each_s * 1000 / net_ms,
        }
        found[f"workers one driver feeds, {name}"] = {k: round(v) for k, v in limits.items()}
        print(f"  {name}: " + ", ".join(f"{v:.0f} workers by {k}" for k, v in limits.items()))
    return found


def windows_of_ten_minutes() -> list[Audio]:
    films = np.concatenate(windows(30_000))
    return [np.resize(films, round(WINDOW_S * SAMPLE_RATE))]


def cost(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


def decoding_cost() -> float:
    """Processor milliseconds of ten minutes through ``extract``, FFmpeg's own among them."""
    spent = length = 0.0
    for film in FILMS:
        info = probe.probe(film)  # comes once for each recording
        began = sum(os.times()[:4])
        with extract.windows(film, info, None, window_ms=600_000, limit_ms=10**7) as stream:
            length += sum(len(one.audio) for one in stream) / SAMPLE_RATE
        spent += sum(os.times()[:4]) - began
    return spent * 1000 * WINDOW_S / length


def passing_cost(film: Audio, count: int = 6) -> float:
    """Processor milliseconds of the driver's process for each window that goes out and comes back,
    beside a site that answers at once."""
    with site(2, 0.0) as access:
        ready = threading.Event()
        cluster = Cluster(
            access, SPEC, Waits(60.0), notice=lambda _: None, resize=lambda _: ready.set()
        )
        engine = Engine("dask", lambda: cluster, SPEC, workers=2, load=Size(600_000, 8))
        engine.submit(film[:SAMPLE_RATE], TASK).result()
        began = time.process_time()
        send(engine, [film] * count)
        spent = time.process_time() - began
        engine.close()
    return spent * 1000 / count


# --- the other machines ------------------------------------------------------------------------


@contextmanager
def site(workers: int, rate: float) -> Iterator[Access]:
    """A scheduler with so many workers, in a process of its own."""
    line = [sys.executable, "-m", "tests.bench_cluster", "--site", str(workers)]
    with subprocess.Popen(
        [*line, "--rate", str(rate)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = int(process.stdout.readline())
        yield Access("tcp", "127.0.0.1", port)
        process.stdin.close()
        process.wait(60)


def serve(workers: int, rate: float) -> int:
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder)) as here:
        for number in range(workers):
            here.worker(str(number), Sleeper(rate))
        print(here.access.port, flush=True)
        sys.stdin.read()
    return 0


def spread(each: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(each), 3),
        "least": round(min(each), 3),
        "most": round(max(each), 3),
    }


def shown(each: list[float]) -> str:
    return f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


if __name__ == "__main__":
    sys.exit(main())
