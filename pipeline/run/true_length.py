"""Measuring whether a speech model may hear at true length, on recordings whose words are known.

Every load is heard in all ways one after the other, in turning order, so that a machine that grows
warm or busy meanwhile slows all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.contracts import ModelError, Recogniser, RecognitionTask
from models.folder import Kind
from models.load import load_ways, model_info, resolve
from models.speech.true_length import Means, Verdict, keep
from pipeline.errors import BadInput, HomeUnusable
from pipeline.evaluation.harmless import Way, verdict
from pipeline.evaluation.word_errors import blocks, plain_words
from pipeline.formats.transcripts import read_transcript
from pipeline.run.context import Context
from pipeline.run.engine import model_missing
from pipeline.run.intake import MEDIA, candidates
from pipeline.settings import Settings
from pipeline.stages import extract, probe
from pipeline.values import SAMPLE_RATE, Audio

SPARES = (1.0, 2.0, 5.0)
"""Seconds of silence after each stretch that are tried: little, some, and what a model that was
never told of short sound may want."""

_SPEECH: Kind = "speech"
_WARMING_S = 30


@dataclass(frozen=True, slots=True)
class Spoken:
    """A media file, the words that are said in it, and their language where it is one."""

    path: Path
    words: tuple[str, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a set was heard, padded and at true length with each spare, and what follows. ``kept``:
    the verdict stands from now on, by these ``means``."""

    model: str
    spoken: tuple[Spoken, ...]
    padded: Way
    others: tuple[Way, ...]
    verdict: Verdict
    kept: bool
    means: Means

    @property
    def chosen(self) -> Way:
        """The way that the verdict is about."""
        return next(way for way in self.others if way.spare_s == self.verdict.spare_s)


def spoken_in(folder: Path) -> list[Spoken]:
    """The media files of a folder that have a transcript beside them (``.vtt``, ``.srt``,
    ``.json``, or ``.txt`` with nothing but what is said).

    Raises BadInput: ``verify.no_folder``, ``verify.no_references``, ``formats.*``.
    """
    if not folder.is_dir():
        raise BadInput("verify.no_folder", path=str(folder))
    found = []
    for candidate in candidates([folder], None):
        if candidate.path.suffix.lower() not in MEDIA:
            continue
        text = candidate.path.with_suffix(".txt")
        side = candidate.transcript or (text if text.is_file() else None)
        if side is not None:
            found.append(Spoken(candidate.path, *_said(side)))
    if not any(one.words for one in found):
        raise BadInput("verify.no_references", path=str(folder))
    return found


def _said(side: Path) -> tuple[tuple[str, ...], str | None]:
    try:
        transcript = read_transcript(side)
    except BadInput as error:
        if side.suffix.lower() != ".txt" or error.key != "formats.unknown":
            raise
        return tuple(plain_words(side.read_text(encoding="utf-8", errors="replace"))), None
    languages = {one.language for one in transcript.segments if one.language}
    words = plain_words(" ".join(segment.text for segment in transcript.segments))
    return tuple(words), transcript.language if len(languages) < 2 else None


def compare(context: Context, name: str, folder: Path, told: Callable[[Path], None]) -> Comparison:
    """Measure the speech model called ``name`` on the recordings in ``folder`` and keep the
    verdict, unless the set tells nothing. ``told`` hears of each file before its turn.

    Raises Missing, HomeUnusable where the verdict cannot be kept, BadInput as ``spoken_in``,
    MediaError.
    """
    settings, models_dir = context.settings, context.models_dir
    spoken = spoken_in(folder)
    try:
        entry = resolve(_SPEECH, name, models_dir)
        info = model_info(entry, models_dir)
        ways = load_ways(
            entry,
            models_dir,
            SPARES,
            device=settings.device,
            compute_type=settings.compute_type,
            threads=settings.threads,
            batch_size=settings.batch_size,
        )
    except ModelError as error:
        raise model_missing(error) from error
    padded, *others = heard(spoken, ways, settings, told)
    found = verdict(padded, others)
    kept = found.tells
    if kept:
        try:
            keep(found, info, context.means, models_dir)
        except ModelError as error:
            raise HomeUnusable("model.disk", name=error.name, detail=error.detail) from error
    return Comparison(entry.name, tuple(spoken), padded, tuple(others), found, kept, context.means)


@dataclass(frozen=True, slots=True)
class _Window:
    recording: int
    audio: Audio
    task: RecognitionTask


def heard(
    spoken: Sequence[Spoken],
    ways: Mapping[float | None, Recogniser],
    settings: Settings,
    told: Callable[[Path], None],
    clock: Callable[[], float] = time.perf_counter,
) -> list[Way]:
    """What each way makes of the recordings, in the order of ``ways``. Raises MediaError."""
    texts = {way: [""] * len(spoken) for way in ways}
    seconds = dict.fromkeys(ways, 0.0)
    order = list(ways)
    for load in _loads(spoken, settings, told):
        if not any(seconds.values()):  # whatever comes first pays for what is made ready once
            first = load[0]
            for recogniser in ways.values():
                recogniser.recognise(first.audio[: _WARMING_S * SAMPLE_RATE], first.task)
        for way in order:
            began = clock()
            found = ways[way].recognise_all([(one.audio, one.task) for one in load])
            seconds[way] += clock() - began
            for window, recognition in zip(load, found, strict=True):
                said = " ".join(segment.text for segment in recognition.segments)
                texts[way][window.recording] += f" {said}"
        order.append(order.pop(0))
    return [
        Way(
            way,
            tuple(
                tuple(blocks(one.words, plain_words(text)))
                for one, text in zip(spoken, texts[way], strict=True)
            ),
            seconds[way],
        )
        for way in ways
    ]


def _loads(
    spoken: Sequence[Spoken], settings: Settings, told: Callable[[Path], None]
) -> Iterator[list[_Window]]:
    """As a run forms them: windows of any recordings, so that short ones fill batches."""
    load: list[_Window] = []
    samples = 0
    for window in _windows(spoken, settings, told):
        full = samples + len(window.audio) > settings.window_seconds * SAMPLE_RATE
        if load and (full or len(load) == 2 * settings.batch_size):
            yield load
            load, samples = [], 0
        load.append(window)
        samples += len(window.audio)
    if load:
        yield load


def _windows(
    spoken: Sequence[Spoken], settings: Settings, told: Callable[[Path], None]
) -> Iterator[_Window]:
    for number, one in enumerate(spoken):
        told(one.path)
        task = RecognitionTask(
            language=one.language,
            fallback_language=settings.language,
            beam_size=settings.beam_size,
        )
        stream = extract.windows(
            one.path,
            probe.probe(one.path),
            None,
            window_ms=settings.window_seconds * 1000,
            limit_ms=round(settings.media_hours_limit * 3_600_000),
        )
        with stream:
            for window in stream:
                yield _Window(number, window.audio, task)
