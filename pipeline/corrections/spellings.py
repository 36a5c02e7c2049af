"""Spellings that may mean the same: how alike two written forms are, to the eye and to the ear."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal

from pipeline.corrections.numbernames import ENGLISH, GERMAN

Kind = Literal["written", "similar", "sounding"]
"""The same letters cut or written otherwise; few letters otherwise; sounding alike."""

_LENGTHS_APART = 2

SURPLUS_WORDS = 2
"""A name may have come out in this many words more than it has."""

_GAP = re.compile(r"\s{0,3}|\s?[/_‐‑–-]\s?|[.,:'’]")
"""What may stand between words that belong together; no end of a sentence or clause."""

_ALPHANUMERIC = re.compile(r"[^\W_]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_LARGEST_NUMBER = 12
_NUMBERS = {
    name: str(number) for name, number in (GERMAN | ENGLISH).items() if number <= _LARGEST_NUMBER
}
POINTS = frozenset({"punkt", "komma", "point", "dot"})
_LONGEST_POINT = 5

# What German and English ears do not tell apart, after Postel's Cologne phonetics (1969) with the
# clusters first; vowels say little about how a name was misheard.
_CLUSTERS = (
    ("tsch", "s"), ("tch", "s"), ("sch", "s"), ("ph", "f"), ("ck", "k"), ("ch", "k"), ("qu", "kv"),
    ("x", "ks"), ("tz", "s"), ("ts", "s"), ("ds", "s"), ("ce", "s"), ("ci", "s"), ("cy", "s"),
)  # fmt: skip
_CLASSES = str.maketrans("bpdtgkcqvwfmnzs", "pptt" + "kkkk" + "fff" + "nn" + "ss", "aeiouyhj")
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=1 << 16)
def folded(word: str) -> str:
    """A word's letters and digits in lower case, umlauts written out, other accents gone."""
    lower = unicodedata.normalize("NFKC", word).casefold().translate(_UMLAUTS)
    return "".join(_ALPHANUMERIC.findall(unicodedata.normalize("NFKD", lower)))


def number_names(digit: str) -> list[str]:
    """How a small number is spelt out, in German and English."""
    return [name for name, value in _NUMBERS.items() if value == digit]


def letters(words: Iterable[str]) -> str:
    """The words run together, small numbers as digits: "Redispatch zwei null" is redispatch20."""
    parts = [_spelt(word) for word in words]
    kept = [
        part
        for number, part in enumerate(parts)
        if not (part in POINTS and _digit(parts, number - 1) and _digit(parts, number + 1))
    ]
    return "".join(kept)


def _spelt(word: str) -> str:
    run = folded(word)
    return _NUMBERS.get(run, run)


def _digit(parts: Sequence[str], number: int) -> bool:
    return 0 <= number < len(parts) and parts[number].isdigit()


def sound(run: str) -> str:
    """The consonants of folded letters by how they sound; digits stay."""
    for cluster, heard in _CLUSTERS:
        run = run.replace(cluster, heard)
    return _DOUBLED.sub(r"\1", run.translate(_CLASSES))


