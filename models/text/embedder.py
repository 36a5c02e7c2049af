"""Text into vectors with sentence-transformers: on a graphics card, and where the model has no
quick form (``quick_embedder``), which is measured by this one.

The prefixes come from the registry and are put before the text here; the model's own stored
prompts are switched off, so that there is one way in which a string comes to be encoded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from models.contracts import ModelError, ModelInfo, Vectors
from models.libraries import LOAD_ERRORS, device_of, silence
from models.reasons import first_line
from models.registry import ModelEntry
from models.text.text_model import TextModel, batches

_BATCH_TOKENS = 8192
"""Padded tokens encoded together: some 50 chunks of 160 tokens, one passage of 8192."""
_BATCH_PASSAGES = 64


class SentenceTransformerEmbedder(TextModel):
    """An ``Embedder`` over a local sentence-transformers folder."""

    def __init__(
        self, directory: Path, entry: ModelEntry, info: ModelInfo, *, device: str, threads: int
    ) -> None:
        """Load the model; ``threads`` 0 leaves torch's own choice.

        Raises ModelError: "damaged" without ``tokenizer.json``, "unloadable" with the reason.
        """
        super().__init__(directory, entry, info)
        # The tokenizer keeps padding and truncation as state: one thread at a time.
        self._lock = threading.Lock()
        if threads > 0:
            torch.set_num_threads(threads)
        self._model = _load(directory, entry.name, device_of(device, entry.name))
        # Passages above the limit are refused; only a query may be cut, and then exactly here.
        self._model.max_seq_length = self._counter.max_tokens
        probe = self._encode(["x"], 1)
        self._take_dimension(probe, entry.dimension)

    def encode_passages(self, passages: Sequence[str]) -> Vectors:
        """float32 [n, dimension], rows L2-normalised. Raises TextTooLong beyond ``max_tokens``."""
        counts = self.count_tokens(passages)
        self._refuse_long(counts)
        vectors = np.empty((len(passages), self._dimension), dtype=np.float32)
        for rows in batches(counts, _BATCH_TOKENS, _BATCH_PASSAGES):
            texts = [self._passage_prefix + passages[row] for row in rows]
            with self._lock:
                self._refuse_long(self._own_counts(texts))
                vectors[rows] = self._encode(texts, len(rows))
        return vectors

    def encode_query(self, query: str) -> Vectors:
        """float32 [1, dimension], L2-normalised. A long query is cut at ``max_tokens``."""
        with self._lock:
            return self._encode([self._query_prefix + query], 1)

    def _encode(self, texts: list[str], batch_size: int) -> Vectors:
        vectors = self._model.encode(
            texts,
            prompt="",  # an empty prompt, where None would mean the model's stored one
            batch_size=batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return np.asarray(vectors, dtype=np.float32)

    def _own_counts(self, texts: list[str]) -> list[int]:
        # The library may build its tokenizer otherwise than tokenizer.json says; what it would cut
        # is decided by its own count. Tokenizers of another kind do not cut.
        tokenizer: Any = getattr(self._model, "tokenizer", None)
        if not hasattr(tokenizer, "model_max_length"):
            return []
        rows = tokenizer(texts, truncation=False, padding=False, verbose=False)["input_ids"]
        return [len(row) for row in rows]


def _load(directory: Path, name: str, device: str) -> SentenceTransformer:
    silence()
    try:
        model = SentenceTransformer(
            str(directory), device=device, local_files_only=True, trust_remote_code=False
        )
    except LOAD_ERRORS as error:
        raise ModelError("unloadable", name, first_line(error)) from error
    # Half-precision weights would make the vectors depend on the device.
    return model.float().eval()
