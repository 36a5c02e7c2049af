"""The words of passages that are newer than a generation, in memory: what was finished a moment ago
is found at once."""

from __future__ import annotations

from sqlite3 import Connection

from pipeline.catalog import chunks, passages
from pipeline.catalog.passages import Passage
from pipeline.catalog.scope import Scope
from pipeline.index.bm25 import Part
from pipeline.index.gathering import gathered
from pipeline.index.limits import Limits
from pipeline.index.postings import Postings

LONGEST_TAIL = 20_000
"""Passages that are looked at one by one; by then a new generation should have been built."""


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
        """Take in what is newer. Every piece costs each search a little: those that are no larger
        than what comes after them become one with it, so that they stay few and nothing is read
        often."""
        came = self._newer(db)
        size = len(came)
        while size and self._pieces and self._pieces[-1][0].count <= size:
            size += self._pieces.pop()[0].count
        if size > len(came):
            came = self._newer(db)
        if came:
            postings = gathered(came)
            self._pieces.append((postings, Limits(postings, self._model_hash, self._newest)))

    def _newer(self, db: Connection) -> list[Passage]:
        return passages.passages_after(db, self._model_hash, self._newest, LONGEST_TAIL)

    @property
    def _newest(self) -> int:
        return self._pieces[-1][0].newest if self._pieces else self._after


def is_short(db: Connection, model_hash: str, after: int) -> bool:
    """Whether what is newer than ``after`` can be looked at directly."""
    newer = chunks.count(db, model_hash) - chunks.count(db, model_hash, after)
    return newer <= LONGEST_TAIL
