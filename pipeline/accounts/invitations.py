"""Invitations: how somebody comes to a password. There is no other way, and no default one."""

from __future__ import annotations

import sqlite3

from pipeline.accounts import limits, passwords, sessions
from pipeline.accounts.names import folded
from pipeline.accounts.tokens import digest, token
from pipeline.catalog import accounts
from pipeline.catalog.accounts import User
from pipeline.catalog.connection import Catalogue
from pipeline.errors import NotFound

GOOD_FOR_MS = 7 * 24 * 3600 * 1000

FIRST_NAME = "admin"
"""The sign-in name of whoever comes first."""


def path_of(given: str) -> str:
    """The page on which an invitation is used."""
    return f"/invitation/{given}"


def address_of(given: str, public_url: str) -> str:
    """The whole address where it is known, else the path."""
    return public_url.rstrip("/") + path_of(given)


def invite(db: sqlite3.Connection, user: User, now_ms: int) -> str:
    """An invitation's token; a former one is good no longer."""
    made = token()
    accounts.invite(db, user.id, digest(made), now_ms + GOOD_FOR_MS)
    return made


def first_invitation(catalogue: Catalogue, now_ms: int) -> str | None:
    """The token of an invitation to administer, anew at each start until somebody who may has a
    password; None from then on, and where somebody else was made to administer, who has an
    invitation."""
    with catalogue.write() as db:
        admins = [one for one in accounts.every(db) if one.role == "admin"]
        if any(one.password for one in admins):
            return None
        if not admins and accounts.by_name(db, folded(FIRST_NAME)) is None:
            accounts.insert(db, FIRST_NAME, folded(FIRST_NAME), "admin", None, now_ms)
        first = accounts.by_name(db, folded(FIRST_NAME))
        return invite(db, first, now_ms) if first and first.role == "admin" else None


def invited(db: sqlite3.Connection, given: str, now_ms: int) -> User:
    """Who an invitation is for. Raises NotFound (``accounts.no_invitation``)."""
    user = accounts.invited(db, digest(given), now_ms)
    if user is None:
        raise NotFound("accounts.no_invitation")
    return user


def accept(catalogue: Catalogue, given: str, password: str, now_ms: int) -> str:
    """Use up an invitation: from now on this is the password, and whoever was signed in is so no
    longer. A new session's token.

    Raises NotFound (``accounts.no_invitation``), BadInput (``accounts.password_…``), TooOften
    (``accounts.busy``).
    """
    with catalogue.read() as db:
        user = invited(db, given, now_ms)
    passwords.check(password, user.name)
    hashed = passwords.hashed(password)
    with catalogue.write() as db:
        user = invited(db, given, now_ms)  # used in the meantime, it is used up
        accounts.drop_invitation(db, user.id)
        accounts.set_password(db, user.id, hashed)
        sessions.end_all(db, user.id)
        limits.forgive(db, folded(user.name))
        return sessions.begin(db, user, now_ms)
