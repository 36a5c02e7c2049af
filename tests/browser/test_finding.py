"""Whoever asks lands on the answer and hears it, with scripts and without."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FACTS
from tests.browser.states import PASSWORD, asking, sign_in
from tests.browser.visits import Media, Site, Visitor
from tests.conftest import SAMPLES

QUESTIONS = [
    json.loads(line)
    for line in (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
ASKED = Counter(one["query"] for one in QUESTIONS)
CLEAR = [one for one in QUESTIONS if ASKED[one["query"]] == 1]  # some have two right answers
PLANTED = list({(one["recording"], one["kind"]): one for one in CLEAR}.values())


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("question", PLANTED, ids=lambda one: one["query"])
def test_a_question_lands_on_its_answer_and_plays(
    question: dict[str, str], scripts: bool, visitor: Visitor, site: Site
) -> None:
    # Chromium lets a test look at a page's elements even where the page may run no script.
    page = visitor.page(java_script_enabled=scripts)
    page.goto(site("/"))
    page.locator("#q").fill(question["query"])
    page.keyboard.press("Enter")
    page.locator(".found h3 a").first.click()
    expect(page.locator("h1")).to_have_text(FACTS[question["recording"]][0])
    Media(page).plays_from(float(question["sent_start"]))


def test_without_scripts_a_paragraph_s_time_plays_from_there(visitor: Visitor, site: Site) -> None:
    page = visitor.page(java_script_enabled=False)
    page.goto(site.watch("Fernwärme in Grünau"))
    paragraph = page.locator("#transcript p").last
    start = int(paragraph.locator("[data-start]").first.get_attribute("data-start") or "")
    paragraph.get_by_role("link").click()
    current = page.locator("#transcript [aria-current]")
    expect(current).to_have_attribute("data-start", str(start))
    Media(page).plays_from(start / 1000, within=1.0)
    expect(page.locator(".needs-script").first).to_be_hidden()


def test_it_is_seen_that_a_question_is_being_answered(visitor: Visitor, site: Site) -> None:
    page = visitor.page()
    for address in (site("/"), site.watch("Fernwärme in Grünau")):
        page.goto(address)
        # A test can look at a page no more once the next one is on its way.
        page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
        button = page.locator("form:has(#q) .field button")
        words = button.inner_text()
        page.locator("#q").fill("Was kostet die Fernwärme?")
        page.locator("#q").press("Enter")
        expect(button).to_have_text("Searching …")
        page.evaluate("dispatchEvent(new Event('pageshow'))")
        expect(button).to_have_text(words)


def test_a_search_is_narrowed_and_widened_again(visitor: Visitor, site: Site) -> None:
    page = visitor.page(java_script_enabled=False)
    page.goto(site(asking(q="Wie werden Daten aufbewahrt?")))
    page.locator("summary").click()
    page.get_by_label("Person").select_option("Helen Ward")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".found h3")).to_have_text(["Data sovereignty"])
    page.get_by_role("link", name="Remove all filters").click()
    assert page.locator(".found h3").count() > 1


def test_an_invited_member_comes_in_leaves_and_comes_back(visitor: Visitor, members: Site) -> None:
    page = visitor.page()
    invitation = sign_in(page, members)
    page.get_by_role("button", name="Sign out").click()
    page.goto(members(asking(q="Hafen")))
    expect(page).to_have_title("Sign in – Interviews")
    page.get_by_label("Name you sign in with").fill("nobody")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto(members(asking(q="Hafen")))
    page.get_by_label("Name you sign in with").fill(members.names[invitation])
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Found for: Hafen")).to_be_attached()
