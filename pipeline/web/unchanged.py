"""Whether a browser has what it asks for already (RFC 9110, 13)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers
from starlette.responses import Response

_TAG = re.compile('"[\x21\x23-\x7e\x80-\xff]*"')
"""Without what tells weak ones from strong ones: here they are compared as weak ones (8.8.3.2)."""

_TOLD = ("cache-control", "etag", "last-modified", "vary")
"""Headers of the whole answer that one without a body repeats (15.4.5)."""


def is_unchanged(asked: Headers, answer: Headers) -> bool:
    """Whether the answer is what whoever asks names as their own. The tag says so where one is
    named, else the date; what is neither tag nor date is as if it were not there."""
    tags = asked.getlist("if-none-match")
    if tags:
        return _is_among(answer.get("etag", ""), ", ".join(tags))
    since, changed = _moment(asked.get("if-modified-since")), _moment(answer.get("last-modified"))
    return since is not None and changed is not None and changed <= since


def unchanged(answer: Headers) -> Response:
    """What is said instead of that answer."""
    return Response(status_code=304, headers={n: answer[n] for n in _TOLD if n in answer})


def _is_among(tag: str, named: str) -> bool:
    return named.strip() == "*" or tag.removeprefix("W/") in _TAG.findall(named)


def _moment(written: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(written or "")
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
