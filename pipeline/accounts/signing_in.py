"""A name and a password become a session."""

from __future__ import annotations

from pipeline.accounts import limits, passwords, sessions
from pipeline.accounts.limits import Attempt
from pipeline.accounts.names import folded
from pipeline.catalog import accounts
from pipeline.catalog.accounts import User
from pipeline.catalog.connection import Catalogue
from pipeline.errors import Refused, TooOften


def sign_in(catalogue: Catalogue, name: str, password: str, address: str, now_ms: int) -> str:
    """A new session's token.

    Raises Refused (``accounts.wrong``), the same for an unknown name and a wrong password, and
    TooOften (``accounts.wait``, ``accounts.busy``).
    """
    known_as = folded(name)
    with catalogue.write() as db:
        attempt = limits.admit(db, known_as, address, now_ms)
        user = accounts.by_name(db, known_as)
    try:
        fits = passwords.fits(user.password if user else None, password)
    except TooOften:
        with catalogue.write() as db:
            limits.take_back(db, attempt)
        raise
    if user is None or not fits:
        raise Refused("accounts.wrong")
    return _signed_in(catalogue, user, password, attempt, now_ms)


def _signed_in(
    catalogue: Catalogue, user: User, password: str, attempt: Attempt, now_ms: int
) -> str:
    outdated = user.password is not None and passwords.is_outdated(user.password)
    renewed = passwords.hashed(password) if outdated else None
    with catalogue.write() as db:
        # The account may have gone, or been given another password, since it was looked at.
        present = accounts.by_name(db, folded(user.name))
        if present is None or (present.id, present.password) != (user.id, user.password):
            raise Refused("accounts.wrong")
        if renewed is not None:
            accounts.set_password(db, user.id, renewed)
        limits.succeeded(db, attempt, now_ms)
        return sessions.begin(db, present, now_ms)