def distance(one: str, other: str, most: int) -> int:
    """Letters to change, add, leave out or swap (optimal string alignment); ``most + 1`` for more
    than ``most``."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        earlier, before = before, row
        row = [i]
        for j, b in enumerate(other, start=1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                least = min(least, earlier[j - 2] + 1)
            row.append(least)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def kinship(found: str, name: str, surplus: int = 0) -> tuple[Kind, int] | None:
    """How two runs of letters are akin, and their distance; None where they are not.

    Digits must be the same: Redispatch 3.0 is no misspelt Redispatch 2.0. Of a stretch with
    ``surplus`` words more than the name less is forgiven, since words can be put together to
    nearly anything.
    """
    if found == name:
        return "written", 0
    near = _tolerance(len(name))
    if surplus > 0:
        near = min(near, max(near - 1, 1))
    far = _furthest(name)
    if not near or abs(len(found) - len(name)) > far or _digits(found) != _digits(name):
        return None
    heard = sound(name)
    alike = len(heard) >= 3 and sound(found) == heard
    apart = distance(found, name, far if alike else near)
    if apart <= near:
        return "similar", apart
    return ("sounding", apart) if alike and apart <= far else None


def _furthest(name: str) -> int:
    """Letters that may differ where the sound does not."""
    return (len(name) + 2) // 3


def _tolerance(length: int) -> int:
    """Letters that may be wrong in a name of so many."""
    return 0 if length < 5 else 1 if length < 8 else 2 if length < 13 else 3


def _digits(run: str) -> str:
    return "".join(filter(str.isdigit, run))


def neighbours(vocabulary: Iterable[str], wanted: Iterable[str]) -> dict[str, set[str]]:
    """For each wanted word those of the vocabulary that equal it, sound like it, or differ by a
    letter. Costs microseconds a word of the vocabulary, however many are wanted."""
    found: dict[str, set[str]] = {word: set() for word in wanted}
    by_mark: dict[str, list[str]] = {}
    for word in found:
        for mark in set(_marks(word)):
            by_mark.setdefault(mark, []).append(word)
    longest = max(map(len, found), default=0) + _LENGTHS_APART
    for term in vocabulary:
        if len(term) > longest:
            continue
        if term in found:
            found[term].add(term)
        for mark in _marks(term):
            for word in by_mark.get(mark, ()):
                if abs(len(word) - len(term)) <= _LENGTHS_APART:
                    found[word].add(term)
    return found


def _marks(word: str) -> Iterator[str]:
    """What a word has in common with words that sound like it (in brackets), and with those an
    edit apart: itself, or itself without one of its letters."""
    if len(word) < 3:
        return
    if len(heard := sound(word)) >= 2:
        yield f"[{heard}]"
    yield word
    if len(word) >= 4:
        yield from (word[:number] + word[number + 1 :] for number in range(len(word)))


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch ``text[begin:end]``, the words ``first`` to ``last`` (exclusive) of the text, that
    may mean a name."""

    begin: int
    end: int
    first: int
    last: int
    kind: Kind
    apart: int


def akin(
    text: str, places: Sequence[tuple[int, int]], telling: Sequence[int], name: Sequence[str]
) -> list[Found]:
    """Stretches of ``text`` akin to the words of ``name``, in order, without overlap; the name
    itself is among them.

    ``places`` are the text's words, ``telling`` the numbers of those that a stretch must hold one
    of. Of overlapping stretches the most alike is taken. One that is more alike without one of its
    words, or to the name without one of its, is none: "in Musterstadt" for Musterstadt.
    """
    words = [text[begin:end] for begin, end in places]
    whole = letters(name)
    candidates: list[Found] = []
    for first, last in _windows(words, telling, len(name) + SURPLUS_WORDS, whole):
        kin = _kin(words[first:last], name, whole)
        if kin is not None and joined(text, places[first:last]):
            begin, end = places[first][0], places[last - 1][1]
            candidates.append(Found(begin, end, first, last, *kin))
    taken: list[Found] = []
    for one in sorted(candidates, key=lambda c: (c.apart, c.last - c.first, c.begin)):
        if all(one.last <= other.first or other.last <= one.first for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda one: one.begin)


def _windows(
    words: Sequence[str], telling: Sequence[int], widest: int, name: str
) -> list[tuple[int, int]]:
    """Runs of at most ``widest`` words around the telling ones, of about as many letters."""
    sizes = [0, *accumulate(len(_spelt(word)) for word in words)]
    spare = _furthest(name)
    return sorted(
        {
            (first, last)
            for number in telling
            for first in range(max(0, number - widest + 1), number + 1)
            for last in range(number + 1, min(first + widest, len(words)) + 1)
            # A spoken point between two numbers will not count.
            if -spare <= sizes[last] - sizes[first] - len(name) <= spare + _LONGEST_POINT
        }
    )


def _kin(run: Sequence[str], name: Sequence[str], whole: str) -> tuple[Kind, int] | None:
    found = letters(run)
    kin = kinship(found, whole, len(run) - len(name))
    if kin and not _better_without(run, whole, kin[1]) and not _better_without(name, found, kin[1]):
        return kin
    return None


def joined(text: str, places: Sequence[tuple[int, int]]) -> bool:
    """Whether words may belong together: no end of a sentence or clause between them."""
    return all(_GAP.fullmatch(text, left[1], right[0]) for left, right in pairwise(places))


def _better_without(words: Sequence[str], other: str, apart: int) -> bool:
    """Whether leaving out one word makes the rest more like other letters than ``apart``."""
    if len(words) == 1 or not apart:
        return False
    rests = ([*words[:n], *words[n + 1 :]] for n in range(len(words)))
    return any(distance(letters(rest), other, apart) < apart for rest in rests)
