"""What the small Whisper is taught by: its text, the phoneme of every frame, where it looks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.training.speech.network import SmallWhisper
from models.training.speech.windows import IGNORED, Batch

SILENCE_FRAME_WEIGHT = 0.4


@dataclass(frozen=True, slots=True)
class Losses:
    """What is learnt from and, for the report, how much is right."""

    text: Tensor
    phonemes: Tensor
    looks: Tensor
    text_right: float
    phonemes_right: float


def losses(model: SmallWhisper, batch: Batch) -> Losses:
    heard = model.encode(batch.mel, batch.offsets)
    named = model.phonemes(heard).float().flatten(0, 1)
    scores, looks = model.decode(batch.ids, heard)
    scores = scores.float().flatten(0, 1)
    weights = torch.ones(named.shape[1], device=named.device)
    weights[0] = SILENCE_FRAME_WEIGHT
    phonemes, targets = batch.phonemes.flatten(), batch.targets.flatten()
    with torch.no_grad():
        sounding, counted = phonemes > 0, targets >= 0
        named_right = (named.argmax(-1) == phonemes)[sounding].float().mean().item()
        text_right = (scores.argmax(-1) == targets)[counted].float().mean().item()
    return Losses(
        functional.cross_entropy(scores, targets, ignore_index=IGNORED),
        functional.cross_entropy(named, phonemes, weight=weights),
        look_loss(looks, batch.low, batch.high),
        text_right,
        named_right,
    )


def look_loss(looks: list[Tensor], low: Tensor, high: Tensor) -> Tensor:
    """Minus the log of how much each guided head looks where the token is spoken; tokens without
    a place (``high`` below ``low``) do not count."""
    frames = torch.arange(looks[0].shape[-1], device=low.device) + 0.5
    inside = (frames > low[..., None]) & (frames < high[..., None])
    placed = high > low
    total = torch.zeros((), device=low.device)
    for weights in looks:
        seen = (weights.float() * inside).sum(-1)[placed]
        total = total - seen.clamp(min=1e-6).log().sum() / max(1, int(placed.sum()))
    return total
