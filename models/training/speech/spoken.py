"""Numbers as they are said, German and English."""

from __future__ import annotations

import re

_GERMAN = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
    "fünfzehn sechzehn siebzehn achtzehn neunzehn"
).split()
_GERMAN_TENS = "- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_ENGLISH_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_YEARS = range(1900, 2100)
_THOUSAND = 1000


def german_number(number: int, *, one: str = "eins") -> str:
    """0 to 999,999; ``one`` is how a final 1 is said (`hunderteins`, but `eintausend`)."""
    if number >= _THOUSAND:
        thousands, rest = divmod(number, _THOUSAND)
        return f"{german_number(thousands, one='ein')}tausend" + (
            german_number(rest) if rest else ""
        )
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        head = "" if hundreds == 1 else _GERMAN[hundreds]
        return f"{head}hundert" + (german_number(rest, one=one) if rest else "")
    if number == 1:
        return one
    if number < 20:
        return _GERMAN[number]
    tens, ones = divmod(number, 10)
    head = f"{german_number(ones, one='ein')}und" if ones else ""
    return head + _GERMAN_TENS[tens]


def english_number(number: int) -> str:
    """0 to 999,999."""
    if number >= _THOUSAND:
        thousands, rest = divmod(number, _THOUSAND)
        return f"{english_number(thousands)} thousand" + (
            f" {english_number(rest)}" if rest else ""
        )
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return f"{_ENGLISH[hundreds]} hundred" + (f" and {english_number(rest)}" if rest else "")
    if number < 20:
        return _ENGLISH[number]
    tens, ones = divmod(number, 10)
    return _ENGLISH_TENS[tens] + (f" {_ENGLISH[ones]}" if ones else "")


def german_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if year >= 2000:
        return german_number(year)
    return f"{_GERMAN[century]}hundert{german_number(rest) if rest else ''}"


def english_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if rest == 0:
        return f"{english_number(century)} hundred" if century % 10 else english_number(year)
    if year < 2010 and century == 20:
        return english_number(year).replace("thousand ", "thousand and ")
    return f"{english_number(century)} {'oh ' if rest < 10 else ''}{english_number(rest)}"


def spoken(text: str, language: str) -> str:
    """The text with every whole number up to six digits put into words."""

    def word(match: re.Match[str]) -> str:
        number = int(match.group())
        year = len(match.group()) == 4 and number in _YEARS
        if language == "de":
            return german_year(number) if year else german_number(number)
        return english_year(number) if year else english_number(number)

    return re.sub(r"\d{1,6}", word, text)
