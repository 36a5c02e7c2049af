"""Measures a model folder: held-out questions, and time-coded recordings of strangers' text.

    python -m models.training.text.evaluate models/bundled/text-de-en --moments FOLDER

The held-out questions were written from the list of topics alone, without sight of any training
text, and share no content word with their passages. Intervals: bootstrap over questions, 95 %.
"""

import argparse
import json
import logging
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from models.training.items import LANGUAGES
from models.training.text.written import HELD_OUT, kept_back

LOG = logging.getLogger(__name__)
WINDOW_S = 30.0
Scores = NDArray[np.float32]
Scorer = Callable[[Sequence[str], Sequence[str]], Scores]


@dataclass(frozen=True, slots=True)
class Measure:
    """Shares of questions answered at rank 1 and within 10; interval of the first."""

    n: int
    hit1: float
    hit10: float
    low: float
    high: float

    def __str__(self) -> str:
        interval = f"[{self.low:.2f}, {self.high:.2f}]"
        return f"n={self.n} hit@1 {self.hit1:.3f} {interval} hit@10 {self.hit10:.3f}"


def measure(ranks: Sequence[int]) -> Measure:
    """Ranks count from 1; the interval is a bootstrap of 1000 draws with a fixed seed."""
    first = np.array([rank <= 1 for rank in ranks], dtype=np.float64)
    draws = np.random.default_rng(0).choice(first, (1000, len(first))).mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    within = float(np.mean([rank <= 10 for rank in ranks]))
    return Measure(len(ranks), float(first.mean()), within, float(low), float(high))


def best_rank(scores: Scores, right: Sequence[int]) -> int:
    """Rank (from 1) of the best of the right passages in one row of scores."""
    return 1 + int((scores > max(scores[i] for i in right)).sum())


def model_scorer(model: SentenceTransformer) -> Scorer:
    def score(queries: Sequence[str], passages: Sequence[str]) -> Scores:
        q, p = (
            encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
            for encode, texts in (
                (model.encode_query, queries),
                (model.encode_document, passages),
            )
        )
        return np.asarray(q @ p.T, dtype=np.float32)

    return score


def stems(text: str) -> list[str]:
    return [word[:6] for word in re.findall(r"\w+", text.lower())]


def bm25(queries: Sequence[str], passages: Sequence[str]) -> Scores:
    """Okapi BM25 (k1 1.2, b 0.75) over six-letter prefixes: the baseline of words alone."""
    counts = [Counter(stems(p)) for p in passages]
    lengths = np.array([sum(c.values()) for c in counts])
    documents: Counter[str] = Counter(word for c in counts for word in c)
    scores = np.zeros((len(queries), len(passages)), dtype=np.float32)
    for i, query in enumerate(queries):
        for word in set(stems(query)) & set(documents):
            found = documents[word]
            weight = math.log(1 + (len(passages) - found + 0.5) / (found + 0.5))
            for j, c in enumerate(counts):
                if c[word]:
                    norm = 1.2 * (0.25 + 0.75 * lengths[j] / lengths.mean())
                    scores[i, j] += weight * c[word] * 2.2 / (c[word] + norm)
    # Equal scores count as wrong order: break ties by position, not in the method's favour.
    return scores + np.linspace(0, -1e-4, len(passages), dtype=np.float32)


def heldout_items() -> list[dict[str, str]]:
    return [json.loads(line) for line in HELD_OUT.read_text("utf-8").splitlines()]


def heldout(score: Scorer) -> dict[str, Measure]:
    """Hit rates per direction, among all passages of the passage language and of both."""
    items = heldout_items()
    own = list(range(len(items)))
    results: dict[str, Measure] = {}
    for asked in LANGUAGES:
        for said in LANGUAGES:
            scores = score(
                [i[f"question_{asked}"] for i in items], [i[f"passage_{said}"] for i in items]
            )
            ranks = [best_rank(scores[i], [i]) for i in own]
            results[f"{asked}->{said}"] = measure(ranks)
    both = [i[f"passage_{language}"] for language in LANGUAGES for i in items]
    for asked in LANGUAGES:
        scores = score([i[f"question_{asked}"] for i in items], both)
        ranks = [best_rank(scores[i], [i, i + len(items)]) for i in own]
        results[f"{asked}->both"] = measure(ranks)
    return results


def development(score: Scorer) -> dict[str, Measure]:
    """Hit rates of the items kept back from training: what the recipe may be tuned on."""
    items = kept_back()
    results: dict[str, Measure] = {}
    for asked in LANGUAGES:
        for said in LANGUAGES:
            scores = score([i.asked[asked] for i in items], [i.said[said] for i in items])
            ranks = [best_rank(scores[number], [number]) for number in range(len(items))]
            results[f"{asked}->{said}"] = measure(ranks)
    return results


@dataclass(frozen=True, slots=True)
class Window:
    """Some 30 s of one recording; times in seconds."""

    recording: str
    start: float
    end: float
    text: str


def seconds(stamp: str) -> float:
    value = 0.0
    for part in stamp.split(":"):
        value = 60 * value + float(part)
    return value


def windows(file: Path) -> list[Window]:
    """Whole cues gathered until a window is 30 s long."""
    found: list[Window] = []
    start, texts = 0.0, list[str]()
    for block in file.read_text("utf-8").split("\n\n"):
        if "-->" not in block:
            continue
        times, _, text = block[block.index("-->") - 13 :].strip().partition("\n")
        begin, _, end = times.partition("-->")
        if not texts:
            start = seconds(begin.strip())
        texts.append(text.replace("\n", " "))
        until = seconds(end.split()[0])
        if until - start >= WINDOW_S:
            found.append(Window(file.stem, start, until, " ".join(texts)))
            texts = []
    if texts:
        found.append(Window(file.stem, start, until, " ".join(texts)))
    return found


def moments(score: Scorer, folder: Path, asked: str, said: str) -> Measure:
    """Share of questions whose best window overlaps the answer's paragraph."""
    passages = [w for file in sorted((folder / said).glob("*.vtt")) for w in windows(file)]
    spans = {
        row["qid"]: row
        for row in map(json.loads, (folder / said / "queries.jsonl").read_text().splitlines())
    }
    asked_rows = map(json.loads, (folder / asked / "queries.jsonl").read_text().splitlines())
    rows = [row for row in asked_rows if row["qid"] in spans]
    scores = score([row["question"] for row in rows], [w.text for w in passages])
    ranks: list[int] = []
    for i, row in enumerate(rows):
        span = spans[row["qid"]]
        right = [
            j
            for j, w in enumerate(passages)
            if w.recording == span["recording"] and w.start < span["end"] and w.end > span["start"]
        ]
        ranks.append(best_rank(scores[i], right))
    return measure(ranks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--moments", type=Path, help="folder of time-coded recordings to report on")
    parser.add_argument("--development", action="store_true", help="only the items kept back")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    scorers: dict[str, Scorer] = {"bm25": bm25}
    for folder in given.folders:
        scorers[folder.name] = model_scorer(
            SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        )
    for name, score in scorers.items():
        for direction, result in development(score).items():
            LOG.info("%s kept back %s: %s", name, direction, result)
        if given.development:
            continue
        for direction, result in heldout(score).items():
            LOG.info("%s heldout %s: %s", name, direction, result)
        if given.moments:
            for asked in LANGUAGES:
                for said in LANGUAGES:
                    result = moments(score, given.moments, asked, said)
                    LOG.info("%s moments %s->%s: %s", name, asked, said, result)


if __name__ == "__main__":
    main()
