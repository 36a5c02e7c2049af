"""Which passages to read for misspelt terms: those with words near to the term's, cut somehow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline.corrections import spellings
from pipeline.search.analysis import Token, plain_words
from pipeline.search.synonyms import READINGS

SHORTEST = 4
"""Letters of a term, or of the beginning of a word, below which everything is like it."""

_MOST_NEIGHBOURS = 100

Way = list[set[str]]
"""A way in which a name may have come out, word for word: each word as the terms it is found by."""


def word_places(tokens: Iterable[Token]) -> list[tuple[int, int]]:
    return list(dict.fromkeys((token.begin, token.end) for token in tokens))


def alternatives(name: str) -> list[Way]:
    """The ways in which a name may have come out."""
    words = [name[begin:end] for begin, end in word_places(plain_words(name, "de"))]
    ways = [[_keys("".join(words))]]
    if len(words) > 1:
        ways += [[_keys(word) for word in words], _with_points(words)]
    for number, word in enumerate(words):
        before = [_begun(other) for other in words[:number]]
        after = [_begun(other) for other in words[number + 1 :]]
        ways += [[*before, *map(_keys, cut), *after] for cut in _cuts(word)]
    return ways


def _with_points(words: Sequence[str]) -> Way:
    """A name with the points between its numbers spoken: "zwei Punkt null"."""
    way: Way = []
    for number, word in enumerate(words):
        if number and word.isdigit() and words[number - 1].isdigit():
            way.append({key for point in spellings.POINTS for key in _keys(point)})
        way.append(_keys(word))
    return way


def _begun(word: str) -> set[str]:
    """A word or its beginning: it may have been cut as well."""
    cuts = range(SHORTEST, len(word))
    return _keys(word).union(*(_keys(word[:cut]) for cut in cuts))


def _cuts(word: str) -> Iterator[tuple[str, ...]]:
    """A word in two or three."""
    if not word.isalpha():
        return
    for first in range(1, len(word)):
        yield word[:first], word[first:]
        for second in range(first + 2, len(word) - 1):
            if first >= 2:
                yield word[:first], word[first:second], word[second:]


def _keys(word: str) -> set[str]:
    spelt = [word, *spellings.number_names(word)]
    return {
        token.term for one in spelt for reading in READINGS for token in plain_words(one, reading)
    }


def narrowed(ways: Iterable[Way], near: dict[str, set[str]]) -> list[Way]:
    """The ways with each word as the terms near it that there are; a way with a word that nothing
    in the collection is near to leads nowhere."""
    found = ([_closest(part, near) for part in way] for way in ways)
    return [way for way in found if all(way)]


def _closest(part: set[str], near: dict[str, set[str]]) -> set[str]:
    found = {term for key in part for term in near[key]}
    if len(found) <= _MOST_NEIGHBOURS:
        return found
    starts, sizes = {key[0] for key in part}, {len(key) for key in part}

    def unlike(term: str) -> tuple[bool, bool, int, str]:
        return term not in part, term[0] not in starts, min(abs(len(term) - n) for n in sizes), term

    return set(sorted(found, key=unlike)[:_MOST_NEIGHBOURS])


def expression(ways: Iterable[Way]) -> str:
    """Passages that hold, for one of the ways, a term of each of its words, in any order. Terms
    hold letters and digits only."""
    alternatives = (" AND ".join(_any_of(part) for part in way) for way in ways)
    return " OR ".join(f"({one})" for one in dict.fromkeys(alternatives))


def _any_of(terms: Iterable[str]) -> str:
    quoted = (f'"{term}"' for term in sorted(terms))
    return f"({' OR '.join(quoted)})"


class Runs:
    """Looks for the ways in a passage's analysed words, word after word."""

    def __init__(self, ways: Iterable[Way]) -> None:
        self._by_start: dict[str, list[Way]] = {}
        for way in ways:
            for term in way[0]:
                self._by_start.setdefault(term, []).append(way)

    def within(self, words: Sequence[str]) -> bool:
        return any(
            self._leads(way, words, number)
            for number, word in enumerate(words)
            for way in self._by_start.get(word, ())
        )

    def _leads(self, way: Way, words: Sequence[str], begin: int) -> bool:
        run = words[begin : begin + len(way)]
        return len(run) == len(way) and all(w in part for w, part in zip(run, way, strict=True))
