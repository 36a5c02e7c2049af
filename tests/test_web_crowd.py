"""Many who sign in at once: what they take together is bounded."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest

from pipeline.accounts import passwords
from tests.web_client import HERE, Answer, Browser
from tests.web_home import served

CROWD = 20
"""An even number, since hashes are made in twos."""


class Counting(passwords.PasswordHasher):
    """Counts how many are at it at once. Nobody is done before there are as many as may be."""

    def __init__(self) -> None:
        super().__init__(1, 64, 1)
        self.most = self.tried = self._now = 0
        self._lock = threading.Lock()
        self._together = threading.Barrier(passwords.AT_ONCE, timeout=60)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        with self._lock:
            self.tried += 1
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self._together.wait()
            return super().verify(hash, password)
        finally:
            with self._lock:
                self._now -= 1


def test_a_crowd_at_the_door_takes_the_memory_of_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords._nobodys.cache_clear()
    hasher = Counting()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    passwords._nobodys()
    with served(tmp_path) as (_, browser):
        answers = browser.runner.run(crowd(browser))
    assert [answer.status for answer in answers] == [403] * CROWD
    assert (hasher.tried, hasher.most) == (CROWD, passwords.AT_ONCE)
    assert passwords.AT_ONCE * passwords.MEMORY_KIB == 128 * 1024
    passwords._nobodys.cache_clear()


async def crowd(browser: Browser) -> list[Answer]:
    """All of them before the first has an answer."""
    forms = [urlencode({"name": f"name{n}", "password": "falsch"}).encode() for n in range(CROWD)]
    headers = {"host": HERE, "content-type": "application/x-www-form-urlencoded"}
    return list(
        await asyncio.gather(
            *(
                browser._asked(
                    "POST", "/sign-in", {**headers, "content-length": str(len(form))}, form
                )
                for form in forms
            )
        )
    )
