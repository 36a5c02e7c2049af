"""Every page, for everybody, over recordings of every visibility: what is hidden is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline.accounts import invitations, users
from pipeline.catalog import recordings
from pipeline.catalog.connection import now_ms
from pipeline.settings import Settings
from pipeline.web.templating import static
from tests.conftest import Interviews
from tests.web_client import Answer, Browser
from tests.web_home import NORTH, SOUTH, Talk, WebHome, person, served

OPEN = Talk(
    "Offenes Netz",
    ("members",),
    ("Die Fernwärme kommt bis zum Marktplatz.", "Der Ausbau dauert."),
    "Ulla Berger",
    "Technik",
    "2021",
    "Fernwärme heute",
)
NORTHERN = Talk(
    "Quarznord",
    ("Nordwerke",),
    ("Die Quarzlampe kostet zu viel.", "Der Ausbau der Fernwärme."),
    "Gerda Amsel",
    "Nordkram",
    "2022",
    "Quarzkapitel",
)
SOUTHERN = Talk(
    "Zwirnsüd",
    ("Südwerke",),
    ("Der Zwirnautomat am Marktplatz brummt.", "Fernwärme im Ausbau."),
    "Horst Zaunkönig",
    "Südkram",
    "2023",
    "Zwirnkapitel",
)
STAFFS = Talk(
    "Molybdän",
    ("staff",),
    ("Das Molybdänlager wird verkauft.", "Fernwärme bleibt am Marktplatz."),
    "Ilse Kiebitz",
    "Vorstand",
    "2024",
    "Molybdänkapitel",
)
MIXED = Talk(
    "Xenonplan",
    ("Nordwerke", "Südwerke"),
    ("Die Xenonpumpe läuft.", "Fernwärme und Ausbau."),
    "Otto Pirol",
    "Gemeinsam",
    "2025",
    "Xenonkapitel",
)
TALKS = (OPEN, NORTHERN, SOUTHERN, STAFFS, MIXED)
UNKNOWN = replace(OPEN, title="Gibt es nicht").id

SEES = {
    "open": {OPEN},
    "member": {OPEN},
    "north": {OPEN, NORTHERN, MIXED},
    "south": {OPEN, SOUTHERN, MIXED},
    "staff": set(TALKS),
    "admin": set(TALKS),
}

QUESTIONS = (
    "Fernwärme",
    "Ausbau",
    "Marktplatz",
    "Quarzlampe",
    "Quarzlumpe",
    "Zwirnautomat",
    "Xenonpumpen",
    "Molybdänlager",
    "Molybdenlager",
    "Gerda Amsel",
    "Otto Pirol",
    "Vorstand",
    '"Die Xenonpumpe"',
)

# What there is to ask below each address; {id} is a recording's. Every address has to be here.
OF_A_RECORDING = {
    "/r/{id}": ("", "?t=12", "?q=Fernw%C3%A4rme", "?q=Ausbau&t=3", "?t=x"),
    "/r/{id}/media": ("",),
    "/r/{id}/picture/{ms}": ("/0", "/7000"),
    "/r/{id}/captions.vtt": ("",),
    "/r/{id}/chapters.vtt": ("",),
    "/r/{id}/transcript.{form}": (".vtt", ".srt", ".txt", ".exe"),
}
OF_ALL = {
    "/": (
        "/",
        "/?page=2",
        "/?page=999",
        *(f"/?q={quote(one)}" for one in QUESTIONS),
        "/?q=Ausbau&mode=words&n=50",
    ),
    "/help": ("/help",),
    "/help/{page}": ("/help/members", "/help/nothing"),
    "/language": ("/language?to=de&back=/",),
    "/sign-in": ("/sign-in",),
    "/invitation/{token}": ("/invitation/nothing",),
    "/static/{version}/{name}": (static("style.css"),),
}
FORMS = {"/mark", "/sign-in", "/sign-out", "/invitation/{token}"}
AT_THE_DOOR = {"/help", "/help/{page}", "/language", "/sign-in", "/invitation/{token}"}


def address(route: str, below: str, recording_id: str) -> str:
    begin = route.replace("{id}", recording_id)
    return begin.replace("/{ms}", "").replace(".{form}", "") + below


def said(answer: Answer, recording_id: str) -> tuple[int, object, bytes]:
    """All of an answer, with the asked id taken out of it, which is as long for all."""
    heads = tuple(
        (name, value.replace(recording_id, "ID"))
        for name, value in answer.headers
        if name not in ("date", "etag", "last-modified")
    )
    return answer.status, heads, answer.body.replace(recording_id.encode(), b"ID")


def traces(talk: Talk) -> list[bytes]:
    """Whatever tells of a recording. What it shares with others is none."""
    words = [
        talk.title,
        talk.person,
        talk.collection,
        talk.year,
        talk.chapter,
        talk.said[0],
        talk.id,
    ]
    return [one.encode() for one in words] + [quote(talk.title).encode(), talk.picture, talk.bytes]


@pytest.fixture(scope="module")
def walked(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[WebHome, dict[str, Browser]]]:
    root = tmp_path_factory.mktemp("walked")
    with served(root, TALKS, Settings(feedback=True)) as (home, nobody):
        yield (
            home,
            {
                "nobody": nobody,
                "member": person(home, nobody, "member"),
                "north": person(home, nobody, "member", NORTH),
                "south": person(home, nobody, "member", SOUTH),
                "staff": person(home, nobody, "staff"),
                "admin": person(home, nobody, "admin"),
            },
        )


def test_every_address_is_walked(walked: tuple[WebHome, dict[str, Browser]]) -> None:
    home, _ = walked
    asked, sent = set(), set()
    for route in home.pages.routes:
        methods = getattr(route, "methods", None)
        assert methods is not None, f"{route} is no plain route"
        (sent if "POST" in methods else asked).add(getattr(route, "path", ""))
    assert asked == OF_A_RECORDING.keys() | OF_ALL.keys()
    assert sent == FORMS


@pytest.mark.parametrize("who", [who for who in SEES if who != "open"])
@pytest.mark.parametrize("talk", TALKS, ids=lambda one: one.title)
def test_a_recording_is_there_for_whom_it_is_released_and_for_nobody_else(
    walked: tuple[WebHome, dict[str, Browser]], who: str, talk: Talk
) -> None:
    _, people = walked
    for route, endings in OF_A_RECORDING.items():
        for below in endings:
            answer = people[who].get(address(route, below, talk.id))
            unknown = people[who].get(address(route, below, UNKNOWN))
            assert unknown.status == 404
            if talk in SEES[who]:
                assert answer.status == (404 if below == ".exe" else 200), address(
                    route, below, who
                )
            else:
                assert said(answer, talk.id) == said(unknown, UNKNOWN)
            for other in set(TALKS) - SEES[who] - {talk}:
                assert not [one for one in traces(other) if one in answer.body]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_nobody_is_told_anything_at_the_door(
    walked: tuple[WebHome, dict[str, Browser]], method: str
) -> None:
    _, people = walked
    for accept in ("text/html", "*/*"):
        for route, endings in OF_A_RECORDING.items():
            for below in endings:
                both = [
                    said(
                        people["nobody"].ask(
                            method, address(route, below, one), {"accept": accept}
                        ),
                        one,
                    )
                    for one in (STAFFS.id, OPEN.id, UNKNOWN)
                ]
                assert both[0] == both[1] == both[2]
                assert both[0][0] == (303 if accept == "text/html" else 401)
    for route, addresses in OF_ALL.items():
        answers = [people["nobody"].ask(method, one) for one in addresses]
        if route not in AT_THE_DOOR and not route.startswith("/static"):
            assert {one.status for one in answers} == {303}
        for talk in TALKS:
            assert not [one for answer in answers for one in traces(talk) if one in answer.body]


@pytest.mark.parametrize("who", [who for who in SEES if who != "open"])
def test_no_page_shows_a_trace_of_what_is_hidden(
    walked: tuple[WebHome, dict[str, Browser]], who: str
) -> None:
    _, people = walked
    hidden = [one for talk in set(TALKS) - SEES[who] for one in traces(talk)]
    filters = [
        f"/?q=Ausbau&{name}={quote(getattr(talk, name))}"
        for talk in TALKS
        for name in ("collection", "person", "year")
    ]
    for page in [one for some in OF_ALL.values() for one in some] + filters:
        asked_for = {part.encode() for part in (page,)}
        answer = people[who].get(page)
        told = answer.body
        for word in quoted(page):
            told = told.replace(word, b"")  # what was asked is said again, and no more than that
        assert not [one for one in hidden if one in told], (page, asked_for)


def quoted(page: str) -> list[bytes]:
    """The words of an address, as a page repeats them."""
    from html import escape
    from urllib.parse import parse_qsl, quote_plus, urlsplit

    values = [value for _, value in parse_qsl(urlsplit(page).query)]
    return [
        form.encode()
        for one in values
        for form in (escape(one), quote_plus(one), quote(one), one, quote_plus(quote_plus(one)))
    ]


def test_what_is_hidden_is_answered_like_what_nobody_ever_said(tmp_path: Path) -> None:
    """Word by word: a home that never had what is hidden gives the same pages."""
    pages = [one for some in OF_ALL.values() for one in some]
    told = []
    for name, talks in (("both", TALKS), ("alone", (OPEN,))):
        with served(tmp_path / name, talks, to_all=True) as (_, anybody):
            told.append(
                [(one, anybody.get(one).body) for one in [*pages, f"/r/{OPEN.id}?q=Ausbau"]]
            )
    assert told[0] == told[1]


def test_open_pages_show_what_all_members_may_see(tmp_path: Path) -> None:
    with served(tmp_path, TALKS, to_all=True) as (_, anybody):
        for talk in TALKS:
            for route, endings in OF_A_RECORDING.items():
                answer = anybody.get(address(route, endings[0], talk.id))
                assert answer.status == (200 if talk in SEES["open"] else 404)
        page = anybody.get("/").text
        assert "without signing in" in page
        assert anybody.get("/sign-in").status == 303


def test_hits_are_judged_only_where_they_may_be_seen(
    walked: tuple[WebHome, dict[str, Browser]],
) -> None:
    home, people = walked
    for who, seen in SEES.items():
        if who == "open":
            continue
        token = form_token(people[who])
        answers = {}
        for talk_id in [talk.id for talk in TALKS] + [UNKNOWN]:
            form = {"token": token, "q": "Ausbau", "recording": talk_id, "at": "0", "right": "yes"}
            answers[talk_id] = people[who].post("/mark", form)
        for talk in TALKS:
            if talk in seen:
                assert answers[talk.id].status == 200
            else:
                assert said(answers[talk.id], talk.id) == said(answers[UNKNOWN], UNKNOWN)
    kept = home.context.home.feedback.read_text(encoding="utf-8")
    assert STAFFS.id in kept  # staff judged it


def form_token(browser: Browser) -> str:
    page = browser.get("/").text
    return page.split('name="token" value="')[1].split('"')[0]


def test_another_visibility_counts_with_the_next_request(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN, STAFFS)) as (home, nobody):
        member = person(home, nobody, "member")
        assert member.get(f"/r/{STAFFS.id}").status == 404
        Interviews(tmp_path)("set", STAFFS.id, "--visibility", "members")
        assert member.get(f"/r/{STAFFS.id}").status == 200
        assert STAFFS.title in member.get("/").text
        Interviews(tmp_path)("set", STAFFS.id, "--visibility", NORTH)
        for route, endings in OF_A_RECORDING.items():
            assert member.get(address(route, endings[0], STAFFS.id)).status == 404
        assert STAFFS.title not in member.get("/").text
        assert STAFFS.id not in member.get("/?q=Molybd%C3%A4nlager").text


def test_who_is_removed_is_out_at_once(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN,)) as (home, nobody):
        member = person(home, nobody, "member")
        assert member.get("/").status == 200
        Interviews(tmp_path)("user", "remove", "member")
        assert member.get("/").status == 303
        assert member.ask("GET", f"/r/{OPEN.id}/media", {"accept": "*/*"}).status == 401


def test_what_is_removed_is_gone_with_the_next_request(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN,)) as (home, nobody):
        member = person(home, nobody, "member")
        assert member.get(f"/r/{OPEN.id}/media").body == OPEN.bytes
        Interviews(tmp_path)("remove", OPEN.id, "--yes")
        for route, endings in OF_A_RECORDING.items():
            assert member.get(address(route, endings[0], OPEN.id)).status == 404


def test_after_a_restore_the_pages_show_the_restored_catalogue(tmp_path: Path) -> None:
    with served(tmp_path / "home", (OPEN, STAFFS)) as (home, nobody):
        command = Interviews(tmp_path / "home")
        command("backup", tmp_path / "copy")
        staff = person(home, nobody, "staff")
        with home.catalogue.write() as db:
            facts = recordings.get(db, STAFFS.id).facts
            recordings.set_facts(db, STAFFS.id, replace(facts, title="Anders genannt"))
        assert staff.get(f"/r/{STAFFS.id}").status == 200
        home.catalogue.close()
        command("restore", tmp_path / "copy")
        assert staff.get(f"/r/{STAFFS.id}").status == 303  # all sign in again
        fresh = WebHome.signed_in(_reopened(home), "staff", "staff")
        page = Browser(home.app, nobody.runner, {"session": fresh}).get(f"/r/{STAFFS.id}").text
        assert STAFFS.title in page


def _reopened(home: WebHome) -> WebHome:
    home.catalogue = home.context.catalogue()
    return home


def test_an_invitation_leads_in_once(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN,)) as (home, nobody):
        token = users.add(home.catalogue, "anna", "member", None, now_ms())
        page = nobody.get(invitations.path_of(token))
        assert page.status == 200 and page["referrer-policy"] == "no-referrer"
        words = {"password": "vier Worte zum Merken", "again": "vier Worte zum Merken"}
        assert nobody.post(invitations.path_of(token), words).status == 303
        assert OPEN.title in nobody.get("/").text
        assert nobody.get(invitations.path_of(token)).status == 404
        assert hashlib.sha256(token.encode()).hexdigest() not in page.text
