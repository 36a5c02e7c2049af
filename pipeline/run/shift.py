"""A shift: work taken under leases, lane by lane, until there is none left or it must stop."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial

from pipeline.catalog import generations, queue, recordings
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.recordings import Database
from pipeline.errors import HomeUnusable, InterviewsError, Missing
from pipeline.run import publish, renditions
from pipeline.run.bench import Bench, Stopped
from pipeline.run.cluster.access import to_scheduler
from pipeline.run.context import Context
from pipeline.run.engine import Engine, Joining, make_engine
from pipeline.run.loads import in_work
from pipeline.run.observer import Observer
from pipeline.run.options import RunOptions, RunReport
from pipeline.run.pacing import settled
from pipeline.run.plan import Work, plan
from pipeline.run.runner import dead
from pipeline.run.work import process
from pipeline.values import Failure

logger = logging.getLogger(__name__)

_CLAIMED_FROM = 50
"""Candidates looked at in one transaction: a long queue must not make claiming slow."""

_PUBLISHED_EVERY = 10_000
"""Chunks behind the generation after which one is published in the middle of a run; up to
20,000 newer ones are searched directly."""


def publish_due(context: Context, catalogue: Catalogue, report: RunReport) -> None:
    with catalogue.read() as db:
        due = publish.due(db, context, worked=bool(report.done))
    if due is None:
        return
    try:
        generation = publish.publish(context.home, catalogue, due, asked=context.text[1])
    except publish.AlreadyBuilding:
        return  # whoever builds holds all that was committed; the rest is searched directly
    report.published = generation.id if generation else None


_GROWS_EVERY_S = 2.0
_MOST_LANES = 64
"""Recordings that are worked on at a time, however many workers there are."""


@dataclass(slots=True)
class _Turn:
    """Work of one sort: on texts, or on what is played. What was ``tried`` is not tried again."""

    renders: bool = False
    todo: dict[str, Work] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)

    def take_up(self, works: list[Work]) -> None:
        self.todo = {
            work.recording.id: work
            for work in works
            if work.only_renders is self.renders and work.recording.id not in self.tried
        }


class Shift:
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
        self._joining = _joining(context, options, observer)
        self._texts, self._renditions = _Turn(), _Turn(renders=True)

    def work(self, catalogue: Catalogue) -> None:
        """Plan, do, and plan again until a plan holds nothing that was not tried. Renditions have
        their turn one by one, whenever there are no texts to be worked on."""
        if not self._options.texts_only:
            renditions.sweep(self._context.home, catalogue)
        begun = False
        while not self._stopping():
            with catalogue.read() as db:
                works = self._plan(db, self._options.only)
                owners = queue.owners(db)
            if not begun:
                self._options.planned(works)
                begun = True
            lost = dead(owners, self._context.home)
            self._texts.take_up(works)
            self._renditions.take_up(works)
            if self._run_lanes(self._texts, lost):
                continue
            if self._renditions.todo and not self._renditions.tried and self.report.done:
                self._publish_texts(catalogue)
            if not self._run_lanes(self._renditions, lost):
                return

    def _plan(self, db: Database, only: tuple[str, ...]) -> list[Work]:
        options = self._options
        return plan(
            self._context, db, only, texts_only=options.texts_only, new_first=options.new_first
        )

    def _run_lanes(self, turn: _Turn, lost: list[str]) -> bool:
        """Work off a turn in as many lanes as the engine feeds. False when nothing was free."""
        if not turn.todo:
            return False
        before = len(turn.tried)
        works = turn.todo.values()
        if self._engine is None:  # once it is there, it keeps its workers
            self._options = settled(self._context, self._options, works, self._observer)
        # One rendition takes all cores there are; the next one is chosen afresh.
        if turn.renders or self._lanes(turn) == 1:
            self._lane(turn, lost)
        else:
            with ThreadPoolExecutor(len(turn.todo)) as pool:
                try:
                    self._feed(pool, turn, lost)
                except BaseException:
                    self._stop.set()
                    raise
        return len(turn.tried) > before

    def _feed(self, pool: ThreadPoolExecutor, turn: _Turn, lost: list[str]) -> None:
        """Lanes until there is no work, more of them when a cluster has got more workers."""
        running: set[Future[None]] = set()
        done: set[Future[None]] = set()
        while running or not done:
            while not done and len(running) < self._lanes(turn):
                running.add(pool.submit(self._lane, turn, lost))
            ended, running = wait(running, _GROWS_EVERY_S, FIRST_COMPLETED)
            done |= ended
            for future in ended:
                future.result()

    def _lanes(self, turn: _Turn) -> int:
        """Recordings that are worked on at a time: of those to listen to so many that short ones
        fill a load for each worker and another meanwhile, and few long ones."""
        workers = max(self._options.workers, 1)
        if self._options.engine == "inline":
            return 1
        if self._options.engine == "dask":
            workers = self._engine.workers if self._engine else 1
        settings = self._context.settings
        heard = [work.recording.duration_ms or 0 for work in turn.todo.values() if work.transcribe]
        filling = min(4 * workers * settings.batch_size, _MOST_LANES)
        filling = min(filling, in_work(heard, (workers + 1) * settings.window_seconds * 1000))
        return min(workers + 1 + filling, len(turn.todo))

    def _lane(self, turn: _Turn, lost: list[str]) -> None:
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
                work = self._claim(catalogue, turn, lost)
                if work is None:
                    return
                self._do(bench, work)
                if turn.renders:
                    return

    def _claim(self, catalogue: Catalogue, turn: _Turn, lost: list[str]) -> Work | None:
        todo = turn.todo
        with self._lock:
            open_ids = [key for key in todo if key not in turn.tried]
            tried = self._texts.tried | self._renditions.tried
            limit = self._options.limit
            if limit is not None and len(tried) >= limit:
                open_ids = [key for key in open_ids if key in tried]
            claimed = None
            while open_ids and claimed is None:
                some, open_ids = open_ids[:_CLAIMED_FROM], open_ids[_CLAIMED_FROM:]
                keeping = {key for key in some if todo[key].keeps_state}
                wanted = partial(self._wanted, turn)
                claimed = queue.claim(catalogue, some, self._owner, lost, wanted, keeping)
            if claimed is None:
                return None
            turn.tried.add(claimed)
        if todo[claimed].keeps_state or self._options.texts_only:
            return todo[claimed]
        with catalogue.read() as db:
            # What another runner had done before we took over need not be done again.
            return next(iter(self._plan(db, (claimed,))), todo[claimed])

    def _wanted(self, turn: _Turn, db: Database, recording_id: str) -> bool:
        works = self._plan(db, (recording_id,))
        return any(work.only_renders is turn.renders for work in works)

    def _do(self, bench: Bench, work: Work) -> None:
        recording = work.recording
        self._observer.started(recording, work.now, new=work.new)
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
            self._finish(bench, work)

    def _finish(self, bench: Bench, work: Work) -> None:
        recording = work.recording
        with self._lock:
            if recording.id not in self.report.done:
                self.report.done.append(recording.id)
            finished = len(self.report.done)
        self._observer.finished(recording)
        if finished % _CLAIMED_FROM == 0 and not work.only_renders:
            self._publish_if_far_behind(bench.catalogue)

    def _publish_if_far_behind(self, catalogue: Catalogue) -> None:
        with catalogue.read() as db:
            behind = generations.index_state(db).behind
        if behind >= _PUBLISHED_EVERY:
            self._publish_texts(catalogue)

    def _publish_texts(self, catalogue: Catalogue) -> None:
        if self._options.catch_up is not None:
            self._options.catch_up(catalogue)
        elif self._options.publish:
            publish_due(self._context, catalogue, self.report)

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
                if work.only_renders:
                    renditions.note_failure(db, recording, self._context.settings, failure)
                else:
                    _note_failure(db, recording.id, failure)
        except queue.LeaseLost as error:
            self._observer.given_up(recording, error)
            return
        if work.only_renders:
            self._finish(bench, work)  # the recording can be found; it only does not play
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
                spec = self._context.recogniser_spec(max(options.workers, 1), options.threads)
                self._engine = make_engine(
                    options.engine,
                    spec,
                    options.workers,
                    self._joining,
                    window_ms=self._context.settings.window_seconds * 1000,
                )
            return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


def _joining(context: Context, options: RunOptions, observer: Observer) -> Joining | None:
    """The cluster to work on, if any. Raises BadInput where it may not be reached like that."""
    if options.engine != "dask":
        return None
    settings = context.settings
    access = to_scheduler(options.scheduler, settings, context.home.root)
    return Joining(access, settings.cluster_wait_seconds, observer.noticed)


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
