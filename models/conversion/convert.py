"""``models convert``: a Whisper checkpoint of one's own, in the form that recognition loads.

The checkpoint is judged by its small files, read, written in CTranslate2's form into a hidden
folder, tried out there, recorded, and put in place by renaming that folder. Nothing is fetched and
no code of the checkpoint's is run.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from models.contracts import ModelError
from models.conversion.checkpoint import Checkpoint, ConversionError, load_model, open_checkpoint
from models.download.placing import NO_ROOM, drop, megabytes_lacking, place, recover
from models.folder import kind_of
from models.load import AUTO, go_offline
from models.registry import ModelEntry, entries
from models.verify import record

QUANTIZATIONS = (
    "float16", "float32", "bfloat16", "int16", "int8", "int8_float16", "int8_float32",
    "int8_bfloat16",
)  # fmt: skip
"""How weights are kept. Whatever is kept, loading turns it into what the device computes with."""

DEFAULT_QUANTIZATION = QUANTIZATIONS[0]

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int16": 2}
_NAME = re.compile(r"\w[\w.+-]{0,99}")
_NAME_BYTES = 200
"""File systems take 255, and what is unfinished has a longer name."""

_AUDIO = {
    "chunk_length": 30,
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "sampling_rate": 16000,
}
"""How Whisper hears, and what faster-whisper reads of it: without the file it assumes 80 bands.
A checkpoint that names other values has been refused; the number of bands is the weights'."""

_SIZES = {
    (4, 4, 6): "openai/whisper-tiny",
    (6, 6, 8): "openai/whisper-base",
    (12, 12, 12): "openai/whisper-small",
    (24, 24, 16): "openai/whisper-medium",
    (32, 32, 20): "openai/whisper-large-v2",
}
"""Published sizes by encoder layers, decoder layers and heads of the decoder."""

_TURBO = (32, 4, 20)
_TURBO_HEADS = [[2, 4], [2, 11], [3, 3], [3, 6], [3, 11], [3, 14]]


def convert(
    source: Path,
    name: str,
    models_dir: Path,
    quantization: str = DEFAULT_QUANTIZATION,
    *,
    force: bool = False,
) -> Path:
    """Convert the checkpoint in ``source`` to ``models_dir/name`` and return that folder.

    ``force`` replaces a speech model of that name. Raises ConversionError; whatever goes wrong,
    nothing is left behind and a former model stays.
    """
    target = models_dir / name
    _check_name(name)
    checkpoint = open_checkpoint(source)
    go_offline()
    try:
        _check_target(target, source, force)
        models_dir.mkdir(parents=True, exist_ok=True)
        with (
            FileLock(models_dir / f".partial-{name}.lock", timeout=0),
            _workshop(models_dir / f".partial-{name}-convert") as folder,
        ):
            _clear_away(models_dir, name)
            recover(target)
            _check_target(target, source, force)
            origin = _write(checkpoint, folder, quantization)
            _try_out(folder, name)
            record(ModelEntry(name=name, kind="speech"), folder, origin=origin)
            _check_target(target, source, force)
            place(folder, target)
    except Timeout as error:
        raise ConversionError("locked", name) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise ConversionError("full") from error
        raise ConversionError("disk", str(error.strerror or error)) from error
    return target


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name.encode()) > _NAME_BYTES:
        raise ConversionError("name", name)
    if name == AUTO or any(known.name == name for known in entries()):
        # A name of the registry always means the registry's model, with the registry's sums.
        raise ConversionError("known_name", name)


def _check_target(target: Path, source: Path, force: bool) -> None:
    if not os.path.lexists(target):
        return
    read = Path(os.path.realpath(source))
    if Path(os.path.realpath(target)) in (read, *read.parents):
        raise ConversionError("itself", target.name)
    if kind_of(target) != "speech":
        raise ConversionError("not_a_model", target.name)
    if not force:
        raise ConversionError("exists", target.name)


def _clear_away(models_dir: Path, name: str) -> None:
    """Drop what killed conversions to other names left; those under way hold their lock."""
    for left in models_dir.glob(".partial-*-convert"):
        other = left.name.removeprefix(".partial-").removesuffix("-convert")
        if other != name:
            with suppress(Timeout), FileLock(models_dir / f".partial-{other}.lock", timeout=0):
                drop(left)


