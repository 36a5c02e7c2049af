"""Word errors: how far a recognised text is from what was said, block by block of the reference.

Blocks, not whole recordings alone, so that even one long recording says how sure its rate is; and
two recognitions of the same sound are compared over the very same words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_WORDS = 64
"""At most; a reference is halved until its parts are no longer. About a stretch of speech, which is
what a recogniser gets right or wrong by itself."""

Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Block:
    """Words of the reference, the least number of words to exchange, drop or insert, and how many
    of these were heard though nobody said them."""

    words: int
    errors: int
    insertions: int


def plain_words(text: str) -> list[str]:
    """Lower-case words without punctuation; a hyphen parts words."""
    composed = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", composed)


def blocks(said: Sequence[str], heard: Sequence[str]) -> list[Block]:
    """The blocks of ``said``, each with what was heard of it; together their errors are the least
    there can be (Levenshtein). Nothing said is one block of no words."""
    numbers: dict[str, int] = {}
    one, other = (
        np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int32)
        for words in (said, heard)
    )
    return list(_parted(one, other))


def _parted(said: Numbers, heard: Numbers) -> Iterator[Block]:
    """Halved where the halves' errors are least together (Hirschberg 1975): a recording of hours
    needs two rows of memory and no table."""
    if len(said) <= BLOCK_WORDS:
        yield _block(said, heard)
        return
    half = len(said) // 2
    costs = _last_row(said[:half], heard) + _last_row(said[half:][::-1], heard[::-1])[::-1]
    cut = int(np.argmin(costs))
    yield from _parted(said[:half], heard[:cut])
    yield from _parted(said[half:], heard[cut:])


def _rows(said: Numbers, heard: Numbers) -> Iterator[Numbers]:
    """Rows of Levenshtein's table: the errors of each beginning of ``heard``, word by word said."""
    columns = np.arange(len(heard) + 1, dtype=np.int32)
    row = columns
    yield row
    for word in said:
        row = np.minimum(np.append(row[0] + 1, row[:-1] + (heard != word)), row + 1, dtype=np.int32)
        row = columns + np.minimum.accumulate(row - columns)
        yield row


def _last_row(said: Numbers, heard: Numbers) -> Numbers:
    return deque(_rows(said, heard), maxlen=1)[0]


def _block(said: Numbers, heard: Numbers) -> Block:
    table = np.array(list(_rows(said, heard)))
    i, j, insertions = len(said), len(heard), 0
    while j:
        if i and table[i, j] == table[i - 1, j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
        else:
            j, insertions = j - 1, insertions + 1
    return Block(len(said), int(table[-1, -1]), insertions)
