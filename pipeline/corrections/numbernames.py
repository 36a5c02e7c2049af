"""How small numbers are spelt out in German and English: for misspelt names and for search."""

from __future__ import annotations


def _numbered(listed: str) -> dict[str, int]:
    """Each line's names by the line's number."""
    lines = listed.strip().splitlines()
    return {name: number for number, names in enumerate(lines) for name in names.split()}


GERMAN = _numbered(
    """
    null
    eins
    zwei zwo
    drei
    vier
    fünf fuenf
    sechs
    sieben
    acht
    neun
    zehn
    elf
    zwölf zwoelf
    dreizehn
    vierzehn
    fünfzehn fuenfzehn
    sechzehn
    siebzehn
    achtzehn
    neunzehn
    """
)

ENGLISH = _numbered(
    """
    zero
    one
    two
    three
    four
    five
    six
    seven
    eight
    nine
    ten
    eleven
    twelve
    thirteen
    fourteen
    fifteen
    sixteen
    seventeen
    eighteen
    nineteen
    """
)
