"""Desks: a connection to the catalogue with a search of its own, for one request at a time.

SQLite connections and opened indexes are not for several threads at once, and opening them anew for
each page would cost more than most pages do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.catalog.connection import Catalogue
from pipeline.run.context import Context
from pipeline.search.search import Searcher

MOST = 4
"""Requests answered at a time. More threads than that only wait for one another."""


@dataclass(frozen=True, slots=True)
class Desk:
    catalogue: Catalogue
    searcher: Searcher


class Desks:
    """As many desks as are needed at a time, at most ``most``; whoever comes later waits."""

    def __init__(self, context: Context, most: int = MOST) -> None:
        self._context = context
        self._free: list[Desk] = []
        self._lock = threading.Lock()
        self._places = threading.Semaphore(most)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        with self._places:
            desk = self._taken() or self._furnished()
            try:
                yield desk
            finally:
                with self._lock:
                    self._free.append(desk)

    def _taken(self) -> Desk | None:
        with self._lock:
            return self._free.pop() if self._free else None

    def _furnished(self) -> Desk:
        context = self._context
        catalogue = context.catalogue()
        searcher = Searcher(
            catalogue,
            context.home.index,
            context.embedder_for,
            context.glossary_file.read,
            reranking=context.reranking,
        )
        return Desk(catalogue, searcher)

    def close(self) -> None:
        """Close all desks that are free."""
        with self._lock:
            while self._free:
                self._free.pop().catalogue.close()
