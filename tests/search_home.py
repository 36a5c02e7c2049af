"""A small data directory to search in: a catalogue filled from transcripts, with an index."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.contracts import Embedder, ModelInfo, Vectors
from pipeline.catalog import chunks, generations, recordings
from pipeline.catalog.connection import Catalogue, open_catalogue
from pipeline.catalog.standing import about
from pipeline.errors import Missing
from pipeline.fingerprint import text_digest
from pipeline.index import building
from pipeline.search.analysis import analyse, full_text, guess_language
from pipeline.search.search import Searcher
from pipeline.stages.chunk import ChunkParameters, chunk
from pipeline.values import ModelRef, RecordingFacts, Segment, Transcript

MODEL = ModelRef("bag-of-stems", "0" * 64)


class BagOfStems:
    """An honest little embedder: every stem is a fixed direction, a passage is their sum."""

    info = ModelInfo(MODEL.name, MODEL.hash)
    dimension = 64
    max_tokens = 512

    def __init__(self) -> None:
        self.asked = 0

    def count_tokens(self, passages: Sequence[str]) -> list[int]:
        return [len(passage.split()) + 2 for passage in passages]

    def encode_passages(self, passages: Sequence[str]) -> Vectors:
        rows = [self._sum(passage) for passage in passages]
        return np.array(rows, dtype=np.float32).reshape(len(passages), self.dimension)

    def encode_query(self, query: str) -> Vectors:
        self.asked += 1
        return self.encode_passages([query])

    def _sum(self, text: str) -> NDArray[np.float64]:
        total = np.full(self.dimension, 1e-3)
        for token in analyse(text, guess_language(text)):
            seed = int.from_bytes(hashlib.sha256(token.term.encode()).digest()[:8], "big")
            total += np.random.default_rng(seed).standard_normal(self.dimension)
        total /= np.linalg.norm(total)
        return total


def no_embedder(model: ModelRef) -> Embedder:
    raise Missing("models.absent", name=model.name)


def interview(*sentences: str, language: str = "de", seconds: int = 10) -> Transcript:
    """A transcript with one segment a sentence, each ``seconds`` long."""
    ms = seconds * 1000
    segments = tuple(
        Segment(number * ms, (number + 1) * ms, sentence, language)
        for number, sentence in enumerate(sentences)
    )
    return Transcript(language, len(sentences) * ms, segments)


class SearchHome:
    """A catalogue and an index folder under ``root``."""

    def __init__(self, root: Path, embedder: Embedder | None = None) -> None:
        self.index_dir = root / "index"
        self.index_dir.mkdir(parents=True)
        self.catalogue: Catalogue = open_catalogue(root / "catalogue.db")
        self.embedder: Embedder = embedder or BagOfStems()
        self.model = ModelRef(self.embedder.info.name, self.embedder.info.hash)

    def add(
        self,
        title: str,
        transcript: Transcript,
        parameters: ChunkParameters | None = None,
        *,
        collection: str | None = None,
        people: tuple[str, ...] = (),
        visibility: tuple[str, ...] = ("members",),
    ) -> str:
        """Store the transcript's chunks as a run would; the recording's id."""
        recording_id = hashlib.sha256(title.encode()).hexdigest()[:12]
        language = transcript.language or "auto"
        facts = RecordingFacts(title, language, collection, people, visibility=visibility)
        with self.catalogue.write() as db:
            recordings.insert(db, recording_id, facts, None, transcript.duration_ms)
            generations.set_text_model(db, self.model)
        self.describe(recording_id, facts, transcript, parameters)
        return recording_id

    def describe(
        self,
        recording_id: str,
        facts: RecordingFacts,
        transcript: Transcript,
        parameters: ChunkParameters | None = None,
    ) -> None:
        """Store a recording's chunks, as somebody knows it now."""
        made = chunk(transcript, parameters or ChunkParameters(60, 0), self.embedder.count_tokens)
        texts = [one.text for one in made]
        ready = chunks.ChunkSet(
            recording_id=recording_id,
            model_hash=self.model.hash,
            fingerprint="f",
            chunks=made,
            encoded=tuple(text_digest(text) for text in texts),
            words=tuple(full_text(one.text, one.language, about(facts)) for one in made),
            vectors=self.embedder.encode_passages(texts).astype(np.float16),
        )
        with self.catalogue.write() as db:
            chunks.store(db, ready)

    def add_all(self, interviews: Mapping[str, Transcript]) -> None:
        for title, transcript in interviews.items():
            self.add(title, transcript)

    def publish(self) -> generations.Generation:
        """Build and publish a generation of all chunks."""
        generation = building.build(self.catalogue, self.index_dir, self.model)
        assert generation is not None
        with self.catalogue.write() as db:
            generations.publish(db, generation)
        return generation

    def searcher(self, *, with_model: bool = True) -> Searcher:
        give = (lambda _: self.embedder) if with_model else no_embedder
        return Searcher(self.catalogue, self.index_dir, give)
