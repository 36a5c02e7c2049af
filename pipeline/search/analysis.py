"""From text to terms: how a passage and a query become words that can meet.

A word is a run of letters and digits. It is brought to compatibility form (NFKC), lower-cased
with ß as ss, stemmed by its language's Snowball stemmer (which unites "ueber" and "über",
"Häuser" and "Haus") and freed of accents. What is left holds letters and digits only, so a term
can never be taken for query syntax. Numbers have a term of their own besides, the same in any
spelling (``numbers``).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import chain, repeat

import snowballstemmer

from pipeline.catalog.chunks import FullText
from pipeline.search.numbers import Number, numbers
from pipeline.search.stopwords import ENGLISH, GERMAN

VERSION = 3
"""Raised whenever the same text would yield other terms."""

MAX_TERM = 64
"""Characters of a term; what is longer is cut (no natural word of interest is)."""

SHORTEST_PART = 4
"""Letters of a word that may be part of a compound; with fewer, half of all words would be one."""

MAX_QUERY_WORDS = 64
"""Different words of a query that are looked for; the rest is left out."""

MAX_QUERY_CHARACTERS = 4_000
"""A query is read up to here: far more than anyone types, little enough to stay fast."""

_LANGUAGES = {"de": "german", "en": "english"}
_STOP_WORDS = {"de": GERMAN, "en": ENGLISH}
# A word may carry combining accents and soft hyphens inside; neither is a letter to Python's \w.
_WORD = re.compile("[^\\W_]+(?:[\u0300-\u036f\u00ad]++[^\\W_]*+)*+")
_ALPHANUMERIC = re.compile(r"[^\W_]+")
_TYPED_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_STEMMING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Token:
    """An analysed word: its term and its place ``text[begin:end]``."""

    term: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query: its terms, one for each language it was read in where they differ.

    ``synonyms`` are terms, or phrases of terms joined by single blanks, that stand for it. Where it
    is part of a number, ``numbers`` are the terms of that number in any spelling, and ``measures``
    those that tell more than it: with its unit, or as a year. ``written`` is how it was typed.
    """

    terms: tuple[str, ...]
    synonyms: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    written: str = field(default="", compare=False)

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The terms it is met by, the most telling first."""
        return tuple(dict.fromkeys((*self.measures, *self.numbers, *self.terms)))


def analyse(text: str, language: str | None) -> list[Token]:
    """The words of ``text`` in order, and after them its numbers, so that words which follow one
    another in the text do so here. A language other than "de" and "en" is taken as unknown, and
    the text's own little words decide."""
    chosen = chosen_language(text, language)
    found = dict.fromkeys(Token(n.term, n.begin, n.end) for n in numbers(text, chosen))
    return [*_tokens(text, chosen), *found]


def plain_words(text: str, language: str | None) -> list[Token]:
    """The words of ``text`` in order, as ``analyse`` gives them, without its numbers."""
    return list(_tokens(text, chosen_language(text, language)))


def only_terms(text: str, language: str | None, *, with_numbers: bool) -> list[str]:
    """The terms of ``analyse`` or, without numbers, of ``plain_words``; not knowing their places
    they are had in a quarter of the time."""
    chosen = chosen_language(text, language)
    terms = [*chain.from_iterable(map(_terms, _WORD.findall(text), repeat(chosen)))]
    if with_numbers:
        terms += [number.term for number in dict.fromkeys(numbers(text, chosen))]
    return terms


def written_with(terms: Container[str], text: str, language: str | None) -> Iterator[str]:
    """The words of ``text``, as they stand there, that any of the terms is of."""
    chosen = chosen_language(text, language)
    words = _WORD.findall(text)
    for word, own in zip(words, map(_terms, words, repeat(chosen)), strict=True):
        if any(term in terms for term in own):
            yield word


def chosen_language(text: str, language: str | None) -> str:
    """``language`` where it is one that is known, else the one that ``text`` is most likely in."""
    return language if language in _LANGUAGES else guess_language(text)


def _tokens(text: str, language: str) -> Iterator[Token]:
    for word in _WORD.finditer(text):
        for term in _terms(word[0], language):
            yield Token(term, word.start(), word.end())


def full_text(text: str, language: str | None, about: str) -> FullText:
    """What the full-text table stores of a passage. Numbers come once each: a passage shall not
    seem longer, and so less to the point, for its many numbers (measured: half a point of first
    hits in English)."""
    chosen = chosen_language(text, language)
    words = [token.term for token in _tokens(text, chosen)]
    once = dict.fromkeys(number.term for number in numbers(text, chosen))
    ends = (end for word in dict.fromkeys(words) if (end := _compound_end(word)))
    known = (token.term for token in _tokens(about, chosen))
    return FullText(" ".join([*words, *once]), " ".join(ends), " ".join(known))


