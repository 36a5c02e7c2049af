"""What the text model learns from: a text, one that belongs to it, and one that only looks so."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from models.training.items import LANGUAGES


@dataclass(frozen=True, slots=True)
class Triple:
    """`group` is equal for triples about the same thing: never negatives of each other."""

    query: str
    positive: str
    negative: str
    group: int

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.query, self.positive, self.negative


def languages(rng: Random) -> tuple[str, str]:
    """Query and passage language: the same in six of ten draws."""
    first = rng.choice(LANGUAGES)
    return (first, first) if rng.random() < 0.6 else (first, "en" if first == "de" else "de")
