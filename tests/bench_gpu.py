"""``make bench-gpu``: a large model on a graphics card, through the whole pipeline.

    python -m tests.bench_gpu [--size large-v3] [--minutes 60] [--batches 8 16 32 64]
                              [--workers 1 2] [--rounds 1] [--json FILE] [--device cuda]

The weights are chance in a published shape and say one sentence to whatever they hear, so that
every way has the same work. For each number of recognisers on the card and each batch size: how
many times faster than real time ``interviews run`` is, and how much of that time the card was idle.
With the best of them: what share of the time is spent inside CTranslate2, how fast chunks are
embedded, and bare faster-whisper's batched pipeline in turn with ours. Needs a card that
CTranslate2 can use; ``--device cpu --size tiny`` tries the script without one.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import ctranslate2

from models.machine import has_card
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Wishes, add
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.settings import load_settings
from pipeline.stages.embed import encode
from tests import bench_fleet, checkpoints
from tests.bench_memory import worked_off
from tests.bench_peers import windows
from tests.benching import Result, Results, judged, parser, ratios, spread, timed

MINUTES_EACH = 5
CHUNKS = 4096
INSIDE = ("encode", "generate", "align", "detect_language")
ASKED = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")

BARE = """
import sys, time
from faster_whisper import BatchedInferencePipeline, WhisperModel
model = WhisperModel(sys.argv[1], device=sys.argv[2], compute_type=sys.argv[3])
pipeline = BatchedInferencePipeline(model)
for file in sys.argv[5:]:
    segments, _ = pipeline.transcribe(
        file, language="de", batch_size=int(sys.argv[4]), beam_size=5, word_timestamps=True,
        temperature=0.0,
    )
    list(segments)
"""


class Idle(threading.Thread):
    """How much of the time the card does nothing, by its own account; None where none tells."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._done = threading.Event()
        self._busy: list[float] = []

    def run(self) -> None:
        while not self._done.wait(0.2):
            with suppress(OSError, ValueError, subprocess.CalledProcessError):
                said = subprocess.run(ASKED, capture_output=True, text=True, check=True).stdout
                self._busy.append(float(said.splitlines()[0]) / 100)

    def __enter__(self) -> Idle:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    @property
    def share(self) -> float | None:
        return 1 - statistics.mean(self._busy) if self._busy else None


class Inside:
    """Seconds that this process spends in CTranslate2's own functions."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._before: dict[str, Any] = {}

    def __enter__(self) -> Inside:
        for name in INSIDE:
            self._before[name] = getattr(ctranslate2.models.Whisper, name)
            setattr(ctranslate2.models.Whisper, name, self._counted(self._before[name]))
        return self

    def _counted(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return own(*given, **named)
            finally:
                self.seconds += time.perf_counter() - began

        return call

    def __exit__(self, *_: object) -> None:
        for name, own in self._before.items():
            setattr(ctranslate2.models.Whisper, name, own)


def home_of(root: Path, model: Path, device: str, batch: int, files: Sequence[Path]) -> Context:
    """A home in which these files wait."""
    root.mkdir()
    named = {"speech_model": f'"{model}"', "device": f'"{device}"', "batch_size": batch,
             "rendition": '"off"'}  # fmt: skip
    lines = [f"{name} = {value}" for name, value in named.items()]
    (root / "interviews.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    context = Context(open_home(root), load_settings(root, {})[0])
    add(context, files, Wishes(language="de"))
    return context


class Bench:
    """One model and its sound, and a new folder for every run."""

    def __init__(self, work: Path, size: str, device: str, minutes: int) -> None:
        self.work, self.device, self.audio_s = work, device, minutes * 60
        self.model = bench_fleet.speaking_model(work, size)
        long = bench_fleet.long_recording(work, minutes)
        self.files = pieces(long, work, minutes)
        self._homes = 0

    def _home(self, batch: int) -> Context:
        self._homes += 1
        root = self.work / f"home-{self._homes}"
        return home_of(root, self.model, self.device, batch, self.files)

    def pipeline(self, batch: int, workers: int) -> tuple[float, float | None]:
        """Seconds of ``interviews run``, and how idle the card was."""
        context = self._home(batch)
        with Idle() as idle:
            took = timed(lambda: worked_off(context.home.root, workers))
        return took, idle.share

    def inside(self, batch: int) -> float:
        """The share of a run in this process that is spent in CTranslate2."""
        context = self._home(batch)
        with Inside() as inside:
            took = timed(lambda: run(context, RunOptions(engine="inline"), Silent()))
        return inside.seconds / took

    def bare(self, batch: int) -> float:
        kind = "float16" if self.device == "cuda" else "int8"
        given = (str(self.model), self.device, kind, str(batch), *map(str, self.files))
        return timed(lambda: subprocess.run([sys.executable, "-c", BARE, *given], check=True))

    def embedding(self) -> float:
        """Chunks a second."""
        context = self._home(8)
        embedder = context.embedder_for(context.text[1], many=True)
        texts = windows(CHUNKS)
        encode(texts[:64], embedder)
        return CHUNKS / timed(lambda: encode(texts, embedder))


def pieces(long: Path, work: Path, minutes: int) -> list[Path]:
    """The long recording in files of some minutes."""
    import wave

    found = []
    with wave.open(str(long), "rb") as whole:
        for number in range(-(-minutes // MINUTES_EACH)):
            path = work / f"piece-{number:03}.wav"
            with wave.open(str(path), "wb") as part:
                part.setparams(whole.getparams())
                part.writeframes(whole.readframes(MINUTES_EACH * 60 * whole.getframerate()))
            found.append(path)
    return found


def main() -> int:
    options = parser(__doc__, rounds=1)
    options.add_argument("--size", choices=checkpoints.SIZES, default="large-v3")
    options.add_argument("--minutes", type=int, default=60)
    options.add_argument("--batches", type=int, nargs="+", default=[8, 16, 32, 64])
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    given = options.parse_args()
    if given.device == "cuda" and not has_card():
        sys.exit(
            "bench-gpu needs a graphics card that CTranslate2 can use, and there is none here;"
            " “--device cpu --size tiny --minutes 5” tries the script without one."
        )
    results = Results(given.json)
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        bench = Bench(Path(folder), given.size, given.device, given.minutes)
        tried: dict[tuple[int, int], float] = {}
        for workers in given.workers:
            for batch in given.batches:
                took, idle = bench.pipeline(batch, workers)
                tried[batch, workers] = took
                figures: dict[str, float | str] = {"× real time": bench.audio_s / took}
                if idle is not None:
                    figures["card idle, share"] = idle
                name = f"{given.size} on {given.device}, batch {batch}, {workers} on one device"
                results.add(Result(name, seconds={"run": took}, figures=figures))
        batch, workers = min(tried, key=lambda one: tried[one])
        results.add(Result("best", figures={"batch": batch, "recognisers": workers}))
        results.add(Result("inside CTranslate2", figures={"share": bench.inside(batch)}))
        results.add(Result("text model", figures={"chunks a second": bench.embedding()}))
        pairs = [(bench.pipeline(batch, workers)[0], bench.bare(batch))
                 for _ in range(given.rounds)]  # fmt: skip
        ours, bare = ([one[place] for one in pairs] for place in (0, 1))
        ratio = ratios(bare, ours)
        results.add(
            Result(
                f"{given.size} on {given.device}: bare faster-whisper against the whole pipeline",
                ratio,
                given.rounds,
                {"ours": spread(ours).median, "faster-whisper": spread(bare).median},
                aim="at least 1",
                met=judged(ratio.median, least=1.0),
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
