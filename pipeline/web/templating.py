"""Pages from templates: everything told is escaped, and a name nobody filled is a mistake."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from pipeline.messages import LANGUAGES
from pipeline.web.asking import asker_of, language_of
from pipeline.web.site import site_of
from pipeline.web.wording import Wording


class _OtherLanguage(NamedTuple):
    code: str
    name: str
    href: str


def page(
    request: Request, template: str, /, *, status: int = 200, **values: object
) -> HTMLResponse:
    """The page of ``template`` in the language of whoever asks."""
    site = site_of(request)
    words = Wording(language_of(request))
    given: dict[str, object] = {
        "words": words,
        "static": static,
        "other_language": _other_language(request, words),
        "signed_in": asker_of(request).signed_in,
        "open": site.open,
        "place": "",
    }
    return HTMLResponse(_environment().get_template(template).render(given | values), status)


def _other_language(request: Request, words: Wording) -> _OtherLanguage:
    code = next(one for one in LANGUAGES if one != words.language)
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in ("GET", "HEAD"):
        back = "/"
    href = f"/language?{urlencode({'to': code, 'back': back})}"
    return _OtherLanguage(code, words(f"nav.language.{code}"), href)


def load() -> None:
    """Read all templates, so that no page waits for its own."""
    for name in _environment().list_templates():
        _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipeline.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def static_files() -> dict[str, Path]:
    """Our files that browsers load, by name."""
    folder = Path(str(files("pipeline.web").joinpath("static")))
    return {path.name: path for path in folder.iterdir()}


@cache
def static(name: str) -> str:
    """Its address. It changes with the file, so that browsers may keep it."""
    content = static_files()[name].read_bytes()
    return f"/static/{hashlib.sha256(content).hexdigest()[:10]}/{name}"
