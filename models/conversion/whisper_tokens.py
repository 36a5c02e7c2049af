"""The tokenizer of a Whisper checkpoint, in the one form that faster-whisper reads.

Without a ``tokenizer.json`` faster-whisper fetches another model's from the network. Where a
checkpoint has only the files of the older kind, the same tokenizer is put together from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faster_whisper.tokenizer import _LANGUAGE_CODES as LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from models.conversion.checkpoint import Checkpoint, ConversionError, read_json

TIMESTAMPS = 1501
"""<|0.00|> to <|30.00|> in steps of 0.02 s."""

ENGLISH_ROWS = 51_864
"""Rows of the official English-only models: one less than the smallest multilingual ones."""

_OLDER = ("vocab.json", "merges.txt")
_NO_TIMESTAMPS = "<|notimestamps|>"
_SPECIAL = (
    "<|endoftext|>", "<|startoftranscript|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", _NO_TIMESTAMPS,
)  # fmt: skip
_NO_SPEECH = ("<|nospeech|>", "<|nocaptions|>")


def read_tokenizer(directory: Path) -> Tokenizer:
    """The checkpoint's tokenizer, without limits of length. Raises ConversionError."""
    if (directory / "tokenizer.json").is_file():
        try:
            tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        except Exception as error:  # the library raises nothing narrower
            raise ConversionError("unreadable", "tokenizer.json") from error
    else:
        tokenizer = _put_together(directory)
    # Training leaves its limits in the file; by them hints and prompts would be cut or padded.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _put_together(directory: Path) -> Tokenizer:
    if not all((directory / name).is_file() for name in _OLDER):
        raise ConversionError("no_tokenizer", "tokenizer.json, vocab.json + merges.txt")
    try:
        bpe = models.BPE.from_file(*(str(directory / name) for name in _OLDER))
    except Exception as error:  # the library raises nothing narrower
        raise ConversionError("unreadable", " + ".join(_OLDER)) from error
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    for text, number in sorted(_added(directory).items(), key=lambda pair: pair[1]):
        special = not _is_timestamp(text)
        tokenizer.add_tokens([AddedToken(text, special=special, normalized=False)])
        if tokenizer.token_to_id(text) != number:
            raise ConversionError("vocabulary", f"{text} {number}")
    return tokenizer


def _added(directory: Path) -> dict[str, int]:
    """Tokens beside the vocabulary by number, from either of the two files that may name them."""
    numbered = read_json(directory, "tokenizer_config.json").get("added_tokens_decoder") or {}
    try:
        found = {str(row["content"]): int(number) for number, row in numbered.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConversionError("unreadable", "tokenizer_config.json") from error
    try:
        return found | {
            text: int(number) for text, number in read_json(directory, "added_tokens.json").items()
        }
    except (TypeError, ValueError) as error:
        raise ConversionError("unreadable", "added_tokens.json") from error


def _is_timestamp(text: str) -> bool:
    return text.removeprefix("<|").removesuffix("|>").replace(".", "", 1).isdigit()


def languages(tokenizer: Tokenizer) -> dict[str, int]:
    """Numbers of the language tokens that there are, by token."""
    tokens = (f"<|{code}|>" for code in LANGUAGE_CODES)
    numbers = {token: tokenizer.token_to_id(token) for token in tokens}
    return {token: number for token, number in numbers.items() if number is not None}


def vocabulary(tokenizer: Tokenizer, rows: int, checkpoint: Checkpoint) -> list[str]:
    """The token of each of the model's ``rows``, the timestamps included.

    Raises ConversionError where tokenizer and model do not belong together: every number from the
    special tokens on would then mean something else, and the text would be rubbish.
    """
    numbers = tokenizer.get_vocab(with_added_tokens=True)
    named = {number: token for token, number in numbers.items()}
    if rows == ENGLISH_ROWS or not languages(tokenizer):
        raise ConversionError("english_only" if rows == ENGLISH_ROWS else "tokenizer", "<|de|>")
    for token in _SPECIAL:
        if token not in numbers:
            raise ConversionError("tokenizer", token)
    if not any(token in numbers for token in _NO_SPEECH):
        raise ConversionError("tokenizer", _NO_SPEECH[0])
    first_time = numbers[_NO_TIMESTAMPS] + 1
    needed = max(first_time + TIMESTAMPS, max(named) + 1)
    # Some trainings fill the table up to a multiple of 8, which graphics cards prefer.
    if needed > rows or (needed < rows and rows % 8):
        raise ConversionError("vocabulary", f"tokenizer {needed} ≠ {rows}")
    gap = next((number for number in range(first_time) if number not in named), None)
    if gap is not None:
        raise ConversionError("vocabulary", f"tokenizer {gap}")
    _agree(numbers, checkpoint.generation)
    return [named[n] if n in named else _time(n - first_time) for n in range(rows)]


def _time(steps: int) -> str:
    return f"<|{steps * 0.02:.2f}|>"


def _agree(numbers: dict[str, int], generation: dict[str, Any]) -> None:
    claims = dict(generation.get("lang_to_id") or {})
    if generation.get("no_timestamps_token_id") is not None:
        claims[_NO_TIMESTAMPS] = generation["no_timestamps_token_id"]
    for token, number in claims.items():
        if numbers.get(token) != number:
            raise ConversionError("vocabulary", f"generation_config.json {token} {number}")
