"""The player, its controls, and the transcript beside it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.states import FILM, SOUND, asking
from tests.browser.visits import Gate, Language, Media, Site, Visitor, until

TOOLS = {
    "de": ["Untertitel", "Link zu dieser Stelle", "Zitat kopieren", "Tasten"],
    "en": ["Captions", "Link to this moment", "Copy quote", "Keys"],
}
SPEED = {"de": "Tempo", "en": "Speed"}
ASKED = "?q=Fernwärme"


@pytest.fixture
def page(visitor: Visitor, site: Site) -> Page:
    """A film that was opened from nowhere, and so stands still."""
    opened = visitor.page(permissions=["clipboard-read", "clipboard-write"])
    opened.goto(site.watch(FILM, ASKED))
    until(opened, lambda: Media(opened).get("readyState") >= 1)
    return opened


def spoken_of(page: Page) -> list[tuple[str, str]]:
    """Role and name of all that assistive technology meets."""
    nodes: list[dict[str, Any]] = page.context.new_cdp_session(page).send(
        "Accessibility.getFullAXTree"
    )["nodes"]
    return [
        (one["role"]["value"], one.get("name", {}).get("value", ""))
        for one in nodes
        if not one["ignored"]
    ]


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("title", [FILM, SOUND])
def test_player_and_controls_have_names(
    title: str, language: Language, visitor: Visitor, site: Site
) -> None:
    page = visitor.page(language=language)
    page.goto(site.watch(title))
    for name in TOOLS[language]:
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("combobox", name=SPEED[language])).to_be_visible()
    said = spoken_of(page)
    kind = "Video" if title == FILM else "Audio"
    assert [name for role, name in said if role == kind and title in name]
    worked = ("button", "link", "combobox", "searchbox", "textbox", "checkbox", "slider")
    assert [role for role, name in said if role in worked and not name.strip()] == []
    track = page.evaluate("document.getElementById('media').textTracks[0].label")
    assert track == {"de": "Untertitel (Deutsch)", "en": "Captions (German)"}[language]


def test_a_line_plays_from_there_and_the_mark_moves_on(page: Page) -> None:
    line = page.locator("#transcript span").nth(4)
    line.click()
    start = int(line.get_attribute("data-start") or "") / 1000
    Media(page).plays_from(start, within=1.0)
    assert f"t={start:g}" in page.url
    current = page.locator("#transcript [aria-current]")
    expect(current).to_have_attribute("data-start", f"{start * 1000:.0f}")
    ahead = page.locator("#transcript span").nth(5).get_attribute("data-start") or ""
    page.evaluate(f"document.getElementById('media').currentTime = {ahead} / 1000 - 0.5")
    expect(current).to_have_attribute("data-start", ahead)
    expect(current).to_have_count(1)


def test_text_is_marked_by_dragging_and_copied_without_playing(page: Page) -> None:
    first, last = (page.locator("#transcript span").nth(place) for place in (1, 2))
    for line, step in ((first, page.mouse.down), (last, page.mouse.up)):
        row = line.evaluate("one => one.getClientRects()[0].toJSON()")
        page.mouse.move(row["x"] + 3, row["y"] + row["height"] / 2)
        page.mouse.move(row["x"] + 20, row["y"] + row["height"] / 2)
        step()
    marked = page.evaluate("String(getSelection())")
    assert len(marked) > 10
    assert marked in page.locator("#transcript").inner_text()
    assert Media(page).get("paused")
    assert "t=" not in page.url
    page.get_by_role("button", name="Copy quote").click()
    expect(page.locator("#said")).to_have_text("The quote is copied, with its source and a link.")
    words, _, link = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert words == f"“{' '.join(marked.split())}”"
    start = int(first.get_attribute("data-start") or "") / 1000
    assert link.endswith(f"t={start:.1f}")


def test_what_is_marked_over_a_paragraph_s_end_holds_no_times(page: Page) -> None:
    page.evaluate("""() => {
      const [first, second] = document.querySelectorAll("#transcript p");
      getSelection().setBaseAndExtent(first, 0, second, second.childNodes.length);
    }""")
    page.get_by_role("button", name="Copy quote").click()
    expect(page.locator("#said")).to_have_text("The quote is copied, with its source and a link.")
    words = page.evaluate("navigator.clipboard.readText()").split("\n")[0]
    assert page.locator("#transcript p").nth(1).locator("a").inner_text() not in words


def test_captions_show_what_is_said(page: Page) -> None:
    line = page.locator("#transcript span").nth(4)
    line.click()
    page.get_by_role("button", name="Captions").click()
    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "true")
    shown = "[...document.getElementById('media').textTracks[0].activeCues].map(c => c.text).join()"
    cue = until(page, lambda: page.evaluate(shown))
    plain = re.sub(r"<[^>]*>|\s+", "", cue)
    assert plain[:10] in re.sub(r"\s+", "", page.locator("#transcript").inner_text())
    page.get_by_role("button", name="Captions").click()
    assert page.evaluate("document.getElementById('media').textTracks[0].mode") != "showing"


def test_the_speed_is_as_chosen(page: Page) -> None:
    page.get_by_label("Speed").select_option("1.5")
    assert Media(page).get("playbackRate") == 1.5


def test_the_speed_shown_is_the_player_s(page: Page) -> None:
    for rate, shown in ((2, "2×"), (1.75, "1.75×"), (1, "1×")):
        page.evaluate(f"document.getElementById('media').playbackRate = {rate}")
        expect(page.locator("#speed option:checked")).to_have_text(shown)
    page.evaluate("document.getElementById('media').playbackRate = 1.75")
    expect(page.locator("#speed")).to_have_value("1.75")
    page.keyboard.press(">")
    expect(page.locator("#speed")).to_have_value("2")


def test_it_says_quietly_that_it_loads_and_clearly_that_it_cannot(
    visitor: Visitor, site: Site
) -> None:
    gate, page = Gate(), visitor.page()
    page.route("**/media", gate.come)
    page.goto(site.watch(FILM), wait_until="commit")
    until(page, lambda: gate.waiting)
    expect(page.locator("#loading")).to_be_empty()
    page.keyboard.press("k")
    loading = page.locator("#loading")
    expect(loading).to_have_text("Loading …")
    expect(loading).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Loading …")).to_have_count(1)
    gate.open()
    Media(page).plays_from(0)
    expect(loading).to_be_empty()
    expect(page.locator("#broken")).to_be_hidden()

    page.unroute("**/media")
    page.route("**/media", lambda route: route.abort())
    page.reload(wait_until="commit")
    expect(page.get_by_role("alert")).to_contain_text("cannot be loaded")
    expect(loading).to_be_empty()
    assert all("/media" in one for one in visitor.complaints)
    visitor.complaints.clear()


def test_a_copied_link_opens_at_that_second(page: Page) -> None:
    page.locator("#transcript span").nth(4).click()
    Media(page).plays_from(Media(page).at)
    page.locator("h1").click()
    page.keyboard.press("k")
    Media(page).stands()
    page.get_by_role("button", name="Link to this moment").click()
    expect(page.locator("#said")).to_have_text("The link to this moment is copied.")
    at = Media(page).at
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    until(page, lambda: Media(page).at)
    assert Media(page).at == pytest.approx(at, abs=1.0)


def test_a_copied_quote_says_who_what_and_when(page: Page) -> None:
    line = page.locator("#transcript span").nth(4)
    line.click()
    Media(page).plays_from(Media(page).at)
    page.locator("h1").click()
    page.keyboard.press("k")
    Media(page).stands()
    page.get_by_role("button", name="Copy quote").click()
    expect(page.locator("#said")).to_have_text("The quote is copied, with its source and a link.")
    words, source, link = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert words == f"“{line.inner_text().strip()}”"
    assert FILM in source and re.search(r"\d:\d\d$", source)
    assert link.startswith(page.url.partition("?")[0])


def test_next_and_previous_lead_through_what_was_found(page: Page) -> None:
    here = page.locator(".here a").evaluate_all("all => all.map(one => one.dataset.start / 1000)")
    assert len(here) == 2
    page.locator(".here a").first.click()
    Media(page).plays_from(here[0])
    page.get_by_role("link", name="Next moment").click()
    Media(page).plays_from(here[1])
    page.get_by_role("link", name="Previous moment").click()
    Media(page).plays_from(here[0])


def test_a_recording_is_searched_where_it_plays(page: Page, site: Site) -> None:
    field = page.get_by_role("searchbox", name="Search in this recording")
    field.fill("Kraftwerk am Rathaus")
    field.press("Enter")
    page.wait_for_url(re.compile("Kraftwerk"))
    assert page.url.startswith(site.watch(FILM))
    expect(page.locator(".here")).to_contain_text("in this recording")
    expect(page.locator("#transcript mark").first).to_be_attached()


def test_a_search_where_it_plays_keeps_the_moment_and_the_way_back(
    visitor: Visitor, site: Site
) -> None:
    page = visitor.page()
    search = asking(q="Was kostet die Fernwärme?", mode="words", collection="Wärmewende")
    page.goto(site(search))
    page.locator(".found h3 a").first.click()
    page.wait_for_url(re.compile("/r/"))
    until(page, lambda: not Media(page).get("paused") and Media(page).at)
    page.keyboard.press("k")
    page.keyboard.press("l")
    Media(page).stands()
    at = Media(page).at
    page.keyboard.press("/")
    page.keyboard.type("Kraftwerk")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("in=Kraftwerk"))
    Media(page).plays_from(at)
    page.get_by_role("link", name="Back to what was found").click()
    expect(page).to_have_url(page.evaluate("address => new URL(address, location).href", search))


def test_the_strip_of_time_is_for_the_mouse(page: Page) -> None:
    strip = page.locator("#line").bounding_box()
    assert strip
    page.locator("#line").click(position={"x": strip["width"] / 2, "y": 5})
    Media(page).plays_from(Media(page).get("duration") / 2)
