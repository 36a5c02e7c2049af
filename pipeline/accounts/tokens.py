"""Random secrets that open something: given away once, kept as their sha256."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32


def token() -> str:
    """256 random bits, fit for an address and a cookie."""
    return secrets.token_urlsafe(_BYTES)


def digest(given: str) -> str:
    """What is kept of a token. No salt is needed: nobody can try 2^256 of them."""
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
