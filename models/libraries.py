"""What our models ask of torch, transformers and sentence-transformers alike."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from models.contracts import ModelError

LOAD_ERRORS = (
    OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError,
)  # fmt: skip
"""What the libraries raise for folders they cannot make a model of."""


def silence() -> None:
    """Their progress bars and their report of unused weights are no messages for a user."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def device_of(device: str, name: str) -> str:
    """Where torch is to work. Raises ModelError ("unloadable") without the card asked for."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("unloadable", name, "cuda")
    return device
