"""Passages laid end to end, since a sentence is read with what stands around it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.catalog.chunks import StoredChunk
from pipeline.values import Sentence


@dataclass(slots=True)
class Stretch:
    """Consecutive chunks of a recording as one run of sentences, each of them once.

    ``places`` tells for each chunk, by id, which of the sentences are its own, in order;
    ``numbered`` for each sentence whether it may hold a number that is asked for.
    """

    recording_id: str
    texts: list[str] = field(default_factory=list)
    starts_ms: list[int] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)
    places: dict[int, list[int]] = field(default_factory=dict)
    numbered: list[bool] = field(default_factory=list)


def laid_out(chunks: Iterable[StoredChunk], plain: Container[int] = ()) -> list[Stretch]:
    """The stretches that the chunks make up, in order of recordings and time. Those whose ids are
    ``plain`` hold no number that is asked for."""
    stretches: list[Stretch] = []
    known: dict[tuple[int, int, str], int] = {}
    before: StoredChunk | None = None
    for one in sorted(chunks, key=lambda one: (one.recording_id, one.chunk.number)):
        if before is None or not _follows(one, before):
            stretches.append(Stretch(one.recording_id))
            known = {}
        _append(stretches[-1], one, known, numbered=one.id not in plain)
        before = one
    return stretches


def _follows(one: StoredChunk, before: StoredChunk) -> bool:
    return one.recording_id == before.recording_id and one.chunk.number == before.chunk.number + 1


def _append(
    stretch: Stretch, one: StoredChunk, known: dict[tuple[int, int, str], int], *, numbered: bool
) -> None:
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
            stretch.numbered.append(False)
        stretch.numbered[known[key]] |= numbered
        places.append(known[key])
    stretch.places[one.id] = places


class Sheet:
    """Stretches side by side, so that all their sentences are reckoned with at once. In the arrays
    that go with it each sentence is a column, in order.

    ``lengths`` float64 [sentences], in words; ``places`` int64, the columns of one chunk after the
    other, those of the n-th from ``firsts[n]`` on.
    """

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self.stretches = stretches
        self.texts = [text for stretch in stretches for text in stretch.texts]
        self.languages = [language for stretch in stretches for language in stretch.languages]
        self.numbered = [numbered for stretch in stretches for numbered in stretch.numbered]
        self.lengths = np.array([text.count(" ") + 1 for text in self.texts], dtype=np.float64)
        sizes = [len(stretch.texts) for stretch in stretches]
        self.longest = max(sizes, default=0)
        self._stretch = np.repeat(np.arange(len(sizes)), sizes)
        self._begins = np.cumsum([0, *sizes])
        own = [list(stretch.places.values()) for stretch in stretches]
        begun = zip(self._begins, own, strict=False)
        columns = [np.array(places) + begin for begin, each in begun for places in each]
        self.places = np.concatenate(columns) if columns else np.zeros(0, dtype=np.int64)
        self.firsts = np.cumsum([0, *map(len, columns)])[:-1]
        self.chunks = [chunk_id for stretch in stretches for chunk_id in stretch.places]
        self._chunk_stretch = np.repeat(np.arange(len(sizes)), list(map(len, own)))

    def parts(self) -> Iterator[tuple[Stretch, slice]]:
        """Each stretch with its columns."""
        for number, stretch in enumerate(self.stretches):
            yield stretch, slice(self._begins[number], self._begins[number + 1])

    def together(self, step: int) -> NDArray[np.bool_]:
        """bool [sentences - step]: whether a sentence and that so many after it are of one
        stretch."""
        return np.equal(self._stretch[step:], self._stretch[:-step])

    def chunks_together(self) -> NDArray[np.bool_]:
        """bool [chunks - 1]: whether a chunk and the next are of one stretch."""
        return np.equal(self._chunk_stretch[1:], self._chunk_stretch[:-1])
