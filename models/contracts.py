"""What the pipeline asks of a learnt model: three small protocols and their values.

Nothing here knows of the pipeline; nothing outside ``models/`` imports a machine-learning library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
"""Mono audio at 16 kHz, float32 in [-1, 1], shape [n]."""

Vectors = NDArray[np.float32]
"""float32 [n, dimension], rows L2-normalised."""

Scores = NDArray[np.float32]
"""float32 [n], higher is better; comparable within one query only."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model by name and by the hash over its files (as the registry defines it)."""

    name: str
    hash: str


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """A word with its time in milliseconds from the window's start; no surrounding white space."""

    start_ms: int
    end_ms: int
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class RecognisedSegment:
    """A recognised stretch, times in milliseconds from the window's start.

    ``mean_logprob``, ``compression_ratio`` and ``no_speech_probability`` are Whisper's own quality
    measures; ``redecoded`` says that a first attempt failed them.
    """

    start_ms: int
    end_ms: int
    text: str
    language: str
    words: tuple[RecognisedWord, ...]
    mean_logprob: float
    compression_ratio: float
    no_speech_probability: float
    redecoded: bool = False


@dataclass(frozen=True, slots=True)
class Recognition:
    """What was heard in one window.

    ``speech`` holds the (start_ms, end_ms) spans in which the voice activity detector heard
    speech. ``ran`` says what really ran (compute type, device, batch size), for the record.
    """

    segments: tuple[RecognisedSegment, ...]
    speech: tuple[tuple[int, int], ...]
    model: ModelInfo
    ran: dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class RecognitionTask:
    """How to listen. ``language`` None means: find out per stretch of speech.

    ``fallback_language`` is taken where detection stays unsure. ``hotwords`` are hints, the most
    wanted first: as many as the model takes are used, none where it understands no prompts.
    Decoding has no randomness: equal audio and an equal task yield an equal recognition.
    """

    language: str | None
    fallback_language: str = "de"
    beam_size: int = 5
    hotwords: tuple[str, ...] = ()


class Recogniser(Protocol):
    """Turns audio into words with times."""

    @property
    def info(self) -> ModelInfo: ...

    def recognise(self, audio: Audio, task: RecognitionTask) -> Recognition:
        """Recognise one window of audio, float32 [n] at 16 kHz."""
        ...

    def recognise_all(self, windows: Sequence[tuple[Audio, RecognitionTask]]) -> list[Recognition]:
        """Recognise several windows, of any recordings, together: batches hold speech of all."""
        ...


class Embedder(Protocol):
    """Turns text into vectors whose inner product is their likeness in meaning."""

    @property
    def info(self) -> ModelInfo: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """The most tokens a passage may have, special tokens and prefix counted."""
        ...

    def count_tokens(self, passages: Sequence[str]) -> list[int]:
        """Tokens of each passage as it would be encoded: own tokenizer, prefix and special
        tokens counted."""
        ...

    def encode_passages(self, passages: Sequence[str]) -> Vectors:
        """float32 [n, dimension], rows L2-normalised. Raises TextTooLong beyond ``max_tokens``."""
        ...

    def encode_query(self, query: str) -> Vectors:
        """float32 [1, dimension], L2-normalised. A long query is cut at ``max_tokens``."""
        ...


class Reranker(Protocol):
    """Reads query and passage together and says how well the one answers the other."""

    @property
    def info(self) -> ModelInfo: ...

    @property
    def max_tokens(self) -> int:
        """The most tokens that query and passage may have together, special tokens counted."""
        ...

    def scores(self, query: str, passages: Sequence[str]) -> Scores:
        """float32 [n], finite, in the order of the passages.

        What is longer than ``max_tokens`` is cut: of query and passage the longer one loses its
        end, so that a long passage is judged by its beginning. Raises ModelError
        ("unloadable") where the device gives up, out of memory say.
        """
        ...


class TextTooLong(ValueError):
    """A passage has more tokens than the text model takes; it is never cut silently."""


class ModelError(Exception):
    """A model cannot be found, verified, loaded or fetched.

    ``reason`` is one of ``unknown``, ``absent``, ``damaged``, ``unloadable``, ``unreachable``,
    ``refused``, ``gated``, ``throttled``, ``disk``, ``full``, ``locked``, ``occupied``; ``name``
    the model's; ``detail`` a short plain fact (file name, status).
    """

    def __init__(self, reason: str, name: str, detail: str = "") -> None:
        super().__init__(f"{name}: {reason} {detail}".strip())
        self.reason = reason
        self.name = name
        self.detail = detail

    def __reduce__(self) -> tuple[type[ModelError], tuple[str, str, str]]:
        return (ModelError, (self.reason, self.name, self.detail))
