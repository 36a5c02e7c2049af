"""No page, in no state, language or colour, breaks a rule that axe-core knows."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.states import STATES, Sites, every_state
from tests.browser.visits import DESKTOP, LANGUAGES, SCHEMES, TELEPHONE, Language, Scheme, Visitor

RULES = {
    "runOnly": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"),
    ],
    "resultTypes": ["violations"],
}
FOLDER = os.environ.get("SCREENSHOTS")
"""Where pictures of all pages are wanted."""


@every_state
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(
    state: str, language: Language, scheme: Scheme, visitor: Visitor, sites: Sites
) -> None:
    # axe-core is put into the page, which our policy would not let any script do.
    page = visitor.page(language=language, scheme=scheme, bypass_csp=True)
    STATES[state](page, sites)
    assert page.locator("html").get_attribute("lang") == language
    found = Axe().run(page, options=RULES)
    assert not found.violations_count, found.generate_report()
    if FOLDER:
        for name, (width, height) in {"desktop": DESKTOP, "telephone": TELEPHONE}.items():
            page.set_viewport_size({"width": width, "height": height})
            picture = f"{FOLDER}/{state}-{language}-{scheme}-{name}.png"
            page.screenshot(path=picture, full_page=state != "keys")
