"""Speech recognition by a Whisper model in CTranslate2's form, through faster-whisper.

Windows of audio are searched for speech, the speech is cut into stretches, and every stretch is
encoded once, given its language, decoded, judged, decoded again where it fails, and timed word by
word. Stretches of all windows that are given together share batches.

Why no temperature steps: CTranslate2 (4.8) reads its random seed once per worker thread, so that a
second sampling depends on all those before it and equal audio would not give equal text. What fails
is decoded again without randomness instead: in halves, then kept from repeating itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # Before faster-whisper is imported: it would fetch otherwise.

from faster_whisper.vad import VadOptions

from models.contracts import (
    Audio,
    ModelInfo,
    RecognisedSegment,
    RecognisedWord,
    Recognition,
    RecognitionTask,
)
from models.machine import cores
from models.speech.decoder import Encoded, Manner, SpeechDecoder
from models.speech.engine import check_files, load_model
from models.speech.listening import MODEL_SECONDS, Batch, Job, Listener, Part
from models.speech.quality import Attempt, echoes, least_ms, likeliest, silence_phrases
from models.speech.stretches import SAMPLES_PER_MS, confirmed_speech_ms
from models.speech.words import place_words

__all__ = ["VadOptions", "WhisperRecogniser"]

DEEPEST_SPLIT = 2
"""A failing stretch is halved at most this often: 30 s to 7.5 s."""

LONGEST_REPEAT = 5
"""Tokens that may recur in a guarded decoding: two or three words, since people do repeat those."""

_AROUND_MS = 200


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A part with the text it got, and the row of ``encoded`` that holds its sound."""

    part: Part
    language: str
    attempt: Attempt
    encoded: Encoded
    row: int = 0
    redecoded: bool = False


