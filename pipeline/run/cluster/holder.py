"""What a worker holds: the speech models of its machine, of which one is loaded at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from models.contracts import ModelError, Recogniser
from models.load import is_present, load_recogniser, model_info, resolve
from models.registry import ModelEntry, entries
from models.verify import local_entries
from pipeline.run.cluster.orders import Answer, Order
from pipeline.run.cluster.parcels import unpacked

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Means:
    """How this machine computes, whoever's work it is."""

    models_dir: str
    device: str
    compute_type: str
    threads: int
    batch_size: int


@dataclass(frozen=True, slots=True)
class Stock:
    """The speech models of a machine by their hashes, and those that are no good, by name."""

    good: Mapping[str, ModelEntry]
    bad: Mapping[str, ModelError]


def stock(models_dir: Path, named: str) -> Stock:
    """Every speech model that is there: bundled, fetched, a folder in ``models_dir``, and the one
    that the settings name."""
    good: dict[str, ModelEntry] = {}
    bad: dict[str, ModelError] = {}
    known = [one for one in entries() if is_present(one, models_dir)]
    every = {one.name: one for one in (*known, *local_entries(models_dir)) if one.kind == "speech"}
    for name in [*every, named]:
        try:
            entry = every.get(name) or resolve("speech", name, models_dir)
            good[model_info(entry, models_dir).hash] = entry
        except ModelError as error:
            bad[name] = error
    return Stock(good, bad)


class _Wanted(NamedTuple):
    """What a recogniser is loaded for."""

    model_hash: str
    compute_type: str
    spare_s: float | None


class ModelHolder:
    """Answers orders with the models of ``stock``, one order at a time. ``report`` is told in how
    many seconds what is begun must be done, first loading, then listening, and with None that it
    is."""

    def __init__(
        self,
        good: Mapping[str, ModelEntry],
        means: Means,
        report: Callable[[float | None], None],
    ) -> None:
        self._good = good
        self._means = means
        self._report = report
        self._one = threading.Lock()
        self._loaded: tuple[_Wanted, Recogniser] | None = None

    @property
    def busy(self) -> bool:
        return self._one.locked()

    def answer(self, order: Order, tell: Callable[[bool], None]) -> Answer:
        with self._one:
            try:
                return self._heard(order, self._prepared(order, tell))
            except ModelError as error:
                return Answer(None, model_error=error)
            except Exception as error:  # noqa: BLE001  (told to whoever sent the order)
                return Answer(None, trouble=type(error).__name__)
            finally:
                self._report(None)

    def _prepared(self, order: Order, tell: Callable[[bool], None]) -> Recogniser:
        """The recogniser for an order. Loading it has a clock of its own."""
        wish = order.compute_type
        compute_type = self._means.compute_type if wish == AUTO else wish
        wanted = _Wanted(order.model_hash, compute_type, order.spare_s)
        if self._loaded is None or self._loaded[0] != wanted:
            self._report(order.loads_within_s)
            tell(False)
            self._loaded = None  # two large ones need not fit beside each other
            self._loaded = (wanted, self._load(wanted))
        self._report(order.deadline_s)
        tell(True)
        return self._loaded[1]

    def _heard(self, order: Order, recogniser: Recogniser) -> Answer:
        began = time.monotonic()
        windows = [
            (unpacked(parcel), task)
            for parcel, task in zip(order.parcels, order.tasks, strict=True)
        ]
        heard = recogniser.recognise_all(windows)
        return Answer(tuple(heard), time.monotonic() - began)

    def _load(self, wanted: _Wanted) -> Recogniser:
        entry, models_dir = self._good[wanted.model_hash], Path(self._means.models_dir)
        if model_info(entry, models_dir).hash != wanted.model_hash:  # changed since we began
            raise ModelError("damaged", entry.name, "hash")
        return load_recogniser(
            entry,
            models_dir,
            device=self._means.device,
            compute_type=wanted.compute_type,
            threads=self._means.threads,
            batch_size=self._means.batch_size,
            spare_s=wanted.spare_s,
        )
