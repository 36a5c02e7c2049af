"""One recording through the stages, each result stored in one transaction under the lease."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import NamedTuple

from models.contracts import RecognitionTask
from pipeline.catalog import queue, recordings, transcripts
from pipeline.catalog.transcripts import StageResult, StoredWindow
from pipeline.corrections.differences import changes
from pipeline.fingerprint import transcript_digest
from pipeline.run import reading, renditions
from pipeline.run.bench import Bench, Stopped, extrapolated_ms
from pipeline.run.context import Context
from pipeline.run.engine import Engine, PendingWindow
from pipeline.run.keys import transcribe_key
from pipeline.run.plan import Work
from pipeline.run.safekeeping import present
from pipeline.run.texts import texts_done
from pipeline.stages import extract, probe
from pipeline.stages import transcribe as transcribe_stage
from pipeline.stages.transcribe import WindowTranscript
from pipeline.values import Failure, Recording

_POLL_S = 0.5


def process(bench: Bench, work: Work) -> None:
    """Do what ``work`` names for ``now`` and mark the recording done.

    Raises LeaseLost, Stopped, MediaError, Missing, HomeUnusable, WorkerDied.
    """
    recording = work.recording
    if work.only_renders:
        renditions.make(bench, recording)
        return
    if work.transcribe:
        _transcribe(bench, recording)
    while not texts_done(bench, work):
        continue  # somebody corrected the transcript meanwhile


def _transcribe(bench: Bench, recording: Recording) -> None:
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        queue.set_progress(db, recording.id, "transcribe", recording.progress)
    media = present(recording)
    started = time.monotonic()
    key = transcribe_key(recording, bench.context.settings, bench.context.speech[1])
    info = probe.probe(Path(media.path))
    recognised = _Recognised(bench, recording, key, info.duration_ms)
    kept_ms = recognised.kept[-1].end_ms if recognised.kept else 0
    settings = bench.context.settings
    stream = extract.windows(
        Path(media.path),
        info,
        media.track,
        window_ms=settings.window_seconds * 1000,
        limit_ms=round(settings.media_hours_limit * 3_600_000),
        first=len(recognised.kept),
    )
    recognised.drain(stream)
    duration = probe.duration_ms(info, stream.decoded_ms)
    transcript = transcribe_stage.merge(recognised.kept, duration)
    result = StageResult(key, transcript_digest(transcript))
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        before = reading.find(db, recording.id)
        transcripts.store(db, recording.id, transcript)
        recordings.set_heard(db, recording.id, transcript.duration_ms, transcript.language)
        recordings.set_warning(db, recording.id, stream.warning or _lasting(recording.warning))
        transcripts.record_result(
            db,
            recording.id,
            "transcribe",
            result,
            took_ms=extrapolated_ms(time.monotonic() - started, duration - kept_ms, duration),
            ran=recognised.ran,
        )
        reading.settle(db, recording.id)
        transcripts.drop_windows(db, recording.id)
        after = reading.read(db, recording.id)
    if before is not None and transcript_digest(before) != transcript_digest(after):
        bench.observer.retold(recording, changes(before, after))


def _lasting(warning: Failure | None) -> Failure | None:
    """What recognition cannot have mended: that nothing plays."""
    return warning if warning and warning.key.startswith("rendition.") else None


class _Sent(NamedTuple):
    """A window that was sent to be recognised, without its audio."""

    number: int
    start_ms: int
    end_ms: int
    answer: PendingWindow


class _Recognised:
    """The windows of one recording: those a former run left, then those that come in now.

    Windows are recognised ahead of their turn but stored strictly in order, so that what is kept
    is always the recording from its start.
    """

    def __init__(self, bench: Bench, recording: Recording, key: str, total_ms: int | None) -> None:
        self._bench = bench
        self._recording = recording
        self._key = key
        self._total_ms = total_ms
        self._pending: deque[_Sent] = deque()
        self.ran: dict[str, str | int | float] = {}
        with bench.catalogue.read() as db:
            stored = transcripts.windows(db, recording.id, key)
        self.kept: list[WindowTranscript] = [
            transcribe_stage.from_json(window.transcript) for window in stored
        ]

    def drain(self, stream: extract.AudioStream) -> None:
        """Recognise every window of ``stream``."""
        engine = self._bench.engine()
        try:
            with stream:
                while (sent := self._sent(engine, stream)) is not None:
                    self._pending.append(sent)
                    while self._pending and self._pending[0].answer.done(0):
                        self._store_next()
                while self._pending:
                    self._store_next()
        finally:
            engine.room.forget(self)
            for sent in self._pending:
                sent.answer.cancel()

    def _sent(self, engine: Engine, stream: extract.AudioStream) -> _Sent | None:
        """The next window on its way, as soon as there is room for it; None after the last."""
        held_ms = self._longest_ms(stream)
        begun = stream.decoded_ms > 0
        while not engine.room.enter(self, held_ms, 0 if self._pending else _POLL_S, begun=begun):
            if self._pending:
                self._store_next()
            elif self._bench.stopping():
                raise Stopped
            else:
                self._check_still_ours()
        leave = partial(engine.room.leave, held_ms)
        try:
            window = next(stream, None)
        except BaseException:
            leave()
            raise
        if window is None:
            leave()
            return None
        answer = engine.submit(window.audio, _task(self._recording, self._bench.context))
        answer.then(leave)
        return _Sent(window.number, window.start_ms, window.end_ms, answer)

    def _longest_ms(self, stream: extract.AudioStream) -> int:
        """What the next window may hold at most."""
        whole = self._bench.context.settings.window_seconds * 1000
        left = whole if self._total_ms is None else self._total_ms - stream.decoded_ms
        return max(min(whole, left), 0)

    def _store_next(self) -> None:
        sent = self._pending.popleft()
        try:
            while not sent.answer.done(_POLL_S):
                self._check_still_ours()
            recognition = sent.answer.result()
        finally:
            sent.answer.cancel()
        made = transcribe_stage.window_transcript(recognition, sent.start_ms, sent.end_ms)
        self.ran = dict(recognition.ran)
        self.kept.append(made)
        stored = StoredWindow(
            sent.number, sent.start_ms, sent.end_ms, transcribe_stage.to_json(made)
        )
        total = self._total_ms
        with queue.holding(self._bench.catalogue, self._recording.id, self._bench.owner) as db:
            transcripts.store_window(db, self._recording.id, self._key, stored)
            share = sent.end_ms / total if total else 0.0
            queue.set_progress(db, self._recording.id, "transcribe", share)
        self._bench.observer.progressed(self._recording, "transcribe", sent.end_ms, total)
        if self._bench.stopping():
            raise Stopped

    def _check_still_ours(self) -> None:
        if self._bench.dropping():
            raise Stopped
        with self._bench.catalogue.read() as db:
            queue.check_held(db, self._recording.id, self._bench.owner)


def _task(recording: Recording, context: Context) -> RecognitionTask:
    """How to listen to a window of the recording."""
    language = recording.facts.language
    return RecognitionTask(
        language=None if language == "auto" else language,
        fallback_language=context.settings.language,
        beam_size=context.settings.beam_size,
        hotwords=context.hotwords(recording.facts.collection),
    )
