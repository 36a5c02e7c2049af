"""The words leg: passages that hold the query's terms, best first, by BM25.

All of full-text search that the rest of the program knows lies behind ``words_leg``, so that
another engine can take its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from pipeline.catalog import chunks, vocabulary
from pipeline.catalog.scope import Scope
from pipeline.search.analysis import QueryWord
from pipeline.search.fusion import best_first

BEGINNING = 5
"""Letters of a term that also count by themselves, as the beginning of other words.

A light hold on German compounds and on words that German and English share. Measured on
questions over spoken encyclopedia paragraphs and health FAQs: five letters were better than four,
six and whole stems across languages and for colloquial questions, and no worse elsewhere.
"""


def words_leg(
    db: sqlite3.Connection,
    query: Sequence[QueryWord],
    model_hash: str,
    scope: Scope,
    limit: int,
    shares: Mapping[str, float],
) -> list[tuple[int, float]]:
    """At most ``limit`` passages as (chunk id, score), larger is better, ties by id.

    ``shares`` (0 to 1) tells what part of its BM25 each synonym of the query counts for. A number
    counts once, by its most telling term that a passage holds.
    """
    match = _asked(query, shares)
    found = dict(chunks.words_leg(db, match, model_hash, scope, limit) if match else ())
    return best_first(_discounted(db, query, found, shares).items())


def words_of(
    db: sqlite3.Connection,
    query: Sequence[QueryWord],
    ids: Iterable[int],
    shares: Mapping[str, float],
) -> list[tuple[int, float]]:
    """The scores that ``words_leg`` would give these passages, those that hold anything."""
    match = _asked(query, shares)
    found = dict(vocabulary.scores(db, match, ids) if match else ())
    return best_first(_discounted(db, query, found, shares).items())


def _asked(query: Sequence[QueryWord], shares: Mapping[str, float]) -> str:
    return match_expression([term for word in query for term in word.alternatives], shares)


def _discounted(
    db: sqlite3.Connection,
    query: Sequence[QueryWord],
    found: dict[int, float],
    shares: Mapping[str, float],
) -> dict[int, float]:
    for synonym, share in shares.items():
        # BM25 is a sum over terms and phrases, so that a part of it can be taken back.
        for chunk_id, score in vocabulary.scores(db, match_expression(synonyms=[synonym]), found):
            found[chunk_id] -= (1 - share) * score
    for term, holders in _outdone(db, query, found).items():
        for chunk_id, score in vocabulary.scores(db, match_expression([term]), holders):
            found[chunk_id] -= score
    return found


def _outdone(
    db: sqlite3.Connection, query: Sequence[QueryWord], found: Iterable[int]
) -> dict[str, set[int]]:
    """For each term those passages where a more telling term of the same number stands."""
    outdone: dict[str, set[int]] = {}
    ids = list(found)
    for word in query:
        held: set[int] = set()
        counted = (*word.measures, *word.numbers)
        for term in word.alternatives if counted else ():
            if held:
                outdone.setdefault(term, set()).update(held)
            if term in counted:
                held |= {one for one, _ in vocabulary.scores(db, match_expression([term]), ids)}
    return outdone


def match_expression(terms: Iterable[str] = (), synonyms: Iterable[str] = ()) -> str:
    """Any of the terms or their beginnings, or of the synonyms (terms, or phrases of terms joined
    by blanks), in the full-text table's query syntax.

    Terms hold letters and digits only and are quoted all the same: what a user types never
    becomes syntax.
    """
    distinct = list(dict.fromkeys(terms))
    whole = [f'"{term}"' for term in dict.fromkeys((*distinct, *synonyms))]
    begun = dict.fromkeys(f'"{start}"*' for term in distinct if (start := beginning(term)))
    return " OR ".join([*whole, *begun])


def beginning(term: str) -> str | None:
    """The beginning of ``term`` that counts by itself; None for short terms and for numbers."""
    return term[:BEGINNING] if len(term) >= BEGINNING and term.isalpha() else None
