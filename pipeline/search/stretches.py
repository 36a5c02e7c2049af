"""Passages laid end to end, since a sentence is read with what stands around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.catalog.chunks import StoredChunk
from pipeline.values import Sentence


@dataclass(slots=True)
class Stretch:
    """Consecutive chunks of a recording as one run of sentences, each of them once.

    ``places`` tells for each chunk, by id, which of the sentences are its own, in order.
    """

    recording_id: str
    texts: list[str] = field(default_factory=list)
    starts_ms: list[int] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)
    places: dict[int, list[int]] = field(default_factory=dict)


def laid_out(chunks: Iterable[StoredChunk]) -> list[Stretch]:
    """The stretches that the chunks make up, in order of recordings and time."""
    stretches: list[Stretch] = []
    known: dict[tuple[int, int, str], int] = {}
    before: StoredChunk | None = None
    for one in sorted(chunks, key=lambda one: (one.recording_id, one.chunk.number)):
        if before is None or not _follows(one, before):
            stretches.append(Stretch(one.recording_id))
            known = {}
        _append(stretches[-1], one, known)
        before = one
    return stretches


def _follows(one: StoredChunk, before: StoredChunk) -> bool:
    return one.recording_id == before.recording_id and one.chunk.number == before.chunk.number + 1


def _append(stretch: Stretch, one: StoredChunk, known: dict[tuple[int, int, str], int]) -> None:
    chunk = one.chunk
    whole = Sentence(chunk.start_ms, chunk.end_ms, 0, len(chunk.text), None)
    places: list[int] = []
    for sentence in chunk.sentences or (whole,):
        text = chunk.text[sentence.begin : sentence.end]
        key = (sentence.start_ms, sentence.end_ms, text)
        if key not in known:
            known[key] = len(stretch.texts)
            stretch.texts.append(text)
            stretch.starts_ms.append(sentence.start_ms)
            stretch.languages.append(chunk.language)
        places.append(known[key])
    stretch.places[one.id] = places
