"""The quick form of a text model: what ``quick_embedder`` needs to be it.

It is made of the model's files at each start. That it yields the same vectors as
sentence-transformers is tried out once (``prepare``) and noted beside the files, with the
hash of these and the sum of the graph: other weights, another configuration or another release of
this program that writes another graph are not what was tried out, and the note does not hold. For
the bundled model our tests try it out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.contracts import ModelInfo
from models.digest import write_json
from models.folder import module_kinds, modules_of
from models.registry import ModelEntry
from models.text.encoder import Encoder, UnknownEncoder, encoder_of
from models.text.pooling import Pooling
from models.text.tokens import longest_input

NOTE_NAME = ".quick-form.json"
"""Hidden, and so no part of the model's hash."""

State = Literal["ready", "untried", "none"]


@dataclass(frozen=True, slots=True)
class QuickForm:
    """An encoder over the weights in ``folder``, and what comes after it."""

    encoder: Encoder
    pooling: Pooling
    folder: Path


def quick_form_of(entry: ModelEntry, directory: Path) -> QuickForm:
    """Raises UnknownEncoder for a model that is none of those we know, ModelError
    ("unloadable") for one that does not say how long a text may be."""
    folders, kinds = modules_of(directory), module_kinds(directory)
    if kinds[:1] != ["Transformer"]:
        raise UnknownEncoder(f"modules.json: {kinds}")
    encoder = encoder_of(folders[0], longest_input(directory, entry))
    return QuickForm(encoder, Pooling(kinds[1:], folders[1:]), folders[0])


def tried_form(entry: ModelEntry, directory: Path, info: ModelInfo) -> QuickForm | None:
    """The model's quick form if it may be used; None where it has none, or an untried one."""
    try:
        form = quick_form_of(entry, directory)
    except UnknownEncoder:
        return None
    return form if entry.bundled or _noted(directory) == _note(form, info) else None


def quick_state(entry: ModelEntry, directory: Path, info: ModelInfo) -> State:
    """Whether the quick form is used, could be if it were tried out, or does not exist."""
    if tried_form(entry, directory, info) is not None:
        return "ready"
    try:
        quick_form_of(entry, directory)
    except UnknownEncoder:
        return "none"
    return "untried"


def note(form: QuickForm, directory: Path, info: ModelInfo) -> None:
    """Remember that ``form`` was tried out and is right. Raises OSError."""
    write_json(directory / NOTE_NAME, _note(form, info))


def forget(directory: Path) -> None:
    (directory / NOTE_NAME).unlink(missing_ok=True)


def _note(form: QuickForm, info: ModelInfo) -> dict[str, str]:
    return {"model": info.hash, "graph": hashlib.sha256(form.encoder.model).hexdigest()}


def _noted(directory: Path) -> object:
    try:
        return json.loads((directory / NOTE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
