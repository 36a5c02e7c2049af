"""Our recogniser beside its library, a run beside an idle one, search beside words alone.

    python -m tests.bench [--rounds 5] [--json FILE]

Each line compares two ways on the same machine at the same time; a ratio above 1 says how many
times as long the first takes. Absolute seconds are printed for orientation only.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel

from models.contracts import RecognitionTask
from models.load import load_recogniser, locate, resolve
from pipeline.catalog.scope import Scope
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Wishes, add
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.search.search import Mode, Searcher
from pipeline.settings import Settings
from pipeline.stages import extract, probe
from pipeline.values import Audio
from tests.benching import Result, Results, compare, parser, spread, timed

SAMPLES = Path(__file__).resolve().parent / "samples"
NO_MODELS = Path("/nonexistent")


def sound(path: Path) -> Audio:
    """A whole short recording, decoded."""
    info = probe.probe(path)
    stream = extract.windows(path, info, None, window_ms=600_000, limit_ms=10**9)
    return np.concatenate([window.audio for window in stream])


def recognition(results: Results, rounds: int) -> None:
    """Our recogniser against faster-whisper's own batched pipeline, same model and threads."""
    audio = sound(SAMPLES / "lorawan.mp4")
    entry = resolve("speech", "auto", NO_MODELS)
    ours = load_recogniser(
        entry, NO_MODELS, device="cpu", compute_type="int8", threads=2, batch_size=4
    )
    theirs = BatchedInferencePipeline(
        WhisperModel(str(locate(entry.name, NO_MODELS)), compute_type="int8", cpu_threads=2)
    )

    def bare() -> list[object]:
        segments, _ = theirs.transcribe(
            audio, language="de", batch_size=4, word_timestamps=True, temperature=0.0
        )
        return list(segments)

    task = RecognitionTask(language="de")
    results.add(
        compare(
            "our recognition against bare faster-whisper, bundled model",
            ("ours", lambda: ours.recognise(audio, task)),
            ("faster-whisper", bare),
            rounds,
        )
    )


def pipeline_and_search(folder: Path, results: Results, rounds: int) -> None:
    """The whole run against doing nothing again; hybrid search against words alone."""
    context = Context(open_home(folder / "home"), Settings())
    add(context, sorted(SAMPLES.glob("*.mp4")), Wishes())
    options = RunOptions(engine="inline")
    first = timed(lambda: run(context, options, Silent()))
    again = [timed(lambda: run(context, options, Silent())) for _ in range(rounds)]
    ratio = spread(first / one for one in again)
    seconds = {"first": first, "again": statistics.median(again)}
    name = "a first run against one with nothing to do, four sample films"
    results.add(Result(name, ratio, rounds, seconds))
    with context.catalogue() as catalogue:
        searcher = Searcher(catalogue, context.home.index, context.embedder_for)

        def ask(mode: Mode) -> Callable[[], object]:
            return lambda: [
                searcher.search("Was kostet der neue Zähler?", mode=mode, scope=Scope(), limit=10)
                for _ in range(20)
            ]

        name = "twenty hybrid searches against words alone"
        ways = (("hybrid", ask("hybrid")), ("words", ask("words")))
        results.add(compare(name, *ways, rounds))


def main() -> int:
    given = parser(__doc__, rounds=5).parse_args()
    results = Results(given.json)
    folder = Path(tempfile.mkdtemp(prefix="interviews-bench-"))
    try:
        recognition(results, given.rounds)
        pipeline_and_search(folder, results, given.rounds)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
