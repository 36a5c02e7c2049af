"""Progress of long work: one living line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from pipeline.cli.app import Session
from pipeline.corrections.differences import Changes
from pipeline.errors import InterviewsError, failure_advice, failure_message
from pipeline.messages import text
from pipeline.run.observer import Observer, Silent
from pipeline.run.pace import Split
from pipeline.timecode import format_short
from pipeline.values import Failure, Recording

_BAR = 20


@contextmanager
def watching(session: Session, *, quiet: bool) -> Iterator[Observer]:
    """An observer that suits where standard error goes."""
    if quiet:
        yield Silent()
        return
    watcher = Watcher(session.language, living=sys.stderr.isatty())
    try:
        yield watcher
    finally:
        watcher.clear()


@dataclass(slots=True)
class _Pace:
    """Since when a recording is worked on."""

    began: float


class Watcher:
    """Prints windows done, speed as × real time, and time left."""

    def __init__(self, language: str, *, living: bool) -> None:
        self._language = language
        self._living = living
        self._lock = threading.Lock()
        self._paces: dict[str, _Pace] = {}
        self._shown = False

    def paced(self, split: Split) -> None:
        with self._lock:
            self._line(
                text(
                    "cli.progress.paced",
                    self._language,
                    workers=split.workers,
                    threads=split.threads,
                )
            )

    def started(self, recording: Recording, stages: tuple[str, ...], *, new: bool) -> None:  # noqa: ARG002
        with self._lock:
            self._paces[recording.id] = _Pace(time.monotonic())
            steps = ", ".join(text(f"cli.stage.{stage}", self._language) for stage in stages)
            self._line(
                text(
                    "cli.progress.started",
                    self._language,
                    title=recording.facts.title,
                    steps=steps or "–",
                )
            )

    def progressed(
        self, recording: Recording, stage: str, done_ms: int, total_ms: int | None
    ) -> None:
        with self._lock:
            words = self._words(recording, stage, done_ms, total_ms)
            if self._living:
                self._living_line(words)
            elif done_ms:
                self._line(words)

    def _words(self, recording: Recording, stage: str, done_ms: int, total_ms: int | None) -> str:
        name = text(f"cli.stage.{stage}", self._language)
        title = recording.facts.title
        if not done_ms:
            return text("cli.progress.stage", self._language, title=title, stage=name)
        elapsed = max(time.monotonic() - self._paces[recording.id].began, 1e-3)
        speed = done_ms / 1000 / elapsed
        if total_ms is None:
            return text(
                "cli.progress.window",
                self._language,
                title=title,
                stage=name,
                done=format_short(done_ms),
                speed=f"{speed:.1f}",
            )
        left = max(total_ms - done_ms, 0) / 1000 / speed
        filled = round(_BAR * min(done_ms / total_ms, 1.0)) if total_ms else _BAR
        return text(
            "cli.progress.window_of",
            self._language,
            title=title,
            stage=name,
            bar="█" * filled + "·" * (_BAR - filled),
            done=format_short(done_ms),
            total=format_short(total_ms),
            speed=f"{speed:.1f}",
            left=format_short(round(left * 1000)),
        )

    def retold(self, recording: Recording, changes: Changes) -> None:
        with self._lock:
            self._line(
                text(
                    "cli.progress.retold",
                    self._language,
                    title=recording.facts.title,
                    count=changes.replaced + changes.inserted + changes.deleted,
                    words=changes.words,
                )
            )

    def finished(self, recording: Recording) -> None:
        with self._lock:
            elapsed = time.monotonic() - self._paces[recording.id].began
            self._line(
                text(
                    "cli.progress.finished",
                    self._language,
                    title=recording.facts.title,
                    id=recording.id,
                    took=f"{elapsed:.1f}",
                )
            )

    def failed(self, recording: Recording, failure: Failure) -> None:
        with self._lock:
            self._line(
                text(
                    "cli.progress.failed",
                    self._language,
                    id=recording.id,
                    title=recording.facts.title,
                    message=failure_message(failure, self._language),
                )
            )
            self._line(f"  {failure_advice(failure, self._language)}")

    def noticed(self, what: Failure) -> None:
        with self._lock:
            self._line(failure_message(what, self._language))
            self._line(f"  {failure_advice(what, self._language)}")

    def given_up(self, recording: Recording, reason: InterviewsError) -> None:
        with self._lock:
            self._line(
                text(
                    "cli.progress.given_up",
                    self._language,
                    id=recording.id,
                    title=recording.facts.title,
                    message=reason.message(self._language),
                )
            )

    def clear(self) -> None:
        """Take the living line away."""
        if self._shown:
            click.echo("\r\x1b[2K", nl=False, err=True)
            self._shown = False

    def _line(self, words: str) -> None:
        self.clear()
        click.echo(words, err=True)

    def _living_line(self, words: str) -> None:
        width = shutil.get_terminal_size().columns
        click.echo(f"\r\x1b[2K{words[: width - 1]}", nl=False, err=True)
        self._shown = True
