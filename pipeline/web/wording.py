"""Dates, numbers, times and counted things as German and English readers write them."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import cached_property

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal

from pipeline.messages import text
from pipeline.timecode import format_short

_LOCALES = {"de": "de_DE", "en": "en_GB"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True)
class Wording:
    """The words of one language ("de" or "en"). Called with a key below ``web``."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        return text(f"web.{key}", self.language, **values)

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(_LOCALES[self.language])

    def count(self, key: str, count: int, /, **values: object) -> str:
        """``key.one`` or ``key.other``, whichever the language asks for with ``count``."""
        form = self.locale.plural_form(count)
        return self(f"{key}.{form}", count=self.number(count), **values)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self.locale)

    def both(self, names: list[str] | tuple[str, ...]) -> str:
        """Names in a row, the last one after "und" or "and"."""
        return format_list(list(names), locale=self.locale)

    def day(self, written: str) -> str:
        """An ISO date, a month or a year in words; anything else as it stands."""
        try:
            if _DAY.fullmatch(written):
                return format_date(
                    datetime.date.fromisoformat(written), format="long", locale=self.locale
                )
            if _MONTH.fullmatch(written):
                first = datetime.date.fromisoformat(f"{written}-01")
                return format_skeleton("yMMMM", first, locale=self.locale)
        except ValueError:
            return written
        return written

    def language_name(self, code: str) -> str:
        """What a language is called in this one: "Englisch", "German"."""
        return str(self.locale.languages.get(code, code))

    def tongues(self, codes: tuple[str, ...]) -> str:
        """Several of them in a row: "Deutsch und Englisch"."""
        return self.both([self.language_name(code) for code in codes])

    @staticmethod
    def clock(ms: int) -> str:
        """A place in a recording, as players show it: ``12:34``."""
        return format_short(ms)

    def spoken(self, ms: int) -> str:
        """The same place for those who hear it: "12 Minuten 34 Sekunden"."""
        minutes, seconds = divmod(max(ms, 0) // 1000, 60)
        hours, minutes = divmod(minutes, 60)
        parts = [
            self.count(f"time.{unit}", count)
            for unit, count in (("hours", hours), ("minutes", minutes), ("seconds", seconds))
            if count
        ]
        return " ".join(parts) or self.count("time.seconds", 0)

    def length(self, ms: int | None) -> str:
        """How long a recording is, to the minute: "1 Std. 12 Min."; empty where unknown."""
        if ms is None:
            return ""
        if ms < 60_000:
            return self("length.seconds", seconds=max(round(ms / 1000), 1))
        hours, minutes = divmod(round(ms / 60_000), 60)
        if not hours:
            return self("length.minutes", minutes=minutes)
        return self("length.hours", hours=hours, minutes=minutes)
