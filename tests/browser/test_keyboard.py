"""Everything can be done with the keyboard alone, and one always sees where one is."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.states import FILM, STATES, Sites
from tests.browser.visits import Media, Site, Visitor, until

FOCUS = """() => {
  const at = document.activeElement;
  const seen = at.matches(".field input") ? at.closest(".field") : at;
  const { outlineStyle, outlineWidth } = getComputedStyle(seen);
  const box = seen.getBoundingClientRect();
  return {
    what: at.outerHTML.slice(0, 90),
    leaves: at === document.body,
    // What plays has controls of the browser's own inside, with a ring of their own.
    outlined: at.matches("video, audio")
      || (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2),
    inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    hidden: at.closest("[aria-hidden=true]") !== null,
    place: [...document.querySelectorAll("*")].indexOf(at),
  };
}"""
MOST_STOPS = 150


def tab(page: Page, wanted: str) -> None:
    """Press Tab until ``wanted`` has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    pytest.fail(f"Tab never comes to {wanted}")


def stops(page: Page) -> list[dict[str, Any]]:
    """Where Tab leads from the beginning of the page to its end."""
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    found: list[dict[str, Any]] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        found.append(page.evaluate(FOCUS))
        if found[-1]["leaves"]:
            return found[:-1]
    return found


@pytest.mark.parametrize(
    "state", ["home", "results", "filters", "watch-asked", "sign-in", "invitation", "help"]
)
def test_focus_is_seen_wherever_it_goes_and_goes_as_one_reads(
    state: str, visitor: Visitor, sites: Sites
) -> None:
    page = visitor.page(reduced_motion="reduce")
    STATES[state](page, sites)
    met = stops(page)
    assert len(met) > 4
    assert [one["what"] for one in met if not one["outlined"]] == []
    assert [one["what"] for one in met if not one["inside"] or one["hidden"]] == []
    order = [one["place"] for one in met]
    assert order == sorted(order)


def test_skip_links_lead_past_what_repeats(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    page.goto(site.watch(FILM))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab(page, "[href='#after']")
    page.keyboard.press("Enter")
    expect(page.locator("#after")).to_be_focused()


def test_the_whole_journey_by_keyboard(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    page.goto(site("/"))
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("Was kostet die Fernwärme?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Found for: Was kostet")).to_be_attached()
    tab(page, ".found h3 a")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(FILM)
    media = Media(page)
    until(page, lambda: not media.get("paused") and media.at)

    page.keyboard.press("k")
    media.stands()
    begun = media.at
    for key, moved in {"l": 10, "j": -10, "ArrowRight": 5, "ArrowLeft": -5}.items():
        page.keyboard.press(key)
        assert media.at == pytest.approx(begun + moved, abs=0.3)
        begun = media.at

    here = page.locator(".here a").evaluate_all("all => all.map(one => one.dataset.start / 1000)")
    assert len(here) > 1
    page.keyboard.press("n")
    ahead = next((one for one in here if one > begun + 0.5), here[0])
    media.plays_from(ahead)
    page.keyboard.press(" ")
    media.stands()
    begun = media.at
    page.keyboard.press("p")
    back = next((one for one in reversed(here) if one < begun - 1.5), here[-1])
    media.plays_from(back)

    page.keyboard.press("c")
    expect(page.locator("#captions")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press(">")
    assert media.get("playbackRate") == 1.25
    page.keyboard.press("<")
    assert media.get("playbackRate") == 1
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search in this recording")).to_be_focused()


def test_arrows_lead_from_line_to_line_and_enter_plays(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    page.goto(site.watch(FILM))
    tab(page, "#transcript p:nth-of-type(2) > a")
    paragraph = page.locator("#transcript p").nth(1).locator("[data-start]")
    page.keyboard.press("ArrowDown")
    expect(paragraph.first).to_be_focused()
    expect(page.get_by_role("link", name=paragraph.first.inner_text())).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#transcript p").first.locator("[data-start]").last).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    start = int(paragraph.first.get_attribute("data-start") or "")
    Media(page).plays_from(start / 1000)
    page.keyboard.press(" ")
    Media(page).stands()
    page.keyboard.press("Tab")
    expect(page.locator("#transcript [role=link]")).to_have_count(0)
    page.locator("h1").click()
    page.keyboard.press("t")
    expect(page.locator("#transcript [aria-current]")).to_be_focused()


def test_keys_work_after_a_button_was_used(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    page.goto(site.watch(FILM))
    media = Media(page)
    until(page, lambda: media.get("readyState") >= 1)
    page.locator("#captions").click()
    page.keyboard.press("l")
    assert media.at == pytest.approx(10, abs=0.3)
    page.keyboard.press(" ")
    expect(page.locator("#captions")).to_have_attribute("aria-pressed", "false")
    assert media.get("paused")


def test_keys_can_be_switched_off(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    page.goto(site.watch(FILM))
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="Keys are switched on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    media = Media(page)
    until(page, lambda: media.get("readyState") >= 1)
    for key in ("k", "l", "c", ">", "/", "?"):
        page.keyboard.press(key)
    assert (media.get("paused"), media.at, media.get("playbackRate")) == (True, 0, 1)
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#q")).not_to_be_focused()
    page.goto(site("/"))
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.locator("#q")).not_to_be_focused()
    page.goto(site.watch(FILM))
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("checkbox").check()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("l")
    assert media.at == pytest.approx(10, abs=0.3)
