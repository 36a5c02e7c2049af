"""Numbers, lengths, dates and failures of a report, as people read them in German and English."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from pipeline.errors import failure_advice, failure_message
from pipeline.formats.characters import clean_text
from pipeline.messages import catalogue, text
from pipeline.values import Failure

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNITS = (("tera", 10**12), ("giga", 10**9), ("mega", 10**6), ("kilo", 10**3))


def plain(words: str) -> str:
    """``words`` on one line, without control characters and marks that turn text around: titles
    and names of files are strangers' input, and a terminal obeys what it prints."""
    return clean_text(_REORDERING.sub("", words))


def local(ms: int) -> datetime.datetime:
    """The moment ``ms`` (Unix milliseconds) on the clock of this machine."""
    return (_EPOCH + datetime.timedelta(milliseconds=ms)).astimezone()


def unix_ms(moment: datetime.datetime) -> int:
    """Unix milliseconds of a moment that knows its offset."""
    return (moment - _EPOCH) // datetime.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language ("de" or "en"). Called with a key below ``report``."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        return text(f"report.{key}", self.language, **values)

    def known(self, key: str, otherwise: str, /, **values: object) -> str:
        """The text of ``key``, or ``otherwise`` (a name this version does not know, made plain)."""
        return self(key, **values) if self._has(key) else plain(otherwise)

    def _has(self, key: str) -> bool:
        return f"report.{key}" in catalogue(self.language)

    def count(self, key: str, count: int, /) -> str:
        """``key.one`` or ``key.many`` for ``count``, or ``key.none`` where that exists."""
        special = f"{key}.{({0: 'none', 1: 'one'}).get(count, 'many')}"
        chosen = special if self._has(special) else f"{key}.many"
        return self(chosen, count=self.number(count))

    def number(self, value: float, decimals: int = 0, *, signed: bool = False) -> str:
        """1.234,5 or 1,234.5; with ``signed`` also ``+`` and a true minus."""
        written = f"{value:{'+' if signed else '-'}z,.{decimals}f}".replace("-", "\u2212")
        marks = {",": self("thousands"), ".": self("decimal")}
        return "".join(marks.get(sign, sign) for sign in written)

    def size(self, count: int) -> str:
        """Bytes in decimal units, as disks are sold."""
        for name, unit in _UNITS:
            if count >= unit:
                return self(f"unit.{name}", count=self.number(count / unit, 1))
        return self("unit.bytes", count=self.number(count))

    def length(self, ms: int | None) -> str:
        """A length of time in its two largest units; a dash where it is unknown."""
        if ms is None:
            return self("unknown")
        seconds, minutes = round(ms / 1000), round(ms / 60_000)
        if seconds < 60:
            return self("unit.seconds", count=self.number(seconds))
        if minutes < 60:
            return self("unit.minutes", count=self.number(minutes))
        return self("unit.hours", hours=self.number(minutes // 60), minutes=minutes % 60)

    def day(self, day: datetime.date) -> str:
        month = self("months").split()[day.month - 1]
        return self("date", day=day.day, month=month, year=day.year)

    def iso_day(self, written: str) -> str:
        """An ISO date in words; anything else as it stands."""
        try:
            return self.day(datetime.date.fromisoformat(written))
        except ValueError:
            return plain(written)

    def clock(self, moment: datetime.datetime) -> str:
        return self("clock", time=f"{moment:%H:%M}")

    def message(self, failure: Failure) -> str:
        """What happened. A failure that another version stored may have a key unknown here."""
        try:
            return plain(failure_message(failure, self.language))
        except (KeyError, IndexError, ValueError, TypeError):
            return self("failure.message", kind=plain(failure.kind))

    def advice(self, failure: Failure) -> str:
        """What to do about it."""
        try:
            return plain(failure_advice(failure, self.language))
        except (KeyError, IndexError, ValueError, TypeError):
            return self("failure.advice")
