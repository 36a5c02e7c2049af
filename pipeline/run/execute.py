"""The run: takes work under leases, lane by lane, until there is none left or it must stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline.catalog import generations, queue, recordings
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.recordings import Database
from pipeline.errors import BadInput, HomeUnusable, InterviewsError, Missing
from pipeline.run import publish
from pipeline.run.bench import Bench, Stopped
from pipeline.run.context import Context
from pipeline.run.engine import Engine, EngineName, make_engine
from pipeline.run.observer import Observer
from pipeline.run.plan import Work, plan
from pipeline.run.runner import Runner, dead
from pipeline.run.work import process
from pipeline.stages.embed import check_limits
from pipeline.values import Failure

logger = logging.getLogger(__name__)

_CLAIMED_FROM = 50
"""Candidates looked at in one transaction: a long queue must not make claiming slow."""

_PUBLISHED_EVERY = 10_000
"""Chunks behind the generation after which one is published in the middle of a run; up to
20,000 newer ones are searched directly."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run. ``stop_at`` answers whether the time window is over; ``texts_only`` renews the
    chunks of changed texts and leaves recognition to a later run; without ``publish`` the caller
    sees to the index, and ``catch_up`` is how in the middle of a long run."""

    engine: EngineName = "processes"
    scheduler: str | None = None
    workers: int = 1
    limit: int | None = None
    only: tuple[str, ...] = ()
    texts_only: bool = False
    new_first: bool = False
    publish: bool = True
    catch_up: Callable[[Catalogue], None] | None = None
    stop_at: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class RunReport:
    """What a run did. ``stopped`` says that it ended before its work did; ``no_hints`` why the
    speech model was told no glossary, if that is bad."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, Failure] = field(default_factory=dict)
    stopped: bool = False
    published: int | None = None
    others: int = 0
    no_hints: Failure | None = None


def run(context: Context, options: RunOptions, observer: Observer) -> RunReport:
    """Work off what is new and stale, then publish the index.

    Raises Missing or HomeUnusable where nothing can be done for any recording: what was begun
    goes back into the queue.
    """
    _check_chunk_size(context)
    with context.catalogue() as catalogue, Runner(context.home) as runner:
        shift = _Shift(context, options, observer, runner.owner)
        shift.report.no_hints = _bad_glossary(context)
        try:
            shift.work(catalogue)
        finally:
            shift.close()
        if options.publish:
            _publish(context, catalogue, shift.report)
        with catalogue.read() as db:
            held = queue.held(db)
        shift.report.others = sum(1 for owner in held.values() if owner != runner.owner)
    return shift.report


def _check_chunk_size(context: Context) -> None:
    """A setting that no recording can satisfy is the setting's fault. Raises BadInput."""
    entry, _ = context.text
    if entry.max_tokens is not None:
        check_limits(context.settings.chunk_size, entry.max_tokens, entry.name)


def _bad_glossary(context: Context) -> Failure | None:
    """A glossary that cannot be used holds up no recording; whoever began the run is told."""
    try:
        context.glossary()
    except BadInput as error:
        return error.failure()
    return None


def _publish(context: Context, catalogue: Catalogue, report: RunReport) -> None:
    with catalogue.read() as db:
        due = publish.due(db, context, worked=bool(report.done))
    if due is None:
        return
    try:
        generation = publish.publish(context.home, catalogue, due, asked=context.text[1])
    except publish.AlreadyBuilding:
        return  # whoever builds holds all that was committed; the rest is searched directly
    report.published = generation.id if generation else None


