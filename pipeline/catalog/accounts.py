"""Rows of people who may sign in, their invitations and their sessions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.catalog import attempts
from pipeline.values import ROLES, Role, Viewer

_ROLES: dict[str, Role] = {role: role for role in ROLES}
_COLUMNS = "users.id, name, role, organisation, password, language"

UserRow = tuple[object, ...]
"""A row of ``users`` as it is stored."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in; ``password`` is its hash, None before an invitation was used."""

    id: int
    name: str
    role: Role
    organisation: str | None
    password: str | None = field(repr=False)
    language: str | None

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.role, self.organisation, self.name)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Somebody who has signed in: since when, last seen when, and until when at the latest."""

    user: User
    made_ms: int
    seen_ms: int
    expires_ms: int


# --- people --------------------------------------------------------------------------------------


def insert(
    db: sqlite3.Connection,
    name: str,
    folded: str,
    role: Role,
    organisation: str | None,
    now_ms: int,
) -> int:
    """A new user without a password; its id. ``folded`` must be unknown (IntegrityError)."""
    return int(
        db.execute(
            "INSERT INTO users (name, folded, role, organisation, made_ms)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (name, folded, role, organisation, now_ms),
        ).fetchone()[0]
    )


def by_name(db: sqlite3.Connection, folded: str) -> User | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM users WHERE folded = ?", (folded,)).fetchone()
    return _user(*row) if row else None


def every(db: sqlite3.Connection) -> list[User]:
    """All users by name."""
    return [_user(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM users ORDER BY folded")]


def _user(
    key: int,
    name: str,
    role: str,
    organisation: str | None,
    password: str | None,
    language: str | None,
) -> User:
    return User(key, name, _ROLES[role], organisation, password, language)


def set_password(db: sqlite3.Connection, user_id: int, hashed: str) -> None:
    db.execute("UPDATE users SET password = ? WHERE id = ?", (hashed, user_id))


def delete(db: sqlite3.Connection, user_id: int) -> None:
    """With invitation and sessions: whoever is signed in is so no longer."""
    db.execute("DELETE FROM users WHERE id = ?", (user_id,))


def is_released_to(db: sqlite3.Connection, organisation: str) -> bool:
    """Whether any recording is released to an organisation."""
    row = db.execute("SELECT 1 FROM visibility WHERE audience = ? LIMIT 1", (organisation,))
    return row.fetchone() is not None


# --- invitations ---------------------------------------------------------------------------------


def invite(db: sqlite3.Connection, user_id: int, digest: str, expires_ms: int) -> None:
    """A former invitation is good no longer."""
    db.execute("INSERT OR REPLACE INTO invitations VALUES (?, ?, ?)", (user_id, digest, expires_ms))


def invited(db: sqlite3.Connection, digest: str, now_ms: int) -> User | None:
    """Who may use an invitation now."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM invitations JOIN users ON users.id = user_id"
        " WHERE digest = ? AND expires_ms > ?",
        (digest, now_ms),
    ).fetchone()
    return _user(*row) if row else None


def drop_invitation(db: sqlite3.Connection, user_id: int) -> None:
    db.execute("DELETE FROM invitations WHERE user_id = ?", (user_id,))


def invitation_ends(db: sqlite3.Connection) -> dict[int, int]:
    """User id to when the invitation expires."""
    return {
        int(row[0]): int(row[1])
        for row in db.execute("SELECT user_id, expires_ms FROM invitations")
    }


# --- sessions ------------------------------------------------------------------------------------


def begin_session(
    db: sqlite3.Connection, digest: str, user_id: int, now_ms: int, expires_ms: int
) -> None:
    db.execute(
        "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
        (digest, user_id, now_ms, now_ms, expires_ms),
    )


def session(db: sqlite3.Connection, digest: str) -> SessionRow | None:
    row = db.execute(
        f"SELECT {_COLUMNS}, sessions.made_ms, seen_ms, expires_ms FROM sessions"
        " JOIN users ON users.id = user_id WHERE digest = ?",
        (digest,),
    ).fetchone()
    return SessionRow(_user(*row[:6]), *row[6:]) if row else None


def touch_session(db: sqlite3.Connection, digest: str, now_ms: int) -> None:
    db.execute("UPDATE sessions SET seen_ms = ? WHERE digest = ?", (now_ms, digest))


def end_session(db: sqlite3.Connection, digest: str) -> None:
    db.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def end_sessions(db: sqlite3.Connection, user_id: int) -> None:
    """Of one user, all of them."""
    db.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,))


def prune(db: sqlite3.Connection, now_ms: int) -> None:
    """Forget sessions and invitations whose time is up."""
    db.execute("DELETE FROM sessions WHERE expires_ms <= ?", (now_ms,))
    db.execute("DELETE FROM invitations WHERE expires_ms <= ?", (now_ms,))


# --- copies of the catalogue ---------------------------------------------------------------------


def close_doors(db: sqlite3.Connection) -> None:
    """No session and no invitation is good any more, and no attempt is remembered: in copies, which
    lie where others may read them, and after a restore."""
    db.execute("DELETE FROM sessions")
    db.execute("DELETE FROM invitations")
    attempts.forget_all(db)


def user_rows(db: sqlite3.Connection) -> list[UserRow]:
    """All users as they are stored."""
    return [tuple(row) for row in db.execute("SELECT * FROM users")]


def replace_users(db: sqlite3.Connection, rows: Sequence[UserRow]) -> None:
    """These users and no others may sign in."""
    db.execute("DELETE FROM users")
    for row in rows:
        db.execute(f"INSERT INTO users VALUES ({', '.join('?' * len(row))})", row)
