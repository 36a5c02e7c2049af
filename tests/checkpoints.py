"""Whisper checkpoints of official size in Hugging Face's form, that say one sentence.

Their weights are chance, but for two things: every row of the vocabulary points somewhere else, and
every position of the decoder points to the word that comes there. So a checkpoint says the same
sentence to whatever it hears, in German, and a converted one that says it has its weights, numbers
and tokens in the right places.
"""

from __future__ import annotations

import json
import os
import shutil
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from faster_whisper.tokenizer import _LANGUAGE_CODES as LANGUAGES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

SENTENCE = "Das Stadtwerk liest heute alle Zähler im Osten der Stadt ab."
TINY_HEADS = [[2, 2], [3, 0], [3, 2], [3, 3], [3, 4], [3, 5]]
TEXT_IDS = 50_257


class Size(NamedTuple):
    """A published size: width, layers of encoder and decoder, heads."""

    width: int
    encoder_layers: int
    decoder_layers: int
    heads: int


SIZES = {
    "tiny": Size(384, 4, 4, 6),
    "base": Size(512, 6, 6, 8),
    "small": Size(768, 12, 12, 12),
    "medium": Size(1024, 24, 24, 16),
    "large-v3": Size(1280, 32, 32, 20),
    "large-v3-turbo": Size(1280, 32, 4, 20),
}
OLD_ROWS, NEW_ROWS = 51_865, 51_866
OLDER = ("vocab.json", "merges.txt", "added_tokens.json")


def letters() -> list[str]:
    """The 256 bytes as GPT-2 and Whisper write and number them: a blank is number 220."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + n) for n in range(len(others))]


@cache
def merges() -> tuple[tuple[str, str], ...]:
    """50,000 pairs of bytes: a blank with all that may follow, what ``SENTENCE`` needs, others."""
    words = pre_tokenizers.ByteLevel(add_prefix_space=True).pre_tokenize_str(SENTENCE)
    needed = sorted({(word[n], word[n + 1]) for word, _ in words for n in range(1, len(word) - 1)})
    ordered = [("Ġ", letter) for letter in letters()] + needed + [*product(letters(), repeat=2)]
    return tuple(islice(dict.fromkeys(ordered), 50_000))


def vocab() -> dict[str, int]:
    """Text tokens in the official layout: bytes, merges, and the empty token."""
    tokens = [*letters(), *(a + b for a, b in merges()), ""]
    assert len(tokens) == TEXT_IDS
    return {token: number for number, token in enumerate(tokens)}


def added(rows: int) -> dict[str, int]:
    """Special tokens and timestamps by number: 99 languages, 100 since large-v3."""
    spoken = LANGUAGES[: 100 if rows == NEW_ROWS else 99]
    special = ["endoftext", "startoftranscript", *spoken, "translate", "transcribe",
               "startoflm", "startofprev", "nospeech", "notimestamps"]  # fmt: skip
    tokens = [f"<|{name}|>" for name in special] + [f"<|{n * 0.02:.2f}|>" for n in range(1501)]
    return {token: TEXT_IDS + number for number, token in enumerate(tokens)}


@cache
def tokenizer(rows: int) -> Tokenizer:
    made = Tokenizer(models.BPE(vocab(), list(merges())))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(text, normalized=False) for text in added(rows)])
    return made


def speaking_model(
    rows: int = OLD_ROWS, bands: int = 80, size: str = "tiny", text: str = SENTENCE
) -> WhisperForConditionalGeneration:
    """A Whisper of a published size, saying ``text``."""
    torch.manual_seed(1)
    width, encoder_layers, decoder_layers, heads = SIZES[size]
    config = WhisperConfig(
        vocab_size=rows, num_mel_bins=bands, d_model=width, encoder_layers=encoder_layers,
        decoder_layers=decoder_layers, encoder_attention_heads=heads,
        decoder_attention_heads=heads, encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
        init_std=0.005,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    words = tokenizer(rows)
    says = [words.token_to_id("<|de|>"), 0, 0, *words.encode(" " + text).ids]
    with torch.no_grad():
        rows_of = torch.nn.functional.normalize(torch.randn(rows, width), dim=1)
        model.model.decoder.embed_tokens.weight.copy_(rows_of)
        positions = model.model.decoder.embed_positions.weight
        positions.copy_(10 * rows_of[words.token_to_id("<|endoftext|>")])
        positions[: len(says)] = 10 * rows_of[says]
    model.tie_weights()
    return model


def generation(rows: int) -> dict[str, Any]:
    """generation_config.json as published beside whisper-tiny, or large-v3's with other rows."""
    numbers = added(rows)
    return {
        "alignment_heads": TINY_HEADS,
        "begin_suppress_tokens": [220, TEXT_IDS],
        "suppress_tokens": [1, 2, 7, numbers["<|transcribe|>"]],
        "is_multilingual": True,
        "lang_to_id": {f"<|{code}|>": numbers[f"<|{code}|>"] for code in LANGUAGES
                       if f"<|{code}|>" in numbers},
        "no_timestamps_token_id": numbers["<|notimestamps|>"],
        "task_to_id": {name: numbers[f"<|{name}|>"] for name in ("transcribe", "translate")},
    }  # fmt: skip


def save(
    folder: Path,
    rows: int = OLD_ROWS,
    bands: int = 80,
    size: str = "tiny",
    text: str = SENTENCE,
) -> Path:
    """A complete folder, with the tokenizer in both of its forms."""
    model = speaking_model(rows, bands, size, text)
    model.generation_config = GenerationConfig()
    model.save_pretrained(folder)
    write(folder / "generation_config.json", generation(rows))
    write(folder / "preprocessor_config.json", {"feature_size": bands, "n_fft": 400})
    tokenizer(rows).save(str(folder / "tokenizer.json"))
    write(folder / "vocab.json", vocab())
    pairs = "\n".join(" ".join(pair) for pair in merges())
    (folder / "merges.txt").write_text(f"#version: 0.2\n{pairs}\n", encoding="utf-8")
    write(folder / "added_tokens.json", added(rows))
    return folder


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def edit(path: Path, **changes: object) -> None:
    """Other values in a JSON file; None takes a key out. The original behind a link stays."""
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    path.unlink()
    write(path, {key: value for key, value in content.items() if value is not None})


def variant(source: Path, folder: Path, *without: str) -> Path:
    """A folder of the same files, less those named. Files are linked: replace, never rewrite."""
    folder.mkdir(parents=True)
    for path in source.iterdir():
        if path.name not in without:
            try:
                os.link(path, folder / path.name)
            except OSError:
                shutil.copy(path, folder / path.name)
    return folder
