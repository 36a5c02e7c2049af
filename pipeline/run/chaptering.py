"""Chapters with the text model at hand, or without: they are no reason to fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.contracts import Embedder
from pipeline.errors import Missing
from pipeline.run.context import Context
from pipeline.search.telling import telling_words
from pipeline.stages.chapters import ChapterParameters, Encode, chapters
from pipeline.values import Chapter, Transcript


@dataclass(frozen=True, slots=True)
class Made:
    """Chapters, and what actually ran to find them."""

    chapters: tuple[Chapter, ...]
    ran: dict[str, str | int | float]


def chapters_of(context: Context, transcript: Transcript) -> Made:
    """The chapters of ``transcript``. Where the text model cannot be loaded, topics are told by
    words alone."""
    vectors = _encoder(context)
    made = chapters(transcript, telling_words, vectors, ChapterParameters())
    return Made(made, {"topics": "words" if vectors is None else "meaning"})


def _encoder(context: Context) -> Encode | None:
    try:
        embedder = context.embedder_for(context.text[1])
    except Missing:
        return None
    return lambda sentences: embedder.encode_passages(_fitting(sentences, embedder))


def _fitting(sentences: Sequence[str], embedder: Embedder) -> list[str]:
    """The sentences, those beyond the model's limit cut short: their beginnings tell the topic."""
    fitting = list(sentences)
    while True:
        sizes = embedder.count_tokens(fitting)
        limit = embedder.max_tokens
        long = [at for at, size in enumerate(sizes) if size > limit and len(fitting[at]) > 1]
        if not long:
            return fitting
        for at in long:
            fitting[at] = fitting[at][: len(fitting[at]) // 2]
