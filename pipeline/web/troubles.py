"""What went wrong, in words for those who look at pages: they have no command line."""

from __future__ import annotations

import logging
import re
from typing import NamedTuple

from pipeline.errors import InterviewsError
from pipeline.messages import catalogue, text

_COMMAND = re.compile(r"\binterviews [a-z]|(?<!\w)--[a-z]|\.(?:toml|jsonl)\b")

logger = logging.getLogger(__name__)


class Trouble(NamedTuple):
    message: str
    advice: str


def trouble(error: InterviewsError, language: str) -> Trouble:
    """The words for pages where there are some (``error.KEY.web``). What is wrong with the server
    is told to those who run it, by the log and ``interviews doctor``; members learn that it is."""
    if error.http_status >= 500:
        logger.error("pages are out of order: %s", error.key)
    return Trouble(*(_said(error, part, language) for part in Trouble._fields))


def _said(error: InterviewsError, part: str, language: str) -> str:
    own = f"error.{error.key}.web.{part}"
    if own in catalogue(language):
        return text(own, language, **error.values)
    plain = text(f"error.{error.key}.{part}", language, **error.values)
    if error.http_status >= 500 or (part == "advice" and _COMMAND.search(plain)):
        return text(f"error.web.out_of_order.{part}", language)
    return plain
