"""Nothing is lost when pages are enlarged, spaced out, or printed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.states import FILM, SOUND, STATES, Sites, every_state
from tests.browser.visits import (
    DESKTOP,
    ENLARGED,
    LANGUAGES,
    SCHEMES,
    TELEPHONE,
    Language,
    Site,
    Visitor,
    serving,
    until,
)
from tests.conftest import Interviews
from tests.web_home import Talk, WebHome

CUT = """() => {
  const shown = (one) => {
    const box = one.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && getComputedStyle(one).visibility === "visible";
  };
  const lost = (one) => {
    const box = one.getBoundingClientRect();
    const { overflowX, overflowY } = getComputedStyle(one);
    const hides = (way) => way === "hidden" || way === "clip";
    return box.left < -1 || box.right > innerWidth + 1
      || (hides(overflowX) && one.scrollWidth > one.clientWidth + 1)
      || (hides(overflowY) && one.scrollHeight > one.clientHeight + 1);
  };
  const named = (one) => `${one.localName}.${one.className}: ${one.textContent.slice(0, 60)}`;
  return [...document.querySelectorAll("body *:not(svg, svg *, input, option)")]
    .filter((one) => shown(one) && !one.closest(".unseen, .skip") && lost(one)).map(named);
}"""
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }"""
"""WCAG 2.2, 1.4.12."""


def nothing_is_cut(page: Page) -> None:
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(CUT) == []


@every_state
@pytest.mark.parametrize("language", LANGUAGES)
def test_at_400_percent_nothing_is_cut_off_and_all_can_be_hit(
    state: str, language: Language, visitor: Visitor, sites: Sites
) -> None:
    page = visitor.page(language=language, size=ENLARGED)
    STATES[state](page, sites)
    nothing_is_cut(page)
    sized = Axe().run(page, options={"runOnly": {"type": "rule", "values": ["target-size"]}})
    assert not sized.violations_count, sized.generate_report()


@every_state
def test_more_space_between_letters_and_lines_loses_nothing(
    state: str, visitor: Visitor, sites: Sites
) -> None:
    # The style of a reader's own would not come past our policy as a test puts it in.
    page = visitor.page(language="de", bypass_csp=True)
    STATES[state](page, sites)
    page.add_style_tag(content=SPACED)
    for width, height in (DESKTOP, ENLARGED):
        page.set_viewport_size({"width": width, "height": height})
        nothing_is_cut(page)


NAMES = [f"{one}xandra-Leopoldine von Ruppertshausen-Eschenbach" for one in "AOU"]


@pytest.mark.parametrize("query", ["", "?collection=" + NAMES[0], "?q=Ausbau&person=" + NAMES[1]])
@pytest.mark.parametrize("size", [TELEPHONE, ENLARGED])
def test_no_name_is_wider_than_the_page(
    query: str, size: tuple[int, int], visitor: Visitor, tmp_path: Path
) -> None:
    said = ("Der Ausbau dauert.", "Vom Ausbau hören alle.")
    talks = [
        Talk(one * 2, ("members",), said, one, f"{one} {one}", f"202{n}", one, one)
        for n, one in enumerate(NAMES)
    ]
    WebHome(tmp_path, [*talks, replace(talks[1], title="x" * 80, collection="y" * 80)]).close()
    with serving(Interviews(tmp_path), "--open") as address:
        page = visitor.page(size=size)
        page.goto(f"{address}/{query}")
        page.locator("details.filters").evaluate("one => one.open = true")
        expect(page.locator("select[name=person]")).to_be_visible()
        nothing_is_cut(page)


