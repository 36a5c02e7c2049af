"""A browser, and the sites it visits: real servers over a home that the real pipeline worked."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.states import Sites
from tests.browser.visits import Site, Visitor, launched, serving
from tests.conftest import Interviews

FACTS = {
    "fernwaerme": ("Fernwärme in Grünau", "Sabine Krüger; Thomas Weiß", "2024-05-17", "Wärmewende"),
    "lorawan": ("LoRaWAN: Zähler ablesen", "Maria Schmidt", "2025-02-03", "Digitalisierung"),
    "data-sovereignty": ("Data sovereignty", "Helen Ward", "2025-09-21", "Digitalisierung"),
    "buergerbeteiligung": ("Bürgerbeteiligung", "Anna Fischer", "2023-11-08", "Stadtentwicklung"),
}
SPOKEN = """WEBVTT

00:01.000 --> 00:04.000
<v Karin Beck>Die Sparkasse hat den Umbau am Hafen bezahlt.

00:04.500 --> 00:08.000
<v Karin Beck>Der Kran am Hafen blieb dabei stehen.

00:09.000 --> 00:12.000
<v Jörg Timm>Danach kam die Uferpromenade an die Reihe.
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launched(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def home(_worked_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Interviews:
    """The sample interviews with all that is known of them and what browsers play; and recordings
    that have only sound, only a text, or nothing that may be played for now."""
    place = tmp_path_factory.mktemp("site")
    interviews = Interviews(shutil.copytree(_worked_home, place / "home"))
    for name, recording in _ids(interviews).items():
        title, people, recorded, collection = FACTS[name]
        facts = ("--people", people, "--recorded", recorded, "--collection", collection)
        interviews("set", recording, "--title", title, *facts)
    (place / "Protokoll.vtt").write_text(SPOKEN, encoding="utf-8")
    for title, seconds in (("Am Telefon", 12), ("Gesperrt", 13)):
        sound = _sound(place / f"{title}.wav", seconds)
        interviews("add", sound, "--transcript", place / "Protokoll.vtt", "--language", "de")
    interviews("add", place / "Protokoll.vtt", "--language", "de")
    interviews("run", INTERVIEWS_RENDITION="on")
    interviews("withhold", _ids(interviews)["Gesperrt"], "--from", "4.5", "--to", "8")
    return interviews


@pytest.fixture(scope="session")
def site(home: Interviews) -> Iterator[Site]:
    """Open to everybody."""
    with serving(home, "--open", INTERVIEWS_RENDITION="on") as address:
        yield Site(address, _ids(home))


@pytest.fixture(scope="session")
def members(home: Interviews) -> Iterator[Site]:
    """For those who sign in; they are asked whether a moment was the answer."""
    home("user", "add", "chief", "--role", "admin")
    settings = {"INTERVIEWS_RENDITION": "on", "INTERVIEWS_FEEDBACK": "true"}
    with serving(home, **settings) as address:
        yield Site(address, _ids(home), home)


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with no recordings."""
    with serving(Interviews(tmp_path_factory.mktemp("nothing")), "--open") as address:
        yield Site(address)


@pytest.fixture(scope="session")
def sites(site: Site, members: Site, nothing: Site) -> Sites:
    return Sites(site, members, nothing)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Whoever opens pages. Wherever this one comes, the browser has nothing to complain of and
    asks nothing of any other host."""
    visiting = Visitor(browser)
    yield visiting
    visiting.leave()
    assert not visiting.complaints
    assert len(visiting.hosts) <= 1


def _ids(interviews: Interviews) -> dict[str, str]:
    listed = interviews("status", "--json").json["recordings"]
    return {recording["title"]: recording["id"] for recording in listed}


def _sound(place: Path, seconds: int) -> Path:
    """Silence, as telephones record it."""
    with wave.open(str(place), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * seconds))
    return place
