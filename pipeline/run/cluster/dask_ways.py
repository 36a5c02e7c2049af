"""How Dask is to behave wherever we use it, whatever a machine's own files for it say."""

from __future__ import annotations

import logging

_WAYS = {
    # Windows have megabytes; Dask would warn of each.
    "distributed.admin.large-graph-warning-threshold": "4GiB",
    # Work is given to one worker each; nothing is to be moved behind our back.
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.allowed-failures": 1000,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Nobody looks at what Dask measures of itself all the time.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",
    # What people say is not written to a worker's disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}

_LOGGERS = (
    "distributed",
    "distributed.client",
    "distributed.gc",
    "tornado",
    "tornado.application",
    "bokeh",
)

NO_PAGES = "127.0.0.1:0"
"""Dask always opens a web server; ours has no pages, and nobody else reaches it."""


def set_up() -> None:
    """Settle Dask's ways in this process. Its logs go where ours go, and only warnings do."""
    import dask
    import distributed  # noqa: F401  (brings its defaults, which are overridden)

    dask.config.set(_WAYS)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING if _verbose() else logging.CRITICAL)


def _verbose() -> bool:
    return logging.getLogger().isEnabledFor(logging.INFO)
