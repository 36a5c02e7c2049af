"""Vectors: what is embedded of a chunk, and which of it is not known yet.

A vector is keyed by the digest of the exact string that was encoded (and, in the catalogue, by the
model's hash), so that whatever changes the string embeds that chunk anew and no other.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.contracts import Embedder, TextTooLong
from pipeline.errors import BadInput, InterviewsError
from pipeline.fingerprint import text_digest
from pipeline.stages.chunk import Count
from pipeline.values import Chunk

LONGEST_CONTEXT = 32
"""Tokens of a title that are embedded with each chunk; a longer one would drown the chunk."""

_TELLING = 4
_WORD = re.compile(r"[^\W\d_]+")

Vector = NDArray[np.float16]
"""float16 [dimension], L2-normalised."""

Vectors = NDArray[np.float16]
"""float16 [n, dimension], rows L2-normalised."""


def encoded_string(chunk: Chunk, context: str) -> str:
    """What is embedded of a chunk: its text after what it belongs to. The model's own passage
    prefix is the embedder's affair."""
    return f"{context}. {chunk.text}" if context else chunk.text


def fitting_context(title: str, count: Count, room: int) -> str:
    """As many words of a recording's title, from its beginning, as fit into ``room`` tokens and
    into ``LONGEST_CONTEXT``; none of a title that says nothing, like the name a camera gave."""
    if not any(len(word) >= _TELLING for word in _WORD.findall(title)):
        return ""
    words = title.split()[:LONGEST_CONTEXT]
    beginnings = [" ".join(words[:end]) for end in range(len(words), 0, -1)]
    sizes = count([f"{begun}." for begun in beginnings])
    most = min(room, LONGEST_CONTEXT)
    fitting = (begun for begun, size in zip(beginnings, sizes, strict=True) if size <= most)
    return next(fitting, "").rstrip(" .")


def check_limits(chunk_size: int, max_tokens: int, model: str) -> None:
    """Raises BadInput (``chunk.size_beyond_model``) for chunks larger than the model reads."""
    if chunk_size > max_tokens:
        raise BadInput("chunk.size_beyond_model", size=chunk_size, limit=max_tokens, model=model)


def missing(strings: Iterable[str], known_digests: Container[str]) -> tuple[str, ...]:
    """The strings whose digest is not known, each once, in order of first appearance."""
    return tuple(s for s in dict.fromkeys(strings) if text_digest(s) not in known_digests)


def encode(strings: Sequence[str], embedder: Embedder) -> Vectors:
    """float16 [n, dimension], rows L2-normalised; row i belongs to ``strings[i]``.

    Equal strings are encoded once. Raises BadInput (``chunk.too_long``) for a string beyond the
    model's limit, InterviewsError (``chunk.bad_vectors``) where the model yields no direction or
    another shape than it says.
    """
    unique = list(dict.fromkeys(strings))
    if not unique:
        return np.zeros((0, embedder.dimension), dtype=np.float16)
    try:
        raw = np.asarray(embedder.encode_passages(unique), dtype=np.float32)
    except TextTooLong as error:
        raise BadInput(
            "chunk.too_long", model=embedder.info.name, limit=embedder.max_tokens
        ) from error
    if raw.shape != (len(unique), embedder.dimension):
        raise InterviewsError("chunk.bad_vectors", model=embedder.info.name)
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    if not (np.isfinite(norms).all() and (norms > 0).all()):
        raise InterviewsError("chunk.bad_vectors", model=embedder.info.name)
    rows = {string: row for row, string in enumerate(unique)}
    vectors: Vectors = (raw / norms).astype(np.float16)
    return vectors[[rows[string] for string in strings]]


def embed(
    strings: Iterable[str], embedder: Embedder, known_digests: Container[str] = frozenset()
) -> dict[str, Vector]:
    """The vectors that the strings need beyond those known, by digest of the string."""
    wanted = missing(strings, known_digests)
    vectors = encode(wanted, embedder)
    return {text_digest(string): vectors[row] for row, string in enumerate(wanted)}
