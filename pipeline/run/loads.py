"""Loads: windows of any recordings that go to a worker together.

Many short recordings then fill the recogniser's batches as well as one long one does. Nobody waits
for a load to fill: while the workers are busy, windows gather by themselves.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from models.contracts import Recognition, RecognitionTask
from pipeline.values import SAMPLE_RATE

_SAMPLE_BYTES = 4


@dataclass(eq=False, slots=True)
class Waiting:
    """A window that waits to be recognised. ``alone``: a load that it was in came to nothing, so
    it goes by itself, that no other suffers for it or it for another; ``deaths`` is how often it
    took its worker down then."""

    audio: bytes
    """Mono float32 at 16 kHz, little-endian."""

    task: RecognitionTask
    answer: Future[Recognition] = field(default_factory=Future)
    alone: bool = False
    deaths: int = 0

    @property
    def ms(self) -> int:
        return len(self.audio) * 1000 // (_SAMPLE_BYTES * SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Size:
    """What a load holds at most: audio in milliseconds, and windows. More than two batches of
    short ones tell the recogniser nothing new and keep the other recordings waiting."""

    ms: int
    windows: int


def gather(waiting: Sequence[Waiting], most: Size) -> list[Waiting]:
    """The next load: the window that has waited longest, and of the others the longest that fit
    beside it, so that stretches of one length meet in a batch."""
    first, *others = waiting
    load, room_ms = [first], most.ms - first.ms
    if first.alone:
        return load
    for one in sorted(others, key=lambda one: -one.ms):
        if not one.alone and one.ms <= room_ms and len(load) < most.windows:
            load.append(one)
            room_ms -= one.ms
    return load


def is_worth_sending_ahead(waiting: Sequence[Waiting], most: Size) -> bool:
    """Whether what waits makes a load, while all workers are busy: what is sent too early cannot
    be joined by what comes next."""
    return len(waiting) >= most.windows or 2 * sum(one.ms for one in waiting) >= most.ms


def in_work(lengths_ms: Sequence[int], room_ms: int) -> int:
    """How many recordings to work on so that their audio fills the room twice: as much lies there
    as is being cut meanwhile. Each more would only cost memory, for a decoder and what a thread
    keeps."""
    mean_ms = sum(lengths_ms) / max(len(lengths_ms), 1)
    return min(len(lengths_ms), math.ceil(2 * room_ms / max(mean_ms, 1)))


class Room:
    """How much audio may be in memory at once, in milliseconds, however many recordings are being
    worked on. Whoever comes first is let in first, but who has ``begun`` before those who have not:
    each recording that is begun keeps a decoder open and sound of its own, so that as many would be
    open as there are lanes if all took turns. One is let in always."""

    def __init__(self, most_ms: int) -> None:
        self._most_ms = most_ms
        self._held_ms = 0
        self._line: deque[Hashable] = deque()
        self._begun: deque[Hashable] = deque()
        self._changed = threading.Condition()

    def enter(self, who: Hashable, ms: int, wait_s: float, *, begun: bool = False) -> bool:
        """Whether ``who`` was let in with so much audio within ``wait_s`` seconds. If not, its
        place in the line is kept until it asks again or says ``forget``."""
        with self._changed:
            line = self._begun if begun else self._line
            if who not in line:
                line.append(who)
            if not self._changed.wait_for(lambda: self._fits(who, ms), wait_s):
                return False
            line.remove(who)
            self._held_ms += ms
            self._changed.notify_all()
            return True

    def _fits(self, who: Hashable, ms: int) -> bool:
        free = not self._held_ms or self._held_ms + ms <= self._most_ms
        return (self._begun or self._line)[0] == who and free

    def leave(self, ms: int) -> None:
        """So much audio is held no more."""
        with self._changed:
            self._held_ms -= ms
            self._changed.notify_all()

    def resize(self, most_ms: int) -> None:
        """From now on so much audio may be in memory; what is there stays."""
        with self._changed:
            self._most_ms = most_ms
            self._changed.notify_all()

    def forget(self, who: Hashable) -> None:
        """``who`` does not wait any more."""
        with self._changed:
            for line in (self._line, self._begun):
                if who in line:
                    line.remove(who)
                    self._changed.notify_all()
