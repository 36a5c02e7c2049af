"""What goes to a worker of a cluster and what comes back.

Both travel sealed: Dask writes the arguments of what fails, and their results, into its logs, and
neither a name from the glossary nor a word that was said belongs there.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from models.contracts import ModelError, Recognition, RecognitionTask

LEAVING = "interviews-leaving"
"""Topic of events, which Dask hands on: a worker's address, when it goes in order."""


def begun_topic(driver: str) -> str:
    """Topic of a run's own events: number of an order, address of the worker that begins it, and
    whether its model is there."""
    return f"interviews-begun-{driver}"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A pickled value that shows nothing of itself."""

    content: bytes = field(repr=False)

    @classmethod
    def of(cls, value: object) -> Sealed:
        return cls(pickle.dumps(value, protocol=5))

    def open(self) -> Any:
        return pickle.loads(self.content)  # noqa: S301  (our own workers' and runs')


@dataclass(frozen=True, slots=True)
class Order:
    """Windows to recognise. ``compute_type`` is the run's wish, ``auto`` leaves it to the machine;
    ``spare_s`` is the silence after each stretch that is heard at true length, None where all are
    padded. Nobody counts on an answer past ``deadline_s`` from when the model was there, nor past
    ``loads_within_s`` from when the order was begun without it."""

    driver: str
    number: int
    model_hash: str
    compute_type: str
    spare_s: float | None
    parcels: tuple[bytes, ...]
    tasks: tuple[RecognitionTask, ...]
    deadline_s: float
    loads_within_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an order, and the seconds that listening took. ``trouble`` names the kind of an
    unforeseen error, never its words, which may be the recording's."""

    recognitions: tuple[Recognition, ...] | None
    took_s: float = 0.0
    model_error: ModelError | None = None
    trouble: str | None = None


class Holder(Protocol):
    """Whoever holds the models on a worker."""

    def answer(self, order: Order, tell: Callable[[bool], None]) -> Answer:
        """Do an order; never raises. ``tell`` hears that it is begun, and whether the model is
        there by then."""
        ...


def work(sealed: Sealed) -> Sealed:
    """What a worker runs for us; its models are held by the worker."""
    from distributed import get_worker

    worker: Any = get_worker()
    order: Order = sealed.open()
    topic = begun_topic(order.driver)

    def tell(ready: bool) -> None:
        worker.log_event(topic, [order.number, worker.address, ready])

    return Sealed.of(worker.holder.answer(order, tell))
