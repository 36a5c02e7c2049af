"""The words leg: which passages to read, since they hold words of the query, its compounds' parts,
or compounds of them. How well a passage answers is for ``reading`` to say.

All of full-text search that the rest of the program knows lies behind ``words_leg``, so that
another engine can take its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from pipeline.catalog import vocabulary
from pipeline.catalog.scope import Scope
from pipeline.search import compounds
from pipeline.search.analysis import SHORTEST_PART, QueryWord

BEGINNING = 5
"""Letters of a term that also count by themselves, as the beginning of other words.

A light hold on inflection and on words that German and English share. Measured on questions over
spoken encyclopedia paragraphs and health FAQs: five letters were better than four, six and whole
stems across languages and for colloquial questions, and no worse elsewhere.
"""


def words_leg(
    db: sqlite3.Connection,
    query: Sequence[QueryWord],
    model_hash: str,
    scope: Scope,
    limit: int,
) -> list[int]:
    """At most ``limit`` passages, by chunk id, those most like the query by BM25 first."""
    asked = [term for word in query for term in word.alternatives]
    split = compounds.parts(asked, partial(vocabulary.document_frequencies, db, scope=scope))
    match = expression(query, (part for pair in split.values() for part in pair))
    return [found for found, _ in vocabulary.words_leg(db, match, model_hash, scope, limit)]


def expression(query: Sequence[QueryWord], parts: Iterable[str]) -> str:
    """Any of the query's words or ``parts`` of them, in the full-text table's query syntax.

    Terms hold letters and digits only and are quoted all the same: what a user types never
    becomes syntax.
    """
    asked = list(dict.fromkeys(term for word in query for term in _looked_for(word)))
    synonyms = [name for word in query for name in word.synonyms]
    said = [f'"{term}"' for term in dict.fromkeys((*asked, *synonyms, *parts))]
    begun = dict.fromkeys(f'"{start}"*' for term in asked if (start := beginning(term)))
    ends = [f'"{term[::-1]}"*' for term in asked if _ends_words(term)]
    about = [*(f'"{term}"*' for term in asked), *(f'"{name}"' for name in synonyms)]
    fields = {"words": [*said, *begun], "ends": ends, "about": about}
    return _anywhere(fields)


def is_known(db: sqlite3.Connection, word: QueryWord, model_hash: str, scope: Scope) -> bool:
    """Whether a word brings passages of its own that may be seen: by itself, as the beginning or
    the end of longer ones, or as a compound of words that were said."""
    begun = [f'"{term}"*' for term in word.alternatives]
    ends = [f'"{term[::-1]}"*' for term in word.alternatives if _ends_words(term)]
    fields = {"{words about}": begun, "ends": ends}
    frequencies = partial(vocabulary.document_frequencies, db, scope=scope)
    return bool(
        vocabulary.occurs(db, _anywhere(fields), model_hash, scope)
        or compounds.parts(word.alternatives, frequencies)
    )


def _anywhere(fields: Mapping[str, Sequence[str]]) -> str:
    """Any of its terms in any of the fields."""
    return " OR ".join(f"{field} : ({_any(terms)})" for field, terms in fields.items() if terms)


def _looked_for(word: QueryWord) -> tuple[str, ...]:
    """A number by its value alone, however it is spelt: that stands beside every spelling of it."""
    return (*word.measures, *word.numbers) or word.terms


def _any(terms: Iterable[str]) -> str:
    return " OR ".join(terms)


def beginning(term: str) -> str | None:
    """The beginning of ``term`` that counts by itself; None for short terms and for numbers."""
    return term[:BEGINNING] if len(term) >= BEGINNING and term.isalpha() else None


def _ends_words(term: str) -> bool:
    """Whether ``term`` may be the last part of a compound."""
    return len(term) >= SHORTEST_PART and term.isalpha()
