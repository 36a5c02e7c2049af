"""Clouds of meaning, `clouds/*.txt`: words of both languages that people use for one idea.

A line is `German, German, … | English, English, …`; all of it was written for this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("clouds")


@dataclass(frozen=True, slots=True)
class Cloud:
    """Words and short expressions of one idea, the plainest first, by language."""

    words: dict[str, tuple[str, ...]]


def read_cloud(line: str) -> Cloud:
    """Raises ValueError for a line that has not two parts with words."""
    parts = [tuple(word.strip() for word in part.split(",")) for part in line.split("|")]
    if len(parts) != 2 or not all(all(words) for words in parts):
        raise ValueError(f"not a cloud: {line!r}")
    return Cloud({"de": parts[0], "en": parts[1]})


@cache
def all_clouds() -> tuple[Cloud, ...]:
    """Every cloud of every file, in the files' alphabetical order."""
    lines = (
        line
        for path in sorted(FOLDER.glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()
    )
    return tuple(read_cloud(line) for line in lines if line.strip())
