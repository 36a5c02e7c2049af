"""From training's state to a folder as faster-whisper loads it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from ctranslate2.converters.transformers import WhisperLoader
from tokenizers import Tokenizer
from transformers import WhisperConfig, WhisperForConditionalGeneration

from models.training.speech.network import (
    FRAMES,
    GUIDED_HEAD,
    GUIDED_LAYERS,
    LONGEST_TEXT,
    Shape,
    SmallWhisper,
)
from models.training.speech.tokenizer import FILLER, LANGUAGES, SPACE, TIMES, TextTokens, identity

IMPOSSIBLE = -1e4
"""Added to the score of every token that training never saw: their rows would score 0."""
PREPROCESSOR = {
    "chunk_length": 30,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": 16000,
}


def export(state: Path, tokenizer_path: Path, out: Path, quantization: str = "int8") -> None:
    """Writes ``out``: model.bin, config.json, vocabulary.json, tokenizer.json and
    preprocessor_config.json. ``quantization`` "float32" keeps the weights as they are."""
    loaded = torch.load(state, map_location="cpu", weights_only=True)
    model = SmallWhisper(Shape(**loaded["shape"]))
    model.load_state_dict(loaded["model"])
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    write_model(model.eval(), tokenizer, out, quantization)


def write_model(model: SmallWhisper, tokenizer: Tokenizer, out: Path, quantization: str) -> None:
    table, bias = output_table(model, tokenizer)
    # The converter's command line would lose the bias, so its loader is used.
    spec = WhisperLoader().get_model_spec(as_transformers(model, tokenizer, table))
    spec.decoder.projection.bias = bias
    spec.register_vocabulary(vocabulary(tokenizer))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [
        identity(tokenizer, SPACE),
        identity(tokenizer, "<|endoftext|>"),
    ]
    spec.config.lang_ids = [identity(tokenizer, f"<|{language}|>") for language in LANGUAGES]
    layers = model.shape.decoder_layers
    spec.config.alignment_heads = [
        [layer, GUIDED_HEAD] for layer in range(layers - GUIDED_LAYERS, layers)
    ]
    spec.validate()
    spec.optimize(quantization=None if quantization == "float32" else quantization)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        spec.save(folder)
        for path in sorted(Path(folder).iterdir()):
            (out / path.name).write_bytes(path.read_bytes())
    tokenizer.save(str(out / "tokenizer.json"))
    (out / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=1) + "\n")


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    """Every token by its id; the filler stands for the empty token."""
    size = tokenizer.get_vocab_size()
    tokens = [tokenizer.id_to_token(number) or "" for number in range(size)]
    return ["" if token == FILLER else token for token in tokens]


def output_table(
    model: SmallWhisper, tokenizer: Tokenizer
) -> tuple[torch.Tensor, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Training's rows at the tokenizer's ids [tokens, width], and the scores' bias [tokens].

    Languages never learnt get the mean of the learnt ones as input, translating is transcribing:
    both may be asked for and neither is ever predicted.
    """
    tokens = TextTokens(tokenizer)
    learnt = model.table().detach()
    size = tokenizer.get_vocab_size()
    table = torch.zeros(size, model.shape.width)
    bias = np.full(size, IMPOSSIBLE, np.float32)
    unknown = (learnt[tokens.german] + learnt[tokens.english]) / 2
    for language in LANGUAGES:
        table[identity(tokenizer, f"<|{language}|>")] = unknown
    table[identity(tokenizer, "<|translate|>")] = learnt[tokens.transcribe]
    rows = {number: number for number in range(tokens.size)}
    for name, number in (
        ("<|endoftext|>", tokens.end),
        ("<|startoftranscript|>", tokens.start),
        ("<|de|>", tokens.german),
        ("<|en|>", tokens.english),
        ("<|transcribe|>", tokens.transcribe),
        ("<|startofprev|>", tokens.previous),
        ("<|nospeech|>", tokens.no_speech),
        ("<|notimestamps|>", tokens.no_times),
    ):
        rows[identity(tokenizer, name)] = number
    first = identity(tokenizer, TIMES[0])
    rows |= {first + step: tokens.first_time + step for step in range(len(TIMES))}
    places = torch.tensor(list(rows))
    table[places] = learnt[torch.tensor(list(rows.values()))]
    bias[places.numpy()] = 0.0
    return table, bias


def as_transformers(
    model: SmallWhisper, tokenizer: Tokenizer, table: torch.Tensor
) -> WhisperForConditionalGeneration:
    shape = model.shape
    end = identity(tokenizer, "<|endoftext|>")
    config = WhisperConfig(
        vocab_size=len(table),
        num_mel_bins=shape.mels,
        d_model=shape.width,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=4 * shape.width,
        decoder_ffn_dim=4 * shape.width,
        max_source_positions=FRAMES,
        max_target_positions=LONGEST_TEXT,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=identity(tokenizer, "<|startoftranscript|>"),
    )
    result = WhisperForConditionalGeneration(config)
    result.train(False)
    weights: dict[str, torch.Tensor] = {}
    for name, value in model.state_dict().items():
        renamed = _renamed(name)
        if renamed is not None:
            weights[renamed] = value
    weights["model.encoder.embed_positions.weight"] = model.positions[:FRAMES]
    weights["model.decoder.embed_positions.weight"] = model.text_positions.detach()
    weights["model.decoder.embed_tokens.weight"] = weights["proj_out.weight"] = table
    result.load_state_dict(weights)
    return result


def _renamed(name: str) -> str | None:
    """A weight's name in transformers; None for what only training needs."""
    for ours, theirs in (
        ("conv", "model.encoder.conv"),
        ("encoder_norm.", "model.encoder.layer_norm."),
        ("encoder.", "model.encoder.layers."),
        ("decoder_norm.", "model.decoder.layer_norm."),
        ("decoder.", "model.decoder.layers."),
    ):
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return None
