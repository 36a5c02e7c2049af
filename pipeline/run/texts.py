"""What is made of a transcript as it is read: chunks with their vectors, and chapters."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from sqlite3 import Connection

import numpy as np

from models.contracts import Embedder
from pipeline.catalog import chapters, chunks, generations, queue, recordings, transcripts
from pipeline.catalog import vectors as stored_vectors
from pipeline.catalog.standing import about
from pipeline.catalog.transcripts import StageResult
from pipeline.fingerprint import text_digest, transcript_digest
from pipeline.run import reading
from pipeline.run.bench import Bench, extrapolated_ms
from pipeline.run.keys import chapter_key, chunk_key
from pipeline.run.plan import Work, plan
from pipeline.search.analysis import chosen_language, full_text
from pipeline.search.telling import telling_words
from pipeline.stages.chapters import ChapterParameters
from pipeline.stages.chapters import chapters as parted
from pipeline.stages.chunk import ChunkParameters, chunk
from pipeline.stages.embed import check_limits, embed, encoded_string, fitting_context
from pipeline.values import ModelRef, Recording, Transcript


def texts_done(bench: Bench, work: Work) -> bool:
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
            if not _chunk_and_embed(bench, one.recording, transcript, model):
                return False
        if one.chapters and not _part(bench, one.recording, transcript):
            return False
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        if transcripts.read_digest(db, recording.id) != digest:
            return False
        if work.keeps_state:
            queue.give_back(db, recording.id)
        else:
            queue.finish(db, recording.id)
    return True


def _chunk_and_embed(
    bench: Bench, recording: Recording, transcript: Transcript, model: ModelRef
) -> bool:
    """Store the chunks of ``transcript``. False, and nothing stored, where it is read otherwise
    by now, or its recording called otherwise: what was withheld in between must not come back for
    an instant."""
    settings = bench.context.settings
    embedder = bench.context.embedder_for(model, many=True)
    started = time.monotonic()
    check_limits(settings.chunk_size, embedder.max_tokens, model.name)
    digest = transcript_digest(transcript)
    facts = recording.facts
    key = chunk_key(digest, facts, settings, model)
    _report(bench, recording, "chunk", 0.0)
    parameters = ChunkParameters(settings.chunk_size, settings.chunk_overlap)
    made = chunk(transcript, parameters, embedder.count_tokens)
    _report(bench, recording, "embed", 0.5)
    room = embedder.max_tokens - settings.chunk_size
    context = fitting_context(facts.title, embedder.count_tokens, room)
    strings = [encoded_string(one, context) for one in made]
    encoded = tuple(map(text_digest, strings))
    anew = _asked_again(bench, recording, model)
    vectors, embedded = _vectors(bench, strings, encoded, model, embedder, anew)
    chunk_set = chunks.ChunkSet(
        recording_id=recording.id,
        model_hash=model.hash,
        fingerprint=key,
        chunks=tuple(made),
        encoded=encoded,
        words=tuple(full_text(one.text, one.language, about(facts)) for one in made),
        vectors=vectors,
    )
    result = StageResult(key, "")
    took_ms = extrapolated_ms(time.monotonic() - started, embedded, len(made))
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        if not _still(db, recording, digest):
            return False
        if anew:
            chunks.drop_sets(db, recording.id, model.hash)
        chunks.store(db, chunk_set)
        transcripts.record_result(db, recording.id, "embed", result, took_ms=took_ms)
        if generations.text_model(db) is None:
            generations.set_text_model(db, model)
    return True


def _part(bench: Bench, recording: Recording, transcript: Transcript) -> bool:
    """Store the chapters of ``transcript``, whose chunks are there by now. False as for those."""
    model = bench.context.text[1]
    started = time.monotonic()
    with bench.catalogue.read() as db:
        passages = chunks.meanings(db, recording.id, model.hash)
    facts = recording.facts
    spoken = _in_its_language(transcript)
    made = parted(spoken, passages, facts.people, telling_words, ChapterParameters())
    digest = transcript_digest(transcript)
    result = StageResult(chapter_key(digest, facts, bench.context.settings, model), digest)
    took_ms = round((time.monotonic() - started) * 1000)
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        if not _still(db, recording, digest):
            return False
        chapters.store(db, recording.id, made, result, took_ms=took_ms)
    return True


def _still(db: Connection, recording: Recording, digest: str) -> bool:
    """Whether the recording is read and called as when its texts were taken up."""
    now = recordings.get(db, recording.id).facts
    same = about(now) == about(recording.facts)
    return same and transcripts.read_digest(db, recording.id) == digest


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
    strings: Sequence[str],
    encoded: Sequence[str],
    model: ModelRef,
    embedder: Embedder,
    anew: bool,
) -> tuple[chunks.Half, int]:
    """float16 [n, dimension], a row a string; what this model has embedded before is reused. And
    how many were embedded now."""
    with bench.catalogue.read() as db:
        known = {} if anew else stored_vectors.known_vectors(db, model.hash, encoded)
    fresh = embed(strings, embedder, frozenset(known))
    known.update(fresh)
    rows = [known[digest] for digest in encoded]
    empty = np.zeros((0, embedder.dimension), dtype=np.float16)
    return np.stack(rows) if rows else empty, len(fresh)


def _report(bench: Bench, recording: Recording, stage: str, progress: float) -> None:
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        queue.set_progress(db, recording.id, stage, progress)
    bench.observer.progressed(recording, stage, 0, None)