@contextmanager
def _workshop(folder: Path) -> Generator[Path]:
    """An empty folder, gone at the end unless it was moved."""
    drop(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        drop(folder)


def _write(checkpoint: Checkpoint, folder: Path, quantization: str) -> dict[str, object]:
    """Write all files of the converted model; what to record of where it comes from."""
    import ctranslate2
    import torch
    from ctranslate2.converters.transformers import WhisperLoader

    from models.conversion.whisper_tokens import languages, read_tokenizer, vocabulary

    tokenizer = read_tokenizer(checkpoint.directory)
    model = load_model(checkpoint)
    config = model.config
    tokens = vocabulary(tokenizer, config.vocab_size, checkpoint)
    _check_room(folder, model, quantization)
    with torch.no_grad():
        spec = WhisperLoader().get_model_spec(model)
        spec.register_vocabulary(tokens)
        spec.config.lang_ids = sorted(languages(tokenizer).values())
        spec.config.alignment_heads = alignment_heads(checkpoint, config)
        spec.config.suppress_ids, spec.config.suppress_ids_begin = _suppressed(
            checkpoint, tokenizer, config.vocab_size
        )
        spec.validate()
        spec.optimize(quantization=quantization)
        spec.save(str(folder))
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    audio = json.dumps(_AUDIO | {"feature_size": config.num_mel_bins}, indent=1)
    (folder / "preprocessor_config.json").write_text(audio + "\n", encoding="utf-8")
    return {
        "source": checkpoint.directory.resolve().name,
        "quantization": quantization,
        "ctranslate2": ctranslate2.__version__,
    }


def _check_room(folder: Path, model: Any, quantization: str) -> None:
    # The table of words serves at both ends of the decoder, and is written once.
    numbers = {parameter.data_ptr(): parameter.numel() for parameter in model.parameters()}
    lacking = megabytes_lacking(folder, sum(numbers.values()) * _BYTES.get(quantization, 1))
    if lacking:
        raise ConversionError("full", f"{lacking} MB")


def alignment_heads(checkpoint: Checkpoint, config: Any) -> list[list[int]]:
    """The (layer, head) pairs that follow the sound; words are timed by them.

    As the checkpoint names them; else those published for a model of this size, since a model that
    was trained further keeps them; else all heads of the upper half.
    """
    layers, heads = config.decoder_layers, config.decoder_attention_heads
    named = checkpoint.hint("alignment_heads")
    if _are_heads(named, layers, heads):
        return [list(pair) for pair in named]
    return _published(config) or [
        list(pair) for pair in product(range(layers // 2, layers), range(heads))
    ]


def _are_heads(named: Any, layers: int, heads: int) -> bool:
    """Heads of another size's model, copied along with its file, would bring the engine down."""
    return (
        isinstance(named, list)
        and bool(named)
        and all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(number, int) for number in pair)
            and 0 <= pair[0] < layers
            and 0 <= pair[1] < heads
            for pair in named
        )
    )


def _published(config: Any) -> list[list[int]]:
    from ctranslate2.converters.transformers import _WHISPER_ALIGNMENT_HEADS as PUBLISHED

    size = (config.encoder_layers, config.decoder_layers, config.decoder_attention_heads)
    if size == _TURBO:
        return _TURBO_HEADS
    name = _SIZES.get(size, "")
    if name.endswith("large-v2") and config.num_mel_bins == 128:
        name = "openai/whisper-large-v3"
    return [list(pair) for pair in PUBLISHED.get(name, ())]


def _suppressed(checkpoint: Checkpoint, tokenizer: Any, rows: int) -> tuple[list[int], list[int]]:
    """Tokens never written, and those not written first: the checkpoint's, else Whisper's."""
    from faster_whisper.tokenizer import Tokenizer
    from faster_whisper.transcribe import get_suppressed_tokens

    never, first = checkpoint.hint("suppress_tokens"), checkpoint.hint("begin_suppress_tokens")
    end = tokenizer.token_to_id("<|endoftext|>")
    if not never:
        never = get_suppressed_tokens(Tokenizer(tokenizer, False), [-1])
    if not first or end not in first:
        # transformers writes those of the English-only models into every config.json.
        first = [*tokenizer.encode(" ", add_special_tokens=False).ids, end]
    return [n for n in never if 0 <= n < rows], [n for n in first if 0 <= n < rows]


def _try_out(folder: Path, name: str) -> None:
    """Hear a second of silence and time a word in it. Raises ConversionError ("useless")."""
    import numpy as np

    from models.speech.decoder import SpeechDecoder
    from models.speech.engine import check_files, load_model

    try:
        check_files(folder, name)
        decoder = SpeechDecoder(load_model(folder, name, "cpu", "auto", 0))
        encoded = decoder.encode([np.zeros(16_000, np.float32)])
        heard = decoder.languages(encoded)[0]
        language = max(heard, key=lambda code: heard[code])
        decoder.align(encoded, language, [[0, 1]])
    except ModelError as error:
        raise ConversionError("useless", error.detail) from error
    except (RuntimeError, ValueError, IndexError) as error:
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConversionError("useless", first_line[:200]) from error
