"""Nothing is lost when pages are enlarged, spaced out, or printed."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.states import FILM, STATES, Sites, every_state
from tests.browser.visits import DESKTOP, ENLARGED, LANGUAGES, SCHEMES, Language, Site, Visitor

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


def test_a_transcript_is_printed_whole_and_alone(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    page.goto(site.watch(FILM, "?t=20&q=Fernwärme"))
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#transcript a").last).to_be_visible()
    for left_out in (".top", ".player", ".foot", ".within", ".here"):
        expect(page.locator(left_out)).to_be_hidden()
    nothing_is_cut(page)
    assert page.pdf().startswith(b"%PDF")


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
