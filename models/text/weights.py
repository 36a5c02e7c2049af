"""Where in a model's files each of its weights lies, so that they are mapped and never copied.

Both forms in use keep plain little-endian numbers: safetensors after a JSON header
(https://github.com/huggingface/safetensors), torch's zip archives as uncompressed members that a
pickled table names. That table is read by a reader that knows five names and runs nothing else.
"""

from __future__ import annotations

import json
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from models.text.onnx_file import BFLOAT16, FLOAT, FLOAT16

_HEADER_LIMIT = 25_000_000
"""The safetensors format's own limit of a header's bytes."""

_SAFETENSORS_KINDS = {"F32": FLOAT, "F16": FLOAT16, "BF16": BFLOAT16}
_TORCH_KINDS = {"FloatStorage": FLOAT, "HalfStorage": FLOAT16, "BFloat16Storage": BFLOAT16}
_BYTES = {FLOAT: 4, FLOAT16: 2, BFLOAT16: 2}

_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a zip member: the lengths of its name and of what else stands before its bytes."""


@dataclass(frozen=True, slots=True)
class Weight:
    """``length`` bytes from ``offset`` of ``file``; ``kind`` as in ``onnx_file``."""

    file: str
    kind: int
    shape: tuple[int, ...]
    offset: int
    length: int


class NoWeights(ValueError):
    """The folder's weights are missing, or in a form that cannot be mapped."""


def weights_of(directory: Path) -> dict[str, Weight]:
    """The floating-point weights in a folder by name. Raises NoWeights."""
    try:
        if (directory / "model.safetensors").is_file():
            return _safetensors(directory / "model.safetensors")
        return _archive(directory / "pytorch_model.bin")
    except (
        OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, StopIteration,
        EOFError, struct.error, zipfile.BadZipFile, pickle.UnpicklingError,
    ) as error:  # fmt: skip
        raise NoWeights(str(error)) from error


def _safetensors(path: Path) -> dict[str, Weight]:
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(min(length, _HEADER_LIMIT)))
    begin = 8 + length
    found = {}
    for name, row in header.items():
        kind = _SAFETENSORS_KINDS.get(row.get("dtype"))
        if kind is not None:
            first, last = row["data_offsets"]
            shape = tuple(row["shape"])
            found[name] = Weight(path.name, kind, shape, begin + first, last - first)
    return found


@dataclass(frozen=True, slots=True)
class _Pickled:
    kind: int
    member: str
    first: int
    shape: tuple[int, ...]

    def weight(self, file: str, begin: int) -> Weight:
        size = _BYTES[self.kind]
        length = math.prod(self.shape) * size
        return Weight(file, self.kind, self.shape, begin + self.first * size, length)


class _Table(pickle.Unpickler):
    """Reads torch's table of weights; any other object in it is refused before it is made."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if module == "torch" and name in _TORCH_KINDS:
            return _TORCH_KINDS[name]
        if module == "torch" and name.endswith("Storage"):
            return 0  # whole numbers: positions and the like
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[int, str]:
        _, kind, member, *_ = pid
        return int(kind), str(member)


def _rebuilt(
    storage: tuple[int, str], first: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> _Pickled | None:
    dense = tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))
    kind, member = storage
    return _Pickled(kind, member, first, shape) if kind and stride == dense else None


def _archive(path: Path) -> dict[str, Weight]:
    with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
        members = {one.filename: one for one in archive.infolist()}
        table = next(name for name in members if name.endswith("/data.pkl"))
        root = table.removesuffix("data.pkl")
        if f"{root}byteorder" in members and archive.read(f"{root}byteorder") != b"little":
            raise NoWeights("byteorder")
        with archive.open(table) as pickled:
            rows = _Table(pickled).load()
        named = {name: one for name, one in rows.items() if isinstance(one, _Pickled)}
        return {
            name: one.weight(path.name, _begin(stream, members[f"{root}data/{one.member}"]))
            for name, one in named.items()
        }


def _begin(stream: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where in the archive a member's own bytes begin."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise NoWeights(member.filename)
    stream.seek(member.header_offset)
    lengths = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    return int(member.header_offset + _LOCAL_HEADER.size + sum(lengths))
