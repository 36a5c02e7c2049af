"""The few steps of faster-whisper that decoding needs, in one place.

``WhisperModel`` and ``BatchedInferencePipeline`` each do something we want and something we must
not have: one falls back on random sampling, the other never looks whether a decoding is good and
knows one language for a whole file. Here audio is encoded once; language, text and word times all
come from that one encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import ceil
from typing import Any, Final

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from models.contracts import Audio
from models.speech.hotwords import fitting, joined
from models.speech.quality import Attempt
from models.speech.stretches import SAMPLE_RATE
from models.speech.words import Timed

FRAMES_PER_SECOND = 100
FULL_FRAMES = 3_000
"""What a Whisper encoder was trained on, thirty seconds: shorter sound is padded to it."""

STEP_FRAMES = 250
"""Sound at its true length is padded to a multiple of this. What a stretch is padded to then
depends on itself alone, never on what shares its batch: equal sound, equal text."""

MAX_LENGTH = 448
"""Positions of the text decoder, prompt and text together; it writes half of it at most."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to decode: a plain beam search, one that is told ``hotwords`` (as many as fit), or
    one that is kept from repeating itself."""

    beam_size: int
    hotwords: tuple[str, ...] = ()
    no_repeat_ngram_size: int = 0


@dataclass(frozen=True, slots=True)
class Features:
    """Log-mel spectra of a batch, float32 [rows, bands, frames], and the length of each sound."""

    padded: NDArray[np.float32]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The encoder's output for a batch, [rows, frames / 2, width], on whatever device made it."""

    storage: Any
    seconds: tuple[float, ...]

    def rows(self, numbers: Sequence[int]) -> Encoded:
        """The chosen rows, as a batch of their own. The engine takes it to its device again."""
        if list(numbers) == list(range(len(self.seconds))):
            return self
        if not numbers:
            return Encoded(None, ())
        here = self.storage.to_device(ctranslate2.Device.cpu)
        chosen = np.array(here.to(ctranslate2.DataType.float32))[list(numbers)]
        storage = ctranslate2.StorageView.from_array(np.ascontiguousarray(chosen))
        return Encoded(storage, tuple(self.seconds[n] for n in numbers))


class SpeechDecoder:
    """Encoding, language probabilities, text and word times of batches of audio of up to 30 s."""

    def __init__(self, model: WhisperModel, spare_s: float | None = None) -> None:
        """``spare_s`` None pads all sound to thirty seconds; else sound is encoded at its own
        length, with at least so much silence after it."""
        self._model: Final[Any] = model
        self._spare_s = spare_s
        self._tokenizer = cache(self._make_tokenizer)
        self._suppressed = get_suppressed_tokens(self._tokenizer("en"), [-1])
        self._fitting = lru_cache(maxsize=32)(self._fit)

    def _make_tokenizer(self, language: str) -> Tokenizer:
        return Tokenizer(self._model.hf_tokenizer, True, task="transcribe", language=language)

    def with_spare(self, spare_s: float | None) -> SpeechDecoder:
        """Another way of encoding with the same loaded model."""
        return SpeechDecoder(self._model, spare_s)

    def frames(self, samples: int) -> int:
        """Frames that so much sound at 16 kHz is encoded in."""
        if self._spare_s is None:
            return FULL_FRAMES
        seconds = samples / SAMPLE_RATE + self._spare_s
        return min(STEP_FRAMES * ceil(seconds * FRAMES_PER_SECOND / STEP_FRAMES), FULL_FRAMES)

    def encode(self, batch: Sequence[Audio]) -> Encoded:
        """Encode float32 [n] at 16 kHz, each of at most 30 s; anything beyond would be lost."""
        return self.encoded(self.features(batch))

    def features(self, batch: Sequence[Audio]) -> Features:
        """What the encoder takes, made without it: another thread may do so meanwhile.

        All get as many frames as the longest: whoever forms batches sees to it that their
        ``frames`` agree.
        """
        extract = self._model.feature_extractor
        length = max(self.frames(len(audio)) for audio in batch)
        padded = np.stack([pad_or_trim(extract(audio)[..., :-1], length) for audio in batch])
        return Features(padded, tuple(len(audio) / extract.sampling_rate for audio in batch))

    def encoded(self, features: Features) -> Encoded:
        return Encoded(self._model.encode(features.padded), features.seconds)

    def languages(self, encoded: Encoded) -> list[dict[str, float]]:
        """Probability of each language, by code, for every row."""
        rows = self._model.model.detect_language(encoded.storage)
        return [{token[2:-2]: float(probability) for token, probability in row} for row in rows]

    def decode(self, encoded: Encoded, languages: Sequence[str], manner: Manner) -> list[Attempt]:
        """The text of every row in its language. No randomness: equal batch, equal text."""
        prompts = [self.prompt(language, manner.hotwords) for language in languages]
        results = self._model.model.generate(
            encoded.storage,
            prompts,
            beam_size=manner.beam_size,
            no_repeat_ngram_size=manner.no_repeat_ngram_size,
            max_length=MAX_LENGTH,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=list(self._suppressed),
            sampling_temperature=0.0,
        )
        room = min(MAX_LENGTH // 2, MAX_LENGTH - len(prompts[0]))
        return [
            self._attempt(result, language, room)
            for result, language in zip(results, languages, strict=True)
        ]

    def _attempt(self, result: Any, language: str, room: int) -> Attempt:
        tokenizer = self._tokenizer(language)
        written = result.sequences_ids[0]
        tokens = tuple(token for token in written if token < tokenizer.eot)
        # The score is the mean over the tokens written; Whisper's measure counts the end token too.
        logprob = result.scores[0] * len(written) / (len(written) + 1)
        text = tokenizer.decode(list(tokens)).replace("\ufffd", "").strip()
        return Attempt(tokens, text, logprob, result.no_speech_prob, len(written) < room)

    def align(
        self, encoded: Encoded, language: str, tokens: Sequence[Sequence[int]]
    ) -> list[list[Timed]]:
        """Words of every row's tokens, timed in seconds of that row. All rows in one language."""
        frames = [max(2, ceil(s * FRAMES_PER_SECOND)) for s in encoded.seconds]
        rows = self._model.find_alignment(
            self._tokenizer(language), [list(row) for row in tokens], encoded.storage, frames
        )
        return [
            [
                (
                    piece["word"].replace("\ufffd", ""),
                    float(piece["start"]),
                    float(piece["end"]),
                    float(piece["probability"]),
                )
                for piece in row
            ]
            for row in rows
        ]

    def hotwords(self, terms: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``terms`` that fit the prompt, in order and whole."""
        return self._fitting(terms)

    def _fit(self, terms: tuple[str, ...]) -> tuple[str, ...]:
        tokenizer = self._tokenizer("en")
        return fitting(terms, tokenizer.encode, tokenizer.eot)

    def prompt(self, language: str, hotwords: tuple[str, ...] = ()) -> list[int]:
        """The tokens a decoding begins with: hotwords behind the mark of what went before, then
        start, language, task, and that no times are wanted."""
        prompt: list[int] = self._model.get_prompt(
            self._tokenizer(language),
            [],
            without_timestamps=True,
            hotwords=joined(self._fitting(hotwords)) or None,
        )
        return prompt
