"""What every request meets first: whose server this is, how much may be sent, from where; and the
headers every answer carries."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 << 10
"""Of a form; nothing larger is ever sent to these pages."""

BODY_S = 20.0
"""A form comes in one go; whoever takes longer keeps a place from others."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""As OWASP's secure headers project recommends them (https://owasp.org/www-project-secure-headers)."""

KEPT = "private, no-cache"
UNKEPT = "no-store"


class Guard:
    """Refuses what no page of ours asks for, before anything looks at it."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope), scope["method"])
        if refusal:
            status, words = refusal
            await PlainTextResponse(words, status, HEADERS)(scope, receive, send)
            return
        await self._app(scope, _Bounded(receive), _with_headers(send))

    def _refusal(self, headers: Headers, method: str) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self._known(host):
            return 421, "Unknown host / Unbekannter Host"
        if method in ("GET", "HEAD"):
            return None
        if method != "POST":
            return 405, "Method not allowed / Methode nicht erlaubt"
        if not _same_origin(headers, host):
            return 403, "Sent from another site / Von einer anderen Website gesendet"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > MOST_BYTES:
            return 413, "Too large / Zu groß"
        return None

    def _known(self, host: str) -> bool:
        """Whether a Host header is a name of this server. Any other may be a site that leads its
        visitors' browsers here (DNS rebinding); an address in numbers cannot."""
        name = _name_of(host)
        if name in self._names or name == "localhost":
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _same_origin(headers: Headers, host: str) -> bool:
    """Whether a form was sent from a page of ours (Fetch metadata, else the Origin)."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or (urlsplit(origin).netloc == host)


class _Bounded:
    """The body of a request: at most so many bytes, and not for ever."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()  # waits for the browser to leave
        try:
            message = await asyncio.wait_for(self._receive(), BODY_S)
        except TimeoutError:
            return {"type": "http.disconnect"}
        self._bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message if self._bytes <= MOST_BYTES else {"type": "http.disconnect"}


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", UNKEPT)
        await send(message)

    return sending


def is_secure(request: Request) -> bool:
    """Whether the browser's connection is encrypted: cookies then never leave it."""
    return request.url.scheme == "https"