class _Shift:
    """The state that the lanes of one run share."""

    def __init__(
        self, context: Context, options: RunOptions, observer: Observer, owner: str
    ) -> None:
        self.report = RunReport()
        self._context = context
        self._options = options
        self._observer = observer
        self._owner = owner
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._time_up = threading.Event()
        self._engine: Engine | None = None
        self._tried: set[str] = set()

    def work(self, catalogue: Catalogue) -> None:
        """Plan, do, and plan again until a plan holds nothing that was not tried."""
        while not self._stopping():
            with catalogue.read() as db:
                works = self._plan(db, self._options.only)
                owners = queue.owners(db)
            lost = dead(owners, self._context.home)
            todo = {
                work.recording.id: work for work in works if work.recording.id not in self._tried
            }
            if not todo or not self._run_lanes(todo, lost):
                return

    def _plan(self, db: Database, only: tuple[str, ...]) -> list[Work]:
        options = self._options
        return plan(
            self._context, db, only, texts_only=options.texts_only, new_first=options.new_first
        )

    def _run_lanes(self, todo: dict[str, Work], lost: list[str]) -> bool:
        """Work off ``todo`` in as many lanes as the engine feeds. False when nothing was free."""
        before = len(self._tried)
        lanes = min(_lanes(self._options), len(todo))
        if lanes == 1:
            self._lane(todo, lost)
        else:
            with ThreadPoolExecutor(lanes) as pool:
                futures = [pool.submit(self._lane, todo, lost) for _ in range(lanes)]
                try:
                    for future in futures:
                        future.result()
                except BaseException:
                    self._stop.set()
                    raise
        return len(self._tried) > before

    def _lane(self, todo: dict[str, Work], lost: list[str]) -> None:
        with self._context.catalogue() as catalogue:
            bench = Bench(
                self._context,
                catalogue,
                self.engine,
                self._owner,
                self._observer,
                stopping=self._stopping,
                dropping=self._stop.is_set,
            )
            while not self._stopping():
                work = self._claim(catalogue, todo, lost)
                if work is None:
                    return
                self._do(bench, work)

    def _claim(self, catalogue: Catalogue, todo: dict[str, Work], lost: list[str]) -> Work | None:
        with self._lock:
            limit = self._options.limit
            if limit is not None and len(self._tried) >= limit:
                return None
            open_ids = [key for key in todo if key not in self._tried]
            claimed = None
            while open_ids and claimed is None:
                some, open_ids = open_ids[:_CLAIMED_FROM], open_ids[_CLAIMED_FROM:]
                keeping = {key for key in some if todo[key].keeps_state}
                claimed = queue.claim(catalogue, some, self._owner, lost, self._wanted, keeping)
            if claimed is None:
                return None
            self._tried.add(claimed)
        if todo[claimed].keeps_state or self._options.texts_only:
            return todo[claimed]
        with catalogue.read() as db:
            # What another runner had done before we took over need not be done again.
            return next(iter(self._plan(db, (claimed,))), todo[claimed])

    def _wanted(self, db: Database, recording_id: str) -> bool:
        return bool(self._plan(db, (recording_id,)))

    def _do(self, bench: Bench, work: Work) -> None:
        recording = work.recording
        self._observer.started(recording, work.stages, new=work.new)
        try:
            process(bench, work)
        except queue.LeaseLost as error:
            self._observer.given_up(recording, error)
        except Stopped:
            self._give_back(bench, recording.id)
        except (Missing, HomeUnusable):
            # Nobody's recording is to blame, so no recording fails; the run ends.
            self._stop.set()
            self._give_back(bench, recording.id)
            raise
        except InterviewsError as error:
            self._fail(bench, work, error.failure())
        except Exception as error:
            logger.debug("unexpected", exc_info=error)
            failure = Failure("unexpected", "run.unexpected", {"what": type(error).__name__}, False)
            self._fail(bench, work, failure)
        except BaseException:
            self._stop.set()
            self._give_back(bench, recording.id)
            raise
        else:
            with self._lock:
                self.report.done.append(recording.id)
                finished = len(self.report.done)
            self._observer.finished(recording)
            if finished % _CLAIMED_FROM == 0:
                self._publish_if_far_behind(bench.catalogue)

    def _publish_if_far_behind(self, catalogue: Catalogue) -> None:
        with catalogue.read() as db:
            behind = generations.index_state(db).behind
        if behind < _PUBLISHED_EVERY:
            return
        if self._options.catch_up is not None:
            self._options.catch_up(catalogue)
        elif self._options.publish:
            _publish(self._context, catalogue, self.report)

    def _give_back(self, bench: Bench, recording_id: str) -> None:
        with self._lock:
            self.report.stopped = True
        try:
            with queue.holding(bench.catalogue, recording_id, self._owner) as db:
                queue.give_back(db, recording_id)
        except (queue.LeaseLost, HomeUnusable):
            return  # the lease ends with this process

    def _fail(self, bench: Bench, work: Work, failure: Failure) -> None:
        recording = work.recording
        try:
            with queue.holding(bench.catalogue, recording.id, self._owner) as db:
                _note_failure(db, recording.id, failure)
        except queue.LeaseLost as error:
            self._observer.given_up(recording, error)
            return
        with self._lock:
            self.report.failed[recording.id] = failure
        self._observer.failed(recording, failure)

    def _stopping(self) -> bool:
        """Whether nothing more is to be begun: at once, or since the time window is over."""
        if self._options.stop_at():
            self.report.stopped = True
            self._time_up.set()
        return self._stop.is_set() or self._time_up.is_set()

    def engine(self) -> Engine:
        """The engine, made when the first window needs it: re-chunking loads no recogniser."""
        with self._lock:
            if self._engine is None:
                options = self._options
                spec = self._context.recogniser_spec(options.workers)
                self._engine = make_engine(options.engine, spec, options.workers, options.scheduler)
            return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


def _note_failure(db: Database, recording_id: str, failure: Failure) -> None:
    """A recording that waits or was cancelled, and whose chunks could not be renewed, is no failed
    one: it stays what it is, and its chunks are as stale as before."""
    recording = recordings.get(db, recording_id)
    if recording.state == "running":
        queue.fail(db, recording_id, failure, recording.stage or "transcribe")
    elif recording.state == "failed":
        queue.fail(db, recording_id, failure, "chunk")
    else:
        queue.give_back(db, recording_id)


def _lanes(options: RunOptions) -> int:
    return 1 if options.engine == "inline" else options.workers + 1
