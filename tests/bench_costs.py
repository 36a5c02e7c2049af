"""``make bench-costs``: whether the cost model foretells what is then measured.

    python -m tests.bench_costs [--sizes tiny base] [--clips 12] [--rounds 1] [--json FILE]

For each size a home works off a few clips with one worker of one thread. From what that home then
knows (``pipeline.run.costs``) twice as many clips are foretold for one worker, and for two of one
thread each, which stand for two machines; then both are measured. A ratio is the foretold over the
measured time. What the driver does itself is measured, too, by decoding the clips alone.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.home import open_home
from pipeline.run import costs
from pipeline.run.context import Context
from pipeline.run.costs import Paces
from pipeline.run.intake import Wishes, add
from pipeline.settings import load_settings
from pipeline.stages import extract, probe
from tests import bench_fleet, checkpoints
from tests.bench_memory import worked_off
from tests.benching import Result, Results, judged, parser, spread, timed

AIM = 0.25
"""How far off a forecast may be."""

START_S = 10.0


def home_of(root: Path, model: Path, clips: Sequence[Path]) -> Context:
    """A home in which these clips wait."""
    root.mkdir()
    lines = (f'speech_model = "{model}"', "threads = 1", 'rendition = "off"', 'language = "de"')
    (root / "interviews.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    context = Context(open_home(root), load_settings(root, {})[0])
    add(context, clips, Wishes(language="de"))
    return context


def ran(root: Path, model: Path, clips: Sequence[Path], workers: int) -> tuple[float, Paces]:
    """Seconds of a run, and the paces that its home knows afterwards."""
    context = home_of(root, model, clips)
    began = time.perf_counter()
    worked_off(root, workers)
    took = time.perf_counter() - began
    with context.catalogue() as catalogue, catalogue.read() as db:
        paces = costs.measured(db, context)
    assert paces is not None
    return took, paces


def decoding(clips: Sequence[Path]) -> float:
    """Seconds per second of audio for opening, decoding and cutting."""

    def every() -> None:
        for clip in clips:
            info = probe.probe(clip)
            for _ in extract.windows(clip, info, None, window_ms=600_000, limit_ms=10**9):
                pass

    return timed(every) / (len(clips) * bench_fleet.CLIP_S)


def checked(
    work: Path, size: str, clips: Sequence[Path], rounds: int, spent: float
) -> list[Result]:
    model = bench_fleet.speaking_model(work / size, size)
    half, foretold, took = clips[: len(clips) // 2], {1: [], 2: []}, {1: [], 2: []}
    speeds: list[float] = []
    for number in range(rounds):
        small, paces = ran(work / size / f"small-{number}", model, half, 1)
        start_s = max(small - len(half) * bench_fleet.CLIP_S * paces.hearing, 0.0)
        paces = replace(paces, start_s=start_s, driving=paces.driving - costs.DRIVING + spent)
        speeds.append(1 / paces.hearing)
        for workers in (1, 2):
            audio_s = float(len(clips) * bench_fleet.CLIP_S)
            foretold[workers].append(costs.cost(paces, audio_s, workers).findable_s)
            seconds, _ = ran(work / size / f"all-{workers}-{number}", model, clips, workers)
            took[workers].append(seconds)
    return [
        _result(size, len(half), len(clips), workers, foretold[workers], took[workers], speeds)
        for workers in (1, 2)
    ]


def _result(
    size: str,
    few: int,
    many: int,
    workers: int,
    foretold: Sequence[float],
    took: Sequence[float],
    speeds: Sequence[float],
) -> Result:
    ratio = spread(one / other for one, other in zip(foretold, took, strict=True))
    return Result(
        f"{many} clips, {size}, {workers} × 1 thread: foretold from {few} against measured",
        ratio,
        len(took),
        {"foretold": statistics.median(foretold), "measured": statistics.median(took)},
        {"× real time, one thread": statistics.median(speeds)},
        f"within {AIM:.0%}",
        judged(ratio.median, least=1 - AIM, most=1 + AIM),
    )


def main() -> int:
    options = parser(__doc__, rounds=1)
    options.add_argument("--sizes", nargs="+", choices=checkpoints.SIZES, default=["tiny", "base"])
    options.add_argument("--clips", type=int, default=24, help="of 20 s; half of them foretell")
    given = options.parse_args()
    results = Results(given.json)
    os.environ["INTERVIEWS_LANG"] = "en"
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        work = Path(folder)
        clips = bench_fleet._clips(work, given.clips)
        spent = [decoding(clips) for _ in range(3)]
        figures = {"seconds per second of audio": statistics.median(spent)}
        results.add(Result("decoding and cutting", rounds=3, figures=figures))
        for size in given.sizes:
            (work / size).mkdir()
            for one in checked(work, size, clips, given.rounds, statistics.median(spent)):
                results.add(one)
    return 0


if __name__ == "__main__":
    sys.exit(main())
