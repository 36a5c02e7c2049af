"""Query and passage read together by a cross-encoder of sentence-transformers (6.2)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from sentence_transformers import CrossEncoder

from models.contracts import ModelError, ModelInfo, Scores
from models.libraries import LOAD_ERRORS, device_of, silence
from models.reasons import first_line
from models.registry import ModelEntry


class CrossEncoderReranker:
    """A ``Reranker`` over a local folder with a classifier of one class."""

    def __init__(
        self, directory: Path, entry: ModelEntry, info: ModelInfo, *, device: str, threads: int
    ) -> None:
        """Load the model; ``threads`` 0 leaves torch's own choice.

        Raises ModelError "unloadable" with the reason: no safetensors, weights of another model,
        more than one class.
        """
        self._info = info
        # The tokenizer keeps padding and truncation as state: one thread at a time.
        self._lock = threading.Lock()
        if threads > 0:
            torch.set_num_threads(threads)
        self._model = _load(directory, entry.name, device_of(device, entry.name))
        longest = (entry.max_tokens, self._model.max_seq_length)
        self._max_tokens = min(limit for limit in longest if limit is not None)
        self._model.max_seq_length = self._max_tokens
        probe = self._predicted([("x", "x")])
        if probe.shape != (1,) or not np.isfinite(probe).all():
            raise ModelError("unloadable", entry.name, f"num_labels = {self._model.num_labels}")

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def max_tokens(self) -> int:
        """The most tokens that query and passage may have together, special tokens counted."""
        return self._max_tokens

    def scores(self, query: str, passages: Sequence[str]) -> Scores:
        """float32 [n], finite: the model's own numbers, before any sigmoid, which would make
        equal in float32 what is very good or very bad.

        What is longer than ``max_tokens`` is cut: of query and passage the longer one loses its
        end, so that a long passage is judged by its beginning. Raises ModelError ("unloadable")
        where the device gives up.
        """
        if not passages:
            return np.empty(0, dtype=np.float32)
        try:
            with self._lock:
                found = self._predicted([(query, passage) for passage in passages])
        except (RuntimeError, IndexError) as error:  # out of memory, or a card that went away
            raise ModelError("unloadable", self._info.name, first_line(error)) from error
        if not np.isfinite(found).all():
            raise ModelError("unloadable", self._info.name, "nan")
        return found

    def _predicted(self, pairs: list[tuple[str, str]]) -> Scores:
        found = self._model.predict(pairs, batch_size=len(pairs), show_progress_bar=False)
        return np.asarray(found, dtype=np.float32)


def _load(directory: Path, name: str, device: str) -> CrossEncoder:
    silence()
    try:
        model: CrossEncoder = CrossEncoder(
            str(directory),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
            # Given here, the one that the folder may name is never looked up.
            activation_fn=torch.nn.Identity(),
        )
        missing = _made_up(model, directory)
    except LOAD_ERRORS as error:
        raise ModelError("unloadable", name, first_line(error)) from error
    if missing:
        raise ModelError("unloadable", name, missing[0])
    model.float().eval()  # half-precision weights would make the order depend on the device
    return model


def _made_up(model: CrossEncoder, directory: Path) -> list[str]:
    """Weights of the classifier that no file holds: transformers fills them with random numbers."""
    inner = model.transformers_model
    if inner is None:
        return []
    held: set[str] = set()
    for path in directory.glob("*.safetensors"):
        with safe_open(path, framework="pt") as weights:
            held.update(weights.keys())
    base = f"{inner.base_model_prefix}."
    named = (name for name, _ in inner.named_parameters())
    return [name for name in named if not name.startswith(base) and name not in held]
