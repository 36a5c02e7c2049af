"""Counting tokens as the text model counts them, without loading the model.

Needs the ``tokenizers`` library and the model's ``tokenizer.json`` only: importing torch costs
seconds and hundreds of megabytes, and cutting chunks needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.contracts import ModelError
from models.folder import max_tokens_of, tokenizer_file
from models.registry import ModelEntry

_BATCH = 1024
"""Passages per call into the tokenizer: enough to use its threads, little enough to hold."""


class TokenCounter:
    """Token counts of passages with the passage prefix and the special tokens."""

    def __init__(self, directory: Path, entry: ModelEntry) -> None:
        """Raises ModelError: "damaged" without ``tokenizer.json``, "unloadable" if unreadable."""
        from tokenizers import Tokenizer

        path = tokenizer_file(directory)
        if path is None:
            raise ModelError("damaged", entry.name, "tokenizer.json")
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelError("unloadable", entry.name, "tokenizer.json") from error
        # A stored truncation would hide exactly what is to be found out.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._prefix = entry.passage_prefix
        self.max_tokens = _max_tokens(directory, entry)

    def count_tokens(self, passages: Sequence[str]) -> list[int]:
        """Tokens of each passage as it would be encoded: prefix and special tokens counted."""
        counts: list[int] = []
        for begin in range(0, len(passages), _BATCH):
            batch = [self._prefix + passage for passage in passages[begin : begin + _BATCH]]
            counts.extend(len(row.ids) for row in self._tokenizer.encode_batch_fast(batch))
        return counts


def _max_tokens(directory: Path, entry: ModelEntry) -> int:
    """The lesser of what the registry and what the folder says."""
    known = [n for n in (entry.max_tokens, max_tokens_of(directory)) if n is not None]
    if not known:
        raise ModelError("unloadable", entry.name, "max_seq_length")
    return min(known)
