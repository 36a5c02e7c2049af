"""Making what browsers play, one recording at a time, under its lease."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from pipeline.catalog import corrections, queue, recordings, renditions, transcripts
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.renditions import Made
from pipeline.catalog.transcripts import StageResult
from pipeline.errors import HomeUnusable, InterviewsError, MediaError
from pipeline.home import Home
from pipeline.run import reading, runner, shelf
from pipeline.run.bench import Bench, Stopped
from pipeline.run.safekeeping import present
from pipeline.run.shown import keys, shows
from pipeline.settings import Settings
from pipeline.stages import probe, rendering, rendition
from pipeline.stages.rendition import Decision
from pipeline.values import Failure, MediaInfo, Recording, Span

_STEPS = 20
"""How often progress is told."""


class _Changed(Exception):
    """Something else is withheld by now."""


def make(bench: Bench, recording: Recording) -> None:
    """Make what browsers play of a recording, and mark it done.

    Raises LeaseLost, Stopped, Missing, HomeUnusable, and MediaError (``rendition.*``), which
    ``note_failure`` is for.
    """
    while True:
        try:
            _make(bench, recording)
        except _Changed:
            continue
        return


def note_failure(
    db: Connection, recording: Recording, settings: Settings, failure: Failure
) -> None:
    """Nothing of a recording plays, and why. It is as findable as before, so it is done; it is not
    tried again before something changes or somebody asks for it."""
    if not failure.key.startswith("rendition."):
        path = recording.media.path if recording.media else "–"
        values: dict[str, str | int | float] = {"path": path, "detail": failure.kind}
        failure = Failure("failed", "rendition.failed", values, permanent=True)
    shown = _shown(db, recording)
    made = Made("nothing", why=failure.kind)
    renditions.store(db, recording.id, StageResult(keys(settings)(shown), shown), made, took_ms=0)
    _warn(db, recording.id, failure)
    queue.finish(db, recording.id)


def _warn(db: Connection, recording_id: str, warning: Failure | None) -> None:
    """A warning of another stage says more, and stays."""
    now = recordings.get(db, recording_id).warning
    if now is None or now.key.startswith("rendition."):
        recordings.set_warning(db, recording_id, warning)


def _shown(db: Connection, recording: Recording) -> str:
    track = recording.media.track if recording.media else None
    return shows(recording.id, track, reading.reaches(db, recording.id))


def _make(bench: Bench, recording: Recording) -> None:
    started = time.monotonic()
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        recording = recordings.get(db, recording.id)
        queue.set_progress(db, recording.id, renditions.STAGE, 0.0)
        withheld, shown = reading.reaches(db, recording.id), _shown(db, recording)
        former = renditions.get(db, recording.id)
    plays = former[1].folder if former and former[0].digest == shown else ""
    shelf.keep_only(bench.context.home, recording.id, plays)
    watch = _Watch(bench, recording, shown)
    try:
        path, info, decision = _decided(recording, withheld)
        for attempt in dict.fromkeys((decision, _encoded(decision, info))):
            try:
                return _made(watch, path, info, attempt, withheld, started)
            except MediaError:
                if attempt.kind == "original":  # it plays without pictures of it, too
                    return _note(watch, _made_of(attempt), started)
                if attempt.kind != "copied":
                    raise
    except (MediaError, HomeUnusable):
        watch.check()  # a folder that was taken away may be all that went wrong
        raise


def _decided(recording: Recording, withheld: tuple[Span, ...]) -> tuple[Path, MediaInfo, Decision]:
    """Raises MediaError (``rendition.*``)."""
    try:
        media = present(recording)
    except MediaError as error:
        where = recording.media.path if recording.media else "–"
        raise MediaError("rendition.no_media", path=where) from error
    path = Path(media.path)
    try:
        info = probe.probe(path)
        return path, info, rendition.how(info, media.track, withheld=bool(withheld))
    except InterviewsError as error:
        raise MediaError("rendition.failed", path=media.path, detail=error.kind) from error


def _encoded(decision: Decision, info: MediaInfo) -> Decision:
    """What to do where a copy fails: tracks that cannot be copied can often be decoded."""
    if decision.kind != "copied":
        return decision
    return rendition.how(info, decision.track.number, withheld=True)


def _made(
    watch: _Watch,
    path: Path,
    info: MediaInfo,
    decision: Decision,
    withheld: tuple[Span, ...],
    started: float,
) -> None:
    """Make it, give it its name and note it, all or nothing."""
    bench, recording = watch.bench, watch.recording
    settings, home = bench.context.settings, bench.context.home
    size = path.stat().st_size
    total_ms = max(recording.duration_ms or 0, info.duration_ms or 0)
    listed = rendering.arguments(
        path,
        info,
        decision,
        withheld,
        height=settings.rendition_height,
        threads=settings.threads or len(os.sched_getaffinity(0)),
    )
    made = _made_of(decision)
    if not listed:
        _note(watch, made, started)
        return
    expected = rendering.expected_bytes(decision, size, total_ms)
    with shelf.filling(home, recording.id, bench.owner, expected) as part:
        (part / rendering.FRAMES).mkdir(mode=0o700)
        bounds = rendering.limits(size, total_ms)
        try:
            with closing(rendering.render(path, listed, part, bounds)) as progress:
                for done_ms in progress:
                    watch.reached(done_ms, total_ms)
        except MediaError:
            shelf.check_room(home)
            raise
        made = _described(part, made, decision, probe.shown(path))
        _note(watch, made, started, part)


def _made_of(decision: Decision) -> Made:
    """What there is before there are files."""
    return Made(decision.kind, media_type=decision.media_type, has_video=bool(decision.picture))


def _described(part: Path, made: Made, decision: Decision, source: str) -> Made:
    """``made`` with all that lies in ``part``. Raises MediaError where that does not play."""
    file = "" if decision.kind == "original" else rendering.name_of(decision)
    if file:
        try:
            outcome = probe.probe(part / file)
            probe.choose_track(outcome, None)
        except MediaError as error:
            raise MediaError("rendition.failed", path=source, detail=error.kind) from error
        if not outcome.duration_ms:
            raise MediaError("rendition.failed", path=source, detail="–")
    frames = sum(1 for _ in (part / rendering.FRAMES).iterdir())
    return replace(made, file=file, frames=frames, bytes=shelf.sync(part))


def _note(watch: _Watch, made: Made, started: float, part: Path | None = None) -> None:
    """Store what was made. Raises _Changed where it shows what is withheld by now."""
    bench, recording = watch.bench, watch.recording
    took_ms = round((time.monotonic() - started) * 1000)
    key = keys(bench.context.settings)(watch.shown)
    with queue.holding(bench.catalogue, recording.id, bench.owner) as db:
        if _shown(db, recordings.get(db, recording.id)) != watch.shown:
            raise _Changed
        if part is not None:
            shelf.settle(part, key)
            made = replace(made, folder=key)
        result = StageResult(key, watch.shown)
        renditions.store(db, recording.id, result, made, took_ms=took_ms)
        _warn(db, recording.id, None)
        queue.finish(db, recording.id)
    shelf.keep_only(bench.context.home, recording.id, made.folder)


class _Watch:
    """Tells how far a rendition is, and whether to go on with it.

    One that was begun is finished, though the time window be over: it has no parts to go on from,
    so one that takes longer than what is left of a night would begin anew every night. No other is
    begun after it.
    """

    def __init__(self, bench: Bench, recording: Recording, shown: str) -> None:
        self.bench = bench
        self.recording = recording
        self.shown = shown
        self._step = 0

    def reached(self, done_ms: int, total_ms: int) -> None:
        """Raises Stopped, LeaseLost, _Changed."""
        if self.bench.dropping():
            raise Stopped
        self.check()
        step = _STEPS * done_ms // total_ms if total_ms else 0
        if step > self._step:
            self._step = step
            with queue.holding(self.bench.catalogue, self.recording.id, self.bench.owner) as db:
                queue.set_progress(db, self.recording.id, renditions.STAGE, done_ms / total_ms)
            self.bench.observer.progressed(self.recording, renditions.STAGE, done_ms, total_ms)

    def check(self) -> None:
        """Raises LeaseLost, _Changed."""
        with self.bench.catalogue.read() as db:
            queue.check_held(db, self.recording.id, self.bench.owner)
            if _shown(db, recordings.get(db, self.recording.id)) != self.shown:
                raise _Changed


def sweep(home: Home, catalogue: Catalogue) -> None:
    """Delete what nobody may play: of recordings that are gone, of what is withheld by now, what
    killed runs left behind. What should be there and is not, is work again.

    Raises HomeUnusable.
    """
    lying = shelf.lying(home)
    # As a writer: whoever was giving a folder its name has noted it when our turn comes.
    with catalogue.write() as db:
        tracks = recordings.tracks(db)
        kept = _kept(home, db, tracks, lying)
        busy = runner.working(db, home)
    for recording_id in lying.keys() - busy:
        if recording_id not in tracks:
            shelf.drop(home, recording_id)
        elif lying[recording_id] != [kept.get(recording_id)]:
            shelf.keep_only(home, recording_id, kept.get(recording_id, ""))


def _kept(
    home: Home,
    db: Connection,
    tracks: Mapping[str, int | None],
    lying: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """The folders that may be played, by recording. A result whose files are gone, or whose source
    is back, is one no more."""
    kept = {}
    reticent = corrections.withheld_ids(db)
    for recording_id, made in renditions.lying(db).items():
        if made.kind == "nothing":
            media = recordings.get(db, recording_id).media if made.why == "no_media" else None
            lost = media is not None and Path(media.path).exists()
        else:
            seen = not made.folder or made.folder in lying.get(recording_id, ())
            lost = not seen and not shelf.place(home, recording_id, made.folder).is_dir()
        if lost:
            transcripts.drop_result(db, recording_id, renditions.STAGE)
            continue
        withheld = reading.reaches(db, recording_id) if recording_id in reticent else ()
        if made.folder and made.digest == shows(recording_id, tracks[recording_id], withheld):
            kept[recording_id] = made.folder
    return kept
