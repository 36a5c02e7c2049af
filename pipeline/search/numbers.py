"""Numbers and measured values in any spelling, as terms that meet.

"2,5 Millionen", "zweieinhalb Millionen" and "2.500.000" all yield n2500000; "20 kV", "zwanzig
Kilovolt" and "20.000 V" yield n20000v beside the bare n20 (or n20000). A term is an n and the
value, with k for the decimal comma (n2k5) or z before a denominator (n1z3), and then the unit that
units of the same scale are brought to: letters and digits only, and no natural word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipeline.corrections.spellings import folded
from pipeline.search.numberitems import MOST_DIGITS, Item, items_of, may_count
from pipeline.search.numberwords import CURRENCIES, MOST_WORDS, UNITS, Kind, Unit

_MOST_DECIMALS = MOST_DIGITS + 4


@dataclass(frozen=True, slots=True)
class Number:
    """A canonical term and the place ``text[begin:end]`` of the number, or of it with its unit."""

    term: str
    begin: int
    end: int


Read = tuple[Fraction, int]
"""A value and the number of the item after it."""


def numbers(text: str, language: str) -> list[Number]:
    """The numbers of ``text`` in order of their places, each value once bare and, where a unit
    follows, once with it. ``language`` is "de" or "en"."""
    if not may_count(text, language):
        return []
    return list(_Reader(list(items_of(text, language)), language).numbers())


def is_number(term: str) -> bool:
    """Whether a term is one that ``numbers`` gives."""
    return len(term) > 1 and term[0] == "n" and term[1].isdigit()


class _Reader:
    """Reads numbers from items, from left to right; looks ahead only a bounded way."""

    def __init__(self, items: Sequence[Item], language: str) -> None:
        self._items = items
        self._german = language == "de"

    def numbers(self) -> Iterator[Number]:
        at, past = 0, 0
        while at < len(self._items):
            found = None if self._items[at].joint == "tied" else self._number(at)
            if found is None or not self._ends(found[1]):
                if self._items[at].begin >= past:
                    for number in self._uncounted(at):
                        past = number.end
                        yield number
                at += 1
                continue
            value, after = found
            yield Number(_term(value), self._items[at].begin, self._items[after - 1].end)
            yield from self._measured(value, at, after)
            yield from self._year(at, value, after)
            at = after

    def _kind(self, at: int) -> Kind | None:
        return self._items[at].kind if at < len(self._items) else None

    def _follows(self, at: int, *kinds: Kind) -> bool:
        """Whether an item of these kinds goes on with what stands before it."""
        if self._kind(at) not in kinds:
            return False
        return self._items[at].joint in ("tied", "tight", "blank", "hyphen")

    def _ends(self, at: int) -> bool:
        """Whether a number may end before this item: not within a word, nor before letters that
        belong to it and are no unit ("5G")."""
        if at >= len(self._items) or self._items[at].joint not in ("tied", "tight"):
            return True
        if self._items[at].joint == "tied":
            return False
        return self._kind(at) == "sign" or self._unit(at) is not None

    def _number(self, at: int) -> Read | None:
        """Any number that begins here."""
        kind = self._kind(at)
        if kind == "digits":
            return self._of_digits(at)
        broken = self._broken(at)
        if broken is not None:
            return broken
        if kind == "article" and not self._follows(at + 1, "power", "hundred"):
            return None
        whole = self._whole(at)
        return self._pointed(whole) if whole else None

    def _of_digits(self, at: int) -> Read:
        value, after = self._items[at].value, at + 1
        if self._kind(after) == "digits" and self._items[after].joint == "tight":
            value, after = value + self._items[after].value, after + 1  # 6½
        return self._powered(value, after)

    def _powered(self, value: Fraction, after: int) -> Read:
        if self._follows(after, "power"):
            return value * self._items[after].value, after + 1
        return value, after

    def _broken(self, at: int) -> Read | None:
        """ "eine halbe Million", "half a million", "ein Drittel", "two thirds"."""
        after = at + 1 if self._kind(at) == "article" else at
        if self._kind(after) == "half" and (after == at or self._follows(after, "half")):
            power = after + 1
            if self._follows(power, "article") and not self._german:
                power += 1
            if self._follows(power, "power"):
                return self._items[power].value / 2, power + 1
            return None
        if self._kind(at) not in ("small", "article") or not self._follows(at + 1, "piece"):
            return None
        over, piece = self._items[at].value, self._items[at + 1].value
        if not self._german and (piece < 0) != (over != 1):
            return None  # an ordinal: "two third party reports"
        part = over * abs(piece)
        return (part, at + 2) if 0 < part < 1 else None

    def _pointed(self, whole: Read) -> Read:
        """ "zwei Komma fünf", "two point five": digit after digit, or two digits as one number."""
        value, after = whole
        if not self._follows(after, "point"):
            return self._powered(value, after) if self._follows(after, "power") else whole
        said = ""
        at = after + 1
        while self._follows(at, "small") and self._items[at].value < 10 and len(said) < 6:
            said += str(self._items[at].value)
            at += 1
        if not said and self._follows(at, "small", "tens"):
            below = self._below_hundred(at)
            if below is not None:
                said, at = str(below[0]), below[1]
        if not said or not self._ends(at):
            return whole
        return self._powered(value + Fraction(int(said), 10 ** len(said)), at)

    def _whole(self, at: int) -> Read | None:
        """A whole number, or one and a half, of groups below a thousand with their powers."""
        total, least, after = Fraction(0), Fraction(10**13), None
        while True:
            group = self._group(at)
            if group is None:
                break
            value, end = self._halved(group)
            if self._kind(end) == "power" and (end == at or self._follows(end, "power")):
                power = self._items[end].value
                if power >= least:
                    break
                total, least, after = total + value * power, power, end + 1
                at = after + (self._follows(after, "and") and self._group(after + 1) is not None)
                if value.denominator == 1 and self._goes_on(at):
                    continue
                break
            if after is None or least > value:
                total, after = total + value, end
            break
        return None if after is None else (total, after)

    def _goes_on(self, at: int) -> bool:
        return self._follows(at, "small", "tens", "hundred", "power")

    def _halved(self, group: Read) -> Read:
        value, end = group
        if self._german and self._kind(end) == "half" and self._items[end].joint == "tied":
            return value + Fraction(1, 2), end + 1
        if (
            not self._german
            and self._follows(end, "and")
            and self._follows(end + 1, "article")
            and self._follows(end + 2, "half")
        ):
            return value + Fraction(1, 2), end + 3
        return group

    def _group(self, at: int) -> Read | None:
        """Below a thousand, or hundreds below two thousand ("neunzehnhundert"); one thousand and
        the like without a number before it."""
        below: Read | None = None
        if self._kind(at) == "article":
            if self._follows(at + 1, "power", "hundred"):
                below = Fraction(1), at + 1
        elif self._kind(at) == "hundred" or self._bare_thousand(at):
            below = Fraction(1), at
        else:
            below = self._below_hundred(at)
        if below is None or not (below[1] == at or self._follows(below[1], "hundred")):
            return below
        if self._kind(below[1]) != "hundred" or below[0] == 0:
            return below
        hundreds, after = below[0] * 100, below[1] + 1
        rest_at = after + self._follows(after, "and")
        if self._follows(rest_at, "small", "tens"):
            rest = self._below_hundred(rest_at)
            if rest is not None:
                return hundreds + rest[0], rest[1]
        return hundreds, after

    def _bare_thousand(self, at: int) -> bool:
        return self._kind(at) == "power" and self._items[at].value == 1000

    def _below_hundred(self, at: int) -> Read | None:
        kind = self._kind(at)
        if kind not in ("small", "tens"):
            return None
        value = self._items[at].value
        if self._german and self._tied(at + 1, "and") and self._tied(at + 2, "tens"):
            return value + self._items[at + 2].value, at + 3
        if kind == "tens" and not self._german and self._follows(at + 1, "small"):
            ones = self._items[at + 1].value
            if 0 < ones < 10:
                return value + ones, at + 2
        return value, at + 1

    def _tied(self, at: int, kind: Kind) -> bool:
        return self._kind(at) == kind and self._items[at].joint == "tied"

    def _year(self, at: int, century: Fraction, after: int) -> Iterator[Number]:
        """ "zwanzig dreißig", "nineteen eighty-four": perhaps a year, beside the numbers."""
        if not 13 <= century <= 21 or not self._follows(after, "small", "tens"):
            return
        year = self._below_hundred(after)
        if self._kind(at) == "digits" or year is None or year[0] < 10 or not self._ends(year[1]):
            return
        if not self._follows(year[1], "power", "hundred"):
            value = century * 100 + year[0]
            yield Number(_term(value), self._items[at].begin, self._items[year[1] - 1].end)

    def _uncounted(self, at: int) -> Iterator[Number]:
        """ "eine Stunde", "half an hour": one or a half, where a unit follows."""
        value, after = Fraction(1), at
        if self._kind(after) == "article":
            after += 1
        if self._kind(after) == "half" and (after == at or self._follows(after, "half")):
            value, after = Fraction(1, 2), after + 1
            if not self._german and self._follows(after, "article"):
                after += 1
        if after > at:
            yield from self._measured(value, at, after)

    def _measured(self, value: Fraction, at: int, after: int) -> Iterator[Number]:
        found = self._unit(after)
        begin, end = at, after
        if found is not None:
            unit, end = found
        else:
            before = self._items[at - 1] if at else None
            if before is None or self._items[at].joint not in ("tight", "blank"):
                return
            if folded(before.written) not in CURRENCIES and before.written not in CURRENCIES:
                return
            unit, begin = UNITS[_key(before)], at - 1
        term = _term(value * unit.factor, unit.name)
        yield Number(term, self._items[begin].begin, self._items[end - 1].end)

    def _unit(self, at: int) -> tuple[Unit, int] | None:
        """The longest unit that follows a number which ends before this item."""
        if at >= len(self._items) or self._items[at].joint not in ("tight", "blank", "hyphen"):
            return None
        key, found = "", None
        for end, item in enumerate(self._items[at : at + MOST_WORDS], start=at + 1):
            if key and item.joint in ("tied", "none"):
                break
            key = f"{key} {_key(item)}" if key else _key(item)
            if (unit := UNITS.get(key)) is not None:
                found = unit, end
        return found


def _key(item: Item) -> str:
    if item.kind == "sign":
        return item.written
    return f"={item.written}" if len(item.written) == 1 else folded(item.written)


def _term(value: Fraction, unit: str = "") -> str:
    decimals = next((n for n in range(_MOST_DECIMALS) if not 10**n % value.denominator), None)
    if decimals is None:
        return f"n{value.numerator}z{value.denominator}{unit}"
    whole, part = divmod(int(value * 10**decimals), 10**decimals)
    return f"n{whole}k{part:0{decimals}}{unit}" if decimals else f"n{whole}{unit}"
