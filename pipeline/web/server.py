"""The web server: uvicorn over our pages, patient with people and short with those who dawdle."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.errors import BadInput
from pipeline.run.context import Context
from pipeline.web.app import build

HEAD_S = 15.0
"""A request's head comes in one go; whoever has not sent it by then is let go of."""

MOST_AT_ONCE = 400
"""Connections beyond these are told to come back: memory stays bounded."""

LONGEST_HEAD = 16 << 10


class _PromptProtocol(H11Protocol):
    """Lets go of connections on which no whole request arrives."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(HEAD_S, self._let_go)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)

    def _let_go(self) -> None:
        asked: Any = self.cycle  # set by the first request
        if asked is None and not self.transport.is_closing():
            self.transport.close()


def serve(
    context: Context, host: str, port: int, *, open_to_all: bool, ready: Callable[[str], None]
) -> None:
    """Serve until interrupted; ``ready`` is told the address as soon as it can be asked.

    Raises BadInput (``serve.address``) where the address cannot be had.
    """
    sock = _listening(host, port)
    config = uvicorn.Config(
        build(context, open_to_all=open_to_all, names=_names(context, host)),
        http=_PromptProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
    )
    with sock:
        ready(context.settings.public_url or _address(host, sock.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[sock])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise BadInput("serve.address", host=host, port=port, detail=detail) from error


def _names(context: Context, host: str) -> set[str]:
    """What this server may be called in a browser's address bar."""
    public = urlsplit(context.settings.public_url).hostname or ""
    return {name for name in (public, host, socket.gethostname(), socket.getfqdn()) if name}


def _address(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
