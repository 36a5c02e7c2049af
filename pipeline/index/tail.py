"""The words of passages that are newer than a generation, in memory: what was finished a moment ago
is found at once."""

from __future__ import annotations

from sqlite3 import Connection

from pipeline.catalog import chunks, passages
from pipeline.catalog.scope import Scope
from pipeline.index.bm25 import Part
from pipeline.index.gathering import gathered
from pipeline.index.limits import Limits
from pipeline.index.postings import Postings

LONGEST_TAIL = 20_000
"""Passages that are looked at one by one; by then a new generation should have been built."""

_MOST_PIECES = 8
"""Each piece costs every search a little: more than these are made one."""


class Tail:
    """Grows by what comes; a piece is never changed."""

    def __init__(self, model_hash: str, after: int) -> None:
        self._model_hash = model_hash
        self._after = after
        self._pieces: list[tuple[Postings, Limits]] = []

    def parts(self, db: Connection, scope: Scope) -> list[Part]:
        """What is there now, for a search in ``scope``."""
        self._grow(db)
        return [Part(postings, limits.allowed(db, scope)) for postings, limits in self._pieces]

    def _grow(self, db: Connection) -> None:
        newest = self._pieces[-1][0].newest if self._pieces else self._after
        if not passages.passages_after(db, self._model_hash, newest, 1):
            return
        if len(self._pieces) == _MOST_PIECES:
            self._pieces, newest = [], self._after
        page = passages.passages_after(db, self._model_hash, newest, LONGEST_TAIL)
        postings = gathered(page)
        self._pieces.append((postings, Limits(postings, self._model_hash, newest)))


def is_short(db: Connection, model_hash: str, after: int) -> bool:
    """Whether what is newer than ``after`` can be looked at directly."""
    newer = chunks.count(db, model_hash) - chunks.count(db, model_hash, after)
    return newer <= LONGEST_TAIL
