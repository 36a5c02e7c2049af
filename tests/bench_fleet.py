"""How close the whole pipeline comes to its recogniser: many short recordings, and one long one.

    python -m tests.bench_fleet [--size base] [--rounds 5] [--clips 60] [--minutes 60] [--json FILE]
                                [--true-length SPARE]

Both ways run in fresh processes on the same sound with the same model and threads, in turn: ours
(``interviews run``: everything, down to the published index) and faster-whisper's
BatchedInferencePipeline alone, file by file. The model has a published size and says one sentence
to whatever it hears, so that both have the same work. Ratios above 1 are in our favour. With
``--true-length`` ours hears stretches at their own length, with so many seconds of silence after
each, as it would had ``interviews models verify --speed-accuracy`` found that harmless.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.conversion.convert import convert
from models.load import model_info, resolve
from models.machine import device_for
from models.speech.true_length import Means, Verdict, keep
from pipeline.catalog.connection import open_catalogue
from pipeline.run import reading
from pipeline.settings import Settings
from pipeline.values import SAMPLE_RATE, Audio
from tests import checkpoints
from tests.bench import SAMPLES, sound
from tests.forks import ROOT

CLIP_S = 20
BATCH = 4
SPOKEN = (
    "Die Fernwärme kommt aus dem neuen Kraftwerk am Hafen, und der Zähler im Keller misst jede "
    "Stunde, wie viel ein Haushalt verbraucht."
)

BARE = """
import json, sys, time
from faster_whisper import BatchedInferencePipeline, WhisperModel
model = WhisperModel(sys.argv[1], compute_type="int8", cpu_threads=int(sys.argv[2]))
pipeline = BatchedInferencePipeline(model)
for file in sys.argv[4:]:
    segments, _ = pipeline.transcribe(
        file, language="de", batch_size=int(sys.argv[3]), beam_size=5, word_timestamps=True,
        temperature=0.0,
    )
    print(json.dumps(" ".join(segment.text.strip() for segment in segments)))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=checkpoints.SIZES, default="base")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, default=60, help="recordings of 20 s; 0: none")
    parser.add_argument("--minutes", type=int, default=60, help="length of the long one; 0: none")
    parser.add_argument("--true-length", type=float, metavar="SPARE", help="seconds of silence")
    parser.add_argument("--json", type=Path, help="where the figures go")
    given = parser.parse_args()
    found: dict[str, object] = {
        "machine": machine(), "size": given.size, "true_length": given.true_length,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        work = Path(folder)
        model = speaking_model(work, given.size)
        if given.true_length is not None:
            found_harmless(model, given.true_length)
        if given.clips:
            name = f"{given.clips} clips of {CLIP_S} s"
            found[name] = _compared(name, work, model, _clips(work, given.clips), given.rounds)
        if given.minutes:
            name = f"one recording of {given.minutes} min"
            found[name] = _compared(
                name, work, model, [long_recording(work, given.minutes)], given.rounds
            )
    if given.json:
        given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


def machine() -> dict[str, object]:
    cores = len(os.sched_getaffinity(0))
    return {"cores": cores, "processor": platform.machine(), "python": platform.python_version()}


def speaking_model(work: Path, size: str) -> Path:
    """A checkpoint of that size, in the form that both load."""
    new = size.startswith("large-v3")
    rows, bands = (checkpoints.NEW_ROWS, 128) if new else (checkpoints.OLD_ROWS, 80)
    source = checkpoints.save(work / "source", rows, bands, size, SPOKEN)
    return convert(source, "speaking", work / "models")


def found_harmless(model: Path, spare_s: float) -> None:
    """The note that a measurement leaves, without one: this model says its sentence anyway."""
    info = model_info(resolve("speech", model.name, model.parent), model.parent)
    settings = Settings()
    means = Means(device_for(settings.device), settings.compute_type, settings.beam_size)
    keep(Verdict("harmless", spare_s, 0, 0.0, 0.0, 1.0), info, means, model.parent)


def _films() -> list[Audio]:
    names = ("lorawan", "fernwaerme", "buergerbeteiligung", "data-sovereignty")
    return [sound(SAMPLES / f"{name}.mp4") for name in names]


def _clips(work: Path, count: int) -> list[Path]:
    chance, films = np.random.default_rng(1), _films()
    clips = []
    for number in range(count):
        film = films[number % len(films)]
        begin = int(chance.integers(0, len(film) - CLIP_S * SAMPLE_RATE))
        cut = film[begin : begin + CLIP_S * SAMPLE_RATE]
        clips.append(_written(work / f"clip{number:03}.wav", cut))
    return clips


def long_recording(work: Path, minutes: int) -> Path:
    films = np.concatenate(_films())
    return _written(work / "long.wav", np.resize(films, minutes * 60 * SAMPLE_RATE))


def _written(path: Path, audio: Audio) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def _compared(
    name: str, work: Path, model: Path, files: Sequence[Path], rounds: int
) -> dict[str, object]:
    """Rounds of both in turn."""
    ratios, seconds, worked = [], [], []
    for number in range(rounds):
        ours, ours_worked, said = _ours(work / f"home-{number}-{len(files)}", model, files)
        bare, bare_worked, heard = _bare(model, files)
        ratios.append(bare / ours)
        seconds.append((ours, bare))
        worked.append(bare_worked / ours_worked)
        same = sum(one == other for one, other in zip(said, heard, strict=True))
        print(f"  round {number + 1}: {ours:.1f} s : {bare:.1f} s, {same} of {len(said)} same text",
              flush=True)  # fmt: skip
    middle = [statistics.median(column) for column in zip(*seconds, strict=True)]
    print(f"{name}, whole pipeline against faster-whisper alone: ×{statistics.median(ratios):.2f}"
          f" [{min(ratios):.2f}–{max(ratios):.2f}]   ({middle[0]:.1f} s : {middle[1]:.1f} s)",
          flush=True)  # fmt: skip
    # What else the machine does meanwhile takes time from both, but not evenly: ours gives way.
    print(f"  in processor time: ×{statistics.median(worked):.2f}"
          f" [{min(worked):.2f}–{max(worked):.2f}]", flush=True)  # fmt: skip
    return {
        "ratios": ratios, "ours_s": middle[0], "bare_s": middle[1], "processor_ratios": worked,
    }  # fmt: skip


def _processor_s() -> float:
    """Seconds of all processors that ended processes of ours have taken so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ours(home: Path, model: Path, files: Sequence[Path]) -> tuple[float, float, list[str]]:
    """Seconds that ``interviews run`` took, on the clock and of processors, and what was heard in
    each file."""
    environment = {
        **os.environ,
        "INTERVIEWS_HOME": str(home),
        "INTERVIEWS_SPEECH_MODEL": model.name,
        "INTERVIEWS_MODELS_DIR": str(model.parent),
        "INTERVIEWS_BATCH_SIZE": str(BATCH),
        "INTERVIEWS_RENDITION": "off",
        "INTERVIEWS_LANG": "en",
    }

    def interviews(*arguments: str) -> str:
        command = [sys.executable, "-m", "pipeline.cli.main", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    added = json.loads(interviews("add", *map(str, files), "--language", "de", "--json"))
    ids = [one["id"] for one in added["recordings"]]
    began, before = time.perf_counter(), _processor_s()
    interviews("run")
    took, worked = time.perf_counter() - began, _processor_s() - before
    with open_catalogue(home / "catalogue.db") as catalogue, catalogue.read() as db:
        texts = [reading.read(db, one) for one in ids]
    return took, worked, [" ".join(segment.text for segment in text.segments) for text in texts]


def _bare(model: Path, files: Sequence[Path]) -> tuple[float, float, list[str]]:
    began, before = time.perf_counter(), _processor_s()
    threads = str(len(os.sched_getaffinity(0)))
    command = [sys.executable, "-c", BARE, str(model), threads, str(BATCH), *map(str, files)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took, worked = time.perf_counter() - began, _processor_s() - before
    return took, worked, [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
