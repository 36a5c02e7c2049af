"""An ONNX model written down, byte by byte: the few fields of the format that we need.

Numbers in front of values are field numbers of ``onnx.proto3`` (https://github.com/onnx/onnx), in
protobuf's wire format. Weights are not copied: an initializer names file, offset and length, and
the runtime maps them from there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

FLOAT, INT32, INT64, FLOAT16, BFLOAT16 = 1, 6, 7, 10, 16
"""``TensorProto.DataType``."""

_IR_VERSION = 10
_OPERATORS = 20
"""Version of ONNX's own operators: the first that has Gelu."""
_OF_RUNTIME = "com.microsoft"
"""Operators that ONNX runtime brings itself."""

_ATTRIBUTE_KINDS = {float: 1, int: 2, str: 3}

Dimension = int | str
"""A length, or the name of one that is known with the input only."""


class Graph:
    """Operators in the order in which they are added; each method returns its value's name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._weights: dict[str, bytes] = {}
        self._inputs: list[bytes] = []

    def input(self, name: str, kind: int, shape: Sequence[Dimension]) -> str:
        self._inputs.append(_value(name, kind, shape))
        return name

    def add(self, operator: str, *inputs: str, own: bool = False, **attributes: object) -> str:
        """One operator with one output; ``own`` where it is the runtime's and not ONNX's."""
        name = f"{operator}_{len(self._nodes)}"
        fields = [_bytes(1, one) for one in inputs]
        fields += [_bytes(2, name), _bytes(3, name), _bytes(4, operator)]
        fields += [_bytes(5, _attribute(key, value)) for key, value in attributes.items()]
        if own:
            fields.append(_bytes(7, _OF_RUNTIME))
        self._nodes.append(b"".join(fields))
        return name

    def integers(self, *values: int, scalar: bool = False) -> str:
        """A constant int64 [n], or [] for a ``scalar``."""
        name = f"integers_{len(self._weights)}"
        raw = struct.pack(f"<{len(values)}q", *values)
        shape = [] if scalar else [len(values)]
        self._weights[name] = _tensor(name, INT64, shape) + _bytes(9, raw)
        return name

    def weight(
        self, name: str, kind: int, shape: Sequence[int], file: str, offset: int, length: int
    ) -> str:
        """Numbers that lie in ``file``, relative to the folder that the runtime is told of."""
        place = {"location": file, "offset": str(offset), "length": str(length)}
        outside = [_bytes(13, _bytes(1, key) + _bytes(2, value)) for key, value in place.items()]
        self._weights[name] = _tensor(name, kind, shape) + b"".join(outside) + _integer(14, 1)
        return name

    def model(self, output: str, kind: int, shape: Sequence[Dimension]) -> bytes:
        """The whole as a ``ModelProto``."""
        graph = [_bytes(1, node) for node in self._nodes]
        graph.append(_bytes(2, "graph"))
        graph += [_bytes(5, weight) for weight in self._weights.values()]
        graph += [_bytes(11, one) for one in self._inputs]
        graph.append(_bytes(12, _value(output, kind, shape)))
        return (
            _integer(1, _IR_VERSION)
            + _bytes(7, b"".join(graph))
            + _bytes(8, _bytes(1, "") + _integer(2, _OPERATORS))
            + _bytes(8, _bytes(1, _OF_RUNTIME) + _integer(2, 1))
        )


def _attribute(name: str, value: object) -> bytes:
    if isinstance(value, tuple):
        return _bytes(1, name) + b"".join(_integer(8, one) for one in value) + _integer(20, 7)
    kind = _ATTRIBUTE_KINDS[type(value)]
    written = {
        1: lambda: _varint(2 << 3 | 5) + struct.pack("<f", value),
        2: lambda: _integer(3, int(str(value))),
        3: lambda: _bytes(4, str(value)),
    }[kind]()
    return _bytes(1, name) + written + _integer(20, kind)


def _tensor(name: str, kind: int, shape: Sequence[int]) -> bytes:
    return b"".join(_integer(1, one) for one in shape) + _integer(2, kind) + _bytes(8, name)


def _value(name: str, kind: int, shape: Sequence[Dimension]) -> bytes:
    dimensions = (
        _bytes(1, _bytes(2, one) if isinstance(one, str) else _integer(1, one)) for one in shape
    )
    tensor = _integer(1, kind) + _bytes(2, b"".join(dimensions))
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    rest = value & (1 << 64) - 1  # a negative number is its two's complement
    raw = bytearray()
    while rest > 0x7F:
        raw.append(rest & 0x7F | 0x80)
        rest >>= 7
    raw.append(rest)
    return bytes(raw)
