"""Measures a speech model on sentences and voices it was never trained on.

    python -m models.training.speech.evaluate MODEL --work FOLDER

`grammar` are unseen sentences of the training grammar, `handwritten` the held-out ones; all voices
are unseen. Sentences go through `WhisperModel` at its defaults, dialogues through the pipeline's
own recogniser and through faster-whisper's two ways at theirs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from numpy.random import Generator

from models.contracts import ModelInfo, RecognitionTask
from models.speech.whisper import WhisperRecogniser
from models.training.items import LANGUAGES
from models.training.origin import digest, text_files
from models.training.speech.clips import HELD_OUT_VOICES, Clip, Clips, make_tests
from models.training.speech.measure import (
    Timed,
    error_rate,
    nearest_errors,
    spread,
    start_errors,
)
from models.training.speech.sound import SAMPLE_RATE, Sound, blend
from models.training.speech.strange import noise, tune
from models.training.wording import plain_words

SEED = 909
PER_LANGUAGE = 220
PEAK = 0.6
DIALOGUE_S = 180.0
DIALOGUES = 6
QUIET_NOISE_DB = 30.0
TOLERABLE_NOISE_DB = (10.0, 15.0)
SILENT_S = 60.0
WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Sentences of two voices one after the other, with the time of everything in it."""

    language: str
    sound: Sound
    words: tuple[Timed, ...]
    sentence_starts: tuple[float, ...]


def origin() -> str:
    """What the test sets are made from."""
    values = {"seed": SEED, "each": PER_LANGUAGE, "voices": HELD_OUT_VOICES}
    return digest(values, text_files("text/lexicon", "speech/kept_out"))


Hearing = Callable[[Sound], tuple[list[Timed], list[float]]]
"""From sound to words with times and the segments' starts."""


