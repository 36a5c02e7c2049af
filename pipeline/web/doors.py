"""Who comes in. Every request is somebody's before any page looks at it."""

from __future__ import annotations

from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.accounts import sessions
from pipeline.catalog.connection import now_ms
from pipeline.errors import InterviewsError
from pipeline.values import Viewer
from pipeline.web.asking import SESSION_COOKIE, Asker, SignedIn, language_of
from pipeline.web.site import Site
from pipeline.web.troubles import trouble

OPEN = ("/sign-in", "/invitation/", "/static/", "/language", "/help")
"""What can be reached without an account: nothing that tells of any recording."""

ANYBODY = Viewer("member", None, None)
"""Everybody in a network that is trusted: sees what all members see."""


class Doors:
    """Says who asks, and leads strangers to the sign-in."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            asker = await self._asker(request)
        except InterviewsError as error:
            words = trouble(error, language_of(request))
            await PlainTextResponse(" ".join(words), error.http_status)(scope, receive, send)
            return
        if asker is None and not is_open(scope["path"]):
            await _to_the_door(request)(scope, receive, send)
            return
        scope.setdefault("state", {})["asker"] = asker or Asker(None, None)
        await self._app(scope, receive, send)

    async def _asker(self, request: Request) -> Asker | None:
        if self._site.open:
            return Asker(ANYBODY, None)
        given = request.cookies.get(SESSION_COOKIE)
        if not given or request.scope["path"].startswith("/static/"):
            return None
        return await to_thread.run_sync(self._known, given)

    def _known(self, given: str) -> Asker | None:
        with self._site.door.desk() as desk:
            found = sessions.viewer_of(desk.catalogue, given, now_ms())
        if found is None:
            return None
        return Asker(found.viewer, SignedIn(found.viewer.name or "", found.csrf))


def is_open(path: str) -> bool:
    return any(path == one or (path.startswith(f"{one.rstrip('/')}/")) for one in OPEN)


def _to_the_door(request: Request) -> Response:
    """Pages lead to the sign-in and back; anything else is refused without a word about it."""
    path = request.scope["path"]
    wants_page = "text/html" in request.headers.get("accept", "") or path == "/"
    if request.method not in ("GET", "HEAD") or not wants_page:
        return PlainTextResponse("Sign in first / Bitte erst anmelden", 401)
    query = request.scope["query_string"].decode("latin-1")
    back = path + (f"?{query}" if query else "")
    return RedirectResponse(f"/sign-in?{urlencode({'back': back})}", 303)
