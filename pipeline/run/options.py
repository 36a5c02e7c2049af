"""How a run is to be done, and what it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.catalog.connection import Catalogue
from pipeline.run.engine import EngineName
from pipeline.run.plan import Work
from pipeline.values import Failure


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run. ``workers`` 0: as it was measured, else one, and of a cluster all that are there;
    ``threads`` 0: each worker its share of the cores. ``stop_at`` answers whether the time window
    is over; ``texts_only`` renews the chunks of changed texts and leaves recognition to a later
    run; without ``publish`` the caller sees to the index, and ``catch_up`` is how in the middle of
    a long run. ``planned`` is told what there is to do before anything is begun; what it raises
    ends the run."""

    engine: EngineName = "processes"
    scheduler: str | None = None
    workers: int = 0
    threads: int = 0
    limit: int | None = None
    only: tuple[str, ...] = ()
    texts_only: bool = False
    new_first: bool = False
    publish: bool = True
    catch_up: Callable[[Catalogue], None] | None = None
    planned: Callable[[Sequence[Work]], None] = lambda _: None
    stop_at: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class RunReport:
    """What a run did. ``stopped`` says that it ended before its work did; ``no_hints`` why the
    speech model was told no glossary, if that is bad. ``media``: of recordings that are done, those
    whose file is not as it was, and how."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, Failure] = field(default_factory=dict)
    stopped: bool = False
    published: int | None = None
    others: int = 0
    no_hints: Failure | None = None
    media: dict[str, Failure] = field(default_factory=dict)
