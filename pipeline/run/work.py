"""One recording through the stages, each result stored in one transaction under the lease."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.contracts import Embedder, RecognitionTask
from pipeline.catalog import chapters, chunks, generations, queue, recordings, transcripts
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.transcripts import StageResult, StoredWindow
from pipeline.corrections.differences import changes
from pipeline.errors import MediaError
from pipeline.fingerprint import file_sha256, recording_id, text_digest, transcript_digest
from pipeline.run import reading
from pipeline.run.context import Context
from pipeline.run.engine import Engine, PendingWindow
from pipeline.run.observer import Observer
from pipeline.run.plan import Work, chapter_key, chunk_key, plan, transcribe_key
from pipeline.search.analysis import analysed_words, chosen_language
from pipeline.search.telling import telling_words
from pipeline.stages import extract, probe
from pipeline.stages import transcribe as transcribe_stage
from pipeline.stages.chapters import ChapterParameters
from pipeline.stages.chapters import chapters as parted
from pipeline.stages.chunk import ChunkParameters, chunk
from pipeline.stages.embed import check_limits, embed, encoded_string
from pipeline.stages.transcribe import WindowTranscript
from pipeline.values import Chunk, Media, ModelRef, Recording, Transcript, Window

_POLL_S = 0.5


class Stopped(Exception):
    """The run was asked to stop."""


@dataclass(frozen=True)
class Bench:
    """What one lane works with. ``stopping`` is asked between windows, ``dropping`` all the time:
    whether what is under way is to be left, too."""

    context: Context
    catalogue: Catalogue
    engine: Callable[[], Engine]
    owner: str
    observer: Observer
    stopping: Callable[[], bool]
    dropping: Callable[[], bool]


def process(bench: Bench, work: Work) -> None:
    """Do all that ``work`` names and mark the recording done.

    Raises LeaseLost, Stopped, MediaError, Missing, HomeUnusable, WorkerDied.
    """
    recording = work.recording
    if work.transcribe:
        _transcribe(bench, recording)
    while not _texts_done(bench, work):
        continue  # somebody corrected the transcript meanwhile


def _texts_done(bench: Bench, work: Work) -> bool:
    """Chunk, embed and part into chapters what is read now. False where it was changed before
    all was stored."""
    recording = work.recording
    with bench.catalogue.read() as db:
        transcript = reading.read(db, recording.id)
        noted = transcripts.read_digest(db, recording.id)
        # The text may be another than the one that was planned for.
        due = plan(bench.context, db, (recording.id,), texts_only=True)
    digest = transcript_digest(transcript)
    if noted != digest:
        with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
            reading.restate(db, recording.id)
        return False
    for one in due:
        for model in one.text_models:
            if not _chunk_and_embed(bench, recording, transcript, model):
                return False
        if one.chapters and not _part(bench, recording, transcript):
            return False
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        if transcripts.read_digest(db, recording.id) != digest:
            return False
        if work.keeps_state:
            queue.give_back(db, recording.id)
        else:
            queue.finish(db, recording.id)
    return True


def _transcribe(bench: Bench, recording: Recording) -> None:
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        queue.set_progress(db, recording.id, "transcribe", recording.progress)
    media = _present_media(recording)
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
        recordings.set_warning(db, recording.id, stream.warning)
        transcripts.record_result(
            db,
            recording.id,
            "transcribe",
            result,
            took_ms=_for_all(time.monotonic() - started, duration - kept_ms, duration),
            ran=recognised.ran,
        )
        reading.settle(db, recording.id)
        transcripts.drop_windows(db, recording.id)
        after = reading.read(db, recording.id)
    if before is not None and transcript_digest(before) != transcript_digest(after):
        bench.observer.retold(recording, changes(before, after))


def _for_all(took_s: float, part: int, whole: int) -> int:
    """Milliseconds that the whole would have taken, by the part that was not kept from before; 0,
    which says nothing, where all was."""
    return round(took_s * 1000 * whole / part) if part > 0 else 0


def _present_media(recording: Recording) -> Media:
    """The media file, as it was when it was added. Raises MediaError otherwise: old times must
    not be laid over other sound."""
    media = recording.media
    if media is None:
        raise MediaError("media.none", title=recording.facts.title)
    try:
        found = Path(media.path).stat()
    except OSError as error:
        raise MediaError("media.gone", path=media.path) from error
    same = found.st_size == media.size
    if same and found.st_mtime_ns != media.mtime_ns:
        same = recording_id(file_sha256(Path(media.path))) == recording.id
    if not same:
        raise MediaError("media.altered", path=media.path)
    return media


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
        self._pending: deque[tuple[Window, PendingWindow]] = deque()
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
                for window in stream:
                    task = _task(self._recording, self._bench.context)
                    self._pending.append((window, engine.submit(window.audio, task)))
                    if len(self._pending) >= engine.ahead:
                        self._store_next()
                while self._pending:
                    self._store_next()
        finally:
            for _, pending in self._pending:
                pending.cancel()

    def _store_next(self) -> None:
        window, pending = self._pending.popleft()
        try:
            while not pending.done(_POLL_S):
                self._check_still_ours()
            recognition = pending.result()
        finally:
            pending.cancel()
        made = transcribe_stage.window_transcript(recognition, window.start_ms, window.end_ms)
        self.ran = dict(recognition.ran)
        self.kept.append(made)
        stored = StoredWindow(
            window.number, window.start_ms, window.end_ms, transcribe_stage.to_json(made)
        )
        total = self._total_ms
        with queue.holding(self._bench.catalogue, self._recording.id, self._bench.owner) as db:
            transcripts.store_window(db, self._recording.id, self._key, stored)
            share = window.end_ms / total if total else 0.0
            queue.set_progress(db, self._recording.id, "transcribe", share)
        self._bench.observer.progressed(self._recording, "transcribe", window.end_ms, total)
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


def _chunk_and_embed(
    bench: Bench, recording: Recording, transcript: Transcript, model: ModelRef
) -> bool:
    """Store the chunks of ``transcript``. False, and nothing stored, where it is read otherwise
    by now: what was withheld in between must not come back for an instant."""
    settings = bench.context.settings
    embedder = bench.context.embedder_for(model)
    started = time.monotonic()
    check_limits(settings.chunk_size, embedder.max_tokens, model.name)
    digest = transcript_digest(transcript)
    key = chunk_key(digest, settings, model)
    _report(bench, recording, "chunk", 0.0)
    parameters = ChunkParameters(settings.chunk_size, settings.chunk_overlap)
    made = chunk(transcript, parameters, embedder.count_tokens)
    _report(bench, recording, "embed", 0.5)
    encoded = tuple(text_digest(encoded_string(one)) for one in made)
    anew = _asked_again(bench, recording, model)
    vectors, embedded = _vectors(bench, made, encoded, model, embedder, anew)
    chunk_set = chunks.ChunkSet(
        recording_id=recording.id,
        model_hash=model.hash,
        fingerprint=key,
        chunks=tuple(made),
        encoded=encoded,
        words=tuple(analysed_words(one.text, one.language) for one in made),
        vectors=vectors,
    )
    result = StageResult(key, "")
    took_ms = _for_all(time.monotonic() - started, embedded, len(made))
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        if transcripts.read_digest(db, recording.id) != digest:
            return False
        if anew:
            chunks.drop_sets(db, recording.id, model.hash)
        chunks.store(db, chunk_set)
        transcripts.record_result(db, recording.id, "embed", result, took_ms=took_ms)
        if generations.text_model(db) is None:
            generations.set_text_model(db, model)
    return True


def _part(bench: Bench, recording: Recording, transcript: Transcript) -> bool:
    """Store the chapters of ``transcript``, whose chunks are there by now. False as for those, and
    where other people are named by now."""
    model = bench.context.text[1]
    started = time.monotonic()
    with bench.catalogue.read() as db:
        passages = chunks.meanings(db, recording.id, model.hash)
        people = recordings.get(db, recording.id).facts.people
    spoken = _in_its_language(transcript)
    made = parted(spoken, passages, people, telling_words, ChapterParameters())
    digest = transcript_digest(transcript)
    result = StageResult(chapter_key(digest, bench.context.settings, model), digest)
    took_ms = round((time.monotonic() - started) * 1000)
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        if transcripts.read_digest(db, recording.id) != digest:
            return False
        if recordings.get(db, recording.id).facts.people != people:
            return False
        chapters.store(db, recording.id, made, result, took_ms=took_ms)
    return True


def _in_its_language(transcript: Transcript) -> Transcript:
    """``transcript`` with a language for each segment: captions name none, and a sentence alone
    does not always tell."""
    language = chosen_language(" ".join(s.text for s in transcript.segments), transcript.language)
    segments = (replace(one, language=one.language or language) for one in transcript.segments)
    return replace(transcript, segments=tuple(segments))


def _asked_again(bench: Bench, recording: Recording, model: ModelRef) -> bool:
    """Whether a person asked for the recording's vectors to be made anew."""
    with bench.catalogue.read() as db:
        asked = chunks.set_fingerprints(db, model.hash, (recording.id,)).get(recording.id)
    return asked == f"{transcripts.AGAIN}embed"


def _vectors(
    bench: Bench,
    made: Sequence[Chunk],
    encoded: Sequence[str],
    model: ModelRef,
    embedder: Embedder,
    anew: bool,
) -> tuple[chunks.Half, int]:
    """float16 [n, dimension], a row a chunk; what this model has embedded before is reused. And
    how many were embedded now."""
    with bench.catalogue.read() as db:
        known = {} if anew else chunks.known_vectors(db, model.hash, encoded)
    fresh = embed(made, embedder, frozenset(known))
    known.update(fresh)
    rows = [known[digest] for digest in encoded]
    empty = np.zeros((0, embedder.dimension), dtype=np.float16)
    return np.stack(rows) if rows else empty, len(fresh)


def _report(bench: Bench, recording: Recording, stage: str, progress: float) -> None:
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        queue.set_progress(db, recording.id, stage, progress)
    bench.observer.progressed(recording, stage, 0, None)
