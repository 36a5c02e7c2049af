"""Everything that can go wrong, as one small tree.

An error carries a key of the message catalogue and the values for it, so that it can be said in
German and in English, now or when a stored failure is shown later. Each class knows its exit code
(command line) and its HTTP status (web).

    InterviewsError             1
    ├── BadInput                2   the caller's input cannot be used
    │   └── MediaError          2   a media file cannot be used (permanent: retrying is useless)
    ├── NotFound                3
    ├── Refused                 1   whoever asks may not, or could not say who they are
    │   └── TooOften            1   not yet: too many attempts of late
    ├── Missing                 4   a needed model, tool or service is not there
    └── HomeUnusable            5   the data directory is locked, corrupt, full or read-only
"""

from __future__ import annotations

from pipeline.messages import text
from pipeline.values import Failure


class InterviewsError(Exception):
    """Base of all expected errors.

    ``key`` names the message in the catalogue (``error.<key>`` and ``error.<key>.advice``),
    ``values`` fill its placeholders.
    """

    exit_code = 1
    http_status = 500
    permanent = False

    def __init__(self, key: str, /, **values: str | int | float) -> None:
        super().__init__(key)
        self.key = key
        self.values: dict[str, str | int | float] = values

    @property
    def kind(self) -> str:
        """A stable word for programs: the last part of the key."""
        return self.key.rsplit(".", 1)[-1]

    def message(self, language: str) -> str:
        """What happened and where, as one sentence in ``language`` ("de" or "en")."""
        return failure_message(self.failure(), language)

    def advice(self, language: str) -> str:
        """What to do about it, as one sentence in ``language``."""
        return failure_advice(self.failure(), language)

    def failure(self) -> Failure:
        return Failure(self.kind, self.key, dict(self.values), self.permanent)

    def __str__(self) -> str:
        return self.message("en")

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes hand errors back by pickle; keyword values need help to survive it.
        return (_rebuild, (type(self), self.key, self.values))


def _rebuild(
    kind: type[InterviewsError], key: str, values: dict[str, str | int | float]
) -> InterviewsError:
    return kind(key, **values)


class BadInput(InterviewsError):
    """The caller's input cannot be used: wrong option value, unreadable file, malformed text."""

    exit_code = 2
    http_status = 422
    permanent = True


class MediaError(BadInput):
    """A media file cannot be used. Trying again is useless until the file changes."""


class NotFound(InterviewsError):
    """No such recording, segment, generation or model."""

    exit_code = 3
    http_status = 404
    permanent = True


class Refused(InterviewsError):
    """Whoever asks may not do this, or could not say who they are."""

    http_status = 403


class TooOften(Refused):
    """Not yet: there were too many attempts of late."""

    http_status = 429


class Missing(InterviewsError):
    """A needed model, tool or service is not there."""

    exit_code = 4
    http_status = 503


class HomeUnusable(InterviewsError):
    """The data directory cannot be used: locked, corrupt, full, read-only or too new."""

    exit_code = 5
    http_status = 503


def failure_message(failure: Failure, language: str) -> str:
    """The sentence of a stored failure in ``language``."""
    return text(f"error.{failure.key}.message", language, **failure.values)


def failure_advice(failure: Failure, language: str) -> str:
    """What to do about a stored failure, in ``language``."""
    return text(f"error.{failure.key}.advice", language, **failure.values)
