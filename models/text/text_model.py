"""What every text model has in common, however it computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.contracts import ModelError, ModelInfo, TextTooLong, Vectors
from models.registry import ModelEntry
from models.text.tokens import TokenCounter


class TextModel:
    """The part of an ``Embedder`` that counts and names. Raises ModelError: "damaged" without
    ``tokenizer.json``."""

    def __init__(self, directory: Path, entry: ModelEntry, info: ModelInfo) -> None:
        self._info = info
        self._counter = TokenCounter(directory, entry)
        self._passage_prefix = entry.passage_prefix
        self._query_prefix = entry.query_prefix
        self._dimension = 0

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def max_tokens(self) -> int:
        return self._counter.max_tokens

    def count_tokens(self, passages: Sequence[str]) -> list[int]:
        """Tokens of each passage as it would be encoded: prefix and special tokens counted."""
        return self._counter.count_tokens(passages)

    def _take_dimension(self, probe: Vectors, expected: int | None) -> None:
        """From the vector of any text. Raises ModelError ("unloadable") where it makes no sense."""
        self._dimension = int(probe.shape[1])
        if expected not in (None, self._dimension) or not np.isfinite(probe).all():
            found = f"{self._dimension} dimensions, {expected} expected"
            raise ModelError("unloadable", self._info.name, found)

    def _refuse_long(self, counts: list[int]) -> None:
        longest = max(counts, default=0)
        if longest > self.max_tokens:
            raise TextTooLong(f"{longest} tokens, at most {self.max_tokens}")


def batches(counts: list[int], most_tokens: int, most_rows: int) -> list[list[int]]:
    """Rows grouped by length, longest first, each group within the budget of padded tokens.

    The grouping depends on the counts alone, so that equal passages give equal vectors.
    """
    groups: list[list[int]] = []
    widest = 0
    for row in sorted(range(len(counts)), key=lambda row: (-counts[row], row)):
        full = groups and (
            (len(groups[-1]) + 1) * widest > most_tokens or len(groups[-1]) == most_rows
        )
        if not groups or full:
            groups.append([])
            widest = counts[row]
        groups[-1].append(row)
    return groups
