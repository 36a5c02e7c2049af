"""``make bench-peers``: beside what else there is, on the same weights, vectors and cores.

    python -m tests.bench_peers [--peers .venv-peers/bin/python] [--part speech search]
                                [--size tiny] [--clips 12] [--chunks 100000] [--rounds 3]

The peers live in a virtual environment of their own and are called as programs (``tests/peers``);
nothing is fetched at run time. Each round asks all of them in turn. A peer that is not installed is
named and left out. Ratios above 1 are in our favour.

Speech: one model of a published size that says one sentence to whatever it hears, as CTranslate2's
int8 (ours, faster-whisper) and as the float32 that openai-whisper and Hugging Face load on a
processor. All start from nothing, in a process of their own; ours is the whole pipeline down to the
published index, the peers only recognise. Search: windows of real talk with the bundled text
model's vectors, the questions of our gold set, one core; where no real talk is at hand, the texts
of our gold set, as is said.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.contracts import Vectors
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.settings import Settings
from pipeline.stages.embed import encode
from tests import bench_fleet, checkpoints, gold_set, openai_form
from tests.benching import ROOT, Result, Results, parser, ratios, spread
from tests.conftest import SHARED
from tests.scale import stretches

PEERS = ROOT / ".venv-peers" / "bin" / "python"
HERE = ROOT / "tests" / "peers"
VECTORS = ("hnswlib", "txtai", "chromadb", "lancedb")
SPEECH = {"openai": "openai-whisper", "transformers": "Hugging Face", "faster": "faster-whisper"}
WORDS, STEP = 48, 5
"""Words of a window, some 80 tokens of German, and how far the next one is."""

K = 10

OFFLINE = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false",
}  # fmt: skip
ONE = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS",
    ), "1",
)  # fmt: skip


_LONGEST_S = 1800


class Failed(Exception):
    """A peer that did not do it, and its last words."""


def told(command: Sequence[object], **environment: str) -> dict[str, Any]:
    """The JSON that a program says last. Raises Failed."""
    try:
        done = subprocess.run(
            [str(one) for one in command],
            env={**os.environ, **OFFLINE, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"not done after {_LONGEST_S} s") from error
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or ["–"])[-1][:200])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


# --- speech --------------------------------------------------------------------------------------


def speech(work: Path, peers: Path, size: str, clips: int, rounds: int) -> Iterator[Result]:
    """The whole pipeline against each peer."""
    model = bench_fleet.speaking_model(work, size)
    source = work / "source"
    files = bench_fleet._clips(work, clips)
    models = {
        "openai": openai_form.save(source, work / "openai.pt"),
        "transformers": source,
        "faster": model,
    }
    expected = len(checkpoints.tokenizer(checkpoints.OLD_ROWS).encode(" " + bench_fleet.SPOKEN).ids)
    threads = len(os.sched_getaffinity(0))
    took: dict[str, list[float]] = {}
    loaded: dict[str, list[float]] = {}
    versions: dict[str, str] = {}
    failed: dict[str, str] = {}
    for number in range(rounds):
        seconds, _, said = bench_fleet._ours(work / f"home-{number}", model, files)
        assert set(said) == {bench_fleet.SPOKEN}, said[0]
        took.setdefault("ours", []).append(seconds)
        for name in [one for one in models if one not in failed]:
            script = (peers, HERE / "speech.py", name, models[name], threads, *files)
            began = time.perf_counter()
            try:
                found = told(script)
                _same_work(found["tokens"], expected)
            except Failed as error:
                failed[name] = str(error)
                continue
            took.setdefault(name, []).append(time.perf_counter() - began)
            loaded.setdefault(name, []).append(found["seconds"])
            versions[name] = found["version"]
    for name, why in failed.items():
        print(f"FAILED {SPEECH[name]}: {why}", flush=True)
    for name, seconds in took.items():
        if name in versions:
            yield Result(
                f"{clips} clips of 20 s, {size}: {SPEECH[name]} {versions[name]} against ours",
                ratios(seconds, took["ours"]),
                rounds,
                {
                    "ours": spread(took["ours"]).median,
                    "theirs": spread(seconds).median,
                    "theirs, once loaded": spread(loaded[name]).median,
                },
                {"tokens a clip": expected},
            )


def _same_work(tokens: Sequence[int], expected: int) -> None:
    """Raises Failed unless every file came to as many tokens, the closing one or not."""
    if not set(tokens) <= {expected, expected + 1}:
        raise Failed(f"{sorted(set(tokens))} tokens a clip instead of {expected}")


# --- search --------------------------------------------------------------------------------------


def search(work: Path, peers: Path, chunks: int, rounds: int, kept: Path) -> Iterator[Result]:
    """Vectors and words, each peer in turn."""
    vectors, queries = prepared(kept, chunks)
    truth = np.argsort(-(np.load(queries) @ np.load(vectors).T), axis=1)[:, :K]
    found: dict[str, list[dict[str, Any]]] = {}
    failed: dict[str, str] = {}
    for number in range(rounds):
        ways: dict[str, Sequence[object]] = {
            "ours": (sys.executable, "-m", "tests.peers.own_search"),
            **{name: (peers, HERE / "search.py", name) for name in VECTORS},
            "fts5": (sys.executable, HERE / "fts5.py"),
        }
        for name in [one for one in ways if one not in failed]:
            folder = work / f"{name}-{number}"
            folder.mkdir()
            ids = work / f"{name}.npy"
            given = (vectors, queries, folder, ids)
            if name == "fts5":
                given = (queries.with_suffix(".json"), folder)
            try:
                one = told((*ways[name], *given), **ONE)
            except Failed as error:
                failed[name] = str(error)
                continue
            finally:
                shutil.rmtree(folder)
            if name != "fts5":
                one["recall"] = recall(np.load(ids), truth)
            found.setdefault(name, []).append(one)
    for name, why in failed.items():
        print(f"FAILED {name}: {why}", flush=True)
    for name, every in found.items():
        yield _compared(name, every, found["ours"], chunks)


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """How many of the true ``K`` nearest were found."""
    hits = sum(len(set(one) & set(true)) for one, true in zip(found, truth, strict=True))
    return hits / truth.size


def _compared(
    name: str, every: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]], chunks: int
) -> Result:
    figures = {
        key: spread(one[key] for one in every).median
        for key in ("p50_ms", "p99_ms", "recall", "built_s", "disk_mb", "index_mb")
        if key in every[0]
    }
    kind = "words" if name == "fts5" else "vectors"
    if name == "ours":
        besides = ("whole_p50_ms", "whole_p99_ms", "words_p50_ms", "words_p99_ms")
        figures |= {key: spread(one[key] for one in every).median for key in besides}
    own = "words_p50_ms" if name == "fts5" else "p50_ms"
    ratio = ratios([one["p50_ms"] for one in every], [one[own] for one in ours])
    title = f"{name} {every[0]['version']}".strip()
    return Result(
        f"{chunks} chunks, {kind}, one core: {title} against ours",
        None if name == "ours" else ratio,
        len(every),
        figures={**figures, "how": every[0]["how"]},
    )


def prepared(kept: Path, count: int) -> tuple[Path, Path]:
    """Vectors and questions as files, made once and kept."""
    vectors, queries = kept / f"vectors-{count}.npy", kept / f"queries-{count}.npy"
    if not queries.with_suffix(".json").exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            context = Context(open_home(Path(folder)), Settings())
            embedder = context.embedder_for(context.text[1], many=True)
            texts = windows(count)
            made: Vectors = encode(texts, embedder).astype(np.float32)
            questions = [str(row["question"]) for half in gold_set.HALVES
                         for row in gold_set.rows(half)]  # fmt: skip
            asked = np.concatenate([embedder.encode_query(one) for one in questions])
        np.save(vectors, made)
        np.save(queries, asked)
        told = {"texts": texts, "questions": questions, "real": SHARED.is_dir()}
        queries.with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")
    return vectors, queries


def windows(count: int) -> list[str]:
    """So many windows, sliding over real talk; over our gold set's where there is none."""
    talks = stretches(SHARED / "transcripts", 0, 10_000)
    spoken = [[word for one in talk.segments for word in one.text.split()] for talk in talks]
    if not spoken:
        texts = sorted((gold_set.PLACE / "interviews").glob("*.txt"))
        spoken = [path.read_text(encoding="utf-8").split() for path in texts]
        print("no real talk at hand: windows of our own gold set", flush=True)
    found: list[str] = []
    for step in range(STEP):  # the next pass begins a word later, as long as more are wanted
        for words in spoken:
            for first in range(step, len(words) - WORDS, STEP):
                found.append(" ".join(words[first : first + WORDS]))
                if len(found) == count:
                    return found
    raise SystemExit(f"only {len(found)} windows can be had: --chunks {len(found)}")


def main() -> int:
    options = parser(__doc__, rounds=3)
    options.add_argument("--peers", type=Path, default=PEERS, help="their Python")
    options.add_argument("--part", nargs="+", choices=["speech", "search"])
    options.add_argument("--size", choices=checkpoints.SIZES, default="tiny")
    options.add_argument("--clips", type=int, default=12)
    options.add_argument("--chunks", type=int, default=100_000)
    options.add_argument("--keep", type=Path, default=ROOT / ".bench" / "vectors")
    given = options.parse_args()
    if not given.peers.exists():
        sys.exit(f"{given.peers}: no such Python; “make bench-peers” builds the peers' environment")
    results = Results(given.json)
    parts = given.part or ["speech", "search"]
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        work = Path(folder)
        if "speech" in parts:
            for one in speech(work, given.peers, given.size, given.clips, given.rounds):
                results.add(one)
        if "search" in parts:
            for one in search(work, given.peers, given.chunks, given.rounds, given.keep):
                results.add(one)
    return 0


if __name__ == "__main__":
    sys.exit(main())
