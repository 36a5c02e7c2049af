"""A recording of which nothing can be played is read, with the tools that need no more."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visits import Site, Visitor, serving, until
from tests.conftest import Interviews

TITLE, LINES, EACH_S = "Hafenchronik", 80, 10
HARBOUR = (12, 40, 68)
"""Lines that speak of it."""


def said(line: int) -> str:
    what = "Am Hafen wurde gebaut" if line in HARBOUR else "Die Straße führt hinab ins Tal"
    return f"{what}, im Jahr {1900 + line}."


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A text without a recording, longer than any window."""
    place = tmp_path_factory.mktemp("text")
    interviews = Interviews(place / "home")
    cues = (
        f"{clock(n * EACH_S)} --> {clock((n + 1) * EACH_S)}\n<v Speaker {n // 8}>{said(n)}\n"
        for n in range(LINES)
    )
    (place / f"{TITLE}.vtt").write_text("\n".join(("WEBVTT\n", *cues)), encoding="utf-8")
    interviews("add", place / f"{TITLE}.vtt", "--language", "de")
    interviews("run")
    listed = interviews("status", "--json").json["recordings"]
    with serving(interviews, "--open") as address:
        yield Site(address, {one["title"]: one["id"] for one in listed})


def clock(seconds: int) -> str:
    return f"{seconds // 60:02}:{seconds % 60:02}.000"


@pytest.fixture
def page(visitor: Visitor, text: Site) -> Page:
    """Somebody who came from the search to its first line."""
    opened = visitor.page(
        reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"]
    )
    opened.goto(text.watch(TITLE, "?q=Hafen&mode=words&t=0"))
    expect(opened.locator("#media")).to_have_count(0)
    return opened


def lines(page: Page) -> Locator:
    return page.locator("#transcript [data-start]")


def copied(page: Page, button: str, said: str) -> str:
    page.get_by_role("button", name=button).click()
    expect(page.locator("#said")).to_have_text(said)
    return str(page.evaluate("navigator.clipboard.readText()"))


def is_here(page: Page, place: int) -> None:
    expect(lines(page).nth(place)).to_have_attribute("aria-current", "true")
    expect(page.locator("#transcript [aria-current]")).to_have_count(1)


def test_arrow_keys_choose_the_line_that_is_passed_on(page: Page) -> None:
    page.keyboard.press("t")
    expect(lines(page).first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    is_here(page, 2)
    quote = copied(page, "Copy quote", "The quote is copied, with its source and a link.")
    assert quote.startswith(f"“{said(2)}”\nSpeaker 0, {TITLE}, 0:20\n")
    link = copied(page, "Link to this moment", "The link to this moment is copied.")
    assert link.endswith("t=20.0")
    page.keyboard.press("t")
    expect(lines(page).nth(2)).to_be_focused()


def test_keys_and_buttons_lead_through_what_was_found(page: Page) -> None:
    expect(page.locator(".here a")).to_have_count(len(HARBOUR))
    for key, place in (("n", 0), ("n", 1), ("n", 2), ("p", 1)):
        page.keyboard.press(key)
        is_here(page, HARBOUR[place])
        expect(lines(page).nth(HARBOUR[place])).to_be_in_viewport()
    for name, place in (("Next moment", 2), ("Previous moment", 1)):
        page.get_by_role("link", name=name).click()
        is_here(page, HARBOUR[place])


def test_a_click_on_the_strip_of_time_scrolls_to_what_is_said_there(page: Page) -> None:
    expect(lines(page).nth(76)).not_to_be_in_viewport()
    strip = page.locator("#line").bounding_box()
    assert strip
    page.locator("#line").click(position={"x": strip["width"] * 0.953, "y": 5})
    is_here(page, int(LINES * 0.953))
    expect(lines(page).nth(76)).to_be_in_viewport()


def test_a_search_keeps_the_line_one_is_at(page: Page) -> None:
    lines(page).nth(1).click()
    is_here(page, 1)
    page.keyboard.press("/")
    page.keyboard.type("Straße")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("in=Stra"))
    is_here(page, 1)
    assert "q=Hafen" in page.url


def test_help_shows_the_keys_that_work(page: Page) -> None:
    page.keyboard.press("?")
    shown = until(page, lambda: page.locator("dialog kbd").all_inner_texts())
    assert shown == ["p", "n", "t", "↑", "↓", "/", "?"]
