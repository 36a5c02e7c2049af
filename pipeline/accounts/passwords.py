"""Passwords: what is taken for one, and its Argon2id hash.

A hash takes memory and time on purpose, so only a few are made at once. Never call this inside a
transaction.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from pipeline.accounts.names import folded
from pipeline.errors import BadInput, TooOften

SHORTEST, LONGEST = 12, 256
"""Characters. No rules of composition: they make passwords worse (NIST SP 800-63B-4, 3.1.1.2)."""

PASSES, MEMORY_KIB, LANES = 3, 64 * 1024, 4
"""Argon2id, the second recommended option of RFC 9106, section 4; above the least that the OWASP
Password Storage Cheat Sheet asks for (2 passes, 19 MiB, 1 lane)."""

AT_ONCE = 2
"""Hashes made at once, 64 MiB each."""

PATIENCE_SECONDS = 10.0
"""How long somebody who signs in waits for their turn."""

_hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, type=Type.ID)
_turns = threading.BoundedSemaphore(AT_ONCE)


def check(password: str, name: str) -> None:
    """Raises BadInput (``accounts.password_short``, ``accounts.password_long``,
    ``accounts.password_name``) for what is no good as the password of ``name``."""
    if len(password) > LONGEST:
        raise BadInput("accounts.password_long", most=LONGEST)
    if len(unicodedata.normalize("NFKC", password)) < SHORTEST:
        raise BadInput("accounts.password_short", least=SHORTEST)
    if folded(password) == folded(name):
        raise BadInput("accounts.password_name")


def hashed(password: str) -> str:
    """Raises TooOften (``accounts.busy``)."""
    with _turn():
        return _hasher.hash(_bytes(password))


def fits(hash_: str | None, password: str) -> bool:
    """Whether a password is the one of a hash. It takes as long where there is no hash, so that
    nobody can tell who has an account. Raises TooOften (``accounts.busy``)."""
    usable = hash_ is not None and len(password) <= LONGEST
    with _turn():
        against = _nobodys()
        if usable and hash_ is not None:
            against = hash_
        try:
            return _hasher.verify(against, _bytes(password[:LONGEST])) and usable
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(hash_: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(hash_)


@cache
def _nobodys() -> str:
    """A hash that no password is tried against in earnest."""
    return _hasher.hash(b"nobody's password")


def _bytes(password: str) -> bytes:
    """The same for every way to type it."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=PATIENCE_SECONDS):
        raise TooOften("accounts.busy")
    try:
        yield
    finally:
        _turns.release()
