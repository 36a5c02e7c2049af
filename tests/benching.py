"""What all benchmarks share: two ways timed in turn, what came of it, and the runs that are kept.

A result is a ratio, since absolute figures of two days or machines cannot be compared: median and
range of interleaved rounds. ``Results`` prints each as soon as it is known and writes them all,
with the facts of the machine, where ``--json`` says. ``tests.bench_all`` keeps such files in
``.bench/`` and tells what moved since the last one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent

LIBRARIES = (
    "ctranslate2", "faster-whisper", "faiss-cpu", "onnxruntime", "sentence-transformers", "torch",
    "numpy", "distributed",
)  # fmt: skip

Work = Callable[[], object]


class Spread(NamedTuple):
    """Median and range of some figures."""

    median: float
    least: float
    most: float

    def told(self, digits: int = 2) -> str:
        return f"{self.median:.{digits}f} [{self.least:.{digits}f}–{self.most:.{digits}f}]"


def spread(figures: Iterable[float]) -> Spread:
    every = list(figures)
    return Spread(statistics.median(every), min(every), max(every))


@dataclass(frozen=True)
class Result:
    """What was found of one thing.

    ``ratio`` is None for what has nothing beside it. ``seconds``: medians by name of the way.
    ``figures``: whatever else was measured, by name with its unit. ``aim`` is what the ratio or a
    figure should be, in words, and ``met`` whether it is.
    """

    name: str
    ratio: Spread | None = None
    rounds: int = 1
    seconds: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float | str] = field(default_factory=dict)
    aim: str = ""
    met: bool | None = None

    def told(self) -> str:
        """One line for people."""
        ratio = f" ×{self.ratio.told()}" if self.ratio else ""
        seconds = ", ".join(f"{name} {value:.3g} s" for name, value in self.seconds.items())
        figures = ", ".join(
            f"{name} {value if isinstance(value, str) else f'{value:.4g}'}"
            for name, value in self.figures.items()
        )
        aim = f"   aim {self.aim}: {_MET[self.met]}" if self.aim else ""
        behind = "; ".join(filter(None, (seconds, figures)))
        return f"{self.name}:{ratio}{f'   ({behind})' if behind else ''}{aim}"


_MET = {True: "met", False: "MISSED", None: "not judged"}


def timed(work: Work) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(ways: Mapping[str, Work], rounds: int, *, warm: bool = True) -> dict[str, list[float]]:
    """Seconds of each way, round by round; which one begins changes, so that none always finds the
    machine as another left it."""
    if warm:
        for work in ways.values():
            work()
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        names = list(ways)
        for name in names if number % 2 == 0 else reversed(names):
            took[name].append(timed(ways[name]))
    return took


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """How many times as much ``above`` is, round by round."""
    return spread(one / other for one, other in zip(above, below, strict=True))


def compare(
    name: str,
    above: tuple[str, Work],
    below: tuple[str, Work],
    rounds: int,
    *,
    aim: str = "",
    least: float | None = None,
    most: float | None = None,
    warm: bool = True,
) -> Result:
    """How many times as long the first way takes as the second."""
    took = in_turn(dict((above, below)), rounds, warm=warm)
    ratio = ratios(took[above[0]], took[below[0]])
    seconds = {way: statistics.median(every) for way, every in took.items()}
    return Result(
        name, ratio, rounds, seconds, aim=aim, met=judged(ratio.median, least=least, most=most)
    )


def judged(figure: float, *, least: float | None = None, most: float | None = None) -> bool | None:
    """Whether a figure is where it should be; None where nobody said where."""
    if least is None and most is None:
        return None
    return bool((least is None or figure >= least) and (most is None or figure <= most))


# --- a program of its own ----------------------------------------------------------------------


def parser(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """With the two options that every benchmark takes."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rounds", type=int, default=rounds, help=f"of both in turn ({rounds})")
    made.add_argument("--json", type=Path, help="where the figures go")
    return made


class Results:
    """The results of one program: each is printed at once, all are written at the end."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.every: list[Result] = []

    def add(self, result: Result) -> Result:
        self.every.append(result)
        sys.stdout.write(result.told() + "\n")
        sys.stdout.flush()
        if self._path is not None:
            write(self._path, {"machine": machine(), "results": as_plain(self.every)})
        return result


def as_plain(results: Iterable[Result]) -> list[dict[str, Any]]:
    """As JSON holds them."""
    return [asdict(one) | {"ratio": one.ratio._asdict() if one.ratio else None} for one in results]


def from_plain(found: Mapping[str, Any]) -> list[Result]:
    """The results in a program's JSON. One that writes ``{name: {"ratios": […]}}`` is understood,
    too; whatever else it says is left out."""
    if isinstance(found.get("results"), list):
        return [_result(one) for one in found["results"]]
    return [
        Result(
            name,
            spread(value["ratios"]),
            len(value["ratios"]),
            {way: value[way] for way in value if way.endswith("_s") and _is_number(value[way])},
        )
        for name, value in found.items()
        if isinstance(value, dict) and value.get("ratios")
    ]


def _result(plain: Mapping[str, Any]) -> Result:
    ratio = plain.get("ratio")
    known = {name: plain[name] for name in Result.__dataclass_fields__ if name in plain}
    return Result(**known | {"ratio": Spread(**ratio) if ratio else None})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


# --- the machine -------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """What decides how fast anything is, without whose machine it is."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
        "commit": _commit(),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


# --- two runs beside each other ----------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """A ratio then and now. ``moved``: each median lies outside the other's range."""

    name: str
    then: Spread
    now: Spread

    @property
    def moved(self) -> bool:
        return not _within(self.now.median, self.then) and not _within(self.then.median, self.now)

    def told(self) -> str:
        mark = "!" if self.moved else " "
        return f"{mark} {self.name}: ×{self.then.told()} → ×{self.now.told()}"


def _within(figure: float, of: Spread) -> bool:
    return of.least <= figure <= of.most


def moves(before: Iterable[Result], now: Iterable[Result]) -> list[Move]:
    """What both runs measured as a ratio."""
    earlier = {one.name: one.ratio for one in before if one.ratio}
    return [
        Move(one.name, earlier[one.name], one.ratio)
        for one in now
        if one.ratio and one.name in earlier
    ]