class Judge:
    """A model and the sets it is measured on."""

    def __init__(self, model: Path, work: Path, compute_type: str) -> None:
        folder = work / f"tests-{origin()[:12]}"
        if not (folder / "handwritten-0.pcm").exists():
            make_tests(folder, SEED, PER_LANGUAGE)
        self.sets = {name: Clips(folder, name) for name in ("grammar", "handwritten")}
        self.whisper = WhisperModel(
            str(model), device="cpu", compute_type=compute_type, cpu_threads=1
        )
        self.recogniser = WhisperRecogniser(
            model,
            ModelInfo("measured", ""),
            device="cpu",
            compute_type=compute_type,
            threads=1,
            batch_size=4,
        )

    # ------------------------------------------------------------------ sentences

    def sentences(self, most: int | None) -> Iterator[tuple[str, str]]:
        for name, clips in self.sets.items():
            for language in LANGUAGES:
                for noisy in (False, True):
                    rng = np.random.default_rng(SEED)
                    pairs = []
                    for clip in clips.of(language)[:most]:
                        heard, _ = self.hear(_around(clips, clip, rng, noisy=noisy))
                        pairs.append((plain_words(clip.text), plain_words(heard)))
                    condition = "10 to 15 dB of noise" if noisy else "clean"
                    yield f"{name} {language} {condition}", str(error_rate(pairs))

    def hear(self, sound: Sound) -> tuple[str, str]:
        """Text and language at faster-whisper's defaults."""
        segments, info = self.whisper.transcribe(sound)
        return "".join(segment.text for segment in segments), info.language

    # ------------------------------------------------------------------ dialogues

    def dialogues(self) -> Iterator[tuple[str, str]]:
        batched = BatchedInferencePipeline(self.whisper)
        ways: dict[str, Hearing] = {
            "the pipeline": self._pipeline,
            "BatchedInferencePipeline": lambda sound: _parts(
                batched.transcribe(sound, word_timestamps=True, batch_size=4)[0]
            ),
            "WhisperModel with VAD": lambda sound: _parts(
                self.whisper.transcribe(sound, word_timestamps=True, vad_filter=True)[0]
            ),
        }
        for name, clips in self.sets.items():
            spoken = [
                dialogue(clips, language, number)
                for language in LANGUAGES
                for number in range(DIALOGUES // 2)
            ]
            for way, hearing in ways.items():
                yield from self._judged(f"dialogues, {name}, {way}", spoken, hearing)

    def _judged(
        self, title: str, spoken: Sequence[Dialogue], hearing: Hearing
    ) -> Iterator[tuple[str, str]]:
        words: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
        segments = []
        for language in LANGUAGES:
            pairs = []
            for each in (d for d in spoken if d.language == language):
                found, starts = hearing(each.sound)
                pairs.append(([w for w, *_ in each.words], [w for w, *_ in found]))
                words.append(start_errors(each.words, found))
                segments.append(nearest_errors(starts, each.sentence_starts))
            yield f"{title}, {language}", str(error_rate(pairs))
        yield f"{title}, word starts", spread(np.concatenate(words))
        yield f"{title}, segment starts", spread(np.concatenate(segments))

    def _pipeline(self, sound: Sound) -> tuple[list[Timed], list[float]]:
        found = self.recogniser.recognise(sound, RecognitionTask(language=None))
        words = [
            (plain, word.start_ms / 1000, word.end_ms / 1000)
            for segment in found.segments
            for word in segment.words
            for plain in plain_words(word.text)
        ]
        return words, [segment.start_ms / 1000 for segment in found.segments]

    # ------------------------------------------------------------------ the rest

    def languages(self, most: int) -> tuple[str, str]:
        """Share of full windows whose language is told."""
        right = 0
        for number in range(most):
            language = LANGUAGES[number % 2]
            each = dialogue(self.sets["handwritten"], language, 1000 + number, WINDOW_S)
            told, _, _ = self.whisper.detect_language(each.sound[: int(WINDOW_S * SAMPLE_RATE)])
            right += told == language
        return "language of 30 s windows", f"{right} of {most} right"

    def silences(self) -> Iterator[tuple[str, str]]:
        """Words invented where nobody speaks."""
        rng = np.random.default_rng(SEED)
        samples = int(SILENT_S * SAMPLE_RATE)
        sounds = {
            "silence": np.zeros(samples, np.float32),
            **{f"noise {k}": 0.05 * noise(rng, samples) for k in range(3)},
            **{f"loud noise {k}": 0.3 * noise(rng, samples) for k in range(2)},
            **{f"music {k}": 0.1 * tune(rng, samples) for k in range(3)},
        }
        for name, sound in sounds.items():
            whole = sound.astype(np.float32).clip(-1, 1)
            found, _ = self._pipeline(whole)
            text, _ = self.hear(whole)
            yield (
                f"words invented in a minute of {name}",
                f"{len(found)} by the pipeline, {len(plain_words(text))} by WhisperModel",
            )


def _parts(segments: Iterable[object]) -> tuple[list[Timed], list[float]]:
    words: list[Timed] = []
    starts: list[float] = []
    for segment in segments:
        starts.append(segment.start)  # type: ignore[attr-defined]
        for word in segment.words or ():  # type: ignore[attr-defined]
            words += [(plain, word.start, word.end) for plain in plain_words(word.word)]
    return words, starts


def _around(clips: Clips, clip: Clip, rng: Generator, *, noisy: bool) -> Sound:
    """The clip with a little silence before and after, and noise."""
    sound = clips.sound(clip)
    sound = sound * np.float32(PEAK / np.abs(sound).max())
    whole = np.concatenate([np.zeros(4800, np.float32), sound, np.zeros(6400, np.float32)])
    if not noisy:
        return whole
    return blend(whole, noise(rng, len(whole)), rng.uniform(*TOLERABLE_NOISE_DB))


def dialogue(clips: Clips, language: str, number: int, least_s: float = DIALOGUE_S) -> Dialogue:
    """Two unseen voices by turns, pauses of 0.2 to 1.2 s, soft noise beneath."""
    rng = Random(f"{SEED} {language} {number}")
    voices = rng.sample(HELD_OUT_VOICES, 2)
    by_voice = {
        voice: [clip for clip in clips.of(language) if clip.voice == voice] for voice in voices
    }
    parts = [np.zeros(int(0.4 * SAMPLE_RATE), np.float32)]
    samples = len(parts[0])
    words: list[Timed] = []
    starts: list[float] = []
    while samples < least_s * SAMPLE_RATE:
        voice = voices[rng.random() < 0.4]
        clip = rng.choice(by_voice[voice])
        shift = samples / SAMPLE_RATE
        starts.append(shift + clip.words[0][1])
        for text, start, end in clip.words:
            words += [(plain, shift + start, shift + end) for plain in plain_words(text)]
        sound = clips.sound(clip)
        pause = np.zeros(int(rng.uniform(0.2, 1.2) * SAMPLE_RATE), np.float32)
        parts += [sound * np.float32(PEAK / np.abs(sound).max()), pause]
        samples += len(sound) + len(pause)
    whole = np.concatenate(parts)
    whole = blend(whole, noise(np.random.default_rng(number), len(whole)), QUIET_NOISE_DB)
    return Dialogue(language, whole, tuple(words), tuple(starts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--compute-type", default="int8", choices=("int8", "float32"))
    parser.add_argument("--most", type=int, help="only so many sentences of each set")
    parser.add_argument("--only", choices=("sentences", "dialogues", "languages", "silences"))
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    given = parser.parse_args()
    judge = Judge(given.model, given.work, given.compute_type)
    sections: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
        "sentences": lambda: judge.sentences(given.most),
        "dialogues": judge.dialogues,
        "languages": lambda: [judge.languages(200)],
        "silences": judge.silences,
    }
    figures: dict[str, str] = {}
    for name, section in sections.items():
        if given.only in (None, name):
            for title, value in section():
                figures[title] = value
                print(f"{title}: {value}", flush=True)
    if given.out is not None:
        given.out.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
