"""Small random text models in sentence-transformers' form, made as a test wants them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

WORDS = ("wasser", "strom", "netz", "zähler", "daten", "query", "passage", ":", "der", "die", "das")
MAX_TOKENS = 12

_KIND = "sentence_transformers.models."


def make_model(
    folder: Path,
    *,
    prompts: dict[str, str] | None = None,
    max_tokens: int = MAX_TOKENS,
    family: str = "bert",
    pooling: str = "mean_tokens",
    layers: int = 2,
    weights: str = "float32",
    dense: bool = False,
    seed: int = 1,
    **configured: Any,
) -> Path:
    """A random encoder of width 16 with its own word list.

    ``weights`` is "float32" or "float16" in safetensors, or "bin": pickled, as torch stores them.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(seed)
    config: Any = AutoConfig.for_model(
        family, vocab_size=4 + len(WORDS), hidden_size=16, num_hidden_layers=layers,
        num_attention_heads=2, intermediate_size=16, max_position_embeddings=64, pad_token_id=0,
        **configured,
    )  # fmt: skip
    model = AutoModel.from_config(config)
    model.half() if weights == "float16" else model.float()
    model.save_pretrained(folder)
    if weights == "bin":
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    _tokenizer(folder, max_tokens)
    modules = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    rows = [
        {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": _KIND + kind}
        for n, kind in enumerate(modules)
    ]
    write(folder / "modules.json", rows)
    (folder / "1_Pooling").mkdir()
    told = {"word_embedding_dimension": 16, f"pooling_mode_{pooling}": True}
    write(folder / "1_Pooling" / "config.json", told)
    if dense:
        from sentence_transformers.models import Dense

        (folder / "2_Dense").mkdir()
        Dense(16, 8).save(str(folder / "2_Dense"))
    write(folder / "sentence_bert_config.json", {"max_seq_length": max_tokens})
    stored = {"prompts": prompts or {}, "default_prompt_name": "query" if prompts else None}
    write(folder / "config_sentence_transformers.json", stored)
    return folder


def _tokenizer(folder: Path, max_tokens: int) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])}
    for word in WORDS:
        vocabulary[word] = len(vocabulary)
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # Stored truncation, as many published tokenizers carry it.
    tokenizer.enable_truncation(max_tokens)
    wrapped: Any = PreTrainedTokenizerFast
    wrapped(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=max_tokens,
    ).save_pretrained(folder)  # fmt: skip


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def sentence(length: int, seed: int) -> str:
    """Words that the models know, and some that they do not."""
    return " ".join(random.Random(seed).choices([*WORDS, "anderes"], k=length))
