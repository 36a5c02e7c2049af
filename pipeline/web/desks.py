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

MOST = 2
"""Requests answered at a time. More threads than that only wait for one another."""


@dataclass(frozen=True, slots=True)
class Desk:
    catalogue: Catalogue
    searcher: Searcher
    place: tuple[int, int] | None


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
        """A free desk over the catalogue that there is now: a restore puts another in its place."""
        while True:
            with self._lock:
                if not self._free:
                    return None
                desk = self._free.pop()
            if desk.place == self._place():
                return desk
            desk.catalogue.close()

    def _place(self) -> tuple[int, int] | None:
        """Which file the catalogue is."""
        try:
            found = self._context.home.catalogue.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _furnished(self) -> Desk:
        context = self._context
        place = self._place()
        catalogue = context.catalogue()
        searcher = Searcher(
            catalogue,
            context.home.index,
            context.embedder_for,
            context.glossary_file.read,
            reranking=context.reranking,
        )
        return Desk(catalogue, searcher, place)

    def close(self) -> None:
        """Close all desks that are free."""
        with self._lock:
            while self._free:
                self._free.pop().catalogue.close()
