"""The scheduler of a cluster: knows the workers and hands on work. It keeps none."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from pipeline.errors import BadInput
from pipeline.run.cluster import dask_ways
from pipeline.run.cluster.access import Access


def serve(access: Access, ready: Callable[[str], None]) -> None:
    """Listen until interrupted. Raises BadInput where that address cannot be had."""
    dask_ways.set_up()
    asyncio.run(_serve(access, ready))


async def _serve(access: Access, ready: Callable[[str], None]) -> None:
    ending = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, ending.set)
    scheduler = await listen(access)
    try:
        ready(str(scheduler.address))
        await ending.wait()
    finally:
        await scheduler.close()


async def listen(access: Access) -> Any:
    """A scheduler that has begun. Raises BadInput where that address cannot be had."""
    from distributed import Scheduler

    try:
        return await Scheduler(
            host=access.host,
            port=access.port,
            protocol=f"{access.protocol}://",
            security=access.security(),
            dashboard=False,
            dashboard_address=dask_ways.NO_PAGES,
        )
    except (OSError, ValueError) as error:
        raise BadInput("cluster.cannot_listen", url=access.url) from error
