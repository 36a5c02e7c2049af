"""German compounds, taken apart by the collection's own words: "Wärmenetzausbau" asks for "Ausbau"
and "Wärmenetz" as well, where people speak of either.

A word is split where both parts are words that somebody said, at the split whose parts are said
most often (geometric mean of frequencies; Koehn, Knight: Empirical Methods for Compound Splitting,
EACL 2003). Frequencies are asked for all possible parts at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.search.analysis import SHORTEST_PART, stem

Frequencies = Callable[[Sequence[str]], Mapping[str, int]]
"""In how many passages each term occurs."""

_LINKS = ("", "s", "es", "n", "en", "er", "e", "ns")
"""Letters that may stand between the parts of a compound."""

_LONGEST = 40
"""Letters of a word that is taken apart; no word that people say is longer."""


def parts(terms: Sequence[str], frequencies: Frequencies) -> dict[str, tuple[str, str]]:
    """The two parts of each of ``terms`` (stems) that is a compound of words that occur."""
    ways = {term: list(_ways(term)) for term in terms}
    asked = {part for found in ways.values() for way in found for part in way}
    if not asked:
        return {}
    known = frequencies(sorted(asked))
    made: dict[str, tuple[str, str]] = {}
    for term, found in ways.items():
        said = [way for way in found if all(known[part] for part in way)]
        if said:
            made[term] = max(said, key=lambda way: math.prod(known[part] for part in way))
    return made


def _ways(term: str) -> Iterator[tuple[str, str]]:
    if not term.isalpha() or not 2 * SHORTEST_PART <= len(term) <= _LONGEST:
        return
    for cut in range(SHORTEST_PART, len(term) - SHORTEST_PART + 1):
        first, last = term[:cut], term[cut:]
        for link in _LINKS:
            if first.endswith(link) and len(first) - len(link) >= SHORTEST_PART:
                yield stem(first.removesuffix(link), "de"), last
