"""Which passages of a generation a search may find, as one array of yes and no."""

from __future__ import annotations

from sqlite3 import Connection

import numpy as np
from numpy.typing import NDArray

from pipeline.catalog import chunks, passages
from pipeline.catalog.scope import Scope
from pipeline.catalog.vectors import Ids
from pipeline.index.bm25 import Mask
from pipeline.index.postings import Postings
from pipeline.index.vectors import Flags

_MOST_KEPT = 8


class Limits:
    """What is found is kept until the next commit: who may see what can change with each. It is
    asked for several times a search, and by all who see the same."""

    def __init__(self, postings: Postings, model_hash: str, after: int = 0) -> None:
        """Of a text model's chunks those with ids larger than ``after``."""
        self._postings = postings
        self._model_hash = model_hash
        self._after = after
        self._alive: tuple[int, Mask | None] = (postings.count, None)
        self._version: tuple[int, int] | None = None
        self._kept: dict[Scope, Mask | None] = {}
        self._flags: dict[Scope, Flags] = {}

    def allowed(self, db: Connection, scope: Scope) -> Mask | None:
        """bool [passages]; None where all may be found. ``db`` is always the same connection."""
        version = passages.version(db)
        if version != self._version or len(self._kept) == _MOST_KEPT:
            self._version, self._kept, self._flags = version, {}, {}
        if scope not in self._kept:
            self._kept[scope] = self._asked(db, scope)
        return self._kept[scope]

    def _asked(self, db: Connection, scope: Scope) -> Mask | None:
        alive = self._still_there(db)
        if scope.unlimited:
            return alive
        mask = self._of_recordings(db, scope)
        if scope.holds:
            mask &= self._among(passages.holding(db, scope.holds))
        if scope.lacks:
            mask &= ~self._among(passages.holding(db, scope.lacks))
        return mask if alive is None else mask & alive

    def allowed_ids(self, db: Connection, scope: Scope) -> Flags | None:
        """The same by id."""
        mask = self.allowed(db, scope)
        if mask is None:
            return None
        if scope not in self._flags:
            flags = np.zeros(self._postings.newest + 1, dtype=bool)
            flags[self._postings.ids] = mask
            self._flags[scope] = flags
        return self._flags[scope]

    def _still_there(self, db: Connection) -> Mask | None:
        """Ids are never used twice, so that as many as before are the same as before."""
        model, newest = self._model_hash, self._postings.newest
        live = chunks.count(db, model, newest) - chunks.count(db, model, self._after)
        if live != self._alive[0]:
            there = passages.ids_between(db, model, self._after, newest)
            self._alive = (live, self._among(there))
        return self._alive[1]

    def _of_recordings(self, db: Connection, scope: Scope) -> Mask:
        shown = passages.recordings_within(db, scope)
        known = self._postings.recordings
        within = np.array([one in shown for one in known], dtype=bool)
        if scope.language is None:
            return within[self._postings.recording]
        # As a hit shows it: captions name no language, their recording may.
        theirs = np.array([shown.get(one) == scope.language for one in known], dtype=bool)
        own = np.array([one == scope.language for one in self._postings.languages], dtype=bool)
        named = self._postings.language > 0
        spoken = np.where(named, own[self._postings.language], theirs[self._postings.recording])
        return within[self._postings.recording] & spoken

    def _among(self, ids: Ids) -> NDArray[np.bool_]:
        """bool [passages]: which of them are among ``ids`` (sorted)."""
        own = self._postings.ids
        mask = np.zeros(len(own), dtype=bool)
        places = np.searchsorted(own, ids)
        inside = places < len(own)
        places, ids = places[inside], ids[inside]
        mask[places[own[places] == ids]] = True
        return mask
