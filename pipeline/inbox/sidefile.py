"""Side files: what staff say of a recording in a ``.toml`` beside it in the inbox."""

from __future__ import annotations

import datetime
import difflib
import tomllib

from pipeline.errors import BadInput
from pipeline.formats.characters import clean_text, decode
from pipeline.run.intake import Wishes

KEYS = (
    "title",
    "people",
    "date",
    "recorded",
    "language",
    "visibility",
    "collection",
    "priority",
)
"""``recorded`` is another name of ``date``, the one the command line has."""

LARGEST_BYTES = 1 << 20
_LANGUAGES = ("de", "en", "auto")
_FURTHEST = 1000


def parse_side(content: bytes, path: str) -> Wishes:
    """What a side file says; ``path`` says in messages which file it was.

    Raises BadInput ``inbox.side_unreadable``, ``.side_unknown_key``, ``.side_bad_value`` or
    ``.side_twice``.
    """
    side = _Side(_table(content, path), path)
    return Wishes(
        title=side.text("title"),
        people=side.names("people", ";"),
        recorded=side.date("date") or side.date("recorded"),
        language=side.one_of("language", _LANGUAGES),
        visibility=side.audiences("visibility"),
        collection=side.text("collection", empty=True),
        priority=side.whole_number("priority", _FURTHEST),
    ).checked()


def _table(content: bytes, path: str) -> dict[str, object]:
    if len(content) > LARGEST_BYTES:
        raise BadInput("inbox.side_too_large", path=path, limit=LARGEST_BYTES >> 20)
    try:
        table: dict[str, object] = tomllib.loads(decode(content))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput("inbox.side_unreadable", path=path, detail=str(error)) from error
    for key in table:
        if key not in KEYS:
            close = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)[0]
            raise BadInput(
                "inbox.side_unknown_key", path=path, key=clean_text(key)[:40], nearest=close
            )
    if "date" in table and "recorded" in table:
        raise BadInput("inbox.side_twice", path=path)
    return table


class _Side:
    """A table whose values are asked for by their kind; None where there is none."""

    def __init__(self, table: dict[str, object], path: str) -> None:
        self._table = table
        self._path = path

    def text(self, key: str, *, empty: bool = False) -> str | None:
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not (clean_text(value) or empty):
            raise self._bad(key)
        return clean_text(value)

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str | None:
        value = self.text(key)
        if value is not None and value not in allowed:
            raise self._bad(key)
        return value

    def names(self, key: str, between: str) -> tuple[str, ...] | None:
        """A list of texts, or one text with a sign ``between`` the names."""
        value = self._table.get(key)
        if value is None:
            return None
        parts = value.split(between) if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise self._bad(key)
        return tuple(name for part in parts if (name := clean_text(part)))

    def audiences(self, key: str) -> tuple[str, ...] | None:
        """Names of which there is one at least: a recording that nobody may see is a mistake."""
        names = self.names(key, ",")
        if names is not None and not names:
            raise self._bad(key)
        return names

    def date(self, key: str) -> str | None:
        value = self._table.get(key)
        try:
            if isinstance(value, str):
                return datetime.date.fromisoformat(value.strip()).isoformat()
        except ValueError as error:
            raise self._bad(key) from error
        if isinstance(value, datetime.datetime):
            return value.date().isoformat()
        if isinstance(value, datetime.date):
            return value.isoformat()
        if value is not None:
            raise self._bad(key)
        return None

    def whole_number(self, key: str, furthest: int) -> int | None:
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > furthest:
            raise self._bad(key)
        return value

    def _bad(self, key: str) -> BadInput:
        value = clean_text(str(self._table[key]))[:60]
        return BadInput("inbox.side_bad_value", path=self._path, key=key, value=value)
