"""``make bench``: ratios measured side by side in one run, medians of interleaved rounds.

Each line compares two ways on the same machine at the same time; a ratio above 1 says how many
times as long the first takes. Absolute seconds are printed for orientation only.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
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

SAMPLES = Path(__file__).resolve().parent / "samples"
ROUNDS = 5
NO_MODELS = Path("/nonexistent")


def compare(name: str, first: Callable[[], object], second: Callable[[], object]) -> None:
    """Time both in turn and print the ratio, round by round, as median and range."""
    first(), second()
    pairs = [(timed(first), timed(second)) for _ in range(ROUNDS)]
    ratios = [one / other for one, other in pairs]
    seconds = [statistics.median(column) for column in zip(*pairs, strict=True)]
    sys.stdout.write(
        f"{name}: ×{statistics.median(ratios):.2f} [{min(ratios):.2f}–{max(ratios):.2f}]"
        f"   ({seconds[0]:.2f} s : {seconds[1]:.2f} s)\n"
    )
    sys.stdout.flush()


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def sound(path: Path) -> Audio:
    """A whole short recording, decoded."""
    info = probe.probe(path)
    stream = extract.windows(path, info, None, window_ms=600_000, limit_ms=10**9)
    return np.concatenate([window.audio for window in stream])


def recognition() -> None:
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
    compare(
        "our recognition against bare faster-whisper", lambda: ours.recognise(audio, task), bare
    )


def pipeline_and_search(folder: Path) -> None:
    """The whole run against doing nothing again; hybrid search against words alone."""
    context = Context(open_home(folder / "home"), Settings())
    add(context, sorted(SAMPLES.glob("*.mp4")), Wishes())
    options = RunOptions(engine="inline")
    first = timed(lambda: run(context, options, Silent()))
    again = statistics.median(timed(lambda: run(context, options, Silent())) for _ in range(ROUNDS))
    sys.stdout.write(f"a first run against a run with nothing to do: ×{first / again:.0f}"
                     f"   ({first:.2f} s : {again:.3f} s)\n")  # fmt: skip
    with context.catalogue() as catalogue:
        searcher = Searcher(catalogue, context.home.index, context.embedder_for)

        def ask(mode: Mode) -> Callable[[], object]:
            return lambda: [
                searcher.search("Was kostet der neue Zähler?", mode=mode, scope=Scope(), limit=10)
                for _ in range(20)
            ]

        compare("twenty hybrid searches against words alone", ask("hybrid"), ask("words"))


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="interviews-bench-"))
    try:
        recognition()
        pipeline_and_search(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
