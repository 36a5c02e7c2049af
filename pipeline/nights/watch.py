"""An observer that notes what the morning report tells, and tells another observer, too."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from pipeline.corrections.differences import Changes
from pipeline.errors import InterviewsError
from pipeline.reports.values import Done, Failed, Retold
from pipeline.run.observer import Observer
from pipeline.run.pace import Split
from pipeline.values import Failure, Recording


@dataclass(frozen=True, slots=True)
class _Begun:
    at: float
    stages: tuple[str, ...]
    new: bool


class Watch:
    """What was done, failed and reads otherwise, in the order it happened."""

    def __init__(self, other: Observer) -> None:
        self.done: list[Done] = []
        self.failures: list[Failed] = []
        self.changed: list[Retold] = []
        self._other = other
        self._begun: dict[str, _Begun] = {}
        self._lock = threading.Lock()

    def paced(self, split: Split) -> None:
        self._other.paced(split)

    def started(self, recording: Recording, stages: tuple[str, ...], *, new: bool) -> None:
        with self._lock:
            self._begun[recording.id] = _Begun(time.monotonic(), stages, new)
        self._other.started(recording, stages, new=new)

    def progressed(
        self, recording: Recording, stage: str, done_ms: int, total_ms: int | None
    ) -> None:
        self._other.progressed(recording, stage, done_ms, total_ms)

    def retold(self, recording: Recording, changes: Changes) -> None:
        with self._lock:
            self.changed.append(
                Retold(
                    recording.id,
                    recording.facts.title,
                    changes.words,
                    changes.replaced,
                    changes.inserted,
                    changes.deleted,
                    changes.commonest,
                )
            )
        self._other.retold(recording, changes)

    def finished(self, recording: Recording) -> None:
        with self._lock:
            begun = self._begun[recording.id]
            now = Done(
                recording.id,
                recording.facts.title,
                begun.new,
                begun.stages,
                round((time.monotonic() - begun.at) * 1000),
                recording.duration_ms,
            )
            self._add(now)
        self._other.finished(recording)

    def _add(self, now: Done) -> None:
        """What is prepared for playing the same night is no second recording; how long its text
        took tells the pace."""
        for at, one in enumerate(self.done):
            if one.recording_id == now.recording_id and "rendition" in now.stages:
                self.done[at] = replace(one, stages=(*one.stages, *now.stages))
                return
        self.done.append(now)

    def failed(self, recording: Recording, failure: Failure) -> None:
        with self._lock:
            self.failures.append(Failed(recording.id, recording.facts.title, failure))
        self._other.failed(recording, failure)

    def noticed(self, what: Failure) -> None:
        self._other.noticed(what)

    def given_up(self, recording: Recording, reason: InterviewsError) -> None:
        self._other.given_up(recording, reason)
