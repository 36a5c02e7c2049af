"""German and English: the same place, the right forms, and foreign words said to be foreign."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.states import ASKED, FILM, asking
from tests.browser.visits import Language, Site, Visitor


@pytest.mark.parametrize("scripts", [True, False])
def test_another_language_is_the_same_place(scripts: bool, visitor: Visitor, site: Site) -> None:
    page = visitor.page(language="en", java_script_enabled=scripts)
    for address in (site(asking(q=ASKED, mode="words")), site.watch(FILM, "?t=20&q=Netz")):
        page.goto(address)
        page.get_by_role("link", name="Deutsch").click()
        assert page.url == page.evaluate("address => new URL(address).href", address)
        expect(page.locator("html")).to_have_attribute("lang", "de")
        page.get_by_role("link", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize(
    ("language", "day", "people", "speed"),
    [
        ("de", "17. Mai 2024", "Sabine Krüger und Thomas Weiß", "1,25×"),
        ("en", "17 May 2024", "Sabine Krüger and Thomas Weiß", "1.25×"),
    ],
)
def test_dates_names_and_numbers_are_written_as_one_reads_them(
    language: Language, day: str, people: str, speed: str, visitor: Visitor, site: Site
) -> None:
    page = visitor.page(language=language)
    page.goto(site.watch(FILM))
    expect(page.locator(".facts").first).to_contain_text(day)
    expect(page.locator(".facts").first).to_contain_text(people)
    expect(page.locator("#speed")).to_contain_text(speed)


def test_what_is_spoken_in_another_language_says_so(visitor: Visitor, site: Site) -> None:
    page = visitor.page(language="en")
    page.goto(site.watch("Bürgerbeteiligung"))
    for words, language in (("alte Kraftwerk", "de"), ("digital platform", "en")):
        line = page.locator("#transcript span").filter(has_text=words).first
        assert line.evaluate("one => one.closest('[lang]').lang") == language
    page.goto(site(asking(q=ASKED)))
    expect(page.locator(".moments blockquote[lang=de]").first).to_be_attached()
    german = visitor.page(language="de")
    german.goto(site(asking(q="What does the data center cost in a year?")))
    expect(german.locator(".moments blockquote[lang=en]").first).to_be_attached()
