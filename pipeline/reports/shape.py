"""A night as JSON and back: one table per value says both ways, so that they cannot differ.

Lengths are seconds, moments ISO timestamps with offset, sizes bytes. A failure is said in the
report's language beside its key. Reading is strict: a key too many is as damaged as one too few,
for what is not understood could not be taken out when a recording is removed.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.messages import LANGUAGES
from pipeline.reports.values import (
    Done,
    Failed,
    Forecast,
    Leaving,
    Night,
    Published,
    Refused,
    Retold,
    Space,
    Taken,
    ToReview,
)
from pipeline.reports.wording import Wording, local, unix_ms
from pipeline.timecode import to_ms, to_seconds
from pipeline.values import Failure

VERSION = 1
"""Of the JSON's shape; another one is not read."""


class Damaged(ValueError):
    """JSON that is no report; the argument says where, like ``failed[2].failure.key``."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written (with the words of a language) and read (with the place it is at)."""

    write: Callable[[Any, Wording], object]
    read: Callable[[object, str], Any]


def _plain(*kinds: type) -> Form:
    """A JSON value that is just what it is. True, NaN and infinities are no numbers."""

    def read(value: object, where: str) -> object:
        if type(value) not in kinds or (isinstance(value, float) and not math.isfinite(value)):
            raise Damaged(where)
        return value

    return Form(lambda value, _words: value, read)


def _seconds() -> Form:
    def read(value: object, where: str) -> int:
        try:
            return to_ms(_number.read(value, where))
        except (ValueError, OverflowError) as error:
            raise Damaged(where) from error

    return Form(lambda ms, _words: to_seconds(ms), read)


def _moment() -> Form:
    def read(value: object, where: str) -> int:
        try:
            return unix_ms(datetime.datetime.fromisoformat(_text.read(value, where)))
        except (ValueError, TypeError) as error:  # TypeError: a moment without an offset
            raise Damaged(where) from error

    return Form(lambda ms, _words: local(ms).isoformat(timespec="milliseconds"), read)


def _maybe(form: Form) -> Form:
    """``form``, or null for None."""
    return Form(
        lambda value, words: None if value is None else form.write(value, words),
        lambda value, where: None if value is None else form.read(value, where),
    )


def _many(form: Form) -> Form:
    """A list for a tuple."""

    def read(value: object, where: str) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise Damaged(where)
        return tuple(form.read(one, f"{where}[{place}]") for place, one in enumerate(value))

    return Form(lambda values, words: [form.write(one, words) for one in values], read)


def _tuple(**parts: Form) -> Form:
    """An object for a tuple of fixed length."""

    def write(values: tuple[Any, ...], words: Wording) -> object:
        pairs = zip(parts.items(), values, strict=True)
        return {name: form.write(value, words) for (name, form), value in pairs}

    def read(value: object, where: str) -> tuple[object, ...]:
        table = _table(value, where, parts.keys())
        return tuple(form.read(table[name], f"{where}.{name}") for name, form in parts.items())

    return Form(write, read)


def _record(kind: type, **parts: tuple[str, Form]) -> Form:
    """An object for a value of ``kind``; each part names the field it stands for."""

    def write(value: object, words: Wording) -> dict[str, object]:
        return {
            name: form.write(getattr(value, field), words) for name, (field, form) in parts.items()
        }

    def read(value: object, where: str) -> object:
        table = _table(value, where, parts.keys())
        fields = {
            field: form.read(table[name], f"{where}.{name}".removeprefix("."))
            for name, (field, form) in parts.items()
        }
        return kind(**fields)

    return Form(write, read)


def _later(form: Form, **absent: object) -> Form:
    """An object that may lack some parts, since reports from before there were any are kept."""

    def read(value: object, where: str) -> object:
        return form.read({**absent, **value} if isinstance(value, dict) else value, where)

    return Form(form.write, read)


def _table(value: object, where: str, names: Any) -> dict[str, object]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise Damaged(where or "{}")
    return value


