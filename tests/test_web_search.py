"""The search page as members use it: filters without a question, the way back, what comes near."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from tests.web_client import Browser
from tests.web_home import Talk, served

HEAT = Talk(
    "Wärme",
    ("members",),
    ("Die Leitung wird saniert.",),
    "Sabine Krüger",
    "Energie",
    "2024",
    "Netz",
)
WATER = Talk(
    "Wasser",
    ("members",),
    ("Der Brunnen liefert Wasser.",),
    "Paul Adam",
    "Umwelt",
    "2025",
    "Brunnen",
)


def titles(browser: Browser, address: str) -> set[str]:
    page = browser.get(address).text
    return {title for title in ("Wärme", "Wasser") if f">{title}</a>" in page}


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("", {"Wärme", "Wasser"}),
        ("person=Paul+Adam", {"Wasser"}),
        ("collection=Energie", {"Wärme"}),
        ("year=2025", {"Wasser"}),
        ("language=de", {"Wärme", "Wasser"}),
        ("language=en", set()),
        ("year=2025&collection=Energie", set()),
    ],
)
def test_filters_hold_before_the_first_question(
    tmp_path: Path, chosen: str, shown: set[str]
) -> None:
    with served(tmp_path, (HEAT, WATER), to_all=True) as (_, browser):
        assert titles(browser, f"/?{chosen}") == shown


def test_the_way_back_from_a_moment_leads_to_the_same_search(tmp_path: Path) -> None:
    with served(tmp_path, (HEAT, WATER), to_all=True) as (_, browser):
        asked = "/?q=Leitung&mode=words&collection=Energie"
        found = re.search(r'href="(/r/[^"]+)"', browser.get(asked).text)
        assert found is not None
        watched = unescape(browser.get(unescape(found[1])).text)
        assert f'class="back"><a href="{asked}"' in watched


def test_it_is_said_where_nobody_speaks_of_it_in_these_words(tmp_path: Path) -> None:
    with served(tmp_path, (HEAT, WATER), to_all=True) as (_, browser):
        said = "Nobody speaks about it in these words"
        assert said not in browser.get("/?q=Brunnen").text
        assert said in browser.get("/?q=Xqzvw").text
        assert said not in browser.get("/?q=Xqzvw&mode=words").text
