"""What every request meets first: whose server this is, how much may be sent, from where; and the
headers every answer carries."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import traceback
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 << 10
"""Of a form; nothing larger is ever sent to these pages."""

LONGEST_HEAD = 16 << 10
"""Of a request: address and headers."""

BODY_S = 20.0
"""A form comes in one go; whoever takes longer for all of it keeps a place from others."""

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

ENCRYPTED_ALWAYS = {"strict-transport-security": f"max-age={365 * 24 * 3600}"}
"""Of answers on an encrypted way: browsers come back on no other (RFC 6797). What else runs under
the same name, or below it, is no business of ours."""

KEPT = "private, no-cache"
UNKEPT = "no-store"

INVITATIONS = "/invitation/"
"""Below it addresses are secrets, which no browser may hand on."""

_HOST = re.compile(r"([0-9a-z_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)

logger = logging.getLogger(__name__)


class Guard:
    """Refuses what no page of ours asks for, before anything looks at it.

    ``encrypted``: people reach the pages by https alone, whatever a web server in front of this one
    says or does not say of it.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Collection[str],
        body_s: float = BODY_S,
        *,
        encrypted: bool = False,
    ) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._body_s = body_s
        self._encrypted = encrypted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._encrypted:
            scope["scheme"] = "https"
        answering = _Answering(
            send, secret=_is_secret(scope["path"]), encrypted=scope["scheme"] == "https"
        )
        refusal = self._refusal(Headers(scope=scope), scope["method"], scope["path"])
        if _head_bytes(scope) > LONGEST_HEAD:
            refusal = 431, "Too long / Zu lang"
        if refusal:
            await _refused(*refusal)(scope, receive, answering)
            return
        try:
            await self._app(scope, _Bounded(receive, self._body_s), answering)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  (here all that can go wrong ends)
            _log(error)
            if not answering.begun:
                words = "Something went wrong / Etwas ging schief"
                await PlainTextResponse(words, 500)(scope, receive, answering)

    def _refusal(self, headers: Headers, method: str, path: str) -> tuple[int, str] | None:
        host = headers.get("host", "").lower()
        if not self._known(host):
            return 421, "Unknown host / Unbekannter Host"
        if method not in ("GET", "HEAD", "POST"):
            return 405, "Method not allowed / Methode nicht erlaubt"
        if method == "POST" and not _same_origin(headers, host, secret=_is_secret(path)):
            return 403, "Sent from another site / Von einer anderen Website gesendet"
        return _bad_length(headers, 0 if method != "POST" else MOST_BYTES)

    def _known(self, host: str) -> bool:
        """Whether a Host header is a name of this server. Any other may be a site that leads its
        visitors' browsers here (DNS rebinding); an address in numbers cannot."""
        if not _HOST.fullmatch(host):
            return False
        name = _name_of(host)
        if name in self._names or name == "localhost":
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _bad_length(headers: Headers, most: int) -> tuple[int, str] | None:
    """What is wrong with how much is sent; with a GET it is nothing."""
    chunked, length = "transfer-encoding" in headers, headers.get("content-length", "0")
    if chunked and "content-length" in headers:
        # Whoever stands between might see two requests where we see one (RFC 9112, 6.1).
        return 400, "Length given twice / Doppelte Längenangabe"
    if (chunked and not most) or not re.fullmatch("[0-9]{1,20}", length) or int(length) > most:
        return 413, "Too large / Zu groß"
    return None


def _head_bytes(scope: Scope) -> int:
    """The server's own limit is one of what has not come in whole yet."""
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope["raw_path"]) + len(scope["query_string"])


def _is_secret(path: str) -> bool:
    return path.startswith(INVITATIONS)


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _same_origin(headers: Headers, host: str, *, secret: bool) -> bool:
    """Whether a form was sent from a page of ours (Fetch metadata, else the Origin). A page that
    hands no address on sends ``null`` for one (Fetch, 3.2); there the address itself is known to
    nobody else."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin", "").lower()
    ours = (f"http://{host}", f"https://{host}")
    return not origin or origin in ours or (secret and origin == "null")


def _refused(status: int, words: str) -> PlainTextResponse:
    """What comes after a request that is refused is not looked at."""
    return PlainTextResponse(words, status, {"connection": "close"})


def _log(error: Exception) -> None:
    """What it was and where, without a word of what anybody asked."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    logger.error("unexpected %s in %s:%s", type(error).__name__, where.name, where.lineno)


class _Bounded:
    """The body of a request: at most so many bytes, and not for ever. Raises HTTPException."""

    def __init__(self, receive: Receive, longest_s: float) -> None:
        self._receive = receive
        self._until = asyncio.get_running_loop().time() + longest_s
        self._bytes = 0
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()  # waits for the browser to leave
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408) from error
        self._bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._bytes > MOST_BYTES:
            raise HTTPException(413)
        return message


class _Answering:
    """Sends an answer with the headers that every answer carries; ``begun`` once it is under
    way."""

    def __init__(self, send: Send, *, secret: bool, encrypted: bool) -> None:
        self._send = send
        self._secret = secret
        self._headers = {**HEADERS, **(ENCRYPTED_ALWAYS if encrypted else {})}
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            if self._secret:
                headers["referrer-policy"] = "no-referrer"
            headers.setdefault("cache-control", UNKEPT)
        await self._send(message)


def is_secure(request: Request) -> bool:
    """Whether the browser's connection is encrypted, as a web server in front on this machine or
    the setting ``public_url`` says: cookies then never leave it."""
    return request.url.scheme == "https"
