"""A data directory with a million chunks of real talk, to measure search at that size.

    python -m tests.million_home --home DIR [--chunks 1000000]

There are no thousands of hours of talk at hand, so windows slide over what there is: of two
lengths, a word further each time. Neighbouring windows share all words but two, and every moment
lies in about a hundred passages; how often words occur among all passages stays as it is spoken.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pipeline.catalog import chunks, generations, queue
from pipeline.fingerprint import text_digest
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.intake import enter_transcript
from pipeline.search.analysis import chosen_language, full_text
from pipeline.settings import load_settings
from pipeline.stages.embed import encode
from pipeline.values import Chunk, RecordingFacts, Segment, Sentence, Transcript
from tests.conftest import SHARED
from tests.scale import COLLECTIONS, PEOPLE, identity, stretches

WORDS = (48, 60)
"""Words of a window: some 80 tokens of German."""

EACH = 100
"""Windows of a recording: 10,000 recordings hold a million."""

_WORD_MS = 400
"""Two and a half words a second."""


class Window(NamedTuple):
    """A passage by the talk it is from, its first word and how many words it has."""

    talk: int
    first: int
    words: int


def talks() -> list[list[str]]:
    """The words of every real talk, in order."""
    whole = stretches(SHARED / "transcripts", 0, 10_000)
    return [[word for one in talk.segments for word in one.text.split()] for talk in whole]


def windows(spoken: Sequence[Sequence[str]], step: int) -> Iterator[Window]:
    """All windows, those of one talk and length one after another, ``step`` words apart."""
    for length in WORDS:
        for number, words in enumerate(spoken):
            for first in range(0, len(words) - length + 1, step):
                yield Window(number, first, length)


def fill(context: Context, count: int, step: int = 1) -> int:
    """Store so many chunks, as far as there are as many; how many. No index is built."""
    embedder = context.embedder_for(context.text[1])
    spoken = talks()
    languages = [chosen_language(" ".join(words[:2000]), None) for words in spoken]
    every = islice(windows(spoken, step), count)
    stored = 0
    with context.catalogue() as catalogue:
        number = 0
        while some := list(islice(every, EACH * 20)):
            texts = [" ".join(spoken[w.talk][w.first : w.first + w.words]) for w in some]
            vectors = encode(texts, embedder)
            with catalogue.write() as db:
                for begin in range(0, len(some), EACH):
                    part = slice(begin, begin + EACH)
                    language = languages[some[begin].talk]
                    chunked = _set(
                        context, number, some[part], texts[part], vectors[part], language
                    )
                    _enter(db, number, chunked, language)
                    number += 1
                generations.set_text_model(db, context.text[1])
            stored += len(some)
            print(f"\r{stored} chunks", end="", file=sys.stderr)
    return stored


def _set(
    context: Context,
    number: int,
    some: Sequence[Window],
    texts: Sequence[str],
    vectors: chunks.Half,
    language: str,
) -> chunks.ChunkSet:
    return chunks.ChunkSet(
        recording_id=identity(number),
        model_hash=context.text[1].hash,
        fingerprint="",
        chunks=tuple(
            _chunk(n, w, t, language) for n, (w, t) in enumerate(zip(some, texts, strict=True))
        ),
        encoded=tuple(text_digest(text) for text in texts),
        words=tuple(full_text(text, language, f"Gespräch {number + 1}") for text in texts),
        vectors=vectors,
    )


def _chunk(number: int, window: Window, text: str, language: str) -> Chunk:
    """Two sentences, cut at a blank in the middle."""
    start = window.first * _WORD_MS
    end = start + window.words * _WORD_MS
    half = text.index(" ", len(text) // 2)
    middle = (start + end) // 2
    sentences = (
        Sentence(start, middle, 0, half, None),
        Sentence(middle, end, half + 1, len(text), None),
    )
    return Chunk(number, start, end, text, language, sentences, 0, 0)


def _enter(
    db: chunks.sqlite3.Connection, number: int, made: chunks.ChunkSet, language: str
) -> None:
    facts = RecordingFacts(
        title=f"Gespräch {number + 1}",
        language=language,
        collection=COLLECTIONS[number % len(COLLECTIONS)],
        people=(PEOPLE[number % len(PEOPLE)],),
    )
    end = made.chunks[-1].end_ms
    segment = Segment(made.chunks[0].start_ms, end, made.chunks[0].text, language)
    enter_transcript(db, made.recording_id, facts, Transcript(language, end, (segment,)))
    chunks.store(db, made)
    queue.finish(db, made.recording_id)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--step", type=int, default=1, help="words from one window to the next")
    parser.add_argument("--text-model", default="auto")
    options = parser.parse_args()
    began = time.monotonic()
    home = open_home(options.home)
    settings = load_settings(home.root, {})[0].model_copy(update={"text_model": options.text_model})
    stored = fill(Context(home, settings), options.chunks, options.step)
    size = home.catalogue.stat().st_size / 1e6
    print(f"\n{stored} chunks, {size:.0f} MB, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
