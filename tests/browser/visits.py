"""Visits to the site by a real browser, which notes what goes wrong on the way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Route

from tests.conftest import Interviews

Language = Literal["de", "en"]
Scheme = Literal["light", "dark"]
DESKTOP, TELEPHONE, ENLARGED = (1280, 900), (390, 844), (320, 640)
LANGUAGES: tuple[Language, ...] = ("de", "en")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PATIENCE_S = 15.0
Seen = TypeVar("Seen")

_LOCALES = {"de": "de-DE", "en": "en-GB"}
_H264 = """document.createElement("video").canPlayType('video/mp4; codecs="avc1.42E01E"')"""


@dataclass(frozen=True)
class Site:
    """A server over a home. ``ids``: the recordings by title. ``staff``: the command line there,
    where it is needed while pages are visited. ``names``: who was invited, by invitation."""

    address: str
    ids: dict[str, str] = field(default_factory=dict)
    staff: Interviews | None = None
    names: dict[str, str] = field(default_factory=dict)

    def invited(self, name: str) -> str:
        """An invitation for a new member: the path of its page."""
        assert self.staff
        invitation = self.staff("user", "add", name).out.strip().splitlines()[-1]
        self.names[invitation] = name
        return invitation

    def __call__(self, path: str) -> str:
        return f"{self.address}{path}"

    def watch(self, title: str, query: str = "") -> str:
        return f"{self.address}/r/{self.ids[title]}{query}"


@contextmanager
def serving(interviews: Interviews, *options: str, **environment: str) -> Iterator[str]:
    """``interviews serve`` in a process of its own; its address."""
    command = interviews.command("serve", "--port", "0", *options)
    surroundings = interviews.environment(PYTHONUNBUFFERED="1", **environment)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings) as server:
        try:
            assert server.stderr
            for line in server.stderr:
                if found := re.search(r"http://[0-9.]+:[0-9]+", line):
                    yield found[0]
                    break
            else:
                pytest.fail("the server did not start")
        finally:
            server.terminate()


def launched(playwright: Playwright) -> Browser:
    """The system's Chromium, else the one of Playwright. Fails where there is none, and where it
    does not play what films mostly are."""
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path=system, args=rights)
    page = browser.new_page()
    assert page.evaluate(_H264), "this Chromium plays no H.264; install your system's chromium"
    page.close()
    return browser


def until(page: Page, look: Callable[[], Seen]) -> Seen:
    """What ``look`` sees as soon as it is true of something."""
    end = time.monotonic() + PATIENCE_S
    while not (seen := look()):
        assert time.monotonic() < end, f"still {seen!r} on {page.url}"
        page.wait_for_timeout(40)
    return seen


@dataclass
class Visitor:
    """Opens pages. ``complaints``: what the browser's console said; ``requests``: all addresses."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def page(
        self,
        *,
        language: Language = "en",
        scheme: Scheme = "light",
        size: tuple[int, int] = DESKTOP,
        **more: Any,
    ) -> Page:
        context = self.browser.new_context(
            locale=_LOCALES[language],
            color_scheme=scheme,
            viewport={"width": size[0], "height": size[1]},
            **more,
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        context.on("console", self._heard)
        context.on("weberror", lambda broken: self.complaints.append(str(broken.error)))
        context.on("request", lambda request: self.requests.append(request.url))
        self._contexts.append(context)
        return context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        # That a page is an error page is no complaint about it.
        own = message.page and message.location["url"] == message.page.url
        if message.type == "error" and not (own and "status of 4" in message.text):
            self.complaints.append(f"{message.location['url']}: {message.text}")

    @property
    def hosts(self) -> set[str]:
        """Whom something was asked of."""
        return {urlsplit(one).hostname or one for one in self.requests}

    def leave(self) -> None:
        while self._contexts:
            self._contexts.pop().close()


@dataclass
class Gate:
    """Where requests wait until they are let through."""

    waiting: list[Route] = field(default_factory=list)
    opened: bool = False

    def come(self, route: Route) -> None:
        if self.opened:
            route.continue_()
        else:
            self.waiting.append(route)

    def open(self) -> None:
        self.opened = True
        while self.waiting:
            self.waiting.pop().continue_()


@dataclass(frozen=True)
class Media:
    """What the player of a page does."""

    page: Page

    def get(self, name: str) -> Any:
        return self.page.evaluate(f"document.getElementById('media').{name}")

    @property
    def at(self) -> float:
        return float(self.get("currentTime"))

    def plays_from(self, second: float, within: float = 3.0) -> None:
        """It plays, and has begun near ``second``."""
        until(self.page, lambda: not self.get("paused") and self.get("readyState") >= 3)
        begun = self.at
        assert begun == pytest.approx(second, abs=within)
        until(self.page, lambda: self.at > begun)

    def stands(self) -> None:
        until(self.page, lambda: self.get("paused") and not self.get("seeking"))
