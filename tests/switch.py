"""Change the text model of a collection while somebody searches it in a loop.

    python -m tests.switch --recordings 1000

Every answer must be whole: found in one model's chunks alone, never empty, nothing degraded, and
once the new model has answered the old one no longer does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from models.registry import bundled_entry
from pipeline.catalog.connection import Catalogue
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.search.results import MODES, Mode
from pipeline.search.search import Searcher
from pipeline.settings import FILE_NAME, load_settings
from tests.conftest import SHARED, Interviews
from tests.scale import CUES, TALKS, fill, stretches

QUERIES = ("Was kostet die Software?", "Wie wird das entschieden?", "How do people work on this?")


def other_model(folder: Path) -> Path:
    """A text model of random weights that cuts text as the bundled one does, but whose vectors
    have another dimension: the two cannot be compared by mistake."""
    import torch
    from transformers import BertConfig, BertModel

    bundled = bundled_entry("text").directory
    assert bundled is not None
    shutil.copytree(bundled, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.md"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    sizes = {"hidden_size": 96, "num_attention_heads": 2, "num_hidden_layers": 1}
    torch.manual_seed(3)
    BertModel(BertConfig(**config | sizes)).save_pretrained(folder)
    pooling = folder / "1_Pooling" / "config.json"
    told = json.loads(pooling.read_text(encoding="utf-8"))
    for key in ("word_embedding_dimension", "embedding_dimension"):
        if key in told:
            told[key] = sizes["hidden_size"]
    pooling.write_text(json.dumps(told), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Answer:
    """What a search brought: the ids of the found chunks, or what went wrong."""

    mode: Mode
    chunks: tuple[int, ...]
    notices: tuple[str, ...]
    trouble: str | None


class Reader(threading.Thread):
    """Searches on and on until told to stop: in turn by a searcher that stays open, as a page
    does, and by one opened for this answer, as the command line does."""

    def __init__(self, home: Path, queries: tuple[str, ...]) -> None:
        super().__init__(daemon=True)
        self.answers: list[Answer] = []
        root = open_home(home)
        self._context = Context(root, load_settings(home, {})[0])
        self._queries = queries
        self._enough = threading.Event()
        self._told = threading.Condition()

    def run(self) -> None:
        asked = itertools.cycle(itertools.product((True, False), self._queries, MODES))
        with self._context.catalogue() as catalogue:
            lasting = self._searcher(catalogue)
            while not self._enough.is_set():
                stays, query, mode = next(asked)
                if stays:
                    found = answer(lasting, query, mode)
                else:
                    with self._context.catalogue() as own:
                        found = answer(self._searcher(own), query, mode)
                with self._told:
                    self.answers.append(found)
                    self._told.notify_all()

    def _searcher(self, catalogue: Catalogue) -> Searcher:
        return Searcher(catalogue, self._context.home.index, self._context.embedder_for)

    def answered(self, count: int) -> None:
        """Wait until so many more answers are there."""
        wanted = len(self.answers) + count
        with self._told:
            assert self._told.wait_for(lambda: len(self.answers) >= wanted, timeout=600)

    def stop(self) -> list[Answer]:
        self._enough.set()
        self.join()
        return self.answers


def answer(searcher: Searcher, query: str, mode: Mode) -> Answer:
    try:
        result = searcher.search(query, mode=mode)
    except Exception as error:
        return Answer(mode, (), (), repr(error))
    found = tuple(hit.chunk_id for hit in result.hits)
    return Answer(mode, found, tuple(one.key for one in result.degraded), None)


@dataclass(frozen=True)
class Switched:
    """What was seen while the model changed: ``owners`` tells each chunk's text model."""

    old: str
    new: str
    answers: list[Answer]
    owners: dict[int, str]
    took_s: float

    def models(self) -> list[str]:
        """The model of each answer, in order."""
        return [self.owners[one.chunks[0]] for one in self.answers if one.chunks]

    def bad(self) -> list[Answer]:
        """Answers that failed, are empty, mixed or less than they should be."""
        return [
            one
            for one in self.answers
            if one.trouble
            or one.notices
            or len({self.owners.get(chunk_id) for chunk_id in one.chunks}) != 1
        ]


def switch(home: Path, model: Path, queries: tuple[str, ...] = QUERIES) -> Switched:
    """Let ``interviews run`` bring ``home`` to another text model under a reader's eyes."""
    before = published(home)
    reader = Reader(home, queries)
    reader.start()
    reader.answered(2 * len(MODES) * len(queries))
    (home / FILE_NAME).write_text(f'text_model = "{model}"\n', encoding="utf-8")
    began = time.monotonic()
    Interviews(home)("run")
    took = time.monotonic() - began
    reader.answered(2 * len(MODES) * len(queries))
    return Switched(before, published(home), reader.stop(), owners(home), took)


def published(home: Path) -> str:
    """The hash of the text model that is searched."""
    with opened(home) as catalogue, catalogue.read() as db:
        row = db.execute("SELECT model_hash FROM generations WHERE state = 'published'")
        return str(row.fetchone()[0])


def owners(home: Path) -> dict[int, str]:
    with opened(home) as catalogue, catalogue.read() as db:
        return {row[0]: row[1] for row in db.execute("SELECT id, model_hash FROM chunks")}


def opened(home: Path) -> Catalogue:
    return Context(open_home(home), load_settings(home, {})[0]).catalogue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=1_000)
    parser.add_argument("--talks", type=int, default=TALKS, help="different ones")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        context = Context(open_home(home), load_settings(home, {})[0])
        talks = stretches(SHARED / "transcripts", CUES, options.talks)
        fill(context, talks, options.recordings, context.embedder_for(context.text[1]))
        seen = switch(home, other_model(Path(folder) / "other"))
    by_model = Counter(seen.models())
    print(f"{options.recordings} recordings changed over in {seen.took_s:.0f} s;"
          f" {len(seen.answers)} answers meanwhile: {by_model[seen.old]} of the old model,"
          f" {by_model[seen.new]} of the new one, {len(seen.bad())} bad")  # fmt: skip
    for one in seen.bad()[:10]:
        print(one)
    return 1 if seen.bad() else 0


if __name__ == "__main__":
    sys.exit(main())