def _failure() -> Form:
    """What is said of a failure is for readers; what it is comes back from kind, key and values."""
    parts = {"kind": _text, "key": _text, "permanent": _truth}
    said = {"message": _text, "advice": _text}

    def write(failure: Failure, words: Wording) -> dict[str, object]:
        return {
            "kind": failure.kind,
            "key": failure.key,
            "values": {name: _finite(value) for name, value in failure.values.items()},
            "permanent": failure.permanent,
            "message": words.message(failure),
            "advice": words.advice(failure),
        }

    def read(value: object, where: str) -> Failure:
        table = _table(value, where, [*parts, *said, "values"])
        for name, form in said.items():
            form.read(table[name], f"{where}.{name}")
        values = table["values"]
        if not isinstance(values, dict):
            raise Damaged(f"{where}.values")
        filled = {name: _value.read(one, f"{where}.values.{name}") for name, one in values.items()}
        fields = {name: form.read(table[name], f"{where}.{name}") for name, form in parts.items()}
        return Failure(values=filled, **fields)

    return Form(write, read)


def _finite(value: object) -> object:
    """JSON has no infinities."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


_text = _plain(str)
_count = _plain(int)
_truth = _plain(bool)
_number = _plain(int, float)
_value = _plain(str, int, float, bool)
_share = _maybe(_number)
_error = _failure()
_WHOSE = {"recording": ("recording_id", _text), "title": ("title", _text)}

_NIGHT = _record(
    Night,
    started=("started_ms", _moment()),
    ended=("ended_ms", _moment()),
    until=("until", _maybe(_text)),
    stopped=("stopped", _truth),
    demonstration=("demonstration", _many(_text)),
    taken=(
        "taken",
        _many(_record(Taken, **_WHOSE, path=("path", _text), known=("known", _truth))),
    ),
    waiting=("waiting", _many(_text)),
    refused=(
        "refused",
        _many(_record(Refused, path=("path", _text), failure=("failure", _error))),
    ),
    done=(
        "done",
        _many(
            _record(
                Done,
                **_WHOSE,
                new=("new", _truth),
                stages=("stages", _many(_text)),
                took=("took_ms", _seconds()),
                duration=("duration_ms", _maybe(_seconds())),
            )
        ),
    ),
    failed=("failed", _many(_record(Failed, **_WHOSE, failure=("failure", _error)))),
    partial=("partial", _many(_record(Failed, **_WHOSE, failure=("failure", _error)))),
    retold=(
        "retold",
        _many(
            _record(
                Retold,
                **_WHOSE,
                words=("words", _count),
                replaced=("replaced", _count),
                inserted=("inserted", _count),
                deleted=("deleted", _count),
                commonest=(
                    "commonest",
                    _many(_tuple(before=_text, after=_text, count=_count)),
                ),
            )
        ),
    ),
    to_review=("to_review", _many(_record(ToReview, **_WHOSE, count=("count", _count)))),
    leaving=(
        "leaving",
        _many(_record(Leaving, **_WHOSE, day=("day", _text), removed=("removed", _truth))),
    ),
    published=(
        "published",
        _maybe(
            _record(
                Published,
                generation=("generation", _maybe(_count)),
                flipped=("flipped", _truth),
                questions=("questions", _count),
                before=("before", _share),
                after=("after", _share),
                reason=("reason", _text),
            )
        ),
    ),
    index_sound=("index_sound", _maybe(_truth)),
    backup=("backup", _maybe(_text)),
    space=(
        "space",
        _maybe(
            _later(
                _record(
                    Space,
                    free=("free", _count),
                    catalogue=("catalogue", _count),
                    index=("index", _count),
                    media=("media", _count),
                    renditions=("renditions", _maybe(_count)),
                    backups=("backups", _count),
                ),
                renditions=None,
            )
        ),
    ),
    forecast=(
        "forecast",
        _maybe(
            _record(
                Forecast,
                recordings=("recordings", _count),
                audio=("audio_ms", _seconds()),
                expected=("expected_ms", _maybe(_seconds())),
            )
        ),
    ),
    troubles=("troubles", _many(_tuple(step=_text, failure=_error))),
)


def to_json(night: Night, language: str) -> dict[str, object]:
    """The night as JSON values, with what failed said in ``language``."""
    written = _NIGHT.write(night, Wording(language))
    assert isinstance(written, dict)
    return {"version": VERSION, "language": language, **written}


def from_json(value: object) -> tuple[Night, str]:
    """The night and the language its report is in. Raises Damaged."""
    if not isinstance(value, dict):
        raise Damaged("{}")
    rest = dict(value)
    if rest.pop("version", None) != VERSION:
        raise Damaged("version")
    language = rest.pop("language", None)
    if language not in LANGUAGES:
        raise Damaged("language")
    night = _NIGHT.read(rest, "")
    assert isinstance(night, Night)
    return night, str(language)
