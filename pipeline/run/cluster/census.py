"""A look at a cluster from outside: who is there, and who would get our work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pipeline.errors import Missing
from pipeline.run.cluster import dask_ways
from pipeline.run.cluster.access import Access
from pipeline.run.cluster.connection import connect
from pipeline.run.cluster.program import unfit


@dataclass(frozen=True, slots=True)
class Census:
    """Names of the workers that fit, and of those that do not, with what they have instead."""

    fit: tuple[str, ...]
    unfit: tuple[str, ...]


def census(access: Access, model_hash: str) -> Census:
    """Who of a scheduler's workers would get work with this model. Raises Missing."""
    try:
        dask_ways.set_up()
        workers = asyncio.run(_workers(access))
    except ImportError as error:
        raise Missing("run.no_dask") from error
    except OSError as error:
        raise Missing("run.no_scheduler", url=access.url) from error
    fit, others = [], []
    for name, resources in sorted(workers, key=lambda one: one[0]):
        trouble = unfit(resources, model_hash)
        if trouble is None:
            fit.append(name)
        else:
            others.append(f"{name} ({trouble.has or '–'})")
    return Census(tuple(fit), tuple(others))


async def _workers(access: Access) -> list[tuple[str, dict[str, float]]]:
    connection = await connect(access)
    try:
        found = await connection.workers()
    finally:
        await connection.close()
    return [(str(one["name"]), one["resources"]) for one in found.values()]
