"""Opening a Whisper model from local files: checked first, never fetched, refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel

from models.contracts import ModelError
from models.machine import cores

NEEDED_FILES = ("model.bin", "config.json", "tokenizer.json")
"""Without ``tokenizer.json`` faster-whisper would fetch another model's."""

_FRAMES = 3_000


def check_files(directory: Path, name: str) -> None:
    """Raises ModelError ``damaged`` naming the first file that is missing or cannot be read."""
    for file in NEEDED_FILES:
        if not (directory / file).is_file():
            raise ModelError("damaged", name, file)
    for file in ("config.json", "preprocessor_config.json", "tokenizer.json"):
        path = directory / file
        try:
            content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        except ValueError as error:
            raise ModelError("damaged", name, file) from error
        if not isinstance(content, dict):
            raise ModelError("damaged", name, file)
        if file == "config.json" and not content.get("alignment_heads"):
            # Without them the engine cannot time words.
            raise ModelError("damaged", name, "config.json: alignment_heads")


def choose_device(device: str) -> str:
    """A graphics card for "auto" where there is one, else the processor."""
    if device != "auto":
        return device
    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"


def choose_compute_type(compute_type: str, device: str) -> str:
    """For "auto": float16 on a graphics card, int8 on a processor."""
    if compute_type != "auto":
        return compute_type
    return "float16" if device == "cuda" else "int8"


def load_model(
    directory: Path, name: str, device: str, compute_type: str, threads: int
) -> WhisperModel:
    """The model in ``directory``, multilingual and able to time words. Raises ModelError.

    With "auto", a graphics card that cannot compute (its libraries are missing, say) is passed
    over for the processor.
    """
    chosen = choose_device(device)
    try:
        model = _opened(directory, chosen, compute_type, threads)
        if chosen == "cuda":
            model.encode(np.zeros((model.model.n_mels, _FRAMES), np.float32))
    except Exception as error:  # The tokenizer's library raises nothing narrower.
        if chosen == "cuda" and device == "auto":
            return load_model(directory, name, "cpu", compute_type, threads)
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelError("unloadable", name, reason[:200]) from error
    if model.feature_extractor.mel_filters.shape[0] != model.model.n_mels:
        raise ModelError("damaged", name, "preprocessor_config.json")
    if not model.model.is_multilingual:
        # Such a model would write English for German speech without a word of warning.
        raise ModelError("unloadable", name, "not multilingual")
    return model


def _opened(directory: Path, device: str, compute_type: str, threads: int) -> WhisperModel:
    return WhisperModel(
        str(directory),
        device=device,
        compute_type=choose_compute_type(compute_type, device),
        cpu_threads=threads or cores(),
        local_files_only=True,
    )
