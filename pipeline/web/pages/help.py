"""The handbook's pages for members, inside the site."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import NotFound
from pipeline.web.asking import language_of
from pipeline.web.templating import page

PAGES = ("members",)
"""Those of the handbook that are for everybody, the first one first."""


class _Page(NamedTuple):
    name: str
    heading: str
    body: Markup


def help_page(request: Request) -> Response:
    """``GET /help`` and ``GET /help/PAGE``"""
    name = request.path_params.get("page", PAGES[0])
    if name not in PAGES:
        raise NotFound("web.no_page")
    language = language_of(request)
    shown = _read(language, name)
    return page(
        request,
        "help.html",
        pages=[_read(language, one) for one in PAGES],
        name=name,
        heading=shown.heading,
        body=shown.body,
    )


@cache
def _read(language: str, name: str) -> _Page:
    source = files("pipeline").joinpath("handbook", language, f"{name}.md")
    written = source.read_text(encoding="utf-8")
    heading = written.partition("\n")[0].removeprefix("# ")
    # The text is the handbook's own; HTML inside it would be shown, not obeyed.
    made = MarkdownIt("commonmark", {"html": False}).enable("table").render(written)
    return _Page(name, heading, Markup(made))  # noqa: S704
