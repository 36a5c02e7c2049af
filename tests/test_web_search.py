"""The search page as members use it: filters without a question, the way back, what comes near."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline.settings import Settings
from tests.web_client import Browser
from tests.web_home import Talk, person, served

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


def shelf() -> list[Talk]:
    """Forty recordings, of which thirty are for members, two more for the north, eight for staff;
    what is hidden lies between what is not."""
    audiences = {1: "Nordwerke", 21: "Nordwerke", **dict.fromkeys(range(2, 40, 5), "staff")}
    return [
        replace(
            HEAT,
            title=f"Gespräch-{n:02}",
            visibility=(audiences.get(n, "members"),),
            collection="Energie" if n % 2 else "Umwelt",
        )
        for n in range(40)
    ]


def walked(browser: Browser, address: str) -> tuple[list[list[str]], str]:
    """The titles of each page, by the links alone; and the last page."""
    shown = []
    while True:
        page = browser.get(address).text
        shown.append(re.findall(r">(Gespräch-\d\d)</a>", page))
        more = re.search(r'rel="next" href="([^"#]+)#newest"', page)
        if more is None:
            return shown, page
        address = unescape(more[1])


def test_everything_somebody_may_see_can_be_looked_through_and_nothing_else(tmp_path: Path) -> None:
    talks = shelf()
    with served(tmp_path, talks) as (home, nobody):
        for organisation, audiences, sizes in (
            (None, {"members"}, [12, 12, 6]),
            ("Nordwerke", {"members", "Nordwerke"}, [12, 12, 8]),
        ):
            pages, last = walked(person(home, nobody, "member", organisation), "/")
            allowed = {one.title for one in talks if audiences & set(one.visibility)}
            assert [len(page) for page in pages] == sizes
            assert {title for page in pages for title in page} == allowed
            assert f"25 to {sum(sizes)} of {sum(sizes)} recordings, newest first" in last
        pages, _ = walked(person(home, nobody, "staff"), "/")
        assert sum(map(len, pages)) == len(talks)
        assert len({title for page in pages for title in page}) == len(talks)


def test_looking_through_keeps_the_filters_and_the_count_is_theirs(tmp_path: Path) -> None:
    with served(tmp_path, shelf()) as (home, nobody):
        member = person(home, nobody, "member")
        pages, last = walked(member, "/?collection=Umwelt")
        assert {int(title[-2:]) % 2 for page in pages for title in page} == {0}
        assert [len(page) for page in pages] == [12, 4] and "13 to 16 of 16 recordings" in last
        assert 'rel="prev" href="/?collection=Umwelt#newest"' in last
        assert "There is no recording in here" in member.get("/?year=1999").text


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e3", "٣", "", "9" * 30])
def test_a_page_that_makes_no_sense_is_the_first(tmp_path: Path, page: str) -> None:
    with served(tmp_path, (HEAT, WATER), to_all=True) as (_, browser):
        assert titles(browser, f"/?page={quote(page)}") == {"Wärme", "Wasser"}


def test_a_page_after_the_last_is_the_last(tmp_path: Path) -> None:
    with served(tmp_path, shelf()) as (home, nobody):
        member = person(home, nobody, "member")
        assert "25 to 30 of 30 recordings" in member.get("/?page=999999").text


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
        named = browser.get("/?q=Kr%C3%BCger").text
        assert "Sabine" in named and said not in named
        assert said in browser.get("/?q=Xqzvw").text
        assert said not in browser.get("/?q=Xqzvw&mode=words").text


@pytest.mark.parametrize("more", ["Leitung " * 250, "ä" * 800, "💣" * 400])
def test_a_long_question_is_cut_and_makes_no_large_page(tmp_path: Path, more: str) -> None:
    talks = [replace(HEAT, title=f"Gespräch-{n:02}") for n in range(12)]
    with served(tmp_path, talks, Settings(feedback=True), to_all=True) as (_, browser):
        said = "only its beginning was looked for"
        short, long = browser.get("/?q=Leitung"), browser.get(f"/?q={quote(f'Leitung {more}')}")
        assert short.status == long.status == 200 and "/r/" in long.text
        assert said in long.text and said not in short.text
        assert len(long.body) < 100_000
