"""What sentence-transformers does after the encoder: one vector a text out of its tokens' states.

Known are mean and first token, linear layers after them (``Dense``) and ``Normalize``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.contracts import Vectors
from models.folder import read_json
from models.text.encoder import UnknownEncoder
from models.text.onnx_file import FLOAT
from models.text.weights import NoWeights, weights_of

Step = Callable[[Vectors], Vectors]
States = NDArray[np.float32]
"""float32 [batch, length, width]."""
Mask = NDArray[np.int32]
"""int32 [batch, length], 1 for tokens."""

_OLD_NAMES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_ACTIVE: dict[str, Step] = {"Tanh": np.tanh, "Identity": lambda vectors: vectors}
_SMALLEST = 1e-12
"""What torch divides by at least when it brings a vector to length one."""


class Pooling:
    """The modules after the encoder, read from their folders."""

    def __init__(self, kinds: list[str], folders: list[Path]) -> None:
        """``kinds`` are the modules' class names. Raises UnknownEncoder for one we do not know."""
        if kinds[:1] != ["Pooling"]:
            raise UnknownEncoder(f"modules.json: {kinds}")
        self._first = _mode(folders[0]) == "cls"
        self._steps = [_step(*module) for module in zip(kinds[1:], folders[1:], strict=True)]

    def __call__(self, states: States, mask: Mask) -> Vectors:
        """float32 [batch, dimension], rows L2-normalised."""
        if self._first:
            vectors = states[:, 0]
        else:
            kept = mask.astype(np.float32)[:, :, None]
            vectors = (states * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1e-9)
        for step in self._steps:
            vectors = step(vectors)
        return normalised(vectors)


def normalised(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, _SMALLEST), dtype=np.float32)


def _mode(folder: Path) -> str:
    config = read_json(folder / "config.json")
    mode = config.get("pooling_mode")
    if mode is None:
        told = [name for name in config if name.startswith("pooling_mode_") and config[name]]
        mode = _OLD_NAMES.get(told[0], told[0]) if len(told) == 1 else told or "mean"
    if mode not in ("mean", "cls"):
        raise UnknownEncoder(f"pooling_mode = {mode}")
    return str(mode)


def _step(kind: str, folder: Path) -> Step:
    if kind == "Normalize":
        return normalised
    if kind != "Dense":
        raise UnknownEncoder(f"modules.json: {kind}")
    config = read_json(folder / "config.json")
    active = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
    if active not in _ACTIVE or config.get("use_residual"):
        raise UnknownEncoder(f"{folder.name}: {active}")
    try:
        matrix = _numbers(folder, "linear.weight")
        bias = _numbers(folder, "linear.bias") if config.get("bias", True) else np.float32(0)
    except (NoWeights, KeyError, OSError) as error:
        raise UnknownEncoder(f"{folder.name}: {error}") from error
    return lambda vectors: _ACTIVE[active](vectors @ matrix.T + bias)


def _numbers(folder: Path, name: str) -> NDArray[np.float32]:
    place = weights_of(folder)[name]
    if place.kind != FLOAT:
        raise UnknownEncoder(f"{folder.name}: {name}")
    return np.fromfile(
        folder / place.file, np.dtype("<f4"), place.length // 4, offset=place.offset
    ).reshape(place.shape)
