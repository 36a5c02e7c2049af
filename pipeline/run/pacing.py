"""Measuring the pace with the recogniser itself: before the first run with enough to hear.

What is heard meanwhile is a sentence or two of our own that come with the program, never a
recording.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.contracts import ModelError, RecognitionTask
from models.load import directory_of
from models.machine import cores, device_for, free_memory
from pipeline.run import workers as executors
from pipeline.run.context import Context
from pipeline.run.observer import Observer
from pipeline.run.options import RunOptions
from pipeline.run.pace import Facts, Pace, Split, keep, kept, measure, processor, splits
from pipeline.run.plan import Work
from pipeline.run.workers import RecogniserSpec
from pipeline.stages import extract, probe
from pipeline.values import SAMPLE_RATE, Audio

SOUND = Path(__file__).with_name("speech.ogg")
"""Twenty seconds of a sample interview: synthetic voices, our own words."""

LEAST_MS = 30 * 60_000
"""Less than half an hour of sound is heard before a measurement would have paid."""

WORTH_MS = 5 * 60_000
"""For less sound than this no further process loads a model."""

SHORTEST_S, LONGEST_S = 20.0, 180.0
SHARE = 0.01
"""How long measuring may take: twenty seconds, or this share of the sound there is to hear."""

_MORE_TIME = 4
"""What was cut short is measured again where so many times as much time may be taken."""

_LOST = (ModelError, BrokenProcessPool, MemoryError, OSError, RuntimeError)
"""A split that cannot be tried, for want of memory say, is none to choose."""


def settled(
    context: Context, options: RunOptions, works: Iterable[Work], observer: Observer
) -> RunOptions:
    """``options`` with the split of the cores that what is to be heard is heard with.

    What the caller or the settings say is kept to. Raises HomeUnusable, Missing.
    """
    if options.workers or options.engine != "processes" or context.settings.threads:
        return options
    heard = [work.recording for work in works if work.transcribe][: options.limit]
    window_ms = context.settings.window_seconds * 1000
    windows = sum(-(-(one.duration_ms or 1) // window_ms) for one in heard)
    waiting_ms = sum((one.duration_ms or 0) * (1 - one.progress % 1.0) for one in heard)
    if waiting_ms < 2 * WORTH_MS:
        return options
    facts = facts_of(context)
    pace = kept(context.home, facts)
    if facts.device == "cpu" and _is_due(pace, waiting_ms):
        pace = measure_anew(context, facts, _limit_s(waiting_ms))
        observer.paced(pace.chosen)
    if pace is None:
        return options
    workers, threads = pace.chosen.workers, pace.chosen.threads
    # More processes than windows would only have fewer threads each.
    if windows < workers or waiting_ms < workers * WORTH_MS:
        return options
    return replace(options, workers=workers, threads=threads)


def _is_due(pace: Pace | None, waiting_ms: float) -> bool:
    if waiting_ms < LEAST_MS or cores() < 2:
        return False
    return pace is None or (not pace.complete and _limit_s(waiting_ms) >= _MORE_TIME * pace.limit_s)


def _limit_s(waiting_ms: float) -> float:
    return min(max(SHARE * waiting_ms / 1000, SHORTEST_S), LONGEST_S)


def facts_of(context: Context) -> Facts:
    """What a pace measured now would hold for. Raises Missing."""
    settings = context.settings
    return Facts(
        cores=cores(),
        processor=processor(),
        device=device_for(settings.device),
        compute_type=settings.compute_type,
        batch_size=settings.batch_size,
        model=context.speech[1].hash,
    )


def measure_anew(context: Context, facts: Facts, limit_s: float = LONGEST_S) -> Pace:
    """Measure the splits that there is memory for, and keep what was chosen. A graphics card is
    tried with two processes at most. Raises HomeUnusable, Missing, MediaError."""
    model = directory_of(context.speech[0], context.models_dir) / "model.bin"
    tried = splits(facts.cores, model.stat().st_size, free_memory())
    if facts.device != "cpu":
        tried = tried[:2]
    trial = _Trial(context, _sound())
    pace = measure(tried, trial, time.monotonic, limit_s)
    keep(context.home, facts, pace)
    return pace


def _sound() -> Audio:
    stream = extract.windows(SOUND, probe.probe(SOUND), None, window_ms=60_000, limit_ms=60_000)
    with stream:
        return np.concatenate([window.audio for window in stream])


class _Trial:
    """Tries splits with processes of their own, all of which hear as much at once."""

    def __init__(self, context: Context, sound: Audio) -> None:
        self._context = context
        self._window = np.asarray(sound, dtype="<f4").tobytes()
        self._window_s = len(sound) / SAMPLE_RATE
        self._task = RecognitionTask("de", beam_size=context.settings.beam_size)

    def __call__(self, split: Split, left_s: float) -> float | None:
        ends = time.monotonic() + left_s
        spec = self._context.recogniser_spec(split.workers, split.threads)
        # A pool each: of one pool for all, a quick process would take a slow one's share.
        pools = [executors.processes(1) for _ in range(split.workers)]
        try:
            if self._heard(pools, spec, 1, ends) is None:  # loads the model
                return None
            windows = spec.batch_size
            took_s = self._heard(pools, spec, windows, ends)
        except _LOST:
            return None
        finally:
            for pool in pools:
                executors.kill_workers(pool)
                pool.shutdown(wait=True, cancel_futures=True)
        return None if took_s is None else split.workers * windows * self._window_s / took_s

    def _heard(
        self, pools: list[ProcessPoolExecutor], spec: RecogniserSpec, windows: int, ends: float
    ) -> float | None:
        """Seconds until every pool has heard so many windows; None beyond ``ends``."""
        load = [(self._window, self._task)] * windows
        began = time.monotonic()
        futures: list[Future[object]] = [
            pool.submit(executors.recognise, spec, load) for pool in pools
        ]
        if wait(futures, timeout=max(ends - began, 0)).not_done:
            return None
        for future in futures:
            future.result()
        return time.monotonic() - began
