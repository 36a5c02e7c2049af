"""A small random cross-encoder with the bundled text model's tokenizer."""

from __future__ import annotations

import shutil
from pathlib import Path

from models.registry import bundled_entry

MAX_TOKENS = 128


def make_cross_encoder(folder: Path, *, labels: int = 1) -> Path:
    """A BERT of width 32 with a classifier, as transformers saves it. Its weights are large, so
    that no two passages are worth the same to it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    bundled = bundled_entry("text").directory
    assert bundled is not None
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(bundled / name, folder)
    torch.manual_seed(5)
    BertForSequenceClassification(
        BertConfig(
            vocab_size=9728, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=MAX_TOKENS, num_labels=labels,
            initializer_range=0.5,
        )
    ).save_pretrained(folder)  # fmt: skip
    return folder
