"""Arrays in a file, as they lie in memory: mapped, not read.

The safetensors format: a length, a header of that many bytes in JSON, then the arrays
(https://huggingface.co/docs/safetensors/index). Its own library copies what it opens.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES: dict[str, type[np.generic]] = {
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "I64": np.int64,
    "F32": np.float32,
}
_LENGTH = 8

Arrays = dict[str, NDArray[Any]]


def mapped(path: Path) -> tuple[Arrays, Mapping[str, Any]]:
    """The arrays of a file, one dimension each, and the facts that stand with them.

    Raises OSError, ValueError, KeyError or TypeError where it is not such a file, or not whole.
    """
    with path.open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    begin = _LENGTH + int.from_bytes(whole[:_LENGTH], "little")
    header = _object(json.loads(bytes(whole[_LENGTH:begin])))
    facts = _object(json.loads(header.pop("__metadata__")["facts"]))
    data = whole[begin:]
    if max((_object(one)["data_offsets"][1] for one in header.values()), default=0) != len(data):
        raise ValueError(path)
    return {name: _array(one, data) for name, one in header.items()}, facts


def _array(said: Mapping[str, Any], data: memoryview) -> NDArray[Any]:
    begin, end = said["data_offsets"]
    array = np.frombuffer(data[begin:end], dtype=_TYPES[said["dtype"]])
    if len(array) != math.prod(said["shape"]):
        raise ValueError(said)
    return array


def _object(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise TypeError(said)
    return said
