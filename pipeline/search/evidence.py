"""What speaks for a sentence: how telling each word of the query is in this collection."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipeline.search.analysis import QueryWord

_SYNONYM = 0.8
"""What another name of a thing is worth beside the name that was asked for."""

_MEASURED = 1.5
"""What a number with its unit is worth beside the number alone."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """For each word of the query the weights of its terms and synonyms. A word counts once, by
    that reading of it which fits best."""

    words: tuple[Mapping[str, float], ...]
    numbers: frozenset[str] = frozenset()
    """The terms of the numbers that the query names."""

    otherwise: frozenset[str] = frozenset()
    """Those of the terms that are not spelt like the word they stand for: its synonyms, and the
    values of numbers."""

    @classmethod
    def of(cls, query: Iterable[QueryWord], frequencies: Mapping[str, int], total: int) -> Evidence:
        """From the number of passages, out of ``total``, that hold each term (BM25's idf)."""

        def weight(term: str) -> float:
            found = frequencies[term]
            return math.log(1 + (max(total - found, 0) + 0.5) / (found + 0.5))

        asked = tuple(query)
        words: list[Mapping[str, float]] = []
        for word in asked:
            own = _own(word, weight)
            most = max(own.values())
            # However rare another name is, it never weighs more than what was asked for.
            others = {name: _SYNONYM * min(most, weight(name)) for name in word.synonyms}
            words.append(others | own)
        otherwise = (t for word in asked for t in (*word.synonyms, *word.numbers, *word.measures))
        numbers = (term for word in asked for term in (*word.numbers, *word.measures))
        return cls(tuple(words), frozenset(numbers), frozenset(otherwise))

    def most(self) -> list[float]:
        """What each word weighs at most."""
        return [max(word.values()) for word in self.words]

    def terms(self) -> frozenset[str]:
        return frozenset(term for word in self.words for term in word)

    def phrases(self) -> list[str]:
        """The synonyms of several words, as terms joined by blanks."""
        return [term for term in self.terms() if " " in term]


def _own(word: QueryWord, weight: Callable[[str], float]) -> dict[str, float]:
    """What each term of a word weighs. All spellings of a number weigh the same, and its measure
    a little more; never more than the word itself, however rare they are."""
    own = {term: weight(term) for term in word.terms}
    if not word.numbers:
        return own
    least = min(max(own.values()), max(map(weight, word.numbers)))
    alike = dict.fromkeys((*word.terms, *word.numbers), least)
    return dict.fromkeys(word.measures, _MEASURED * least) | alike
