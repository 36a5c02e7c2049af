"""A throw-away home filled from a folder of transcripts or of short documents, for evaluation."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.catalog import recordings
from pipeline.catalog.connection import Catalogue
from pipeline.errors import BadInput
from pipeline.evaluation.gold import filled_lines
from pipeline.fingerprint import recording_id
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Wishes, add, store_imported
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.settings import Settings
from pipeline.values import RecordingFacts, Segment, Transcript

_MS_PER_WORD = 400
"""Documents have no times; they are read out at 2.5 words a second."""


@contextmanager
def trial(folder: Path, settings: Settings, models_dir: Path) -> Iterator[Context]:
    """A home of its own, without a glossary, with everything in ``folder`` added and run; deleted
    afterwards.

    ``folder`` holds transcripts (``.vtt``, ``.srt``, ``.json``) or ``docs.jsonl``.
    Raises BadInput (``gold.*``) where it holds neither.
    """
    with tempfile.TemporaryDirectory(prefix="interviews-trial-") as root:
        chosen = settings.model_copy(update={"models_dir": str(models_dir), "glossary": ""})
        context = Context(open_home(Path(root)), chosen)
        if (folder / "docs.jsonl").exists():
            _add_documents(context, folder / "docs.jsonl")
        else:
            _add_transcripts(context, folder)
        run(context, RunOptions(engine="inline"), Silent())
        yield context


def _add_transcripts(context: Context, folder: Path) -> None:
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".vtt", ".srt", ".json"))
    if not paths:
        raise BadInput("gold.no_transcripts", path=str(folder))
    add(context, paths, Wishes(language=_language_of(folder)))


def _language_of(folder: Path) -> str | None:
    return folder.name if folder.name in ("de", "en") else None


def _add_documents(context: Context, path: Path) -> None:
    with context.catalogue() as catalogue:
        for number, line in filled_lines(path):
            try:
                document = json.loads(line)
                _add_document(catalogue, str(document["id"]), str(document["answer"]))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise BadInput("gold.bad_json", path=str(path), line=number) from error


def _add_document(catalogue: Catalogue, name: str, answer: str) -> None:
    duration = _MS_PER_WORD * max(len(answer.split()), 1)
    transcript = Transcript("de", duration, (Segment(0, duration, answer, language="de"),))
    new_id = recording_id(hashlib.sha256(f"{name}\n{answer}".encode()).digest())
    with catalogue.write() as db:
        recordings.insert(db, new_id, RecordingFacts(name, language="de"), None, duration)
        store_imported(db, new_id, transcript)
