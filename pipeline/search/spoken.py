"""The words of all passages that a search may see: what holds them, how often, and what there is.

In small collections SQLite's full-text table answers; in large ones the postings of the generation
that is searched, and of the passages that are newer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol, TypeVar

from pipeline.catalog import vocabulary
from pipeline.catalog.scope import Scope
from pipeline.catalog.vectors import count_live
from pipeline.index import bm25
from pipeline.index.bm25 import Part, Phrase
from pipeline.index.postings import DAMAGED

_Answer = TypeVar("_Answer")


class Spoken(Protocol):
    """What is said in the passages of one text model, for one search."""

    def best(self, phrases: Sequence[Phrase], limit: int) -> list[int]:
        """At most ``limit`` chunk ids, those most like the phrases by BM25 first."""
        ...

    def occurs(self, phrases: Sequence[Phrase]) -> bool:
        """Whether any of the phrases is in any passage that may be found."""
        ...

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many passages each term occurs, of those that whoever asks may see: what nobody
        may find must not be counted either, since a count of none tells that it is said nowhere."""
        ...

    def count(self) -> int:
        """How many passages there are of those that whoever asks may see."""
        ...

    def terms_like(self, term: str, most: int) -> Iterator[str]:
        """Terms that begin with the same letter and may be ``term`` with so many slips at most,
        each once; others are among them, and some may be in no passage that may be seen."""
        ...


class InTable:
    """By the full-text table."""

    def __init__(self, db: sqlite3.Connection, model_hash: str, scope: Scope) -> None:
        self._db = db
        self._model_hash = model_hash
        self._scope = scope

    def best(self, phrases: Sequence[Phrase], limit: int) -> list[int]:
        match = expression(phrases)
        rows = vocabulary.words_leg(self._db, match, self._model_hash, self._scope, limit)
        return [found for found, _ in rows]

    def occurs(self, phrases: Sequence[Phrase]) -> bool:
        return vocabulary.occurs(self._db, expression(phrases), self._model_hash, self._scope)

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        return vocabulary.document_frequencies(self._db, terms, self._scope)

    def count(self) -> int:
        return count_live(self._db, self._model_hash, self._scope.seen)

    def terms_like(self, term: str, most: int) -> Iterator[str]:
        every = vocabulary.terms(self._db, term[0])
        return (other for other in every if abs(len(other) - len(term)) <= most)


class InPostings:
    """By postings: ``parts`` for what may be found, ``seen`` for what whoever asks may see."""

    def __init__(self, parts: Sequence[Part], seen: Sequence[Part]) -> None:
        self._parts = parts
        self._seen = seen

    def best(self, phrases: Sequence[Phrase], limit: int) -> list[int]:
        return [found for found, _ in bm25.best(self._parts, phrases, limit)]

    def occurs(self, phrases: Sequence[Phrase]) -> bool:
        return any(bm25.occurs(part, phrase) for phrase in phrases for part in self._parts)

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        return {
            term: sum(bm25.frequency(part, Phrase("words", term)) for part in self._seen)
            for term in dict.fromkeys(terms)
        }

    def count(self) -> int:
        return sum(part.size for part in self._seen)

    def terms_like(self, term: str, most: int) -> Iterator[str]:
        fields = [part.postings.fields[name] for part in self._seen for name in ("words", "about")]
        every = (field.like(term, most) for field in fields)
        return iter(dict.fromkeys(chain.from_iterable(every)))


class InEither:
    """By postings as long as these are sound, then by the full-text table, which knows as much."""

    def __init__(self, postings: Spoken, table: Spoken, on_damage: Callable[[], None]) -> None:
        self._asked = postings
        self._table = table
        self._on_damage = on_damage

    def best(self, phrases: Sequence[Phrase], limit: int) -> list[int]:
        return self._answer(lambda spoken: spoken.best(phrases, limit))

    def occurs(self, phrases: Sequence[Phrase]) -> bool:
        return self._answer(lambda spoken: spoken.occurs(phrases))

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        return self._answer(lambda spoken: spoken.frequencies(terms))

    def count(self) -> int:
        return self._answer(lambda spoken: spoken.count())

    def terms_like(self, term: str, most: int) -> Iterator[str]:
        return iter(self._answer(lambda spoken: [*spoken.terms_like(term, most)]))

    def _answer(self, ask: Callable[[Spoken], _Answer]) -> _Answer:
        try:
            return ask(self._asked)
        except DAMAGED:
            if self._asked is self._table:
                raise
        self._asked = self._table
        self._on_damage()
        return ask(self._asked)


def expression(phrases: Iterable[Phrase]) -> str:
    """Any of the phrases, in the full-text table's query syntax.

    Terms hold letters and digits only and are quoted all the same: what a user types never becomes
    syntax.
    """
    fields: dict[str, list[str]] = {}
    for phrase in dict.fromkeys(phrases):
        said = f'"{phrase.text}"' + ("*" if phrase.begins else "")
        fields.setdefault(phrase.field, []).append(said)
    return " OR ".join(f"{field} : ({' OR '.join(said)})" for field, said in fields.items())