def test_a_transcript_is_printed_whole_and_alone(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    page.goto(site.watch(FILM, "?t=20&q=Fernwärme"))
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#transcript span").last).to_be_visible()
    for left_out in (".top", ".player", ".foot", ".within", ".here"):
        expect(page.locator(left_out)).to_be_hidden()
    expect(page.locator("#media")).to_be_hidden()
    expect(page.locator(".tools")).to_be_hidden()
    nothing_is_cut(page)
    told = page.locator("#transcript")
    assert told.evaluate("one => one.scrollHeight - one.clientHeight") <= 1
    # All of it lies on paper, from the first word to the last.
    sheet = page.evaluate("document.documentElement.scrollHeight")
    last = told.locator("span").last.evaluate("one => one.getBoundingClientRect().bottom")
    assert 0 < last + page.evaluate("scrollY") <= sheet


@pytest.mark.parametrize("title", [FILM, SOUND])
@pytest.mark.parametrize("size", [TELEPHONE, ENLARGED])
def test_on_a_telephone_what_plays_and_what_is_said_are_seen_together(
    title: str, size: tuple[int, int], visitor: Visitor, site: Site
) -> None:
    page = visitor.page(size=size, reduced_motion="reduce")
    page.goto(site.watch(title, "?t=5" if title == SOUND else "?t=60&q=Fernwärme"))
    together(page, rows=5 if title == FILM else 2)
    if title == FILM:
        page.locator("#next").click()
        together(page, rows=5)


def together(page: Page, rows: int) -> None:
    current = page.locator("#transcript [aria-current]")
    until(page, lambda: rows_seen(page) >= rows and current.evaluate(SEEN))
    assert page.locator("#media").evaluate(SEEN)
    assert page.locator("#captions").evaluate(SEEN)


SEEN = """one => {
  const row = one.getClientRects()[0];
  const at = document.elementFromPoint(row.left + 3, row.top + row.height / 2);
  return row.top >= 0 && row.bottom <= innerHeight && one.contains(at);
}"""


def rows_seen(page: Page) -> float:
    """Rows of text that fit below what sticks to the top."""
    return float(
        page.evaluate("""() => {
          const told = document.getElementById("transcript");
          const [screen, text] = [document.getElementById("screen"), told]
            .map((one) => one.getBoundingClientRect());
          const seen = Math.min(text.bottom, innerHeight) - Math.max(text.top, screen.bottom);
          return seen / parseFloat(getComputedStyle(told).lineHeight);
        }""")
    )


@pytest.mark.parametrize("size", [TELEPHONE, ENLARGED])
def test_what_sticks_to_the_top_hides_nothing_that_has_the_focus(
    size: tuple[int, int], visitor: Visitor, site: Site
) -> None:
    page = visitor.page(size=size, reduced_motion="reduce")
    page.goto(site.watch(FILM, "?q=Fernwärme"))
    for key in ("Tab", "Shift+Tab"):
        page.evaluate("document.body.tabIndex = -1")
        if key == "Tab":
            page.evaluate("document.body.focus()")
        met = 0
        while (found := press(page, key)) is not None and met < 80:
            assert not found, f"hidden after {key}: {found}"
            met += 1
        assert met > 20


def press(page: Page, key: str) -> str | None:
    """What has the focus and is covered by what plays, or nothing; None at the end of the page."""
    page.keyboard.press(key)
    covered: str | None = page.evaluate("""() => {
      const [at, screen] = [document.activeElement, document.getElementById("screen")];
      if (at === document.body) return null;
      if (screen.contains(at)) return "";
      const box = at.getBoundingClientRect();
      const edge = screen.getBoundingClientRect();
      return box.bottom > edge.top && box.top < edge.bottom - 1 ? at.outerHTML.slice(0, 90) : "";
    }""")
    return covered


def test_on_a_low_screen_nothing_sticks(visitor: Visitor, site: Site) -> None:
    page = visitor.page(size=(320, 256))
    page.goto(site.watch(FILM))
    assert page.locator("#screen").evaluate("one => getComputedStyle(one).position") == "static"
    nothing_is_cut(page)


def test_paper_has_the_same_colours_whatever_the_screen_has(visitor: Visitor, site: Site) -> None:
    colours = "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    printed = []
    for scheme in SCHEMES:
        page = visitor.page(scheme=scheme)
        page.goto(site.watch(FILM, "?q=Fernwärme"))
        page.emulate_media(media="print", color_scheme=scheme)
        parts = [page.locator(part).first for part in ("h1", "#transcript h3", "#transcript mark")]
        printed.append([part.evaluate(colours) for part in parts])
    assert printed[0] == printed[1]
