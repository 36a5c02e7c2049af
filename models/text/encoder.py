"""The encoder of a text model as an ONNX graph over the weights in the model's own folder.

Known is the family of BERT (BERT, RoBERTa, XLM-RoBERTa, CamemBERT), of which most multilingual
text models are. A graph takes some 20 kB and 5 ms to write, so none is stored: it is made of
``config.json`` and the weights' table at each start, and so never is another model's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.folder import read_json
from models.text.onnx_file import FLOAT, INT32, INT64, Graph
from models.text.weights import NoWeights, Weight, weights_of

_SKIPS_PADDING = {"bert": False, "roberta": True, "xlm-roberta": True, "camembert": True}
"""By ``model_type``: whether positions begin after the padding token's number."""

_GELU = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}
_WORDS = "embeddings.word_embeddings.weight"
_SHAPE = ("hidden_size", "num_attention_heads", "num_hidden_layers", "pad_token_id")


class UnknownEncoder(ValueError):
    """No graph can be made for the model; the reason is short and plain."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """``model`` is a ``ModelProto``: input_ids and position_ids int64 [batch, length], mask int32
    [batch, length] (1 for tokens; only where ``masked``) to float32 [batch, length, width].

    Positions count from 0; where ``skipped`` is a token's number, that token has this position, and
    the others count on from it.
    """

    model: bytes
    width: int
    masked: bool
    skipped: int | None


def encoder_of(directory: Path, longest: int) -> Encoder:
    """The encoder in a folder, for texts of at most ``longest`` tokens. Raises UnknownEncoder for
    another family, another activation, missing weights."""
    config = read_json(directory / "config.json")
    family = config.get("model_type")
    if family not in _SKIPS_PADDING:
        raise UnknownEncoder(f"model_type = {family}")
    if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
        raise UnknownEncoder("position_embedding_type, is_decoder")
    if not all(isinstance(config.get(key, 0), int) for key in _SHAPE):
        raise UnknownEncoder("config.json")
    try:
        return _Writer(config, weights_of(directory)).written(longest)
    except NoWeights as error:
        raise UnknownEncoder(str(error)) from error
    except (KeyError, TypeError) as error:
        raise UnknownEncoder(f"{family}: {error}") from error


class _Writer:
    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Weight]) -> None:
        self._config = config
        self._weights = weights
        # Written down with a task's head on, the encoder's names begin with the family's.
        self._prefix = next(name for name in weights if name.endswith(_WORDS))[: -len(_WORDS)]
        self._graph = Graph()

    def written(self, longest: int) -> Encoder:
        graph, config = self._graph, self._config
        width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        layers = int(config["num_hidden_layers"])
        skipped = int(config["pad_token_id"]) if _SKIPS_PADDING[config["model_type"]] else None
        begin = 0 if skipped is None else skipped + 1
        if begin + longest > self._rows("embeddings.position_embeddings"):
            raise UnknownEncoder(f"max_position_embeddings < {begin + longest}")
        ids = graph.input("input_ids", INT64, ("batch", "length"))
        positions = graph.input("position_ids", INT64, ("batch", "length"))
        masked = layers > 0
        mask = graph.input("mask", INT32, ("batch", "length")) if masked else ""
        table = graph.add("Concat", graph.add("Shape", ids), graph.integers(width), axis=0)
        rows = graph.integers(-1, width)
        state = graph.add("Reshape", self._embedded(ids, positions), rows)
        for number in range(layers):
            state = self._layer(f"encoder.layer.{number}.", state, mask, rows, table, heads)
        output = graph.add("Reshape", state, table)
        model = graph.model(output, FLOAT, ("batch", "length", width))
        return Encoder(model, width, masked, skipped)

    def _embedded(self, ids: str, positions: str) -> str:
        add, weight = self._graph.add, self._weight
        words = add("Gather", weight("embeddings.word_embeddings.weight"), ids)
        first = self._graph.integers(0, scalar=True)
        kind = add("Gather", weight("embeddings.token_type_embeddings.weight"), first)
        places = add("Gather", weight("embeddings.position_embeddings.weight"), positions)
        return self._normed("embeddings.LayerNorm", add("Add", add("Add", words, kind), places))

    def _layer(self, at: str, state: str, mask: str, rows: str, table: str, heads: int) -> str:
        """Attention and two linear steps. All but attention works on [batch × length, width],
        where a linear step is one Gemm, whose matrix may stay as torch stores it."""
        add = self._graph.add
        three = (
            add("Reshape", self._linear(f"{at}attention.self.{name}", state), table)
            for name in ("query", "key", "value")
        )
        seen = add("MultiHeadAttention", *three, "", mask, own=True, num_heads=heads)
        seen = self._linear(f"{at}attention.output.dense", add("Reshape", seen, rows))
        state = self._normed(f"{at}attention.output.LayerNorm", add("Add", seen, state))
        thought = self._active(self._linear(f"{at}intermediate.dense", state))
        thought = self._linear(f"{at}output.dense", thought)
        return self._normed(f"{at}output.LayerNorm", add("Add", thought, state))

    def _linear(self, name: str, state: str) -> str:
        matrix, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._graph.add("Gemm", state, matrix, bias, transB=1)

    def _normed(self, name: str, state: str) -> str:
        scale, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        small = float(self._config.get("layer_norm_eps", 1e-12))
        return self._graph.add("LayerNormalization", state, scale, bias, axis=-1, epsilon=small)

    def _active(self, state: str) -> str:
        name = self._config.get("hidden_act", "gelu")
        if name == "relu":
            return self._graph.add("Relu", state)
        if name not in _GELU:
            raise UnknownEncoder(f"hidden_act = {name}")
        return self._graph.add("Gelu", state, approximate=_GELU[name])

    def _weight(self, name: str) -> str:
        one = self._weights[self._prefix + name]
        given = self._graph.weight(name, one.kind, one.shape, one.file, one.offset, one.length)
        # What is stored in half is computed in full, as sentence-transformers is told to.
        return given if one.kind == FLOAT else self._graph.add("Cast", given, to=FLOAT)

    def _rows(self, name: str) -> int:
        return self._weights[f"{self._prefix}{name}.weight"].shape[0]
