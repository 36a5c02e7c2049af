"""Who is signed in."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.accounts import limits
from pipeline.accounts.tokens import digest, token
from pipeline.catalog import accounts
from pipeline.catalog.accounts import SessionRow, User
from pipeline.catalog.connection import Catalogue
from pipeline.errors import HomeUnusable
from pipeline.values import Role, Viewer

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

IDLE_MS: dict[Role, int] = {"member": 30 * _DAY, "staff": 12 * _HOUR, "admin": 12 * _HOUR}
"""A session ends when nothing was asked for so long: who may change things signs in every day."""

LONGEST_MS: dict[Role, int] = {"member": 90 * _DAY, "staff": 7 * _DAY, "admin": 7 * _DAY}
"""A session ends after so long in any case."""

TOUCH_MS = _MINUTE
"""When somebody was last seen is written down no more often."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session belongs to, with the token that the session's forms carry."""

    viewer: Viewer
    user_id: int
    language: str | None
    csrf: str = field(repr=False)

    def sent(self, given: str) -> bool:
        """Whether a form that carries ``given`` was ours."""
        return alike(self.csrf, given)


def alike(own: str, given: str) -> bool:
    """Whether two tokens are the same, in a time that tells nothing of how much they share."""
    return hmac.compare_digest(own.encode(), given.encode("utf-8", "surrogatepass"))


def begin(db: sqlite3.Connection, user: User, now_ms: int) -> str:
    """A new session; its token, for the cookie."""
    made = token()
    accounts.prune(db, now_ms)
    accounts.begin_session(db, digest(made), user.id, now_ms, now_ms + LONGEST_MS[user.role])
    return made


def viewer_of(catalogue: Catalogue, given: str, now_ms: int) -> SignedIn | None:
    """Who a session's token belongs to; None where it is good no longer."""
    key = digest(given)
    with catalogue.read() as db:
        row = accounts.session(db, key)
    if row is None or _is_over(row, now_ms):
        return None
    if now_ms - row.seen_ms >= TOUCH_MS:
        # A full disk keeps nobody from reading.
        with suppress(HomeUnusable), catalogue.write() as db:
            accounts.touch_session(db, key, now_ms)
            limits.forget_old(db, now_ms)
    user = row.user
    return SignedIn(user.viewer, user.id, user.language, csrf_of(given))


def _is_over(row: SessionRow, now_ms: int) -> bool:
    return now_ms >= row.expires_ms or now_ms - row.seen_ms >= IDLE_MS[row.user.role]


def csrf_of(given: str) -> str:
    """A session's token for forms. It is made from the session's own and tells nothing of it, so
    that it need not be kept."""
    secret = given.encode("utf-8", "surrogatepass")
    return hmac.new(secret, b"forms of this session", hashlib.sha256).hexdigest()


def end(catalogue: Catalogue, given: str) -> None:
    """Sign out."""
    with catalogue.write() as db:
        accounts.end_session(db, digest(given))


def end_all(db: sqlite3.Connection, user_id: int) -> None:
    """Sign somebody out everywhere."""
    accounts.end_sessions(db, user_id)
