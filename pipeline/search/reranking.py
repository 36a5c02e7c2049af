"""The best passages read once more, each together with the query, as far as the time goes.

A cross-encoder judges better than words and vectors do, but takes a forward pass a passage. So it
reads the fused order from its top on and stops when its time is used up: what it has read is put
in its order, what it has not keeps its place. The worst a short time can do is nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.contracts import ModelError, Reranker
from pipeline.errors import InterviewsError
from pipeline.search.results import Notice

READ = 30
"""Passages that are read at most. (Measured with the bundled model: of the 132 questions in
tests/gold hybrid search answers 86 within the first 30 and three more within the first 100.)"""

TOGETHER = 8
"""Passages read in one go at most: enough to fill a graphics card with passages of ordinary length,
little enough that the clock is looked at often."""

OFF = "search.degraded.reranker"
SHORT = "search.degraded.rerank_time"
NOTICES = frozenset({OFF, SHORT})
"""What tells that not all was read that should have been."""

Clock = Callable[[], float]
"""Seconds from any beginning, never going back."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """Reads again with the cross-encoder called ``model``, for ``seconds`` at most.

    ``load`` yields it, once loaded at once, and raises InterviewsError where it is not there. The
    time runs from when it is loaded.
    """

    model: str
    load: Callable[[], Reranker]
    seconds: float
    clock: Clock = time.monotonic

    def order(self, query: str, passages: Sequence[str]) -> tuple[list[int], tuple[Notice, ...]]:
        """The places of the passages, given best first, in their new order; and what to tell
        where not all that should be was read."""
        first = passages[:READ]
        if len(first) < 2:
            return list(range(len(first))), ()
        try:
            scores = self._scores(self.load(), query, first)
        except (InterviewsError, ModelError):
            off = Notice(OFF, {"model": self.model})
            return list(range(len(passages))), (off,)
        if len(scores) < len(first):
            short = Notice(SHORT, {"read": len(scores), "count": len(first)})
            return ordered(scores, len(passages)), (short,)
        return ordered(scores, len(passages)), ()

    def _scores(self, reranker: Reranker, query: str, passages: Sequence[str]) -> list[float]:
        """The scores of the first passages, as many as the time allows. The first is read alone: it
        tells what one takes, and no more are begun than can be done at that pace."""
        begin = self.clock()
        scores: list[float] = []
        room = 1
        while room and len(scores) < len(passages):
            batch = passages[len(scores) : len(scores) + room]
            scores += map(float, reranker.scores(query, batch))
            room = _room(len(scores), self.clock() - begin, self.seconds)
        return scores


def _room(read: int, spent: float, seconds: float) -> int:
    """How many more can be read in what is left of the time, at the pace so far."""
    if spent >= seconds:
        return 0
    return int(min(TOGETHER, read * (seconds - spent) / spent)) if spent else TOGETHER


def ordered(scores: Sequence[float], count: int) -> list[int]:
    """Places 0 to ``count``: those with a score by it, of equals the earlier; then the others."""
    read = sorted(range(len(scores)), key=lambda place: -scores[place])
    return [*read, *range(len(scores), count)]
