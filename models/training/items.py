"""The written sentences: what both models are taught with, in `sentences/*.txt`.

An item is six lines: a statement in German and English, the same in other words, and a question
in each language that the statement answers. All of it was written for this project, the way people
speak: numbers in words, no abbreviations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("sentences")
PASSAGES = FOLDER.with_name("passages")
LANGUAGES = ("de", "en")
_END = re.compile(r"(?<=[.?!])\s+")
_MARKS = {"": "said", "~": "reworded", "?": "asked"}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is known: said, said in other words, asked for; each by language."""

    topic: str
    said: dict[str, str]
    reworded: dict[str, str]
    asked: dict[str, str]

    def sentences(self, language: str) -> tuple[str, str, str]:
        return self.said[language], self.reworded[language], self.asked[language]


def read_items(path: Path) -> list[Item]:
    """The items of one file; raises ValueError where one is not whole, with its first line."""
    items = []
    for block in path.read_text("utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip()]
        if not lines:
            continue
        found: dict[str, dict[str, str]] = {kind: {} for kind in _MARKS.values()}
        for line in lines:
            key, _, text = line.partition(": ")
            if key[:2] not in LANGUAGES or key[2:] not in _MARKS or not text.strip():
                raise ValueError(f"{path.name}: not a line of an item: {line!r}")
            found[_MARKS[key[2:]]][key[:2]] = text.strip()
        if any(set(texts) != set(LANGUAGES) for texts in found.values()):
            raise ValueError(f"{path.name}: an item is not whole: {lines[0]!r}")
        items.append(Item(path.stem, **found))
    return items


@cache
def all_items() -> tuple[Item, ...]:
    """Every item of every file, in the files' alphabetical order."""
    return tuple(item for path in sorted(FOLDER.glob("*.txt")) for item in read_items(path))


def all_sentences(language: str) -> list[str]:
    return [sentence for item in all_items() for sentence in item.sentences(language)]


def passage_sentences(language: str) -> list[str]:
    """What the passages and their questions say, sentence by sentence."""
    found: list[str] = []
    for path in sorted(PASSAGES.glob("*.txt")):
        for item in read_items(path):
            for text in (item.said[language], item.asked[language]):
                found += _END.split(text)
    return found


def terms() -> list[str]:
    """Terms of the trade and places, which either language uses."""
    return (FOLDER / "terms.lst").read_text("utf-8").splitlines()


def names() -> tuple[list[str], list[str]]:
    """Common first names and surnames."""
    first, last = (
        (FOLDER / f"{kind}.lst").read_text("utf-8").split() for kind in ("first_names", "surnames")
    )
    return first, last


def word_list(language: str) -> list[str]:
    """Words as they are written inside a sentence, beyond those that the sentences hold."""
    return (FOLDER / f"words_{language}.lst").read_text("utf-8").split()
