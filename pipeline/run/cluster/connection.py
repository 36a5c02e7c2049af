"""One connection to a scheduler: what we ask of Dask's client, and nothing else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pipeline.errors import Missing
from pipeline.run.cluster.access import Access
from pipeline.run.cluster.orders import Order, Sealed, work
from pipeline.run.cluster.program import resource

_ANSWERS_WITHIN_S = 10.0

Workers = Mapping[str, Mapping[str, Any]]
"""Address to what Dask knows of a worker: ``name``, ``resources`` and more."""


class Connection:
    """To a scheduler that has answered."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.subscribe = client.subscribe_topic

    @property
    def holds(self) -> bool:
        return bool(self._client.status == "running")

    async def workers(self) -> Workers:
        """Everybody who is there. Raises OSError, TimeoutError among them."""
        asked = self._client.scheduler.identity(n_workers=-1)
        found: Workers = (await asyncio.wait_for(asked, _ANSWERS_WITHIN_S))["workers"]
        return found

    def send(self, order: Order, address: str) -> Any:
        """A Dask future of the sealed answer: from this worker and no other, and only if it has
        the program and the model."""
        return self._client.submit(
            work,
            Sealed.of(order),
            key=f"window-{uuid.uuid4().hex}",
            workers=[address],
            allow_other_workers=False,
            resources={resource(order.model_hash): 1},
            pure=False,
        )

    async def close(self) -> None:
        with suppress(Exception):  # it is given up in any case
            await asyncio.wait_for(self._client.close(), _ANSWERS_WITHIN_S)


async def connect(access: Access) -> Connection:
    """Raises Missing where nobody answers or takes our certificate."""
    from distributed import Client

    try:
        client: Any = await Client(  # type: ignore[no-untyped-call]
            access.url,
            security=access.security(),
            timeout=_ANSWERS_WITHIN_S,
            set_as_default=False,
            asynchronous=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise Missing("run.no_scheduler", url=access.url) from error
    return Connection(client)
