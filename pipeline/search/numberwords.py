"""The words numbers and units are made of, in German and English, folded as ``spellings`` folds.

Some forms that few texts hold are missing on purpose: single letters count as written only ("5 V",
never "5 v"), and ordinals are none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Literal

from pipeline.corrections import numbernames
from pipeline.corrections.spellings import POINTS, folded

Kind = Literal[
    "digits", "small", "tens", "hundred", "power", "half", "piece", "article", "and", "point",
    "sign", "word",
]  # fmt: skip
"""``small`` is 0 to 19; ``half`` what comes after a whole number ("-einhalb") or before a power
("halbe Million"); ``piece`` what a numerator stands before ("Drittel")."""

Part = tuple[Kind, Fraction]

_TENS = {
    "de": "zwanzig dreissig vierzig fuenfzig sechzig siebzig achtzig neunzig",
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
}
_ARTICLES = {"de": "ein eine einen einem einer eines", "en": "a an"}
_HALVES = {"de": "halb halbe halben halber halbes", "en": "half"}
_POWERS = {
    "de": {
        "tausend": 3, "tsd": 3, "million": 6, "millionen": 6, "mio": 6, "milliarde": 9,
        "milliarden": 9, "mrd": 9, "billion": 12, "billionen": 12,
    },
    "en": {
        "thousand": 3, "million": 6, "millions": 6, "mio": 6, "mn": 6, "billion": 9,
        "billions": 9, "bn": 9, "trillion": 12, "trillions": 12,
    },
}  # fmt: skip
_PIECES = {
    "de": {
        "drittel": 3, "viertel": 4, "fuenftel": 5, "sechstel": 6, "siebtel": 7, "achtel": 8,
        "neuntel": 9, "zehntel": 10, "hundertstel": 100, "tausendstel": 1000,
    },
    "en": {
        "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
        "ninth": 9, "tenth": 10,
    },
}  # fmt: skip


@cache
def _lexicon(language: str) -> dict[str, Part]:
    names = numbernames.GERMAN if language == "de" else numbernames.ENGLISH
    found: dict[str, Part] = {folded(n): ("small", Fraction(v)) for n, v in names.items()}
    for value, name in enumerate(_TENS[language].split(), start=2):
        found[name] = "tens", Fraction(10 * value)
    found["hundert" if language == "de" else "hundred"] = "hundred", Fraction(100)
    for name, exponent in _POWERS[language].items():
        found[name] = "power", Fraction(10**exponent)
    for name, pieces in _PIECES[language].items():
        found[name] = "piece", Fraction(1, pieces)
    for name in _ARTICLES[language].split():
        found[name] = "article", Fraction(1)
    for name in _HALVES[language].split():
        found[name] = "half", Fraction(1, 2)
    for name in POINTS:
        found[name] = "point", Fraction(0)
    if language == "en":
        found["and"] = "and", Fraction(0)
    return found


@cache
def _inside() -> tuple[re.Pattern[str], dict[str, Part]]:
    """What German compounds are made of; "ein" is one and "und" joins there."""
    kinds = ("small", "tens", "hundred", "power", "piece")
    parts = {name: part for name, part in _lexicon("de").items() if part[0] in kinds}
    parts |= {"ein": ("small", Fraction(1)), "und": ("and", Fraction(0))}
    parts |= {"einhalb": ("half", Fraction(1, 2))}
    longest_first = sorted(parts, key=len, reverse=True)
    return re.compile("|".join(longest_first)), parts


@lru_cache(maxsize=1 << 16)
def parts_of(word: str, language: str) -> tuple[Part, ...]:
    """What a word says of a number, in order; one ``word`` for nothing. A plural English piece
    ("thirds") is a piece of a value below nought, since its numerator is another than one."""
    run = folded(word)
    lexicon = _lexicon(language)
    if run in lexicon:
        return (lexicon[run],)
    if language == "en":
        kind, value = lexicon.get(run.removesuffix("s"), ("word", Fraction(0)))
        return (("piece", -value),) if kind == "piece" else (("word", Fraction(0)),)
    if run in ("anderthalb", "anderthalbe"):
        return ("small", Fraction(1)), ("half", Fraction(1, 2))
    pattern, parts = _inside()
    found = pattern.findall(run) if len(run) <= _LONGEST else []
    if len(found) > 1 and "".join(found) == run:
        return tuple(parts[name] for name in found)
    return (("word", Fraction(0)),)


_LONGEST = 120
"""Letters of a compound; the longest below a million has some seventy."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a value is counted in, as letters and digits, and how many of it the unit is."""

    name: str
    factor: Fraction = Fraction(1)


