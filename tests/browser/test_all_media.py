"""What members bring plays in the browser from any second: every medium of the collection of real
inputs, through the site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.visits import Media, Site, Visitor, serving, until
from tests.conftest import SHARED, Interviews

GOOD = sorted((SHARED / "media" / "good").glob("*"))
TRANSCRIPT = "WEBVTT\n\n00:00.100 --> 00:00.900\nEin Satz.\n"


@pytest.fixture(scope="module")
def collection(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All of them, with a transcript each, so that nothing need be recognised."""
    place = tmp_path_factory.mktemp("collection")
    interviews = Interviews(place / "home")
    (place / "said.vtt").write_text(TRANSCRIPT, encoding="utf-8")
    said = ("--transcript", place / "said.vtt", "--language", "de", "--title")
    for path in GOOD:
        interviews("add", path, *said, path.name)
    interviews("run", INTERVIEWS_RENDITION="on")
    listed = interviews("status", "--json").json["recordings"]
    with serving(interviews, "--open", INTERVIEWS_RENDITION="on") as address:
        yield Site(address, {one["title"]: one["id"] for one in listed})


@pytest.mark.parametrize("path", GOOD or [Path("absent")], ids=lambda path: path.name)
def test_it_plays_from_a_second(path: Path, visitor: Visitor, collection: Site) -> None:
    page = visitor.page()
    page.goto(collection.watch(path.name, "?t=0.5"))
    until(page, lambda: _is_there(page))
    # A press of a key is what a browser waits for before it lets anything sound.
    if Media(page).get("paused"):
        page.keyboard.press("k")
    Media(page).plays_from(0.5, within=1.5)
    assert Media(page).get("error") is None


def _is_there(page: Page) -> bool:
    assert page.locator("#media").count(), page.locator("#player").inner_text()
    return bool(Media(page).get("readyState") >= 1)
