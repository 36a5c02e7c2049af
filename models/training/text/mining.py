"""Which items the model so far takes for each other: the next ones to be told apart."""

from __future__ import annotations

from collections.abc import Callable

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.training.items import LANGUAGES
from models.training.text.batches import SHORT_TOKENS
from models.training.text.written import Near, used

FIRST, LAST = 1, 25
"""Ranks of the likes; the nearest of all may well say the same."""
AT_ONCE = 256

Vectors = Callable[[list[list[int]]], Tensor]


@torch.no_grad()
def near_items(vectors: Vectors, tokenizer: Tokenizer) -> Near:
    """For each item of `used()` the numbers of its likes, by what is said in both languages."""
    tokenizer.enable_truncation(SHORT_TOKENS)
    mean = sum(
        encoded([item.said[language] for item in used()], vectors, tokenizer)
        for language in LANGUAGES
    )
    assert isinstance(mean, Tensor)
    found: list[list[int]] = []
    for at in range(0, len(mean), AT_ONCE):
        nearest = (mean[at : at + AT_ONCE] @ mean.T).topk(LAST + 1, dim=1).indices
        found += nearest[:, FIRST + 1 :].tolist()
    return found


def encoded(texts: list[str], vectors: Vectors, tokenizer: Tokenizer) -> Tensor:
    """float32 [texts, dim]."""
    ids = [one.ids for one in tokenizer.encode_batch(texts)]
    parts = [vectors(ids[at : at + AT_ONCE]).float() for at in range(0, len(ids), AT_ONCE)]
    return torch.cat(parts)
