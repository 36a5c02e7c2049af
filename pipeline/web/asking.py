"""Who asks, and in which language."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from pipeline.errors import Refused
from pipeline.messages import LANGUAGES
from pipeline.values import Viewer

LANGUAGE_COOKIE = "language"
SESSION_COOKIE = "session"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody with an account. ``token`` goes with every form that changes anything."""

    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever sent a request, and what that person may see; ``viewer`` is None for strangers, who
    are on the way to the sign-in."""

    viewer: Viewer | None
    signed_in: SignedIn | None


def asker_of(request: Request) -> Asker:
    """Set by ``doors.Doors`` before any page is made."""
    asker: Asker = request.state.asker
    return asker


def viewer_of(request: Request) -> Viewer:
    """Who looks. Raises Refused (``web.stranger``) for strangers: to the catalogue, nobody in
    particular is somebody who sees all."""
    viewer = asker_of(request).viewer
    if viewer is None:
        raise Refused("web.stranger")
    return viewer


def language_of(request: Request) -> str:
    """What the asker chose, else what the browser prefers, else German."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The language of ours that an Accept-Language header likes best (RFC 9110, 12.5.4)."""
    best, liking = LANGUAGES[0], 0.0
    for entry in header.split(",")[:20]:
        name, _, weight = entry.partition(";")
        code = name.strip().lower()[:2]
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if code in LANGUAGES and liking < quality <= 1:
            best, liking = code, quality
    return best
