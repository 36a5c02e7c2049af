"""Word error rate of a speech model on the sample interviews."""

from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import (  # type: ignore[import-untyped]
    BatchedInferencePipeline,
    WhisperModel,
    decode_audio,
)
from numpy.typing import NDArray

from models.training.wording import plain_words

from .assemble import Take
from .speech import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Measured:
    """Word error rate as a fraction, and what was heard, chunk by chunk."""

    wer: float
    reference: str
    heard: tuple[str, ...]


def decode(path: Path) -> NDArray[np.float32]:
    """The film's sound as float32 [n] at 16 kHz, as the speech model gets it."""
    return np.asarray(decode_audio(str(path), sampling_rate=SAMPLE_RATE), np.float32)


class Meter:
    def __init__(self, model_folder: Path) -> None:
        self._model = BatchedInferencePipeline(
            WhisperModel(str(model_folder), device="cpu", compute_type="int8", cpu_threads=1)
        )

    def whole_file(self, take: Take, samples: NDArray[np.float32] | None = None) -> Measured:
        """Reads the file as a user would: language pinned, or told per chunk where it switches."""
        languages = {s.sentence.speaker.language for s in take.sentences}
        return self._read(
            take.samples if samples is None else samples,
            " ".join(s.sentence.text for s in take.sentences),
            take.interview.language if len(languages) == 1 else None,
        )

    def sentence_by_sentence(self, take: Take) -> list[Measured]:
        """Each sentence alone, with its own language pinned: shows which one to rephrase."""
        results = []
        for timed in take.sentences:
            begin, end = (
                int((timed.start - 0.3) * SAMPLE_RATE),
                int((timed.end + 0.3) * SAMPLE_RATE),
            )
            language = timed.sentence.speaker.language
            results.append(self._read(take.samples[begin:end], timed.sentence.text, language))
        return results

    def _read(self, samples: NDArray[np.float32], reference: str, language: str | None) -> Measured:
        segments, _ = self._model.transcribe(
            samples,
            language=language,
            multilingual=language is None,
            beam_size=5,
            temperature=0.0,
            batch_size=4,
        )
        heard = tuple(segment.text.strip() for segment in segments)
        said = " ".join(plain_words(reference))
        wer = jiwer.wer(said, " ".join(plain_words(" ".join(heard))))
        return Measured(wer, said, heard)
