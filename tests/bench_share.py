"""What share of a run's time is spent outside CTranslate2: all that is ours to make quicker.

    python -m tests.bench_share [--size base] [--minutes 20] [--rounds 5] [--true-length SPARE]
                                [--json FILE]

The whole pipeline runs in this process, down to the published index, and every call into the speech
model is timed. The model has a published size and says one sentence to whatever it hears. What runs
beside it in other processes (decoding) counts where the pipeline waits for it. Nothing is loaded
within the time but what every run loads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ctranslate2
from faster_whisper.feature_extractor import FeatureExtractor

from models.speech import listening as speech_listening
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Wishes, add
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.settings import Settings
from tests.bench_fleet import found_harmless, long_recording, machine, speaking_model

INSIDE = ("encode", "generate", "detect_language", "align")
"""What of CTranslate2's Whisper is called."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="base")
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--true-length", type=float, metavar="SPARE", help="seconds of silence")
    parser.add_argument("--json", type=Path, help="where the figures go")
    given = parser.parse_args()
    shares, parts = [], []
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        work = Path(folder)
        model = speaking_model(work, given.size)
        if given.true_length is not None:
            found_harmless(model, given.true_length)
        recording = long_recording(work, given.minutes)
        for number in range(given.rounds):
            took = _round(work / f"home-{number}", model, recording)
            outside = took["all"] - sum(took[name] for name in INSIDE)
            shares.append(outside / took["all"])
            parts.append(took)
            shown = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts[-1].items())
            print(f"  round {number + 1}: {100 * shares[-1]:.1f} % outside ({shown} s)", flush=True)
    print(f"{given.minutes} min, {given.size}: {100 * statistics.median(shares):.1f} %"
          f" [{100 * min(shares):.1f}–{100 * max(shares):.1f}] outside CTranslate2")  # fmt: skip
    if given.json:
        found = {
            "machine": machine(), "size": given.size, "minutes": given.minutes,
            "true_length": given.true_length, "shares": shares, "seconds": parts,
        }  # fmt: skip
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def _round(home: Path, model: Path, recording: Path) -> dict[str, float]:
    """Seconds of one run by where they were spent; finding speech and making features may go on
    beside the engine."""
    chosen = {"speech_model": model.name, "models_dir": str(model.parent), "rendition": "off"}
    context = Context(open_home(home), Settings.model_validate(chosen))
    add(context, [recording], Wishes(language="de"))
    with _timed() as spent:
        began = time.perf_counter()
        run(context, RunOptions(engine="inline"), Silent())
        took = time.perf_counter() - began
    return {"all": took, **{name: spent[name] for name in (*INSIDE, "speech", "features")}}


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Seconds spent in the speech model's calls, in finding speech and in making features."""
    spent: dict[str, float] = defaultdict(float)
    places: list[tuple[Any, str, str]] = [
        *((ctranslate2.models.Whisper, name, name) for name in INSIDE),
        (speech_listening, "find_speech", "speech"),
        (FeatureExtractor, "__call__", "features"),
    ]
    usual = [getattr(owner, attribute) for owner, attribute, _ in places]
    for (owner, attribute, name), call in zip(places, usual, strict=True):
        setattr(owner, attribute, _counted(call, name, spent))
    try:
        yield spent
    finally:
        for (owner, attribute, _), call in zip(places, usual, strict=True):
            setattr(owner, attribute, call)


def _counted(call: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - began

    return counted


if __name__ == "__main__":
    sys.exit(main())