def _compound_end(term: str) -> str | None:
    """A term written backwards, so that a last part of it is a beginning; None where it is too
    short to be made of two words."""
    return term[::-1] if len(term) >= 2 * SHORTEST_PART and term.isalpha() else None


def query_words(query: str, language: str | None = None) -> tuple[QueryWord, ...]:
    """The words to look for, each once, in order of first appearance.

    Without a ``language`` each is read in both, since it meets German passages as a German stem
    and English ones as an English stem. Stop words of the query's own language are left out
    unless nothing else is left; empty where the query holds no letter or digit at all.
    """
    read = query[:MAX_QUERY_CHARACTERS]
    own = guess_language(read)
    written = list(_WORD.finditer(read))
    telling = [word for word in written if not is_stop_word(word[0], own)] or written
    readings = readings_of(language)
    counted = [numbers(read, reading) for reading in readings]
    words: dict[QueryWord, None] = {}
    for word in telling:
        terms = tuple(dict.fromkeys(t for r in readings for t in _terms(word[0], r)))
        if terms:
            words[_counted(QueryWord(terms, written=word[0]), *word.span(), counted)] = None
    return tuple(words)[:MAX_QUERY_WORDS]


def without_numbers(query: str) -> str:
    """A query without the numbers that it holds in either language, and their units."""
    kept = list(query)
    for reading in _LANGUAGES:
        for number in numbers(query, reading):
            kept[number.begin : number.end] = " " * (number.end - number.begin)
    return "".join(kept)


def readings_of(language: str | None) -> tuple[str, ...]:
    """The languages that a query is read in."""
    return (language,) if language in _LANGUAGES else tuple(_LANGUAGES)


def _counted(word: QueryWord, begin: int, end: int, counted: Iterable[list[Number]]) -> QueryWord:
    """The word at this place with the numbers it is part of, in each language."""
    own: dict[str, None] = {}
    more: dict[str, None] = {}
    for found in counted:
        around = [number for number in found if number.begin <= begin and end <= number.end]
        least = min((number.end - number.begin for number in around), default=0)
        for number in around:
            (own if number.end - number.begin == least else more)[number.term] = None
    return replace(word, numbers=tuple(own), measures=tuple(t for t in more if t not in own))


def guess_language(text: str) -> str:
    """ "de" or "en", by which language's stop words are the more; German where it is a draw."""
    return told_language(text) or "de"


def told_language(text: str) -> str | None:
    """The same; None where it is a draw, as in a query that is a name."""
    words = [_folded(word[0]) for word in _WORD.finditer(text)]
    german = sum(word in _folded_stop_words("de") for word in words)
    english = sum(word in _folded_stop_words("en") for word in words)
    if english == german:
        return None
    return "en" if english > german else "de"


def says_nothing(text: str) -> bool:
    """Whether a text holds stop words only, all of one language, or no words at all."""
    words = [word[0] for word in _WORD.finditer(text)]
    return any(all(is_stop_word(word, language) for word in words) for language in _LANGUAGES)


def is_stop_word(word: str, language: str) -> bool:
    """Whether a word of ``language`` ("de" or "en") says nothing about what is asked."""
    return _folded(word) in _folded_stop_words(language)


@cache
def _folded_stop_words(language: str) -> frozenset[str]:
    folded = {_folded(word) for word in _STOP_WORDS[language]}
    return frozenset(folded | {word.translate(_TYPED_UMLAUTS) for word in folded})


@lru_cache(maxsize=1 << 17)
def _terms(word: str, language: str) -> tuple[str, ...]:
    """Nearly always one term; several where compatibility form takes a sign apart ("6½")."""
    return tuple(
        term
        for part in _ALPHANUMERIC.findall(_folded(word))
        if (term := _unaccented(stem(part[:MAX_TERM], language)))
    )


def _folded(word: str) -> str:
    whole = word.replace("\u00ad", "")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", whole).casefold())


@lru_cache(maxsize=1 << 15)
def stem(word: str, language: str) -> str:
    """The Snowball stem of a folded word of ``language`` ("de" or "en")."""
    if not word.isalpha():
        return word
    with _STEMMING:  # a stemmer keeps the word at hand on itself
        return str(_stemmer(language).stemWord(word))


@cache
def _stemmer(language: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(_LANGUAGES[language])


def _unaccented(term: str) -> str:
    plain = unicodedata.normalize("NFKD", term)
    return "".join(_ALPHANUMERIC.findall(plain))
