"""The watch page: short to step through, honest about what is spoken, and the moment one comes to
is among those it lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from pipeline.catalog import recordings, transcripts
from pipeline.values import Segment, Transcript
from tests.web_client import Browser
from tests.web_home import Talk, WebHome, served

STOP = re.compile(r"<(?:a\s[^>]*href|button|input|select|summary|video|audio)|tabindex=\"0\"")
FILLING = " ".join(["und die Straße hinab"] * 12)
SAID = tuple(f"Das Rohr führt zum Haus Nummer {n} {FILLING}." for n in range(12))
"""Each is a passage of its own."""
SHEET = "M6 3.5h8.5"
"""How the icon of a text begins."""

TALK = Talk("Leitung", ("members",), SAID, "Ulla Berger", "Technik", "2021", "Rohre")
OTHER = Talk("Brunnen", ("members",), ("Der Brunnen ist alt.",), "Ilse", "Wasser", "2022", "Tief")


@dataclass(frozen=True)
class Bilingual(Talk):
    """German for nine lines of ten, or for as many as ``german`` says of a hundred."""

    german: int = 90

    @property
    def transcript(self) -> Transcript:
        languages = ["de"] * self.german + ["en"] * (100 - self.german)
        segments = tuple(
            Segment(n * 5000, (n + 1) * 5000, f"Satz {n}.", language)
            for n, language in enumerate(languages)
        )
        return Transcript("de", 500_000, segments)


def lines(home: WebHome, browser: Browser, count: int) -> str:
    """The page of a recording of ``count`` lines, twenty in a paragraph."""
    segments = tuple(
        Segment(n * 3000, n * 3000 + 2900, f"Wort {n}", "de", f"S{n // 20}") for n in range(count)
    )
    with home.catalogue.write() as db:
        transcripts.store(db, TALK.id, Transcript("de", count * 3000, segments))
    return browser.get(f"/r/{TALK.id}?q=Rohr&t=3").text


def test_stops_grow_with_paragraphs_and_not_with_lines(tmp_path: Path) -> None:
    with served(tmp_path, (TALK,), to_all=True) as (home, browser):
        short, long = lines(home, browser, 200), lines(home, browser, 1000)
        stops = [len(STOP.findall(page)) for page in (short, long)]
        assert stops[1] - stops[0] == (1000 - 200) // 20
        # Next to what is said a line takes some forty bytes.
        assert (len(long) - len(short)) / 800 < len("Wort 999") + 60


def test_a_paragraph_s_time_is_a_link_that_keeps_the_question(tmp_path: Path) -> None:
    with served(tmp_path, (TALK,), to_all=True) as (home, browser):
        page = lines(home, browser, 60)
        found = re.findall(r'<p><a class="clock" href="([^"]+)">([^<]+)</a>', page)
        assert [clock for _, clock in found] == ["0:00", "1:00", "2:00"]
        led = browser.get(f"/r/{TALK.id}{unescape(found[1][0])}").text
        assert '<span data-start="60000" aria-current="true">' in led
        assert 'value="Rohr"' in led


@pytest.mark.parametrize("query", ["Rohr", "Xqzvw", "Haus Nummer 7"])
@pytest.mark.parametrize("mode", ["hybrid", "words"])
def test_the_moment_one_comes_to_is_among_the_hits(tmp_path: Path, query: str, mode: str) -> None:
    with served(tmp_path, (TALK, OTHER), to_all=True) as (_, browser):
        results = browser.get(f"/?q={query.replace(' ', '+')}&mode={mode}&n=30").text
        moments = re.findall(r'<a class="time" href="([^"]+)"', results)
        assert (len(moments) > 3) == (query != "Xqzvw" or mode != "words")
        here = [one for one in moments if TALK.id in one]
        for moment in here:
            page = browser.get(unescape(moment)).text
            listed = re.findall(r'<li><a href="(/r/[^"]+)" data-start="\d+"( aria-current)?', page)
            assert [href for href, now in listed if now] == [moment]
            assert len({href for href, _ in listed}) == len(listed)
            marks = page.split('<svg class="hits"')[1].split("</svg>")[0]
            assert marks.count("<rect x=") == len(listed)


ASKED = {"q": "Das Rohr", "mode": "words", "collection": "Rohre", "year": "2021", "n": "30"}


def submitted(page: str, **typed: str) -> str:
    """The address of the search within a recording, by a browser that runs no scripts."""
    form = page.partition('class="within"')[2].partition("</form>")[0]
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
    assert 'name="in"' in form
    return urlencode({name: unescape(value) for name, value in fields} | typed)


def values(href: str) -> Mapping[str, str]:
    return dict(parse_qsl(urlsplit(unescape(href)).query))


def test_a_search_within_keeps_the_question_the_moment_and_the_way_back(tmp_path: Path) -> None:
    with served(tmp_path, (TALK, OTHER), to_all=True) as (_, browser):
        led = browser.get(f"/r/{TALK.id}?{urlencode(ASKED)}&t=10").text
        page = browser.get(f"/r/{TALK.id}?{submitted(led, **{'in': 'Nummer 7'})}").text
        back = re.search(r'<p class="back"><a href="([^"]+)"', page)
        assert back and values(back[1]) == ASKED
        assert 'data-at="10000"' in page
        found = re.findall(r'<li><a href="(/r/[^"]+)" data-start', page)
        steps = re.findall(r' id="(?:previous|next)" href="([^"]+)"', page)
        times = re.findall(r'<a class="clock" href="([^"]+)"', page)
        assert found and len(steps) == 2 and times
        for href in (*found, *steps, *times):
            asked = dict(values(href))
            assert asked.pop("t")
            assert asked == ASKED | {"in": "Nummer 7"}
        assert "<mark>7</mark>" in page and "<mark>Rohr</mark>" not in page


def test_what_led_here_is_marked_where_nothing_is_asked_within(tmp_path: Path) -> None:
    with served(tmp_path, (TALK, OTHER), to_all=True) as (_, browser):
        led = browser.get(f"/r/{TALK.id}?{urlencode(ASKED)}&t=10").text
        again = browser.get(f"/r/{TALK.id}?{submitted(led, **{'in': ''})}").text
        assert "<mark>Rohr</mark>" in again
        assert again.split('<div class="stage">')[1] == led.split('<div class="stage">')[1]


def test_another_moment_is_no_hit(tmp_path: Path) -> None:
    with served(tmp_path, (TALK, OTHER), to_all=True) as (_, browser):
        page = browser.get(f"/r/{TALK.id}?q=Brunnen&t=23").text
        assert 'data-start="23000"' not in page


@pytest.mark.parametrize(
    ("german", "said"),
    [(90, "in German and English"), (30, "in English and German"), (97, "in German")],
)
def test_languages_are_said_that_are_really_spoken(tmp_path: Path, german: int, said: str) -> None:
    talk = Bilingual("Zwei", ("members",), (), "Ulla", "Technik", "2021", "K", german=german)
    with served(tmp_path, (talk,), to_all=True) as (_, browser):
        for address, asked_in in (("/", "en"), ("/?q=Satz", "de"), (f"/r/{talk.id}", "en")):
            facts = browser.get(address).text.split('<p class="facts">')[1].split("</p>")[0]
            expected = "German" if (german, asked_in) == (97, "de") else said
            assert f">{expected}</span>" in facts


def test_a_text_without_a_recording_looks_like_a_text(tmp_path: Path) -> None:
    with served(tmp_path, (TALK,), to_all=True) as (home, browser):
        assert SHEET not in browser.get("/").text
        with home.catalogue.write() as db:
            db.execute("UPDATE recordings SET media_path = NULL")
            assert recordings.get(db, TALK.id).media is None
        for address in ("/", "/?q=Rohr", f"/r/{TALK.id}"):
            assert SHEET in browser.get(address).text


def test_what_needs_nothing_to_play_is_there_without_it(tmp_path: Path) -> None:
    with served(tmp_path, (TALK,), to_all=True) as (home, browser):
        address = f"/r/{TALK.id}?q=Rohr&t=10"
        controls = re.compile(r'<(?:a|button|select)[^>]* id="([\w-]+)"')
        playing = set(controls.findall(browser.get(address).text))
        with home.catalogue.write() as db:
            db.execute("UPDATE recordings SET media_path = NULL")
        page = browser.get(address).text
        assert playing - set(controls.findall(page)) == {"captions", "speed"}
        assert {"previous", "next", "copy-link", "copy-quote", "show-keys"} < playing
        assert "playing.js" not in page and "play and pause" not in page
        assert "previous and next moment found" in page
