"""A Whisper model as Hugging Face folders hold it: its configuration and its weights.

Only data is read: JSON, safetensors, and pickled files by torch's reader of bare weights. What a
folder brings of code is never looked at, and nothing here can reach a network.
"""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""In order of preference: a safetensors file can hold nothing but numbers."""

_SHAPE = (
    "vocab_size", "num_mel_bins", "d_model", "encoder_layers", "encoder_attention_heads",
    "encoder_ffn_dim", "decoder_layers", "decoder_attention_heads", "decoder_ffn_dim",
    "max_source_positions", "max_target_positions",
)  # fmt: skip
_FIXED = {
    "activation_function": "gelu",
    "scale_embedding": False,
    "max_source_positions": 1500,
    "max_target_positions": 448,
}
"""What the engine takes for granted of every Whisper model; other values would go unnoticed."""

_PROJECTION = "proj_out.weight"
_EMBEDDING = "model.decoder.embed_tokens.weight"


class ConversionError(Exception):
    """A folder cannot be converted.

    ``reason`` is one of ``absent``, ``no_model``, ``converted``, ``adapter``, ``not_whisper``,
    ``no_decoder``, ``english_only``, ``unsupported``, ``no_weights``, ``weights``, ``pickled``,
    ``not_finite``, ``unreadable``, ``no_tokenizer``, ``tokenizer``, ``vocabulary``, ``name``,
    ``known_name``, ``exists``, ``not_a_model``, ``running``, ``full``, ``disk``, ``useless``;
    ``detail`` is a short plain fact: a file, a key, a number.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with what its JSON files say; ``generation`` is {} where it has no such file."""

    directory: Path
    config: dict[str, Any]
    generation: dict[str, Any]

    def hint(self, key: str) -> Any:
        """A setting for decoding: older folders keep it with the model's configuration."""
        value = self.generation.get(key)
        return self.config.get(key) if value is None else value


def open_checkpoint(directory: Path) -> Checkpoint:
    """Judge a folder by its JSON files alone. Raises ConversionError for all that is no complete
    multilingual Whisper model in Hugging Face's form."""
    if not directory.is_dir():
        raise ConversionError("absent")
    if (directory / "adapter_config.json").is_file():
        # transformers would fetch the model that the adapter belongs to from the hub.
        raise ConversionError("adapter")
    if not (directory / "config.json").is_file():
        raise ConversionError("no_model", "config.json")
    config = read_json(directory, "config.json")
    if "model_type" not in config and (directory / "model.bin").is_file():
        raise ConversionError("converted")
    if config.get("model_type") != "whisper":
        raise ConversionError("not_whisper", str(config.get("model_type", "?"))[:40])
    for key, value in _FIXED.items():
        if config.get(key, value) != value:
            raise ConversionError("unsupported", f"{key} = {config[key]}")
    generation = read_json(directory, "generation_config.json")
    if generation.get("is_multilingual") is False:
        raise ConversionError("english_only")
    return Checkpoint(directory, config, generation)


def read_json(directory: Path, name: str) -> dict[str, Any]:
    """A JSON object, {} where there is no such file. Raises ConversionError."""
    try:
        content = json.loads((directory / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConversionError("unreadable", name) from error
    if not isinstance(content, dict):
        raise ConversionError("unreadable", name)
    return content


def load_model(checkpoint: Checkpoint) -> Any:
    """The model in torch, in the precision of its file, every weight from the file.

    transformers itself would make up what is missing and pass over what is too much; either yields
    a model that is not the one in the folder, and is refused here by ConversionError.
    """
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    known = {key: checkpoint.config[key] for key in _SHAPE if key in checkpoint.config}
    try:
        with torch.device("meta"):
            model = WhisperForConditionalGeneration(WhisperConfig(**known))
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise ConversionError("unreadable", "config.json") from error
    weights = _weights(checkpoint)
    _compare(weights, {name: tensor.shape for name, tensor in model.state_dict().items()})
    model.load_state_dict(weights, assign=True)
    return model


def _weights(checkpoint: Checkpoint) -> dict[str, Any]:
    tensors: dict[str, Any] = {}
    for name in weight_files(checkpoint.directory):
        tensors |= _read(checkpoint.directory / name)
    if not any(name.startswith("model.") for name in tensors):
        # The bare model, as its own class saves it.
        tensors = {name if name == _PROJECTION else f"model.{name}": tensors[name]
                   for name in tensors}  # fmt: skip
    if checkpoint.config.get("tie_word_embeddings", True) and _EMBEDDING in tensors:
        tensors[_PROJECTION] = tensors[_EMBEDDING]
    return tensors


def weight_files(directory: Path) -> list[str]:
    """The files that hold the weights: one, or the shards that an index names."""
    name = next((name for name in WEIGHTS if (directory / name).is_file()), None)
    if name is None:
        raise ConversionError("no_weights", f"{WEIGHTS[0]}, {WEIGHTS[2]}")
    if not name.endswith(".json"):
        return [name]
    shards = read_json(directory, name).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ConversionError("unreadable", name)
    names = sorted({str(shard) for shard in shards.values()})
    for shard in names:
        # An index is data of others: it may not lead out of the folder.
        if Path(shard).name != shard or not (directory / shard).is_file():
            raise ConversionError("no_weights", shard)
    return names


def _read(path: Path) -> dict[str, Any]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of pickles in an odd form: they are read or refused.
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ConversionError("pickled", path.name) from error
    except (SafetensorError, OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise ConversionError("unreadable", path.name) from error
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor)
        for name, tensor in tensors.items()
    ):
        raise ConversionError("weights", path.name)
    return tensors


def _compare(weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    """Raises ConversionError unless the weights are those of the configuration, and no others."""
    if not any(name.startswith("model.decoder.") for name in weights):
        raise ConversionError("no_decoder")
    rows = len(weights[_EMBEDDING]) if _EMBEDDING in weights else 0
    if rows and rows != shapes[_EMBEDDING][0]:
        raise ConversionError("vocabulary", f"config.json {shapes[_EMBEDDING][0]} ≠ {rows}")
    for name in sorted(set(shapes) ^ set(weights)):
        raise ConversionError("weights", name)
    for name, tensor in weights.items():
        if tensor.shape != shapes[name] or not tensor.is_floating_point():
            raise ConversionError("weights", f"{name} {list(tensor.shape)}")
        if not tensor.isfinite().all():
            raise ConversionError("not_finite", name)
