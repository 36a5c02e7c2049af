"""Does a refusal of the gold gate still stand?

It does until the gold file, the tolerance or the model changes. Chunks that come and go change
nothing about a refused text model, or the next recording would let it in by the back door; a new
index of the text model that is published anyway was refused for what those very chunks became.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from pipeline.catalog import chunks, generations, refusals
from pipeline.catalog.refusals import Refusal
from pipeline.fingerprint import digest
from pipeline.index import opening
from pipeline.run.context import Context
from pipeline.values import ModelRef

FILE_NAME = "gold.jsonl"


def gold_file(context: Context) -> Path | None:
    """The gold questions of this home, named by the settings or simply there; else None."""
    named = context.settings.gold
    path = context.home.root / Path(named or FILE_NAME).expanduser()
    return path if named or path.exists() else None


def gold_digest(context: Context) -> str | None:
    """Hex sha256 of the gold file; None where there is none to read."""
    path = gold_file(context)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path else None
    except OSError:
        return None


def chunks_digest(db: sqlite3.Connection, model: ModelRef) -> str:
    """Stands for all chunks of a text model: equal for equal texts, cut and embedded alike."""
    return digest(sorted(chunks.set_fingerprints(db, model.hash).items()))


def standing(db: sqlite3.Connection, context: Context, model: ModelRef) -> Refusal | None:
    """The refusal for which an index of ``model`` must not be published without being asked
    again."""
    known = _under_same_terms(db, context, model)
    published = generations.published(db)
    if known is None or published is None or published.model.hash != model.hash:
        return known
    sound = opening.readable(context.home.index, published)
    return known if sound and known.chunks == chunks_digest(db, model) else None


def unchanged(db: sqlite3.Connection, context: Context, model: ModelRef) -> Refusal | None:
    """The refusal of ``model`` where asking the same questions again would only repeat it."""
    known = standing(db, context, model)
    return known if known is not None and known.chunks == chunks_digest(db, model) else None


def _under_same_terms(db: sqlite3.Connection, context: Context, model: ModelRef) -> Refusal | None:
    known = refusals.of(db, model.hash)
    if known is None or known.tolerance != context.settings.gold_tolerance:
        return None
    return known if known.gold == gold_digest(context) else None
