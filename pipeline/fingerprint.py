"""Fingerprints: what a result was made from.

A stage's key is sha256 over a canonical JSON form of (stage, version, its own parameters, model
name and hash, digests of its inputs' content). Equal keys mean that a redo would yield the same.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b32encode
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from pipeline.values import ModelRef, Transcript

Plain = str | int | float | bool | None
_BLOCK = 1 << 20


def fingerprint(
    stage: str,
    version: int,
    parameters: Mapping[str, Plain],
    model: ModelRef | None,
    inputs: Iterable[str],
) -> str:
    """Hex sha256 of everything that decides a stage's result. Order of parameters is irrelevant."""
    return fingerprints(stage, version, parameters, model)(inputs)


def fingerprints(
    stage: str, version: int, parameters: Mapping[str, Plain], model: ModelRef | None
) -> Callable[[Iterable[str]], str]:
    """``fingerprint`` of one stage for many inputs: what they share is written out once."""
    shared = _canonical(
        {
            "stage": stage,
            "version": version,
            "parameters": dict(parameters),
            "model": [model.name, model.hash] if model else None,
            "inputs": [],
        }
    )
    # Keys are sorted and "inputs" comes first, so the first empty list is its own.
    before, after = shared.split("[]", 1)
    return lambda inputs: text_digest(f"{before}[{','.join(map(_AS_JSON.encode, inputs))}]{after}")


def digest(value: object) -> str:
    """Hex sha256 of a JSON-able value in canonical form (sorted keys, no spaces, UTF-8)."""
    return text_digest(_canonical(value))


_AS_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
"""One for all: making an encoder takes longer than writing a short value."""


def _canonical(value: object) -> str:
    return _AS_JSON.encode(value)


def text_digest(text: str) -> str:
    """Hex sha256 of one exact string."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def transcript_digest(transcript: Transcript) -> str:
    """Hex sha256 of a transcript's content: what later stages read. The model is not part of it,
    so a redo that yields the same text stops here."""
    return digest(
        [
            transcript.language,
            [
                [s.start_ms, s.end_ms, s.text, s.language, s.speaker]
                + [[w.start_ms, w.end_ms, w.text] for w in s.words]
                for s in transcript.segments
            ],
        ]
    )


def file_sha256(path: Path) -> bytes:
    """sha256 of a file's bytes, read in blocks. Raises OSError."""
    with path.open("rb") as stream:
        return stream_sha256(stream)


def stream_sha256(stream: BinaryIO) -> bytes:
    hasher = hashlib.sha256()
    while block := stream.read(_BLOCK):
        hasher.update(block)
    return hasher.digest()


def recording_id(content_sha256: bytes) -> str:
    """The first 12 characters of the lower-case base32 form of a content's sha256."""
    return b32encode(content_sha256).decode("ascii").lower()[:12]
