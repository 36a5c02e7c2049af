"""The web server: uvicorn over our pages, patient with people and short with those who dawdle."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.errors import BadInput
from pipeline.run.context import Context
from pipeline.web import templating
from pipeline.web.app import build
from pipeline.web.guard import BODY_S, LONGEST_HEAD
from pipeline.web.site import site_over

HEAD_S = 15.0
"""A request comes in one go; whoever has not sent the next one by then is let go of."""

MOST_AT_ONCE = 400
"""Connections; those beyond are closed at once: memory and open files stay bounded."""


class Patience(NamedTuple):
    """Seconds that somebody has to send the head of a request, and a form."""

    head_s: float = HEAD_S
    body_s: float = BODY_S


class _PromptProtocol(H11Protocol):
    """Lets go of connections on which no whole head arrives in time, the first or a later one."""

    patience_s = HEAD_S
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > MOST_AT_ONCE:
            transport.abort()
        self._mind()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._rest()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._mind()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._mind()

    def _mind(self) -> None:
        """Count the time while no request is being answered; whatever trickles in meanwhile does
        not lengthen it."""
        cycle: Any = self.cycle  # none before the first request
        if cycle is not None and not cycle.response_complete:
            self._rest()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(self.patience_s, self.transport.close)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def send_400_response(self, msg: str) -> None:
        """What cannot be read as HTTP is refused; what is too long, as such."""
        error = sys.exc_info()[1]
        too_long = getattr(error, "error_status_hint", 400) == 431
        status, words = ("431 Too Long", "Too long / Zu lang") if too_long else ("400 Bad", msg)
        self.transport.write(
            f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(words)}\r\nconnection: close\r\n\r\n{words}".encode()
        )
        self.transport.close()


def serve(
    context: Context,
    host: str,
    port: int,
    *,
    open_to_all: bool,
    ready: Callable[[str], None],
    patience: Patience | None = None,
) -> None:
    """Serve until interrupted; ``ready`` is told the address as soon as it can be asked.

    Raises BadInput (``serve.address``) where the address cannot be had.
    """
    sock = _listening(host, port)
    patience = patience or Patience()
    site = site_over(context, open_to_all=open_to_all)
    config = uvicorn.Config(
        build(site, _names(context, host), patience.body_s),
        http=type("Prompt", (_PromptProtocol,), {"patience_s": patience.head_s}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_keep_alive=int(HEAD_S),
        timeout_graceful_shutdown=5,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
    )
    templating.load()
    site.open_up()
    gc.freeze()  # what is loaded stays: looking for rubbish in it cost single answers up to 20 ms
    with sock:
        ready(context.settings.public_url or _address(host, sock.getsockname()[1]))
        try:
            uvicorn.Server(config).run(sockets=[sock])
        finally:
            site.close()


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
