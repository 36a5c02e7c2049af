"""What a local model folder says of itself: its kind, dimension, longest passage, prompts.

Read from its JSON files and safetensors headers alone; no machine-learning library is touched.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from models.text.weights import NoWeights, weights_of

Kind = Literal["speech", "text", "reranker"]


def kind_of(directory: Path) -> Kind | None:
    """The kind of model in a folder, by its files; None where they fit no kind we can load."""
    if (directory / "modules.json").is_file():
        stored = read_json(directory / "config_sentence_transformers.json")
        return "reranker" if stored.get("model_type") == "CrossEncoder" else "text"
    if (directory / "model.bin").is_file() and (directory / "config.json").is_file():
        return "speech"
    built = read_json(directory / "config.json").get("architectures") or [""]
    return "reranker" if str(built[0]).endswith("ForSequenceClassification") else None


def prompts_of(directory: Path) -> dict[str, str]:
    """A text model's stored prompts by name; {} where it has none."""
    prompts = read_json(directory / "config_sentence_transformers.json").get("prompts") or {}
    return {str(name): str(prompt) for name, prompt in prompts.items() if prompt}


def modules_of(directory: Path) -> list[Path]:
    """The folders of a sentence-transformers model's modules, in order; [] without modules.json."""
    return [directory / str(row.get("path", "")) for row in _modules(directory)]


def module_kinds(directory: Path) -> list[str]:
    """The names of the modules' classes, in order; [] without modules.json."""
    return [str(row.get("type", "")).rpartition(".")[2] for row in _modules(directory)]


def _modules(directory: Path) -> list[dict[str, Any]]:
    return [row for row in read_json(directory / "modules.json", []) if isinstance(row, dict)]


def tokenizer_file(directory: Path) -> Path | None:
    """Where the model's ``tokenizer.json`` lies: in the folder or in its first module."""
    for place in (directory, *modules_of(directory)[:1]):
        if (place / "tokenizer.json").is_file():
            return place / "tokenizer.json"
    return None


def max_tokens_of(directory: Path) -> int | None:
    """The longest input in tokens that the model's own files name, else None."""
    first = (modules_of(directory) or [directory])[0]
    length = read_json(first / "sentence_bert_config.json").get("max_seq_length")
    if not isinstance(length, int):
        length = read_json(first / "config.json").get("max_position_embeddings")
    if not isinstance(length, int):
        length = read_json(first / "tokenizer_config.json").get("model_max_length")
    return length if isinstance(length, int) and 0 < length < 1_000_000 else None


def dimension_of(directory: Path) -> int | None:
    """The length of the model's vectors, as its last module that changes it says, else None."""
    dimension: int | None = None
    for module in modules_of(directory):
        config = read_json(module / "config.json")
        for key in ("hidden_size", "word_embedding_dimension", "embedding_dimension"):
            if isinstance(config.get(key), int):
                dimension = config[key]
        if isinstance(config.get("out_features"), int):
            dimension = config["out_features"]
        if dimension is None:
            dimension = _embedding_width(module)
    return dimension


def _embedding_width(module: Path) -> int | None:
    # A static embedding has no configuration: its one table's shape says it.
    try:
        return weights_of(module)["embedding.weight"].shape[1]
    except (NoWeights, KeyError, IndexError):
        return None


def read_json(path: Path, missing: Any = None) -> Any:
    """The JSON of a file, or ``missing`` (an empty dict by default) where there is none to read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {} if missing is None else missing
