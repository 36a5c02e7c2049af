"""A file as an answer: whole, in byte ranges or not again, and a clean answer where it has
vanished."""

from __future__ import annotations

import os
import re
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from pipeline.errors import NotFound
from pipeline.web.guard import KEPT
from pipeline.web.unchanged import is_unchanged, unchanged

_PART = r"(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})"
_RANGES = re.compile(rf"bytes=\s*{_PART}(?:\s*,\s*{_PART})*\s*", re.ASCII | re.IGNORECASE)
_CLOSED = re.compile("([0-9]+)-([0-9]+)")


class FileBytes(FileResponse):
    """``gone`` is raised where the file cannot be opened. Ranges that are none are as if they were
    not there (RFC 9110, 14.2). Whoever has the file as it is gets no byte of it."""

    def __init__(self, path: Path, media_type: str, gone: NotFound) -> None:
        super().__init__(path, media_type=media_type, headers={"cache-control": KEPT})
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []
        begun = False

        async def sending(message: Message) -> None:
            """The head waits for the first bytes: before them there may turn out to be none."""
            nonlocal begun
            if message["type"] == "http.response.start":
                held.append(message)
                return
            begun = True
            while held:
                await send(held.pop())
            await send(message)

        try:
            self.stat_result = await to_thread.run_sync(os.stat, self.path)
            self.set_stat_headers(self.stat_result)
            if is_unchanged(Headers(scope=scope), self.headers):
                await unchanged(self.headers)(scope, receive, send)
                return
            await super().__call__(_with_true_ranges(scope), receive, sending)
        except OSError as error:
            if begun:
                raise
            raise self._gone from error


def _with_true_ranges(scope: Scope) -> Scope:
    asked = Headers(scope=scope).get("range")
    if asked is None or _are_ranges(asked):
        return scope
    return {**scope, "headers": [one for one in scope["headers"] if one[0] != b"range"]}


def _are_ranges(asked: str) -> bool:
    """Whether all are written as they should be, and none ends before it begins (14.1.2)."""
    if not _RANGES.fullmatch(asked):
        return False
    return all(int(first) <= int(last) for first, last in _CLOSED.findall(asked))
