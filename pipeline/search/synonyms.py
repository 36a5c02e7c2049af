"""Synonyms: a query that names a term of the glossary finds its other names as well.

Term, synonyms and wrong spellings are analysed like any text, in both languages, so that any form
of them is recognised in a query and found in a passage; several words are found as a phrase. What
was asked for itself weighs more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.glossary import Glossary
from pipeline.search.analysis import (
    MAX_QUERY_CHARACTERS,
    QueryWord,
    plain_words,
    says_nothing,
)

READINGS = ("de", "en")

MAX_NAMED, MAX_SYNONYMS = 16, 32
"""Terms of a query, and other names of each of its words, that are looked for."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A term that a query names: the words that name it and all its phrases."""

    words: tuple[str, ...]
    phrases: tuple[str, ...]


class Synonyms:
    """The glossary's names, ready to be met by queries."""

    def __init__(self, glossary: Glossary) -> None:
        self._phrases = [tuple(dict.fromkeys(_phrases(term.forms))) for term in glossary.terms]
        self._terms: dict[str, list[int]] = {}
        for number, phrases in enumerate(self._phrases):
            for phrase in phrases:
                self._terms.setdefault(phrase, []).append(number)
        self._longest = max((phrase.count(" ") + 1 for phrase in self._terms), default=0)

    def widen(self, query: str, words: Sequence[QueryWord]) -> tuple[QueryWord, ...]:
        """The query's words, those that name a term with that term's other names."""
        if not self._terms:
            return tuple(words)
        named = [one for reading in READINGS for one in self._named(query, reading)]
        return tuple(_widened(word, named[:MAX_NAMED]) for word in words)

    def _named(self, query: str, reading: str) -> Iterator[_Named]:
        """The terms that a query names, the longest name at each place, without overlap."""
        terms = [token.term for token in plain_words(query[:MAX_QUERY_CHARACTERS], reading)]
        begin = 0
        while begin < len(terms):
            end = next(
                (
                    end
                    for end in range(min(begin + self._longest, len(terms)), begin, -1)
                    if " ".join(terms[begin:end]) in self._terms
                ),
                None,
            )
            if end is None:
                begin += 1
                continue
            for number in self._terms[" ".join(terms[begin:end])]:
                yield _Named(tuple(terms[begin:end]), self._phrases[number])
            begin = end


def _widened(word: QueryWord, named: Sequence[_Named]) -> QueryWord:
    synonyms = dict.fromkeys(
        phrase
        for one in named
        if not set(word.terms).isdisjoint(one.words)
        for phrase in one.phrases
        if phrase != " ".join(one.words) and phrase not in word.terms
    )
    return replace(word, synonyms=tuple(synonyms)[:MAX_SYNONYMS])


def _phrases(forms: Sequence[str]) -> Iterator[str]:
    """Each form in each language. Left out is what consists of stop words, "IT" for one: it would
    be met in every passage."""
    for form in forms:
        if not says_nothing(form):
            for reading in READINGS:
                if found := phrase_of(form, reading):
                    yield found


def phrase_of(form: str, reading: str) -> str:
    """A form's terms joined by single blanks, as they follow one another in a passage."""
    return " ".join(token.term for token in plain_words(form, reading))


class Thesaurus:
    """The synonyms of a glossary that may change between two searches."""

    def __init__(self, glossary: Callable[[], Glossary]) -> None:
        self._read = glossary
        self._known: tuple[Glossary, Synonyms] | None = None

    def synonyms(self) -> Synonyms:
        """Of the glossary as it is now. Raises BadInput (``glossary.*``)."""
        now = self._read()
        known = self._known
        if known is None or known[0] is not now:
            known = self._known = (now, Synonyms(now))
        return known[1]
