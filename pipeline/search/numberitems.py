"""A text as numerals, number words, signs and other words, and what joins them: what numbers are
read from.

Where thousands and decimals look alike, the text's language decides: "2.500" is 2500 in German and
2.5 in English. A group of other than three digits, or after a nought, can only be decimals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from pipeline.corrections.spellings import folded
from pipeline.search.numberwords import UNIT_WORDS, Kind, parts_of

MOST_DIGITS = 18
"""Digits of a number; what has more names something else."""

_SHORTENED = frozenset({"mio", "mrd", "tsd"})
_ITEM = re.compile(
    # Groups after a plain blank are sure to be one number only where the last begins with 0.
    r"(?P<digits>[0-9]{1,3}(?: [0-9]{3}){0,3} 0[0-9]{2}(?![0-9])"
    "|[0-9]+(?:[.,'’\u00a0\u2009\u202f][0-9]+)*)"
    r"|(?P<fraction>[½⅓⅔¼¾⅛])"
    r"|(?P<sign>[%‰€$£°])"
    "|(?P<word>[^\\W\\d_](?:[^\\W_]|[\u0300-\u036f\u00ad])*)"
)
_FIGURE = re.compile("[0-9½⅓⅔¼¾⅛%‰€$£°]")
_WORD = re.compile("[^\\W\\d_](?:[^\\W_]|[\u0300-\u036f\u00ad])*")
_UNCOUNTED: frozenset[Kind] = frozenset({"word", "article", "and", "point"})
"""What no number begins with; an article does where a unit follows ("eine Stunde")."""

_VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅛": (1, 8)}
_GAP = re.compile(r"(?P<tight>)|(?P<blank>\s{1,3})|(?P<hyphen>[-‐‑])|(?P<slash>/)")

Joint = Literal["tied", "tight", "blank", "hyphen", "slash", "none"]
"""What stands between two items; ``tied`` are parts of one word."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item at ``text[begin:end]`` and what stands between it and the one before."""

    kind: Kind
    value: Fraction
    written: str
    begin: int
    end: int
    joint: Joint


def may_count(text: str, language: str) -> bool:
    """Whether there may be a number in a text. In most sentences there is none, which is told in a
    tenth of the time that their items take."""
    if _FIGURE.search(text):
        return True
    said = {_says(word, language) for word in _WORD.findall(text)}
    return "number" in said or {"article", "unit"} <= said


@lru_cache(maxsize=1 << 16)
def _says(word: str, language: str) -> Literal["number", "article", "unit", "nothing"]:
    kinds = {kind for kind, _ in parts_of(word, language)}
    if kinds - _UNCOUNTED:
        return "number"
    if "article" in kinds:
        return "article"
    return "unit" if folded(word) in UNIT_WORDS or f"={word}" in UNIT_WORDS else "nothing"


def items_of(text: str, language: str) -> Iterator[Item]:
    """The items of ``text`` in order; compounds in several."""
    last, before = -1, ""
    for found in _ITEM.finditer(text):
        begin, end = found.span()
        joint = _joint(text[last:begin], before) if last >= 0 else "none"
        last, before = end, found[0]
        written = found[0]
        if found["digits"]:
            yield from _digits(written, begin, joint, language)
        elif found["fraction"]:
            yield Item("digits", Fraction(*_VULGAR[written]), written, begin, end, joint)
        elif found["sign"]:
            yield Item("sign", Fraction(0), written, begin, end, joint)
        else:
            for kind, value in parts_of(written, language):
                yield Item(kind, value, written, begin, end, joint)
                joint = "tied"


def _joint(gap: str, before: str) -> Joint:
    if gap.startswith(".") and before.casefold() in _SHORTENED:
        gap = gap[1:]
    found = _GAP.fullmatch(gap)
    return found.lastgroup if found else "none"  # type: ignore[return-value]


def _digits(written: str, begin: int, joint: Joint, language: str) -> Iterator[Item]:
    """One number, or several where points part them otherwise, as in a date."""
    value = _value(written, language)
    if value is not None:
        yield Item("digits", value, written, begin, begin + len(written), joint)
        return
    for run in re.finditer("[0-9]+", written):
        if len(run[0]) <= MOST_DIGITS:
            first, last = begin + run.start(), begin + run.end()
            yield Item("digits", Fraction(int(run[0])), run[0], first, last, joint)
        joint = "none"


def _value(written: str, language: str) -> Fraction | None:
    runs = re.split("[^0-9]", written)
    marks = re.findall("[^0-9]", written)
    if sum(map(len, runs)) > MOST_DIGITS:
        return None
    if not marks:
        return Fraction(int(written))
    decimal = marks[-1] in ".," and marks[-1] not in marks[:-1]
    if decimal and len(marks) == 1 and _grouped(runs):
        decimal = marks[0] == ("," if language == "de" else ".")
    whole, groups = (runs[:-1], marks[:-1]) if decimal else (runs, marks)
    if len(set(groups)) > 1 or (groups and not _grouped(whole)):
        return None
    tail = runs[-1] if decimal else ""
    return Fraction(int("".join(whole) + tail), 10 ** len(tail))


def _grouped(runs: Sequence[str]) -> bool:
    first, *others = runs
    return len(first) <= 3 and not first.startswith("0") and all(len(run) == 3 for run in others)
