"""A small Whisper, written out for training: the same arithmetic, and two teachers that leave.

Besides the text, the encoder learns to name the phoneme of every frame, and one head of each of the
last two decoder layers learns to look where the token is spoken. Both make a small model listen
within minutes; the first is thrown away on export, the second become the alignment heads.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

FRAMES = 1500
"""Encoder positions of a full window: 30 s at 20 ms."""
LONGEST_TEXT = 448
SPECIALS = 8
TIMES = 1501
_WRITTEN_OUT = 800
"""Up to so many queries, plain attention is twice as fast on a processor as the fused one."""
GUIDED_HEAD = 0
GUIDED_LAYERS = 2

# Where the heads of each encoder layer look at first, in frames: near by, on both sides.
_FIRST_LOOKS = ((-4, -1, 1, 4), (-8, -2, 2, 8), (-12, -4, 4, 12), (-3, -1, 1, 3))
_FIRST_STEEPNESS = 1.25


@dataclass(frozen=True, slots=True)
class Shape:
    """The network's sizes. ``text_tokens`` and ``phonemes`` follow from the training text."""

    text_tokens: int
    phonemes: int
    width: int = 192
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 3
    mels: int = 80

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def sinusoids(length: int, width: int) -> Tensor:
    """Whisper's fixed positions (Radford et al. 2022; Vaswani et al. 2017): [length, width]."""
    steps = torch.exp(-math.log(10000) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(length)[:, None] * steps[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def _split(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        return x.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

    def forward(
        self, x: Tensor, source: Tensor | None = None, *, causal: bool = False, guided: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """x [batch, length, width] -> the same, and with ``guided`` the guided head's weights
        [batch, length, source length]."""
        source = x if source is None else source
        query, key, value = (
            self._split(self.q_proj(x)),
            self._split(self.k_proj(source)),
            self._split(self.v_proj(source)),
        )
        weights = None
        if guided:
            scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
            all_weights = torch.softmax(scores.float(), dim=-1)
            weights = all_weights[:, GUIDED_HEAD]
            mixed = all_weights.to(value.dtype) @ value
        elif causal or x.shape[1] > _WRITTEN_OUT or query.device.type != "cpu":
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        else:
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
            mixed = torch.softmax(scores, dim=-1, dtype=scores.dtype) @ value
        return self.out_proj(mixed.transpose(1, 2).flatten(2)), weights


class EncoderLayer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x))[0]
        fed: Tensor = self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))
        return x + fed


class DecoderLayer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.encoder_attn = Attention(width, heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, heard: Tensor, *, guided: bool) -> tuple[Tensor, Tensor | None]:
        x = x + self.self_attn(self.self_attn_layer_norm(x), causal=True)[0]
        mixed, weights = self.encoder_attn(self.encoder_attn_layer_norm(x), heard, guided=guided)
        x = x + mixed
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x)))), weights


class SmallWhisper(nn.Module):
    """Token ids here are dense: text tokens, then the special ones, then 1,501 times.

    A time's vector is its position's sinusoid times one learnt matrix, so that all times are
    learnt from any of them.
    """

    positions: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.conv1 = nn.Conv1d(shape.mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("positions", sinusoids(TIMES, width), persistent=False)
        self.encoder = nn.ModuleList(
            EncoderLayer(width, shape.heads) for _ in range(shape.encoder_layers)
        )
        self.encoder_norm = nn.LayerNorm(width)
        self.tokens = nn.Parameter(torch.randn(shape.text_tokens + SPECIALS, width) * 0.05)
        self.times = nn.Parameter(torch.eye(width) * 0.08)
        self.text_positions = nn.Parameter(sinusoids(LONGEST_TEXT, width) * 0.07)
        self.decoder = nn.ModuleList(
            DecoderLayer(width, shape.heads) for _ in range(shape.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(width)
        self.phonemes = nn.Linear(width, shape.phonemes)
        self._look_around()

    def table(self) -> Tensor:
        """Every token's vector, float32 [tokens, width]; also the output projection."""
        rows: Tensor = torch.cat([self.tokens, self.positions @ self.times])
        return rows

    def encode(self, mel: Tensor, offsets: Tensor) -> Tensor:
        """Log-mel [batch, mels, 2 * frames] -> [batch, frames, width]; ``offsets`` int64 [batch]
        says at which frame of a full window each row begins."""
        x = functional.gelu(self.conv1(mel))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        places = offsets[:, None] + torch.arange(x.shape[1], device=mel.device)
        x = x + self.positions[places]
        for layer in self.encoder:
            x = layer(x)
        normed: Tensor = self.encoder_norm(x)
        return normed

    def decode(self, ids: Tensor, heard: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Ids int64 [batch, length] -> scores [batch, length, tokens] and the guided heads' weights
        [batch, length, frames] each."""
        table = self.table()
        x = functional.embedding(ids, table) + self.text_positions[: ids.shape[1]]
        looks: list[Tensor] = []
        for number, layer in enumerate(self.decoder):
            guided = number >= len(self.decoder) - GUIDED_LAYERS
            x, weights = layer(x, heard, guided=guided)
            if weights is not None:
                looks.append(weights)
        return functional.linear(self.decoder_norm(x), table), looks

    def _look_around(self) -> None:
        """Encoder heads start out looking some frames to the left or right.

        With q = R(shift) p and k = p on pairs of sinusoids, q·k is largest where the positions
        differ by the shift.
        """
        width = self.shape.width
        head_width = width // self.shape.heads
        steps = torch.exp(-math.log(10000) / (width // 2 - 1) * torch.arange(width // 2))
        with torch.no_grad():
            for number, layer in enumerate(self.encoder):
                attention = layer.get_submodule("self_attn")
                query = attention.get_parameter("q_proj.weight").normal_(0, 0.01)
                key = attention.get_parameter("k_proj.weight").normal_(0, 0.01)
                attention.get_parameter("q_proj.bias").zero_()
                looks = _FIRST_LOOKS[number % len(_FIRST_LOOKS)]
                for head in range(self.shape.heads):
                    for pair in range(head_width // 2):
                        angle = looks[head % len(looks)] * float(steps[pair])
                        sine, cosine = pair, width // 2 + pair
                        row = head * head_width + 2 * pair
                        key[row, sine] += _FIRST_STEEPNESS
                        key[row + 1, cosine] += _FIRST_STEEPNESS
                        query[row, sine] += _FIRST_STEEPNESS * math.cos(angle)
                        query[row, cosine] += _FIRST_STEEPNESS * math.sin(angle)
                        query[row + 1, cosine] += _FIRST_STEEPNESS * math.cos(angle)
                        query[row + 1, sine] -= _FIRST_STEEPNESS * math.sin(angle)
