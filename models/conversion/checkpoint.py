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

_HEARING = {"chunk_length": 30, "hop_length": 160, "n_fft": 400, "sampling_rate": 16_000}
"""How all Whisper models hear; a model that was trained to hear otherwise would write rubbish."""

_MOST = 1_000_000
"""More than this is no size of a model; to make one would take for ever."""

_WRAPPERS = ("module.", "_orig_mod.", "base_model.model.")
"""What torch's parallel training, its compiler and peft put before every weight's name."""

_KINDS = ("float32", "float16", "bfloat16")
"""The numbers that the converter knows to read."""

_POINTER = b"version https://git-lfs"
_PICKLE = (b"PK\x03\x04", b"\x80")

_PROJECTION = "proj_out.weight"
_EMBEDDING = "model.decoder.embed_tokens.weight"


class ConversionError(Exception):
    """A folder cannot be converted.

    ``reason`` is one of ``absent``, ``no_model``, ``converted``, ``adapter``, ``not_whisper``,
    ``no_decoder``, ``english_only``, ``unsupported``, ``no_weights``, ``weights``, ``pickled``,
    ``not_finite``, ``unreadable``, ``pointer``, ``no_tokenizer``, ``tokenizer``, ``vocabulary``,
    ``name``, ``known_name``, ``exists``, ``itself``, ``not_a_model``, ``locked``, ``full``,
    ``disk``, ``useless``; ``detail`` is a short plain fact: a file, a key, a number.
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
    if not _is_folder(directory):
        raise ConversionError("absent")
    if _has(directory, "adapter_config.json"):
        # transformers would fetch the model that the adapter belongs to from the hub.
        raise ConversionError("adapter")
    if not _has(directory, "config.json"):
        raise ConversionError("no_model", "config.json")
    config = read_json(directory, "config.json")
    if "model_type" not in config and _has(directory, "model.bin"):
        raise ConversionError("converted")
    if config.get("model_type") != "whisper":
        raise ConversionError("not_whisper", str(config.get("model_type", "?"))[:40])
    _check_values("config.json", config, _FIXED)
    for key in _SHAPE:
        if key in config and not (_is_number(config[key]) and 0 < config[key] <= _MOST):
            raise ConversionError("unreadable", f"config.json ({key})")
    _check_hearing(directory)
    generation = read_json(directory, "generation_config.json")
    if generation.get("is_multilingual") is False:
        raise ConversionError("english_only")
    if not isinstance(generation.get("lang_to_id") or {}, dict):
        raise ConversionError("unreadable", "generation_config.json (lang_to_id)")
    _check_numbers("config.json", config)
    _check_numbers("generation_config.json", generation)
    return Checkpoint(directory, config, generation)


def _is_folder(directory: Path) -> bool:
    try:
        return directory.is_dir()
    except OSError:  # it may not be looked at, or can be no name
        return False


def _has(directory: Path, name: str) -> bool:
    try:
        return (directory / name).is_file()
    except OSError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_values(name: str, told: dict[str, Any], fixed: dict[str, Any]) -> None:
    for key, value in fixed.items():
        if told.get(key) is not None and told[key] != value:
            raise ConversionError("unsupported", f"{name}: {key} = {str(told[key])[:40]}")


def _check_hearing(directory: Path) -> None:
    _check_values(
        "preprocessor_config.json", read_json(directory, "preprocessor_config.json"), _HEARING
    )
    nested = read_json(directory, "processor_config.json").get("feature_extractor") or {}
    if not isinstance(nested, dict):
        raise ConversionError("unreadable", "processor_config.json (feature_extractor)")
    _check_values("processor_config.json", nested, _HEARING)


def _check_numbers(name: str, told: dict[str, Any]) -> None:
    for key in ("suppress_tokens", "begin_suppress_tokens"):
        value = told.get(key) or []
        if not isinstance(value, list) or not all(map(_is_number, value)):
            raise ConversionError("unreadable", f"{name} ({key})")


def read_json(directory: Path, name: str) -> dict[str, Any]:
    """A JSON object, {} where there is no such file. Raises ConversionError."""
    try:
        data = (directory / name).read_bytes()
        if data.startswith(_POINTER):
            raise ConversionError("pointer", name)
        content = json.loads(data)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
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
    while wrapper := next((w for w in _WRAPPERS if tensors and all(
        name.startswith(w) for name in tensors)), None):  # fmt: skip
        tensors = {name.removeprefix(wrapper): tensor for name, tensor in tensors.items()}
    if not any(name.startswith("model.") for name in tensors):
        # The bare model, as its own class saves it.
        tensors = {name if name == _PROJECTION else f"model.{name}": tensors[name]
                   for name in tensors}  # fmt: skip
    if checkpoint.config.get("tie_word_embeddings", True) and _EMBEDDING in tensors:
        tensors[_PROJECTION] = tensors[_EMBEDDING]
    return tensors


def weight_files(directory: Path) -> list[str]:
    """The files that hold the weights: one, or the shards that an index names."""
    name = next((name for name in WEIGHTS if _has(directory, name)), None)
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
        if Path(shard).name != shard or not _has(directory, shard):
            raise ConversionError("no_weights", shard)
    return names


def _read(path: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    head = _head(path)
    if head.startswith(_POINTER):
        raise ConversionError("pointer", path.name)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of pickles in an odd form: they are read or refused.
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything
        foreign = isinstance(error, pickle.UnpicklingError) and head.startswith(_PICKLE)
        raise ConversionError("pickled" if foreign else "unreadable", path.name) from error
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor)
        for name, tensor in tensors.items()
    ):
        raise ConversionError("weights", path.name)
    return tensors


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(64)
    except OSError as error:
        raise ConversionError("unreadable", path.name) from error


def _compare(weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    """Raises ConversionError unless the weights are those of the configuration, and no others."""
    if not any(name.startswith("model.decoder.") for name in weights):
        raise ConversionError("no_decoder")
    size = list(weights[_EMBEDDING].shape) if _EMBEDDING in weights else []
    if len(size) == 2 and size[0] != shapes[_EMBEDDING][0]:
        raise ConversionError("vocabulary", f"config.json {shapes[_EMBEDDING][0]} ≠ {size[0]}")
    for name in sorted(set(shapes) ^ set(weights)):
        raise ConversionError("weights", name)
    for name, tensor in weights.items():
        if tensor.shape != shapes[name]:
            raise ConversionError("weights", f"{name} {list(tensor.shape)}")
        kind = str(tensor.dtype).removeprefix("torch.")
        if kind not in _KINDS or tensor.is_sparse or tensor.is_meta:
            raise ConversionError("weights", f"{name} {kind}")
        # Where one number is infinite or none, so is the least or the greatest; to ask each of them
        # takes seven times as long, and as much memory again.
        if tensor.numel() and not all(extreme.isfinite() for extreme in tensor.aminmax()):
            raise ConversionError("not_finite", name)
