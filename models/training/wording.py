"""Texts as rows of plain words: how tests and training text are kept apart."""

from __future__ import annotations

import re

GRAM = 5


def plain_words(text: str) -> list[str]:
    """Lower-case words without punctuation; a hyphen parts words. The measure's view of a text."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower().replace("’", "'"))


def five_grams(text: str) -> set[tuple[str, ...]]:
    """Every five words in a row."""
    words = plain_words(text)
    return {tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)}
