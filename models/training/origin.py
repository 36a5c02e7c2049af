"""What a kept state was made from, so that nothing goes on from another recipe's or text's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

HERE = Path(__file__).parent


class OtherOrigin(Exception):
    """A folder holds the beginning of another training."""


def text_files(*folders: str) -> list[Path]:
    """The text files of these folders of `models/training`, in order."""
    kinds = (".txt", ".lst", ".jsonl")
    found = (path for folder in folders for path in (HERE / folder).rglob("*"))
    return sorted(path for path in found if path.suffix in kinds)


def digest(values: Mapping[str, object], files: Iterable[Path]) -> str:
    """One sum over a recipe's values and the texts that it uses."""
    whole = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in files:
        whole.update(path.relative_to(HERE).as_posix().encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def claim(mark: Path, sum_: str) -> None:
    """Writes the sum to ``mark``, or raises OtherOrigin where another one stands there."""
    if mark.exists() and mark.read_text("utf-8").strip() != sum_:
        raise OtherOrigin(
            f"{mark.parent} holds the beginning of another training (another recipe or other "
            "text): delete the folder or name another one"
        )
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(sum_ + "\n", "utf-8")
