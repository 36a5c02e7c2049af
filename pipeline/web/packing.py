"""Texts packed for the way, where that tells nobody anything.

Pages are never packed: they hold the token of a session and repeat what an address says, and how
long the two are packed together would tell a stranger who may choose the one about the other
(BREACH). The site's own files and what is written of a transcript hold no token and repeat nothing.
"""

from __future__ import annotations

import gzip
import re

from starlette.requests import Request
from starlette.responses import Response

_LEAST_BYTES = 1000
_LEVEL = 6
_REFUSED = re.compile(r"q=0(?:\.0{0,3})?")


def packed(request: Request, answer: Response) -> Response:
    """The answer, with a smaller body for browsers that unpack it."""
    answer.headers.add_vary_header("Accept-Encoding")
    if len(answer.body) < _LEAST_BYTES or not _unpacks(request):
        return answer
    answer.body = gzip.compress(bytes(answer.body), _LEVEL, mtime=0)
    answer.headers["content-encoding"] = "gzip"
    answer.headers["content-length"] = str(len(answer.body))
    return answer


def _unpacks(request: Request) -> bool:
    """Whether an Accept-Encoding header names gzip and does not refuse it (RFC 9110, 12.5.3)."""
    for entry in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = entry.partition(";")
        if name.strip() == "gzip":
            return not _REFUSED.fullmatch(weight.strip())
    return False
