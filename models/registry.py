"""The models known by name: ``registry.toml``, read into values.

``python -m models.registry --refresh`` rewrites the sums of the bundled models after a training.
"""

from __future__ import annotations

import difflib
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.contracts import ModelError
from models.digest import directory_sums
from models.folder import Kind, dimension_of, kind_of, max_tokens_of, prompts_of

REGISTRY = Path(__file__).with_name("registry.toml")
BUNDLED = Path(__file__).with_name("bundled")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What is known of a model before its files are read.

    ``files`` are (name, hex sha256) pairs; "" stands for a sum nobody has told us, an empty tuple
    for a model whose files are not listed. ``dimension`` and ``max_tokens`` (special tokens and
    prefix counted) belong to text models, ``max_tokens`` to rerankers, too; ``prompts`` says
    whether a speech model understands text given before it listens (hotwords); ``spare_s``, that
    with these very files it was measured to be heard as well at true length, with so many seconds
    of silence after each stretch (``models.speech.true_length``). ``directory`` is
    set where the files have a fixed place: bundled models and local ones named by their path.
    """

    name: str
    kind: Kind
    repo: str | None = None
    revision: str | None = None
    licence: str = ""
    bundled: bool = False
    files: tuple[tuple[str, str], ...] = ()
    dimension: int | None = None
    max_tokens: int | None = None
    query_prefix: str = ""
    passage_prefix: str = ""
    prompts: bool = True
    spare_s: float | None = None
    recommended: bool = False
    size_mb: int = 0
    ram_gb: int = 0
    note_de: str = ""
    note_en: str = ""
    directory: Path | None = None


@cache
def entries() -> tuple[ModelEntry, ...]:
    """All models of the registry, in its order."""
    table = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    return tuple(_entry(row) for row in table["model"])


def entry(name: str) -> ModelEntry:
    """The model called ``name``. Raises ModelError ("unknown", detail: the nearest known name)."""
    for known in entries():
        if known.name == name:
            return known
    names = [known.name for known in entries()]
    raise ModelError("unknown", name, difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0])


def bundled_entry(kind: str) -> ModelEntry:
    """Our own model of a kind. Raises ModelError ("unknown") where there is none."""
    for known in entries():
        if known.bundled and known.kind == kind:
            return known
    raise ModelError("unknown", kind)


def describe(directory: Path, name: str) -> ModelEntry:
    """An entry for a folder that the registry does not list.

    Known are CTranslate2 Whisper folders, sentence-transformers folders and cross-encoders. Raises
    ModelError ("unloadable") for anything else.
    """
    kind = kind_of(directory)
    if kind is None:
        raise ModelError("unloadable", name, "model.bin / modules.json / config.json")
    if kind == "speech":
        return ModelEntry(name=name, kind=kind, directory=directory)
    if kind == "reranker":
        longest = max_tokens_of(directory)
        return ModelEntry(name=name, kind=kind, directory=directory, max_tokens=longest)
    prompts = prompts_of(directory)
    return ModelEntry(
        name=name,
        kind=kind,
        directory=directory,
        dimension=dimension_of(directory),
        max_tokens=max_tokens_of(directory),
        query_prefix=prompts.get("query", ""),
        passage_prefix=prompts.get("document", prompts.get("passage", "")),
    )


def _entry(row: dict[str, Any]) -> ModelEntry:
    values = dict(row)
    folder = values.pop("bundled", None)
    values["bundled"] = folder is not None
    values["directory"] = BUNDLED / folder if folder else None
    values["files"] = tuple(sorted(values.get("files", {}).items()))
    return ModelEntry(**values)


def refresh(text: str) -> str:
    """``registry.toml`` with the bundled models' sums, and a text model's dimension and longest
    passage, as their files have them now."""
    for known in entries():
        if known.bundled and known.directory is not None and known.directory.is_dir():
            text = _with_files(text, known.name, directory_sums(known.directory, cached=False))
            if known.kind == "text":
                text = _with_number(text, known.name, "dimension", dimension_of(known.directory))
                text = _with_number(text, known.name, "max_tokens", max_tokens_of(known.directory))
    return text


def _with_number(text: str, name: str, key: str, value: int | None) -> str:
    lines = text.splitlines()
    begin = lines.index(f'name = "{name}"')
    place = next(n for n in range(begin, len(lines)) if lines[n].startswith(f"{key} = "))
    if value is not None:
        lines[place] = f"{key} = {value}"
    return "\n".join(lines) + "\n"


def _with_files(text: str, name: str, sums: dict[str, str]) -> str:
    lines = text.splitlines()
    start = lines.index("[model.files]", lines.index(f'name = "{name}"'))
    end = start + 1
    while end < len(lines) and lines[end].startswith('"'):
        end += 1
    lines[start + 1 : end] = [f'"{file}" = "{sum_}"' for file, sum_ in sorted(sums.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--refresh"]:
        sys.exit("usage: python -m models.registry --refresh")
    REGISTRY.write_text(refresh(REGISTRY.read_text(encoding="utf-8")), encoding="utf-8")
