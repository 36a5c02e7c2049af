"""User-facing text, from the catalogues ``locale/de/*.toml`` and ``locale/en/*.toml``."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("de", "en")


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of a language, keyed by their dotted path."""
    texts: dict[str, str] = {}
    for source in files("pipeline").joinpath("locale", language).iterdir():
        if source.name.endswith(".toml"):
            texts.update(_flatten(tomllib.loads(source.read_text(encoding="utf-8"))))
    return texts


def _flatten(table: dict[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def text(key: str, language: str, /, **values: object) -> str:
    """The text for ``key`` in ``language``, its ``{placeholders}`` filled.

    Raises KeyError for an unknown key or a missing value: both are programming errors, and a
    test holds the two catalogues and the code against each other.
    """
    return catalogue(language)[key].format(**values)


def language_of_environment() -> str:
    """ "de" or "en" by the usual locale variables; German where they say neither."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value[:2] in LANGUAGES:
            return value[:2]
    return "de"
