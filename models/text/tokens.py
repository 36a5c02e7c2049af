"""Text into tokens as the text model has them, without loading the model.

Needs the ``tokenizers`` library and the model's ``tokenizer.json`` only: importing torch costs
seconds and hundreds of megabytes, and neither cutting chunks nor asking a question needs it.
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
    """Token counts of passages with the passage prefix and the special tokens; and the tokens.

    It holds no state, so that threads may share it.
    """

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
        self.max_tokens = longest_input(directory, entry)

    def count_tokens(self, passages: Sequence[str]) -> list[int]:
        """Tokens of each passage as it would be encoded: prefix and special tokens counted."""
        counts: list[int] = []
        for begin in range(0, len(passages), _BATCH):
            batch = [self._prefix + passage for passage in passages[begin : begin + _BATCH]]
            counts.extend(map(len, self.numbers(batch)))
        return counts

    def numbers(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens' numbers of each text, special tokens included, nothing put before it."""
        return [row.ids for row in self._tokenizer.encode_batch_fast(list(texts))]

    def cut_numbers(self, text: str) -> list[int]:
        """As ``numbers`` of one text, which loses its end beyond ``max_tokens``."""
        bare = self._tokenizer.encode(text, add_special_tokens=False)
        bare.truncate(self.max_tokens - self._tokenizer.num_special_tokens_to_add(False))
        return list(self._tokenizer.post_process(bare).ids)


def longest_input(directory: Path, entry: ModelEntry) -> int:
    """The most tokens of a text: the lesser of what the registry and what the folder says. Raises
    ModelError ("unloadable") where neither does."""
    known = [n for n in (entry.max_tokens, max_tokens_of(directory)) if n is not None]
    if not known:
        raise ModelError("unloadable", entry.name, "max_seq_length")
    return min(known)