_SCALES = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "c": -2, "m": -3, "h": 2}
_SCALE_NAMES = {
    "": "", "k": "kilo", "M": "mega", "G": "giga", "T": "tera", "c": "zenti centi", "m": "milli",
    "h": "hekto hecto",
}  # fmt: skip

# unit: its scales, its sign, its names
_SCALED = (
    ("v", "kM", "V", "volt volts"),
    ("w", "kMGT", "W", "watt watts"),
    ("wh", "kMGT", "Wh", "wattstunde wattstunden watt_hour watt_hours watthour watthours"),
    ("wp", "kM", "Wp", "wattpeak watt_peak"),
    ("va", "kM", "VA", "voltampere"),
    ("ampere", "m", "A", "ampere amperes amp amps"),
    ("hz", "kMG", "Hz", "hertz"),
    ("meter", "kcm", "m", "meter metern meters metre metres"),
    ("gramm", "km", "g", "gramm gram grams"),
    ("liter", "mh", "l", "liter litern liters litre litres"),
    ("bar", "m", "bar", "bar"),
    ("pascal", "kh", "Pa", "pascal"),
    ("bit", "kMGT", "bit", "bit bits"),
    ("byte", "kMGT", "B", "byte bytes"),
)
_PLAIN = {
    "prozent": (1, "% prozent percent per_cent pct"),
    "promille": (1, "‰ promille"),
    "euro": (1, "€ euro euros eur"),
    "cent": (1, "cent cents ct"),
    "dollar": (1, "$ dollar dollars usd"),
    "pfund": (1, "£ pounds gbp"),
    "grad": (1, "° °_=C grad degree degrees grad_celsius degrees_celsius degree_celsius celsius"),
    "sekunde": (1, "=s sek sekunde sekunden sec second seconds"),
    "minute": (60, "min minute minuten minutes"),
    "stunde": (3600, "=h std stunde stunden hour hours"),
    "kmh": (1, "km_=h kilometer_pro_stunde stundenkilometer kilometers_per_hour kmh"),
    "gramm": (1_000_000, "=t tonne tonnen tonnes tons"),
    "ha": (1, "ha hektar hectare hectares"),
    "m2": (1, "m2 qm quadratmeter quadratmetern square_meter square_meters square_metres"),
    "km2": (1, "km2 qkm quadratkilometer square_kilometers square_kilometres"),
    "m3": (1, "m3 cbm kubikmeter kubikmetern cubic_meter cubic_meters cubic_metres"),
}
_TIMES = {"sekunde", "minute", "stunde"}

MOST_WORDS = 3
"""Words of a unit."""

CURRENCIES = frozenset({"€", "$", "£", "eur", "usd", "gbp"})
"""What may stand before the value."""


def _sign(sign: str) -> str:
    return f"={sign}" if len(sign) == 1 else sign.casefold()


def _units() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for name, (factor, forms) in _PLAIN.items():
        unit = Unit("sekunde" if name in _TIMES else name, Fraction(factor))
        found.update({form.replace("_", " "): unit for form in forms.split()})
    for name, scales, sign, forms in _SCALED:
        for scale in ("", *scales):
            unit = Unit(name, Fraction(10) ** _SCALES[scale])
            for prefix in _SCALE_NAMES[scale].split() or [""]:
                for form in forms.split():
                    found[(prefix + form).replace("_", " ")] = unit
            found[_sign(scale + sign)] = unit
    return found


UNITS = _units()
UNIT_WORDS = frozenset(key.split(" ")[0] for key in UNITS)
"""The words that units begin with."""

"""By folded words joined by single blanks; single letters as they are written, after "="."""
