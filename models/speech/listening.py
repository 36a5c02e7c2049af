"""Hearing windows: their speech, cut into stretches, encoded once, each with its language.

A batch holds stretches of any of the windows, since a short recording alone fills none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from faster_whisper.vad import VadOptions

from models.contracts import Audio, RecognitionTask
from models.speech.decoder import Encoded, Features, SpeechDecoder
from models.speech.language import Heard, candidate_languages, choose_languages
from models.speech.stretches import Piece, Speech, Stretch, find_speech, pack

MODEL_SECONDS = 30
"""What a Whisper encoder takes at once."""

TURN_S = 1.5
TURN_PAUSE_S = 0.6
"""A turn of speech: this long at least, ended by a pause of this length. The language of shorter
ones, "Ja" or "Okay", cannot be told."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A window of audio, how to listen to it, and where its speech is."""

    audio: Audio
    task: RecognitionTask
    speech: Speech


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A stretch of a window."""

    job: Job
    stretch: Stretch

    @property
    def sound(self) -> Audio:
        return self.stretch.cut(self.job.audio)

    def halves(self) -> tuple[Part, ...]:
        return tuple(Part(self.job, half) for half in self.stretch.halves(self.job.audio))


@dataclass(frozen=True, slots=True)
class Batch:
    """Parts, their sound and the language of each."""

    parts: Sequence[Part]
    encoded: Encoded
    languages: Sequence[str]


@dataclass(frozen=True, slots=True)
class Listened:
    """Parts, their sound and the language each of them sounds like."""

    parts: list[Part]
    encoded: Encoded
    heard: list[Heard]

    def parted(
        self, turns: Callable[[Part], list[Part]], mixed: Collection[Job]
    ) -> tuple[Listened, list[Part]]:
        """What stays together, and the turns of the others: of all in ``mixed`` windows, of the
        unclear in the rest."""
        kept: list[int] = []
        apart: list[Part] = []
        for number, part in enumerate(self.parts):
            asked = part.job in mixed or not self.heard[number].clear
            parts = turns(part) if asked else []
            if len(parts) > 1:
                apart += parts
            else:
                kept.append(number)
        rows = Listened(
            [self.parts[n] for n in kept], self.encoded.rows(kept), [self.heard[n] for n in kept]
        )
        return rows, apart


class Listener:
    """Cuts speech into stretches of at most ``longest_s`` seconds and hears their language."""

    def __init__(
        self,
        decoder: SpeechDecoder,
        *,
        longest_s: int,
        vad: VadOptions,
        batch_size: int,
        threads: int = 1,
    ) -> None:
        self._decoder = decoder
        self._threads = threads
        self._longest_s = longest_s
        self._vad = vad
        self._batch_size = batch_size
        self._pause_s = max(TURN_PAUSE_S - 2 * vad.speech_pad_ms / 1000, 0.01)

    def find_speech(self, sounds: Sequence[Audio]) -> list[Speech]:
        """Where in each is speech. The detector has one thread, so several look at a time."""
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(self._find_speech, sounds))

    def _find_speech(self, audio: Audio) -> Speech:
        return find_speech(audio, self._vad, self._longest_s)

    def batches(self, jobs: Sequence[Job]) -> Iterator[Batch]:
        """The parts of all windows, each encoded once, those of one length together: a batch is
        decoded until the last of them has come to its end."""
        told = [job for job in jobs if job.task.language is not None]
        for parts, encoded in self._encoded(self._parts(told)):
            languages = [part.job.task.language or "" for part in parts]
            yield Batch(parts, encoded, languages)
        yield from self._heard_first([job for job in jobs if job.task.language is None])

    def _heard_first(self, jobs: Sequence[Job]) -> Iterator[Batch]:
        """Every part is heard before any language is settled; the encodings wait meanwhile (4 to
        8 MB a part for the largest models, a hundred megabytes or two for ten minutes)."""
        listened = list(self._listen(self._parts(jobs)))
        sounds = _of_windows(listened)
        mixed = {job for job in sounds if len(candidate_languages(sounds[job])) > 1}
        # A stretch that may hold two languages is heard again turn by turn.
        doubtful = [one.parted(self._turns, mixed) for one in listened]
        listened = [kept for kept, _ in doubtful if kept.parts]
        listened += self._listen([turn for _, turns in doubtful for turn in turns])
        chosen = {
            job: iter(choose_languages(heard, job.task.fallback_language))
            for job, heard in _of_windows(listened).items()
        }
        for one in listened:
            yield Batch(one.parts, one.encoded, [next(chosen[part.job]) for part in one.parts])

    def _parts(self, jobs: Iterable[Job]) -> list[Part]:
        return [
            Part(job, stretch)
            for job in jobs
            for stretch in self._packed(job.speech.pieces, self._enough_s(job.task))
        ]

    def _enough_s(self, task: RecognitionTask) -> float:
        """A model pays for thirty seconds whatever it hears, so its stretches are filled: by half,
        where each is to show which language is spoken, else wholly."""
        return self._longest_s / (2 if task.language is None else 1)

    def _turns(self, part: Part) -> list[Part]:
        return [Part(part.job, turn) for turn in self._packed(part.stretch.pieces, TURN_S)]

    def _packed(self, pieces: Sequence[Piece], enough_s: float) -> list[Stretch]:
        return pack(pieces, self._longest_s, enough_s=enough_s, pause_s=self._pause_s)

    def _listen(self, parts: Sequence[Part]) -> Iterator[Listened]:
        for group, encoded in self._encoded(parts):
            yield Listened(group, encoded, self.heard(group, encoded))

    def _encoded(self, parts: Sequence[Part]) -> Iterator[tuple[list[Part], Encoded]]:
        """Batches with their sound. The features of the next one are made while the engine, which
        leaves the interpreter alone, works on this one."""
        with ThreadPoolExecutor(1) as beside:
            waiting: tuple[list[Part], Future[Features]] | None = None
            for group in self._grouped(parts):
                made = beside.submit(self._features, group)
                if waiting is not None:
                    yield waiting[0], self._decoder.encoded(waiting[1].result())
                waiting = group, made
            if waiting is not None:
                yield waiting[0], self._decoder.encoded(waiting[1].result())

    def _features(self, parts: Sequence[Part]) -> Features:
        return self._decoder.features([part.sound for part in parts])

    def _grouped(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """Batches, the longest parts first; what is encoded in other lengths goes apart."""
        ordered = sorted(parts, key=lambda part: -part.stretch.samples)
        for _, group in groupby(ordered, lambda part: self._decoder.frames(part.stretch.samples)):
            alike = list(group)
            for begin in range(0, len(alike), self._batch_size):
                yield alike[begin : begin + self._batch_size]

    def encode(self, parts: Iterable[Part]) -> Encoded:
        return self._decoder.encode([part.sound for part in parts])

    def heard(self, parts: Sequence[Part], encoded: Encoded) -> list[Heard]:
        probabilities = self._decoder.languages(encoded)
        return [
            Heard(p, part.stretch.seconds) for p, part in zip(probabilities, parts, strict=True)
        ]


def _of_windows(listened: Iterable[Listened]) -> dict[Job, list[Heard]]:
    """What was heard in each window, in the order of the parts."""
    heard: dict[Job, list[Heard]] = {}
    for one in listened:
        for part, sound in zip(one.parts, one.heard, strict=True):
            heard.setdefault(part.job, []).append(sound)
    return heard
