"""What a run tells of its cluster: each thing once, to whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.errors import Missing
from pipeline.run.cluster.access import Access
from pipeline.run.cluster.program import Unfit, program, unfit
from pipeline.run.workers import RecogniserSpec
from pipeline.values import Failure


class Notices:
    """Sentences about a cluster, from the catalogue of errors."""

    def __init__(
        self, access: Access, spec: RecogniserSpec, wait_s: float, hear: Callable[[Failure], None]
    ) -> None:
        self._access = access
        self._spec = spec
        self._wait_s = round(wait_s)
        self._hear = hear
        self._said: set[tuple[str, str]] = set()
        self._unfit: dict[str, Unfit] = {}

    def fitting(self, workers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Of the workers that a scheduler knows those that may have our work, address to name. The
        others are named, with what keeps them from it."""
        present, self._unfit = {}, {}
        for address, found in workers.items():
            name = str(found["name"])
            trouble = unfit(found["resources"], self._spec.hash)
            if trouble is None:
                present[address] = name
            else:
                self._unfit[name] = trouble
                wanted = self._spec.name if trouble.reason == "model" else program()
                key = f"cluster.unfit_{trouble.reason}"
                self._once(key, name, name=name, has=trouble.has, wanted=wanted)
        return present

    def waiting(self) -> None:
        """Nobody who is there fits."""
        url, model = self._access.url, self._spec.name
        self._say("cluster.waiting", url=url, model=model, wait=self._wait_s)

    def nobody(self) -> Missing:
        """Nobody who fits came."""
        return Missing(
            "cluster.no_worker",
            url=self._access.url,
            model=self._spec.name,
            hash=self._spec.hash[:12],
            program=program(),
            there=", ".join(sorted(self._unfit)) or "–",
        )

    def lost(self) -> None:
        self._say("cluster.lost", url=self._access.url, wait=self._wait_s)

    def back(self) -> None:
        self._say("cluster.back", url=self._access.url)

    def worker_lost(self, name: str) -> None:
        self._say("cluster.worker_lost", name=name)

    def worker_silent(self, name: str) -> None:
        self._say("cluster.silent", name=name)

    def bad_model(self, name: str, detail: str) -> None:
        self._once("cluster.bad_model", name, name=name, model=self._spec.name, detail=detail)

    def _once(self, key: str, about: str, **values: str | int) -> None:
        if (key, about) not in self._said:
            self._said.add((key, about))
            self._say(key, **values)

    def _say(self, key: str, **values: str | int) -> None:
        self._hear(Failure(key.rsplit(".", 1)[-1], key, dict(values), permanent=False))
