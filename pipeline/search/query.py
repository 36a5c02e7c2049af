"""What a query says besides its words: "…" for exactly this, a leading minus for without.

Quotes count at the edge of words only (an inch sign is none), straight or typographic, and in
pairs; a minus counts directly before a word or a quotation that nothing stands before but a blank.
Before a digit it is a sign ("-5 Grad"). All else is words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pipeline.catalog.scope import Scope
from pipeline.search.analysis import MAX_QUERY_CHARACTERS, plain_words, readings_of

_PAIRS = ('""', "„“", "„”", '„"', "“”", "””", "«»", "»«")
_QUOTED = "|".join(
    f"{re.escape(pair[0])}([^{re.escape(''.join(pair))}]+){re.escape(pair[1])}" for pair in _PAIRS
)
_SYNTAX = re.compile(
    rf"(?<![^\s(])(?P<minus>[-−]?)(?:{_QUOTED})(?!\w)"
    r"|(?<!\S)[-−](?P<word>[^\W\d_]\S*)"
)

_WORDS = re.compile(r"[^\W_]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Query:
    """``asked`` is what ranks: the words, those in quotes among them, without the excluded ones.
    A passage must hold every one of ``exact`` and none of ``without``."""

    asked: str
    exact: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def verbatim(self, text: str) -> bool:
        """Whether a passage holds what is in quotes as it is written there, but for capitals and
        signs. The full-text table knows words by their stems only."""
        said = _plain(text) if self.exact else ""
        return all(_plain(one) in said for one in self.exact)

    def within(self, scope: Scope) -> Scope:
        """The scope, narrowed to passages that hold and lack what they must."""
        language = scope.language
        exact = [phrase for one in self.exact if (phrase := _phrase(one, language))]
        without = [phrase for one in self.without if (phrase := _phrase(one, language))]
        return scope.holding(" AND ".join(exact), " OR ".join(without))


def readable(query: str) -> str:
    """The query as it can be analysed, encoded and repeated: what is no character (bytes from a
    shell that are no UTF-8, halves of surrogate pairs) becomes U+FFFD, which is part of no word."""
    return _SURROGATE.sub("\ufffd", query)


def parse(query: str) -> Query:
    """Any text is a query."""
    exact: dict[str, None] = {}
    without: dict[str, None] = {}

    def plain(found: re.Match[str]) -> str:
        said = found["word"] or next(filter(None, found.groups()[1:]), "")
        if not plain_words(said, "de"):
            return found[0]
        if found["minus"] or found["word"]:
            without[said] = None
            return " "
        exact[said] = None
        return f" {said} "

    asked = _SYNTAX.sub(plain, query[:MAX_QUERY_CHARACTERS])
    if not exact and not without:
        return Query(query)
    return Query(asked.strip(), tuple(exact), tuple(without))


def _plain(text: str) -> str:
    """The words of a text alone, umlauts written out, a blank at either side of each."""
    spelt = unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
    return f" {' '.join(_WORDS.findall(spelt))} "


def _phrase(said: str, language: str | None) -> str:
    """The words one after another, in each language, in the full-text table's query syntax. Terms
    hold letters and digits only and are quoted all the same."""
    readings = (
        " ".join(token.term for token in plain_words(said, reading))
        for reading in readings_of(language)
    )
    phrases = dict.fromkeys(f'"{terms}"' for terms in readings if terms)
    return f"({' OR '.join(phrases)})" if phrases else ""
