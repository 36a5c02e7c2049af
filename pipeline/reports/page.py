"""A report as one HTML page that needs nothing else: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pipeline.reports.sections import told
from pipeline.reports.values import Night
from pipeline.reports.wording import Wording

if TYPE_CHECKING:
    from jinja2 import Template

CONTENTS_FROM = 4
"""Sections from which on the page has a list of contents and a link to skip it."""


def as_page(night: Night, language: str) -> str:
    """The page in ``language``. Everything told is escaped; the page's policy lets a browser
    apply the one style it carries and load, run and send nothing."""
    return _template().render(
        language=language,
        report=told(night, language),
        words=Wording(language),
        contents_from=CONTENTS_FROM,
        style=style(),
        style_hash=base64.b64encode(hashlib.sha256(style().encode()).digest()).decode(),
    )


@cache
def style() -> str:
    """The style sheet, which stands inside the page."""
    return _source("report.css")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_source("report.html"))


def _source(name: str) -> str:
    source = files("pipeline").joinpath("reports", "templates", name)
    return source.read_text(encoding="utf-8")