class WhisperRecogniser:
    """A ``Recogniser`` over the model files in ``directory``.

    ``device`` is "auto", "cpu" or "cuda"; ``compute_type`` "auto" is int8 on a processor and
    float16 on a graphics card; ``threads`` 0 means every core this process may use.
    ``spare_s`` None pads every stretch to thirty seconds, as Whisper was trained; else stretches
    are heard at their true length, with so much silence after them (``true_length``).
    ``prompts`` False says that the model is led astray by text given before it listens; hotwords
    are left out.

    Raises ModelError: ``damaged`` names the file that is missing or broken, ``unloadable`` says
    why the engine refused.
    """

    def __init__(
        self,
        directory: Path,
        info: ModelInfo,
        *,
        device: str,
        compute_type: str,
        threads: int,
        batch_size: int,
        prompts: bool = True,
        spare_s: float | None = None,
    ) -> None:
        check_files(directory, info.name)
        model = load_model(directory, info.name, device, compute_type, threads)
        self._info = info
        self._prompts = prompts
        self._batch_size = batch_size
        self._threads = threads or cores()
        self._hear_through(SpeechDecoder(model, spare_s))
        self._ran: dict[str, str | int | float] = {
            "device": model.model.device,
            "compute_type": model.model.compute_type,
            "threads": self._threads,
            "batch_size": batch_size,
            "chunk_length_s": MODEL_SECONDS,
        }
        if spare_s is not None:
            self._ran["true_length_spare_s"] = spare_s

    def _hear_through(self, decoder: SpeechDecoder) -> None:
        self._decoder = decoder
        self._listener = Listener(
            decoder,
            longest_s=MODEL_SECONDS,
            vad=VadOptions(min_silence_duration_ms=160),  # faster-whisper's own for batches
            batch_size=self._batch_size,
            threads=self._threads,
        )

    def with_spare(self, spare_s: float | None) -> WhisperRecogniser:
        """The same loaded model, hearing at true length or padded: to compare the two."""
        other = copy(self)
        other._hear_through(self._decoder.with_spare(spare_s))
        other._ran = {k: v for k, v in self._ran.items() if k != "true_length_spare_s"}
        if spare_s is not None:
            other._ran["true_length_spare_s"] = spare_s
        return other

    @property
    def info(self) -> ModelInfo:
        return self._info

    def recognise(self, audio: Audio, task: RecognitionTask) -> Recognition:
        """Recognise one window, float32 [n] at 16 kHz, in [-1, 1].

        Decoding has no randomness. Raises ValueError for a language Whisper does not know.
        """
        return self.recognise_all([(audio, task)])[0]

    def recognise_all(self, windows: Sequence[tuple[Audio, RecognitionTask]]) -> list[Recognition]:
        """Recognise windows of any recordings, each as ``recognise`` does, in their order."""
        found = self._listener.find_speech([audio for audio, _ in windows])
        jobs = [
            Job(audio, self._told(task), speech)
            for (audio, task), speech in zip(windows, found, strict=True)
        ]
        segments: dict[Job, list[RecognisedSegment]] = {job: [] for job in jobs}
        for alike in _by_manner(jobs):
            for batch in self._listener.batches(alike):
                for job, segment in self._segments(self._decode(batch)):
                    segments[job].append(segment)
        return [self._recognition(job, segments[job]) for job in jobs]

    def _told(self, task: RecognitionTask) -> RecognitionTask:
        """The task with those hotwords that the model takes."""
        hotwords = self._decoder.hotwords(task.hotwords) if self._prompts else ()
        return replace(task, hotwords=hotwords)

    def _recognition(self, job: Job, segments: Iterable[RecognisedSegment]) -> Recognition:
        return Recognition(
            segments=tuple(sorted(segments, key=lambda segment: segment.start_ms)),
            speech=tuple((a // SAMPLES_PER_MS, b // SAMPLES_PER_MS) for a, b in job.speech.pieces),
            model=self._info,
            ran=self._ran | {"hotwords": len(job.task.hotwords)},
        )

    def _decode(self, batch: Batch) -> Iterator[_Decoded]:
        attempts = self._decoder.decode(batch.encoded, batch.languages, _manner(batch.parts[0].job))
        for number, attempt in enumerate(attempts):
            part, language = batch.parts[number], batch.languages[number]
            first = _Decoded(part, language, attempt, batch.encoded, number)
            if _misled(attempt, part.job.task.hotwords):
                first = self._without_hotwords(first)
            yield from [first] if attempt.good else self._again(first, DEEPEST_SPLIT)

    def _without_hotwords(self, first: _Decoded) -> _Decoded:
        """The stretch decoded as if there were no hotwords: what they help to spell, they must
        never cost."""
        task = first.part.job.task
        sound = first.encoded.rows([first.row])
        plain = self._decoder.decode(sound, [first.language], Manner(task.beam_size))[0]
        sane = [plain] if echoes(first.attempt.text, task.hotwords) else [plain, first.attempt]
        best = plain if plain.good else likeliest(sane) or plain
        return replace(first, attempt=best, redecoded=True)

    def _again(self, first: _Decoded, depth: int) -> list[_Decoded]:
        """A failing stretch in halves, each in its own language unless the language is given; and
        where these fail as well, the whole of it kept from repeating itself, if that is likelier.

        Halves come first: somebody who does say a thing over and over is heard rightly by halves,
        while a ban on repetition would take the words away.
        """
        parts = first.part.halves() if depth else ()
        mended = [
            self._half(part, first.language, depth - 1)
            for part in (parts if len(parts) > 1 else ())
        ]
        halves = [decoded for half in mended for decoded in half]
        if mended and all(mended) and all(half.attempt.good for half in halves):
            return halves
        beam_size = first.part.job.task.beam_size
        guarded = Manner(beam_size, no_repeat_ngram_size=LONGEST_REPEAT)
        sound = first.encoded.rows([first.row])
        second = self._decoder.decode(sound, [first.language], guarded)[0]
        best = likeliest([second, first.attempt])
        whole = [replace(first, attempt=best, redecoded=True)] if best else []
        return halves if _likelier(halves, whole) else whole

    def _half(self, part: Part, language: str, depth: int) -> list[_Decoded]:
        encoded = self._listener.encode([part])
        task = part.job.task
        if task.language is None:
            heard = self._listener.heard([part], encoded)[0]
            language = heard.best if heard.clear else language
        attempt = self._decoder.decode(encoded, [language], Manner(task.beam_size))[0]
        half = _Decoded(part, language, attempt, encoded, redecoded=True)
        return [half] if attempt.good else self._again(half, depth)

    def _segments(self, decoded: Iterable[_Decoded]) -> Iterator[tuple[Job, RecognisedSegment]]:
        texts = [d for d in decoded if not d.attempt.silent]
        # Aligned together what was encoded together and is of one language.
        texts.sort(key=lambda d: (id(d.encoded), d.language))
        for _, group in groupby(texts, key=lambda d: (id(d.encoded), d.language)):
            yield from self._timed(list(group))

    def _timed(self, group: Sequence[_Decoded]) -> Iterator[tuple[Job, RecognisedSegment]]:
        language = group[0].language
        encoded = group[0].encoded.rows([d.row for d in group])
        aligned = self._decoder.align(encoded, language, [d.attempt.tokens for d in group])
        for piece, timed in zip(group, aligned, strict=True):
            job = piece.part.job
            words = place_words(timed, piece.part.stretch, language, job.speech)
            kept = without_inventions(job.audio, words)
            if kept:
                yield job, _segment(piece, kept, whole=len(kept) == len(words))


def _by_manner(jobs: Iterable[Job]) -> Iterable[list[Job]]:
    """The windows that are decoded in one manner, and so may share batches."""
    alike: dict[Manner, list[Job]] = {}
    for job in jobs:
        alike.setdefault(_manner(job), []).append(job)
    return alike.values()


def _manner(job: Job) -> Manner:
    return Manner(job.task.beam_size, job.task.hotwords)


def _misled(attempt: Attempt, hotwords: Sequence[str]) -> bool:
    """Whether hotwords may have spoilt a decoding: it fails, reads them out, or finds nothing to
    write where the detector hears speech."""
    if not hotwords:
        return False
    return attempt.silent or not attempt.good or echoes(attempt.text, hotwords)


def _segment(piece: _Decoded, words: Sequence[RecognisedWord], *, whole: bool) -> RecognisedSegment:
    attempt = piece.attempt
    return RecognisedSegment(
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        text=attempt.text if whole else " ".join(word.text for word in words),
        language=piece.language,
        words=tuple(words),
        mean_logprob=attempt.mean_logprob,
        compression_ratio=attempt.compression_ratio,
        no_speech_probability=attempt.no_speech_probability,
        redecoded=piece.redecoded,
    )


def without_inventions(audio: Audio, words: Sequence[RecognisedWord]) -> list[RecognisedWord]:
    """The words without the phrases that the model is known to invent, where a strict detector
    hears less speech than saying them would take."""
    kept = list(words)
    for begin, end in reversed(list(silence_phrases([word.text for word in words]))):
        start_ms = max(0, words[begin].start_ms - _AROUND_MS)
        around = audio[
            start_ms * SAMPLES_PER_MS : (words[end - 1].end_ms + _AROUND_MS) * SAMPLES_PER_MS
        ]
        if confirmed_speech_ms(around) < least_ms([word.text for word in words[begin:end]]):
            del kept[begin:end]
    return kept


def _likelier(halves: Sequence[_Decoded], whole: Sequence[_Decoded]) -> bool:
    """Whether the halves together were decoded more surely than the whole was."""
    written = sum(len(half.attempt.tokens) for half in halves)
    if not written or not whole or not whole[0].attempt.finished:
        return bool(halves)
    logprob = sum(half.attempt.mean_logprob * len(half.attempt.tokens) for half in halves)
    return logprob / written > whole[0].attempt.mean_logprob
