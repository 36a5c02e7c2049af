"""A data directory with many transcript-only recordings, all done and published.

    python -m tests.scale --recordings 10000 --home DIR

Everything is written through the program's own functions, so that ``run`` finds nothing to do. The
texts are stretches of real transcripts that come again and again, so that each is cut and embedded
once and thousands of recordings take a minute or two; every recording has rows of its own.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from models.contracts import Embedder
from pipeline.catalog import chapters, chunks, generations, queue
from pipeline.catalog.recordings import Database
from pipeline.catalog.transcripts import StageResult
from pipeline.errors import InterviewsError
from pipeline.fingerprint import recording_id, text_digest, transcript_digest
from pipeline.formats.transcripts import read_transcript
from pipeline.home import open_home
from pipeline.run import publish
from pipeline.run.context import Context
from pipeline.run.intake import enter_transcript
from pipeline.run.keys import chapter_key, chunk_key
from pipeline.search.analysis import full_text
from pipeline.settings import load_settings
from pipeline.stages.chunk import ChunkParameters, chunk
from pipeline.stages.embed import embed
from pipeline.values import Chapter, Chunk, RecordingFacts, Segment, Transcript
from tests.conftest import SHARED

CUES, TALKS = 40, 200
"""Cues of a recording (some three minutes, nine chunks), and how many different ones there are."""

COLLECTIONS = ("Wasser", "Wärme", "Netze", None)
PEOPLE = ("Anna Weber", "Thomas Klein", "Jane Miller", "Şükran Öztürk", "Bernd Große")

_AT_ONCE = 1_000
"""Recordings stored in one transaction."""


@dataclass(frozen=True)
class Prepared:
    """A transcript with all that is stored of its chunks, but for whose they are."""

    transcript: Transcript
    digest: str
    chunks: tuple[Chunk, ...]
    encoded: tuple[str, ...]
    words: tuple[str, ...]
    vectors: chunks.Half


def fill(context: Context, talks: Iterable[Transcript], count: int, embedder: Embedder) -> None:
    """Store ``count`` recordings that hold ``talks`` in turn, and publish their index."""
    prepared = _prepared(context, list(talks), embedder)
    with context.catalogue() as catalogue:
        for begin in range(0, count, _AT_ONCE):
            with catalogue.write() as db:
                for number in range(begin, min(begin + _AT_ONCE, count)):
                    _store(context, db, number, prepared[number % len(prepared)])
        with catalogue.write() as db:
            generations.set_text_model(db, context.text[1])
        publish.publish(context.home, catalogue, context.text[1])


def identity(number: int) -> str:
    """The id of the recording of that number."""
    return recording_id(sha256(str(number).encode()).digest())


def _prepared(context: Context, talks: Sequence[Transcript], embedder: Embedder) -> list[Prepared]:
    settings = context.settings
    parameters = ChunkParameters(settings.chunk_size, settings.chunk_overlap)
    made = [chunk(talk, parameters, embedder.count_tokens) for talk in talks]
    known = embed((one.text for some in made for one in some), embedder)
    prepared = []
    for talk, some in zip(talks, made, strict=True):
        encoded = tuple(text_digest(one.text) for one in some)
        prepared.append(
            Prepared(
                transcript=talk,
                digest=transcript_digest(talk),
                chunks=tuple(some),
                encoded=encoded,
                words=tuple(full_text(one.text, one.language, "") for one in some),
                vectors=np.stack([known[one] for one in encoded]),
            )
        )
    return prepared


def _store(context: Context, db: Database, number: int, made: Prepared) -> None:
    own, model = identity(number), context.text[1]
    facts = RecordingFacts(
        title=f"Gespräch {number + 1}",
        language=made.transcript.language or "auto",
        collection=COLLECTIONS[number % len(COLLECTIONS)],
        people=tuple(PEOPLE[(number + place) % len(PEOPLE)] for place in range(2)),
    )
    enter_transcript(db, own, facts, made.transcript)
    chunks.store(
        db,
        chunks.ChunkSet(
            recording_id=own,
            model_hash=model.hash,
            fingerprint=chunk_key(made.digest, facts, context.settings, model),
            chunks=made.chunks,
            encoded=made.encoded,
            words=made.words,
            vectors=made.vectors,
        ),
    )
    parts = [Chapter(0, made.transcript.duration_ms, "Ausbau, Leitung")]
    result = StageResult(chapter_key(made.digest, facts, context.settings, model), made.digest)
    chapters.store(db, own, parts, result, took_ms=0)
    queue.finish(db, own)


def stretches(folder: Path, cues: int, most: int) -> list[Transcript]:
    """At most ``most`` different stretches of ``cues`` cues (0: whole transcripts), drawn evenly
    from the real transcripts in ``folder``."""
    whole = [_read(path) for path in sorted(folder.glob("*/*.*"))]
    cut = [list(_cut(one, cues or len(one.segments))) for one in whole if one is not None]
    turns = max(map(len, cut), default=0)
    drawn = [own[turn] for turn in range(turns) for own in cut if turn < len(own)]
    return drawn[:most]


def _read(path: Path) -> Transcript | None:
    try:
        return read_transcript(path)
    except InterviewsError:
        return None


def _cut(transcript: Transcript, cues: int) -> Iterator[Transcript]:
    segments = transcript.segments
    for begin in range(0, len(segments) - cues + 1, cues):
        some = segments[begin : begin + cues]
        zero = min(one.start_ms for one in some)
        moved = tuple(_moved(one, zero) for one in some)
        end = max(one.end_ms for one in moved)
        yield replace(transcript, segments=moved, duration_ms=end, gaps=())


def _moved(segment: Segment, zero: int) -> Segment:
    return replace(
        segment,
        start_ms=segment.start_ms - zero,
        end_ms=segment.end_ms - zero,
        words=tuple(
            replace(word, start_ms=word.start_ms - zero, end_ms=word.end_ms - zero)
            for word in segment.words
        ),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--recordings", type=int, default=10_000)
    parser.add_argument("--cues", type=int, default=CUES, help="of a recording; 0: all there are")
    parser.add_argument("--talks", type=int, default=TALKS, help="different ones")
    options = parser.parse_args()
    began = time.monotonic()
    home = open_home(options.home)
    context = Context(home, load_settings(home.root, {})[0])
    talks = stretches(SHARED / "transcripts", options.cues, options.talks)
    if not talks:
        sys.exit(f"no transcripts in {SHARED}")
    fill(context, talks, options.recordings, context.embedder_for(context.text[1]))
    with context.catalogue() as catalogue, catalogue.read() as db:
        state = generations.index_state(db)
    size = home.catalogue.stat().st_size / 1e6
    print(f"{options.recordings} recordings, {state.chunks} chunks, {size:.0f} MB,"
          f" {time.monotonic() - began:.0f} s")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
