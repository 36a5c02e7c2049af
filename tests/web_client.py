"""Asks the web pages inside this process: one request, one answer, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from starlette.types import ASGIApp, Message

HERE = "interviews.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def __getitem__(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    @property
    def set_cookies(self) -> list[str]:
        return [value for name, value in self.headers if name == "set-cookie"]


@dataclass
class Browser:
    """Keeps cookies as browsers do."""

    app: ASGIApp
    runner: asyncio.Runner
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = "192.0.2.7"
    scheme: str = "http"

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers)

    def post(self, path: str, fields: Mapping[str, str] | bytes = b"", /, **headers: str) -> Answer:
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, kind | headers, body)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        length: bool = True,
    ) -> Answer:
        """``path`` as it stands in a request's first line."""
        sent = {"host": HERE, "accept": "text/html", "accept-language": "en"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body and length:
            sent["content-length"] = str(len(body))
        sent |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        answer = self.runner.run(self._asked(method, path, sent, body))
        for written in answer.set_cookies:
            for name, morsel in SimpleCookie(written).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    async def _asked(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        raw, _, query = path.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme,
            "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
            "raw_path": raw.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
            "client": (self.address, 50_000),
            "server": (HERE, 80),
            "state": {},
        }
        waiting = [{"type": "http.request", "body": body, "more_body": False}]
        got: list[Message] = []
        done = asyncio.Event()

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            got.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                done.set()

        await self.app(scope, receive, send)
        start = got[0]
        return Answer(
            start["status"],
            tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in start["headers"]),
            b"".join(one.get("body", b"") for one in got[1:]),
        )
