"""What search knows of recordings besides what is said in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import lru_cache

from pipeline.catalog import chapters
from pipeline.search.analysis import plain_words
from pipeline.search.reading import Known
from pipeline.search.synonyms import READINGS
from pipeline.values import Recording


def what_is_known(db: sqlite3.Connection, recordings: Iterable[Recording]) -> dict[str, Known]:
    """For each recording, by id, the terms of its title, collection, people and chapters."""
    every = list(recordings)
    parted = chapters.load_many(db, [one.id for one in every])
    return {
        one.id: Known(
            _terms(one.facts.title),
            _terms(one.facts.collection or ""),
            _terms(" ".join(one.facts.people)),
            tuple(
                (part.start_ms, part.end_ms, _terms(part.title)) for part in parted.get(one.id, ())
            ),
        )
        for one in every
    }


@lru_cache(maxsize=1 << 12)
def _terms(text: str) -> frozenset[str]:
    """In both languages, like the words of a query."""
    return frozenset(token.term for reading in READINGS for token in plain_words(text, reading))
