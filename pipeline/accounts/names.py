"""Names of people and of organisations, as they are typed."""

from __future__ import annotations

import re
import unicodedata

from pipeline.catalog.audience import MEMBERS, STAFF
from pipeline.errors import BadInput
from pipeline.formats.characters import clean_text

LONGEST = 100
"""Characters of a name."""

_NAME = re.compile(r"\w[\w.+@-]*")


def folded(name: str) -> str:
    """The same for every way to type a name."""
    return unicodedata.normalize("NFKC", clean_text(name)).casefold()


def checked_name(name: str) -> str:
    """A sign-in name: an e-mail address or one word. Raises BadInput (``user.bad_name``)."""
    name = unicodedata.normalize("NFC", clean_text(name))
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise BadInput("user.bad_name", name=name[:40])
    return name


def checked_organisation(organisation: str | None) -> str | None:
    """An organisation as ``--visibility`` takes it; None for none. Raises BadInput
    (``user.bad_organisation``)."""
    named = clean_text(organisation or "")
    if "," in named or len(named) > LONGEST or named.casefold() in (MEMBERS, STAFF):
        raise BadInput("user.bad_organisation", organisation=named[:40])
    return named or None
