"""Who may sign in, as staff say."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pipeline.accounts import invitations
from pipeline.accounts.names import checked_name, checked_organisation, folded
from pipeline.catalog import accounts
from pipeline.catalog.accounts import User
from pipeline.catalog.connection import Catalogue
from pipeline.errors import BadInput, NotFound
from pipeline.values import Role


def add(catalogue: Catalogue, name: str, role: Role, organisation: str | None, now_ms: int) -> str:
    """A new user; the token of their invitation. Raises BadInput (``user.bad_name``,
    ``user.bad_organisation``, ``user.known``)."""
    name, organisation = checked_name(name), checked_organisation(organisation)
    with catalogue.write() as db:
        if accounts.by_name(db, folded(name)):
            raise BadInput("user.known", name=name)
        accounts.insert(db, name, folded(name), role, organisation, now_ms)
        return invitations.invite(db, get(db, name), now_ms)


def get(db: sqlite3.Connection, name: str) -> User:
    """Raises NotFound (``user.unknown``)."""
    user = accounts.by_name(db, folded(name))
    if user is None:
        raise NotFound("user.unknown", name=name[:40])
    return user


def invite_again(catalogue: Catalogue, name: str, now_ms: int) -> str:
    """The token of a new invitation. Raises NotFound (``user.unknown``)."""
    with catalogue.write() as db:
        return invitations.invite(db, get(db, name), now_ms)


def remove(catalogue: Catalogue, names: Sequence[str], *, last_too: bool = False) -> list[User]:
    """Remove users; whoever is signed in is so no longer. All of them or, where one is unknown,
    none. Raises NotFound (``user.unknown``), BadInput (``user.last_admin``) unless the last who
    administers may go, too."""
    with catalogue.write() as db:
        doomed = list({user.id: user for user in (get(db, name) for name in names)}.values())
        admins = [one for one in accounts.every(db) if one.role == "admin"]
        if not last_too and admins and all(one in doomed for one in admins):
            raise BadInput("user.last_admin", name=admins[0].name)
        for user in doomed:
            accounts.delete(db, user.id)
    return doomed
