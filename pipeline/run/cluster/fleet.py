"""The workers of one machine: a process for each model that is to run at a time, watched.

One that ends is started again; one that is at a load for longer than anybody waits for it is ended
first, however firmly it hangs.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.run.cluster.slot import Place, Said, stay

_LOOKS_EVERY_S = 0.5
_GRACE_S = 15.0
"""Past its deadline: whoever waits for it has given it up by then."""
_BEFORE_STARTING_AGAIN_S = 2.0
_ENDS_WITHIN_S = 5.0

Tell = Callable[[str, str], None]
"""Told of ``joined``, ``away``, ``ended``, ``silent`` and the worker's name."""


@dataclass(slots=True)
class _Post:
    """One worker's process. ``until_s``: when it must be done with its load."""

    place: Place
    process: SpawnProcess
    line: Connection
    until_s: float | None = None
    said: str = ""


def cards_of(count: int, visible: str | None) -> list[str | None]:
    """Which graphics card each worker sees, where there are ``count`` of them: their numbers, or
    what CUDA_VISIBLE_DEVICES leaves of them. One worker without a card where there is none."""
    if not count:
        return [None]
    named = [one.strip() for one in (visible or "").split(",") if one.strip()]
    cards: list[str | None] = [*(named or map(str, range(count)))][:count]
    return cards


def places(model: Place, slots: int, cards: list[str | None]) -> list[Place]:
    """``slots`` workers for each card, named in a row."""
    seats = [card for card in cards for _ in range(slots)]
    if len(seats) == 1:
        return [replace(model, card=seats[0])]
    return [
        replace(model, card=card, name=f"{model.name}-{number}")
        for number, card in enumerate(seats, 1)
    ]


class Fleet:
    """Processes at their places, as long as ``attend`` runs."""

    def __init__(
        self,
        wanted: list[Place],
        tell: Tell,
        work: Callable[[Place, Connection], None] = stay,
    ) -> None:
        self._wanted = wanted
        self._tell = tell
        self._work = work
        self._posts: list[_Post] = []

    def attend(self) -> None:
        """Until interrupted, by SIGINT or SIGTERM. Only for the main thread."""
        with self._folder() as folder, _told_to_end() as told_to_end:
            try:
                for place in self._wanted:
                    self._posts.append(self._started(replace(place, folder=str(folder))))
                while not told_to_end.is_set():
                    self._look()
            finally:
                _end([post.process for post in self._posts])

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Dask wants a folder for each worker; nothing that was heard comes into it."""
        with TemporaryDirectory(prefix="interviews-worker-", ignore_cleanup_errors=True) as name:
            yield Path(name)

    def _look(self) -> None:
        ends = [one for post in self._posts for one in (post.line, post.process.sentinel)]
        wait(ends, _LOOKS_EVERY_S)
        for number, post in enumerate(self._posts):
            self._listen(post)
            if post.until_s is not None and time.monotonic() > post.until_s:
                self._tell("silent", post.place.name)
                post.process.kill()
                post.process.join()
            if not post.process.is_alive():
                self._tell("ended", post.place.name)
                post.line.close()
                time.sleep(_BEFORE_STARTING_AGAIN_S)  # what ends at once must not spin
                self._posts[number] = self._started(post.place)

    def _listen(self, post: _Post) -> None:
        try:
            while post.line.poll():
                self._heard(post, post.line.recv())
        except (EOFError, OSError):
            return  # the process has ended

    def _heard(self, post: _Post, said: Said) -> None:
        if said.what == "begun":
            post.until_s = time.monotonic() + said.deadline_s + _GRACE_S
        elif said.what == "done":
            post.until_s = None
        elif said.what != post.said:
            post.said = said.what
            self._tell(said.what, post.place.name)

    def _started(self, place: Place) -> _Post:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=self._work, args=(place, theirs), name=place.name)
        process.start()
        theirs.close()
        return _Post(place, process, ours)


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Set once we are interrupted. As an exception an interruption can be lost: Python drops what
    is raised while it tidies up."""
    told = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: told.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(processes: list[SpawnProcess]) -> None:
    """In order, so that the scheduler hears of it; those that do not hear are killed."""
    for process in processes:
        process.terminate()
    until_s = time.monotonic() + _ENDS_WITHIN_S
    for process in processes:
        process.join(max(until_s - time.monotonic(), 0))
        if process.is_alive():
            process.kill()
            process.join()
