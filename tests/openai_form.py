"""A checkpoint in openai-whisper's own form: one file with the shape and the weights."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import WhisperForConditionalGeneration

_NAMES = (
    ("model.", ""),
    ("layers.", "blocks."),
    ("encoder_attn_layer_norm", "cross_attn_ln"),
    ("self_attn_layer_norm", "attn_ln"),
    ("final_layer_norm", "mlp_ln"),
    ("encoder_attn", "cross_attn"),
    ("self_attn", "attn"),
    ("q_proj", "query"),
    ("k_proj", "key"),
    ("v_proj", "value"),
    ("out_proj", "out"),
    ("fc1", "mlp.0"),
    ("fc2", "mlp.2"),
    ("embed_positions.weight", "positional_embedding"),
    ("embed_tokens", "token_embedding"),
    ("encoder.layer_norm", "encoder.ln_post"),
    ("decoder.layer_norm", "decoder.ln"),
)
"""What Hugging Face calls it, and openai-whisper's ``model.py``; longer names first."""


def save(folder: Path, target: Path) -> Path:
    """Write what a Hugging Face folder holds to ``target``, a ``.pt``."""
    model = WhisperForConditionalGeneration.from_pretrained(folder, local_files_only=True)
    shape = model.config
    dims = {
        "n_mels": shape.num_mel_bins,
        "n_audio_ctx": shape.max_source_positions,
        "n_audio_state": shape.d_model,
        "n_audio_head": shape.encoder_attention_heads,
        "n_audio_layer": shape.encoder_layers,
        "n_vocab": shape.vocab_size,
        "n_text_ctx": shape.max_target_positions,
        "n_text_state": shape.d_model,
        "n_text_head": shape.decoder_attention_heads,
        "n_text_layer": shape.decoder_layers,
    }
    held = model.state_dict().items()
    weights = {named(key): value for key, value in held if "proj_out" not in key}
    torch.save({"dims": dims, "model_state_dict": weights}, target)
    return target


def named(key: str) -> str:
    for theirs, openais in _NAMES:
        key = key.replace(theirs, openais)
    return key
