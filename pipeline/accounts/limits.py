"""How often somebody may try to sign in. Waits grow; nobody is locked out for good.

Three things are counted: what one address tries with one name, what it tries with any, and what
anybody tries with a name. An attempt counts as failed before its password is looked at, so that
many at once gain nothing; one that comes too early is refused and not counted, so that waits come
to an end whatever others do. Who signed in from an address within the last day is held up there
only by what failed with their name at that address.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.catalog import attempts
from pipeline.catalog.attempts import Tries
from pipeline.errors import TooOften

_SECOND = 1000
MEMORY_MS = 24 * 3600 * _SECOND
"""For so long an address counts; then nothing is known of it."""


class Limit(NamedTuple):
    """After ``free`` failures one waits a second, then two, four, … up to ``longest_ms``."""

    free: int
    longest_ms: int

    def wait_ms(self, failures: int) -> int:
        over = failures - self.free
        return 0 if over < 0 else min(self.longest_ms, _SECOND << min(over, 30))


PAIR = Limit(5, 15 * 60 * _SECOND)
ADDRESS = Limit(30, 15 * 60 * _SECOND)
"""Many may share an address."""

NAME = Limit(100, 60 * _SECOND)
"""No more than 100 failures in a row (NIST SP 800-63B-4, 3.2.2) without a wait; a short one, since
it meets the person whose name it is, too."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The keys that an attempt is counted under."""

    pair: str
    address: str
    name: str


def admit(db: sqlite3.Connection, name: str, address: str, now_ms: int) -> Attempt:
    """Count an attempt as failed. Raises TooOften (``accounts.wait``) where it comes too early."""
    forget_old(db, now_ms)
    attempt = _keys(attempts.secret(db), name, _network(address))
    pair = attempts.get(db, attempt.pair)
    known = pair.succeeded_ms is not None and pair.succeeded_ms > now_ms - MEMORY_MS
    limits = [(attempt.pair, PAIR)]
    if not known:
        limits += [(attempt.address, ADDRESS), (attempt.name, NAME)]
    left = max(_left_ms(attempts.get(db, key), limit, now_ms) for key, limit in limits)
    if left > 0:
        raise TooOften("accounts.wait", seconds=math.ceil(left / _SECOND))
    for key in (attempt.pair, attempt.address, attempt.name):
        tries = attempts.get(db, key)
        attempts.put(db, key, tries._replace(failures=tries.failures + 1, failed_ms=now_ms))
    return attempt


def forget_old(db: sqlite3.Connection, now_ms: int) -> None:
    """No address is kept for longer than it counts."""
    attempts.prune(db, now_ms - MEMORY_MS)


def take_back(db: sqlite3.Connection, attempt: Attempt) -> None:
    """An attempt was no failure."""
    for key in (attempt.pair, attempt.address, attempt.name):
        tries = attempts.get(db, key)
        attempts.put(db, key, tries._replace(failures=max(tries.failures - 1, 0)))


def succeeded(db: sqlite3.Connection, attempt: Attempt, now_ms: int) -> None:
    """Former failures of this name at this address are forgotten; those of others are not."""
    take_back(db, attempt)
    attempts.put(db, attempt.pair, Tries(0, 0, now_ms))


def forgive(db: sqlite3.Connection, name: str) -> None:
    """Whoever failed with a name, it starts anew: it was given a new password."""
    attempts.forget(db, _keys(attempts.secret(db), name, "").name)


def _left_ms(tries: Tries, limit: Limit, now_ms: int) -> int:
    """How long is left to wait; never longer than the wait itself, though the clock be set back."""
    wait = limit.wait_ms(tries.failures)
    return min(wait, tries.failed_ms + wait - now_ms)


def _keys(secret: str, name: str, address: str) -> Attempt:
    def key(*parts: str) -> str:
        said = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(bytes.fromhex(secret), said, hashlib.sha256).hexdigest()

    return Attempt(key("pair", name, address), key("address", address), key("name", name))


def _network(address: str) -> str:
    """What one party has: an address, of IPv6 a whole network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
