"""Requests that no page of ours sends: refused cleanly, and nothing is told or done by them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from pipeline.accounts import invitations, passwords, sessions, users
from pipeline.catalog.connection import now_ms
from pipeline.settings import Settings
from pipeline.web import asking
from pipeline.web.guard import MOST_BYTES
from pipeline.web.pages import search
from tests.test_web_walk import OF_A_RECORDING, OPEN, STAFFS, address, form_token
from tests.web_client import HERE, Answer, Browser
from tests.web_home import Talk, WebHome, person, served

PASSWORD = "vier Worte zum Merken"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(1, 64, 1))
    passwords._nobodys.cache_clear()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WebHome, Browser]]:
    with served(tmp_path_factory.mktemp("hostile"), (OPEN, STAFFS)) as (home, nobody):
        yield home, nobody


@pytest.fixture
def member(place: tuple[WebHome, Browser]) -> Browser:
    return person(*place, "member")


@pytest.fixture
def nobody(place: tuple[WebHome, Browser]) -> Browser:
    return Browser(place[1].app, place[1].runner)


def clean(answer: Answer) -> bool:
    """Whether an answer is one of ours: nothing broke."""
    headers = all("\r" not in value and "\n" not in value for _, value in answer.headers)
    return answer.status < 500 and headers and b"Traceback" not in answer.body


# --- addresses -----------------------------------------------------------------------------------

IDS = (
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fcatalogue.db",
    "..%5c..%5c",
    "%00",
    f"{OPEN.id}%00",
    f"{OPEN.id}%20",
    f"{OPEN.id.upper()}",
    "%25",
    "%",
    "%ff%fe",
    "_" * 12,
    "%25" * 12,
    "'--",
    "%27%20OR%201=1--",
    "%F0%9F%92%A3",
    "%ED%A0%80",
    "x" * 10_000,
    "%2f%2fevil.example",
    "*",
    "%0d%0aSet-Cookie:%20a=b",
    f"{OPEN.id}%3fq=1",
    f"{OPEN.id}%23",
    "{{7*7}}",
    "%7b%7b7*7%7d%7d",
    "NaN",
    "-1",
)


@pytest.mark.parametrize("crafted", IDS, ids=lambda one: one[:20])
def test_no_crafted_id_leads_anywhere(member: Browser, crafted: str) -> None:
    for route, endings in OF_A_RECORDING.items():
        for below in endings:
            answer = member.get(address(route, below, crafted))
            assert answer.status in (404, 405) and clean(answer)
            assert "49" not in answer.text.split("</head>")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../catalogue.db",
        "/static/%2e%2e/style.css",
        "/static/x/..%2fapp.py",
        "/static/x/style.css",
        "/static//style.css",
        "/help/..%2fstaff",
        "/help/staff",
        "/help/../staff",
        "//evil.example/",
        "//evil.example/help/",
        "/help//",
        "/.env",
        "*",
        "http://evil.example/",
        "/r/",
        "/r//media",
        f"/r/{OPEN.id}/",
        f"/r/{OPEN.id}/transcript.",
        f"/r/{OPEN.id}/transcript.vtt%00",
        f"/r/{OPEN.id}/transcript.json",
        f"/r/{OPEN.id}/picture/-1",
        f"/r/{OPEN.id}/picture/1.5",
        f"/r/{OPEN.id}/picture/%D9%A3",
        "/static/x/" + "y" * 9000,
        f"/invitation/{'x' * 9000}",
        "/invitation/%00",
        "/language/../r/" + OPEN.id,
        "/r/%2e/..//",
    ],
)
def test_no_crafted_path_leads_anywhere(member: Browser, nobody: Browser, path: str) -> None:
    for browser in (member, nobody):
        answer = browser.get(path)
        assert answer.status in (303, 307, 404, 421) and clean(answer), answer.text
        place = answer["location"].removeprefix(f"http://{HERE}")
        assert not place or (place.startswith("/") and not place.startswith("//"))
        assert "evil" not in place.partition("?")[0]


@pytest.mark.parametrize("number", ["9" * 18, "9" * 30, "9" * 5000, "0" * 9000])
def test_numbers_too_large_for_anything_are_numbers(member: Browser, number: str) -> None:
    for path in (
        f"/r/{OPEN.id}/picture/{number}",
        f"/r/{OPEN.id}?t={number}",
        f"/?q=Ausbau&n={number}",
        f"/?q=Ausbau&year={number}",
        f"/r/{OPEN.id}?t={number}:00:00",
    ):
        assert clean(member.get(path))


@pytest.mark.parametrize(
    "t", ["NaN", "inf", "-1", "1e9", "9999999", "9999:59:59", "%00", "%D9%A3", "١"]
)
def test_a_time_that_makes_no_sense_is_none(member: Browser, t: str) -> None:
    answer = member.get(f"/r/{OPEN.id}?t={quote(unquote(t))}&q=Ausbau")
    assert answer.status == 200 and clean(answer)


# --- questions -----------------------------------------------------------------------------------

QUERIES = (
    '"',
    '""',
    '"a',
    "a AND",
    "NOT a",
    "a NEAR/5 b",
    "words:a",
    "words : (a)",
    "*",
    "a*",
    "^a",
    "-",
    "--",
    "-a",
    "a -",
    "(",
    ")",
    "{a b}",
    "NEAR(a b, 5)",
    "'; DROP TABLE recordings; --",
    "%",
    "_",
    "\\",
    "\0",
    "a\0b",
    "\ufffd",
    "\u202e",
    "💣",
    "ﬃ",
    "a" * 4000,
    "a " * 5000,
    '"' * 2000,
    "-a " * 2000,
    "Fernwärme " * 10_000,
    "ß" * 9000,
    "0" * 5000,
    "1.000.000,5",
    "e\u0301" * 3000,
    "\x1b[31m",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%(a)s",
    "{q}",
    "{query}",
    "title:x",
    "person:Ulla",
)


@pytest.mark.parametrize("query", QUERIES, ids=lambda one: repr(one[:14]))
@pytest.mark.parametrize("mode", ["", "&mode=words"])
def test_no_question_breaks_the_search(member: Browser, query: str, mode: str) -> None:
    for path in ("/?q=", f"/r/{OPEN.id}?q="):
        answer = member.get(path + quote(query) + mode)
        expected = (431,) if len(quote(query)) > 16_000 else (200, 422)
        assert answer.status in expected and clean(answer)
        assert "<script>alert" not in answer.text
        assert len(answer.body) < 1_500_000


@pytest.mark.parametrize(
    "raw", ["%ff", "%ED%A0%80", "%", "%zz", "&&&", "q=1&q=2", "%00", "=" * 500]
)
def test_no_bad_encoding_breaks_a_page(member: Browser, raw: str) -> None:
    for name in ("q", "collection", "language", "person", "year", "mode", "n", "t", "back", "to"):
        for path in ("/", f"/r/{OPEN.id}", "/language", "/sign-in", "/help"):
            assert clean(member.get(f"{path}?{name}={raw}"))


# --- leading elsewhere ---------------------------------------------------------------------------

ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "//[",
    "http://[",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    " //evil",
    "\x00//evil.example",
    "///evil.example",
    "/a\\..\\\\evil.example",
    "evil.example",
    "",
    "/\u2028x",
    "/\x7f",
    "?x",
    "#x",
    "data:text/html,x",
    "/\u202e",
)


@pytest.mark.parametrize("back", ELSEWHERE, ids=repr)
def test_nobody_is_led_elsewhere(
    place: tuple[WebHome, Browser], member: Browser, nobody: Browser, back: str
) -> None:
    answers = [
        member.get(f"/language?to=en&back={quote(back)}"),
        member.get(f"/sign-in?back={quote(back)}"),
    ]
    assert {(one.status, one["location"]) for one in answers} == {(303, "/")}
    shown = nobody.get(f"/sign-in?back={quote(back)}").text
    assert 'name="back" value="/"' in shown
    _with_password(place[0])
    entered = nobody.post("/sign-in", {"name": "anna", "password": PASSWORD, "back": back})
    assert (entered.status, entered["location"]) == (303, "/")


@pytest.mark.parametrize("back", ["/", "/r/abc?t=1&q=a%20b", "/?q=%C3%A4", "/help"])
def test_people_come_back_to_where_they_were(member: Browser, back: str) -> None:
    answer = member.get(f"/language?to=en&back={quote(back)}")
    assert unquote(answer["location"]) == unquote(back)


def test_the_way_back_from_the_door_is_the_page_that_was_asked_for(nobody: Browser) -> None:
    answer = nobody.get("/r/abc?t=1&q=%C3%A4%26b")
    assert answer["location"] == "/sign-in?back=%2Fr%2Fabc%3Ft%3D1%26q%3D%25C3%25A4%2526b"


# --- whose server, whose form --------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        f"{HERE}.evil.example",
        f"evil.example#{HERE}",
        f"{HERE}@evil.example",
        f"evil@{HERE}",
        f"{HERE}/static/x?",
        "127.0.0.1/static/x?",
        f"{HERE}:80:80",
        f"{HERE}:port",
        "[::1",
        "[",
        f"{HERE} ",
        f"{HERE},evil.example",
        "127.1",
        "2130706433",
        "localhost.evil.example",
        f"{HERE}\\evil",
        "x" * 5000,
        f"{HERE}:999999",
        "127.0.0.1%00",
    ],
)
def test_no_other_name_is_answered_to(member: Browser, nobody: Browser, host: str) -> None:
    for browser in (member, nobody):
        for path in ("/", f"/r/{OPEN.id}/media", "/sign-in"):
            answer = browser.get(path, host=host)
            assert answer.status == 421 and OPEN.title not in answer.text


@pytest.mark.parametrize(
    "host", [HERE, HERE.upper(), f"{HERE}:8000", "127.0.0.1:8000", "[::1]:80", "localhost"]
)
def test_its_own_names_are_answered_to(nobody: Browser, host: str) -> None:
    assert nobody.get("/sign-in", host=host).status == 200


SENT_FROM = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://["},
    {"origin": "//"},
    {"origin": f"http://{HERE}.evil.example"},
    {"origin": f"https://{HERE}:444"},
    {"origin": HERE},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "cross-site", "origin": f"http://{HERE}"},
    {"origin": f"ftp://{HERE}"},
)


@pytest.mark.parametrize("headers", SENT_FROM, ids=str)
def test_a_form_from_another_site_does_nothing(
    member: Browser, nobody: Browser, headers: dict[str, str]
) -> None:
    form = {"token": form_token(member)}
    for path in ("/sign-in", "/sign-out", "/mark"):
        assert member.post(path, form, **headers).status == 403
    assert member.get("/").status == 200
    if headers != {"origin": "null"}:
        assert nobody.post("/invitation/x", {}, **headers).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": f"http://{HERE}"},
        {"origin": f"https://{HERE}"},
        {"sec-fetch-site": "same-origin"},
    ],
)
def test_a_form_of_ours_counts(member: Browser, headers: dict[str, str]) -> None:
    assert member.post("/sign-out", {"token": form_token(member)}, **headers).status == 303
    assert member.get("/").status == 303


def test_a_form_without_its_session_s_token_does_nothing(
    place: tuple[WebHome, Browser], member: Browser
) -> None:
    other = person(*place, "staff")
    for token in ("", "x", "ä\ufffd", form_token(other), member.cookies["session"]):
        for path in ("/sign-out", "/mark"):
            assert member.post(path, {"token": token}).status == 403
    assert member.post("/sign-out", b"").status == 403
    assert member.get("/").status == 200


# --- what is sent --------------------------------------------------------------------------------

BODIES = (
    b"",
    b"=",
    b"&" * 1000,
    b"a=1&" * 500,
    b"\xff\xfe",
    b"name=%ff%fe",
    b"name=%ED%A0%80",
    b"\0",
    b"name=" + b"x" * 60_000,
    b"name=x&password=" + b"y" * 60_000,
    b"name=%00&password=%00",
    b"{}",
    b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--x--',
    b"name=a&name=b",
)


@pytest.mark.parametrize("body", BODIES, ids=lambda one: repr(one[:14]))
def test_no_form_breaks_the_pages(member: Browser, nobody: Browser, body: bytes) -> None:
    for browser in (member, nobody):
        for path in ("/sign-in", "/sign-out", "/mark", "/invitation/x"):
            answer = browser.post(path, body)
            assert 400 <= answer.status < 500 and clean(answer)


def test_too_much_is_refused_whether_its_length_is_said_or_not(nobody: Browser) -> None:
    body = b"x" * (MOST_BYTES + 1)
    assert nobody.post("/sign-in", body).status == 413
    assert (
        nobody.ask("POST", "/sign-in", {"transfer-encoding": "chunked"}, body, length=False).status
        == 413
    )
    for length in ("-1", "1e3", "٣", "9" * 4000, "", "1,1", "0x10"):
        said = length.encode("utf-8").decode("latin-1")
        assert nobody.ask("POST", "/sign-in", {"content-length": said}).status == 413


def test_a_length_said_twice_is_refused(nobody: Browser) -> None:
    for method in ("GET", "POST"):
        headers = {"transfer-encoding": "chunked", "content-length": "5"}
        answer = nobody.ask(method, "/sign-in", headers, b"hallo")
        assert answer.status == 400 and answer["connection"] == "close"
    assert nobody.ask("GET", "/sign-in", {"content-length": "5"}, b"hallo").status == 413


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X" * 99]
)
def test_other_methods_are_refused(member: Browser, method: str) -> None:
    for path in ("/", f"/r/{OPEN.id}", "/sign-in"):
        assert member.ask(method, path).status == 405


def test_the_wrong_one_of_two_methods_is_refused(member: Browser) -> None:
    for path in ("/", f"/r/{OPEN.id}/media", "/help"):
        assert member.post(path, {"token": form_token(member)}).status == 405
    for path in ("/mark", "/sign-out"):
        assert member.get(path).status == 405


def test_a_head_is_the_page_s_own_without_a_body(member: Browser) -> None:
    for path in ("/", f"/r/{OPEN.id}", f"/r/{OPEN.id}/media", f"/r/{OPEN.id}/captions.vtt"):
        head, page = member.ask("HEAD", path), member.get(path)
        assert head.status == page.status == 200
        assert head.headers == page.headers


# --- what was stored -----------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"
EVIL = "\"><img src=x onerror=alert(1)>' --> </title>&lt;b&gt; {{7*7}} \u202e"
STORED = Talk(
    f"{SCRIPT}{EVIL}",
    ("members",),
    (f"Ausbau {SCRIPT} {EVIL}.", "Ausbau --> <v X>WEBVTT\n\nNOTE x."),
    f"{SCRIPT}{EVIL}",
    f"{EVIL}{SCRIPT}",
    "2021",
    f"{SCRIPT}{EVIL}",
    speaker=f"{SCRIPT}> {EVIL}",
)


def test_what_was_stored_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    settings = Settings(feedback=True)
    with served(tmp_path, (OPEN, STORED), settings) as (home, nobody):
        staff = person(home, nobody, "staff")
        question = quote(f"Ausbau {SCRIPT}")
        pages = [
            "/",
            "/?q=Ausbau",
            f"/?q={question}",
            f"/?q={question}&mode=words",
            f"/r/{STORED.id}",
            f"/r/{STORED.id}?q={question}&t=1",
            f"/r/{OPEN.id}?q={question}",
            f"/r/{OPEN.id}?t=1",
            f"/?q=Ausbau&collection={quote(STORED.collection)}&person={quote(STORED.person)}",
            f"/r/{quote(SCRIPT)}",
            f"/{quote(SCRIPT)}",
            f"/sign-in?back=/{quote(SCRIPT)}",
        ]
        for path in pages:
            answer = staff.get(path)
            assert "<script>alert" not in answer.text, path
            assert "<img src=x" not in answer.text and "onerror=alert(1)>'" not in answer.text
            assert answer["content-security-policy"].startswith("default-src 'none'")
            assert "unsafe" not in answer["content-security-policy"]
        assert STORED.title.replace("\u202e", "") in unescape(staff.get("/").text).replace(
            "\u202e", ""
        )
        for form in ("captions.vtt", "chapters.vtt", "transcript.vtt"):
            cues = staff.get(f"/r/{STORED.id}/{form}")
            assert (
                "<script" not in cues.text and "<img" not in cues.text and "<v X>" not in cues.text
            )
            assert cues.text.count("-->") == (1 if form == "chapters.vtt" else 2)
            assert cues["content-type"].startswith("text/vtt")
        for form in ("vtt", "srt", "txt"):
            download = staff.get(f"/r/{STORED.id}/transcript.{form}")
            assert download["content-disposition"] == f'attachment; filename="{STORED.id}.{form}"'
            assert download["x-content-type-options"] == "nosniff"
        refused = nobody.post("/sign-in", {"name": SCRIPT + EVIL, "password": "x"})
        assert "<script>alert" not in refused.text and refused.status == 403


# --- signing in ----------------------------------------------------------------------------------


def _with_password(home: WebHome, name: str = "anna") -> None:
    """Somebody who has used their invitation."""
    if name in [one["name"] for one in _users(home)]:
        return
    token = users.add(home.catalogue, name, "member", None, now_ms())
    invitations.accept(home.catalogue, token, PASSWORD, now_ms())


def _users(home: WebHome) -> list[dict[str, str]]:
    with home.catalogue.read() as db:
        return [{"name": row[0]} for row in db.execute("SELECT name FROM users")]


def test_a_sign_in_makes_a_new_session_and_ends_the_former(tmp_path: Path) -> None:
    with served(tmp_path) as (home, browser):
        _with_password(home)
        browser.cookies["session"] = "planted"
        form = {"name": "anna", "password": PASSWORD}
        assert browser.post("/sign-in", form).status == 303
        first = browser.cookies["session"]
        assert first != "planted"
        assert browser.post("/sign-in", form).status == 303
        again = Browser(browser.app, browser.runner, {"session": first})
        assert browser.get("/").status == 200 and again.get("/").status == 303
        planted = Browser(browser.app, browser.runner, {"session": "planted"})
        assert planted.get("/").status == 303


def test_the_session_s_cookie_is_for_this_server_s_pages_alone(tmp_path: Path) -> None:
    with served(tmp_path) as (home, browser):
        _with_password(home)
        for scheme, secure in (("http", False), ("https", True)):
            browser.scheme = scheme
            answer = browser.post("/sign-in", {"name": "anna", "password": PASSWORD})
            (cookie,) = answer.set_cookies
            parts = {part.strip().lower() for part in cookie.split(";")[1:]}
            ends = next(part for part in parts if part.startswith("max-age="))
            assert int(ends.removeprefix("max-age=")) * 1000 == sessions.LONGEST_MS["member"]
            parts.discard(ends)
            assert parts == {"httponly", "samesite=lax", "path=/"} | (
                {"secure"} if secure else set()
            )


YEAR = "max-age=31536000"


@pytest.mark.parametrize(
    ("public_url", "scheme", "encrypted"),
    [
        ("", "http", False),
        ("", "https", True),
        ("http://interviews.example", "http", False),
        ("https://interviews.example", "http", True),
        ("https://interviews.example", "https", True),
    ],
)
def test_who_came_encrypted_stays_so(
    tmp_path: Path, public_url: str, scheme: str, encrypted: bool
) -> None:
    with served(tmp_path, settings=Settings(public_url=public_url)) as (home, browser):
        _with_password(home)
        browser.scheme = scheme
        sign_in = browser.post("/sign-in", {"name": "anna", "password": PASSWORD})
        language = browser.get("/language?to=de")
        for answer in (sign_in, language):
            (cookie,) = answer.set_cookies
            assert ("; secure" in cookie.lower()) is encrypted
        refused = browser.get("/", host="evil.example")
        for answer in (sign_in, language, refused, browser.get("/"), browser.get("/nothing")):
            assert answer["strict-transport-security"] == (YEAR if encrypted else "")


def test_what_is_wrong_about_a_sign_in_is_not_told(tmp_path: Path) -> None:
    with served(tmp_path) as (home, browser):
        _with_password(home)
        users.add(home.catalogue, "bert", "member", None, now_ms())
        answers = [
            browser.post("/sign-in", {"name": name, "password": "falsche Worte hier"})
            for name in ("anna", "bert", "cleo")
        ]
        texts = [
            one.text.replace(name, "NAME")
            for one, name in zip(answers, ("anna", "bert", "cleo"), strict=True)
        ]
        assert len(set(texts)) == 1 and {one.status for one in answers} == {403}
        assert len({tuple(h for h in one.headers if h[0] != "date") for one in answers}) == 1


def test_too_many_attempts_have_to_wait_whatever_a_header_says(tmp_path: Path) -> None:
    with served(tmp_path) as (home, browser):
        _with_password(home)
        said = [
            browser.post(
                "/sign-in",
                {"name": "anna", "password": f"falsche Worte {number}"},
                x_forwarded_for=f"198.51.100.{number}",
                forwarded=f"for=198.51.100.{number}",
                x_real_ip=f"198.51.100.{number}",
            ).status
            for number in range(8)
        ]
        assert said[0] == 403 and said[-1] == 429
        assert browser.post("/sign-in", {"name": "anna", "password": PASSWORD}).status == 429


def test_strangers_are_nobody_to_pages(place: tuple[WebHome, Browser]) -> None:
    """Even where a door was left open: to the catalogue no viewer at all is one who sees all."""

    class Left:
        class state:  # noqa: N801
            asker = asking.Asker(None, None)

    with pytest.raises(asking.Refused):
        asking.viewer_of(Left)  # type: ignore[arg-type]


# --- what stays ----------------------------------------------------------------------------------


def test_nothing_private_is_kept_by_what_stands_between(member: Browser, nobody: Browser) -> None:
    for path in ("/", "/?q=Ausbau", f"/r/{OPEN.id}", "/nothing", "/r/nothing", "/language?to=de"):
        assert member.get(path)["cache-control"] == "no-store"
    for path in ("media", "captions.vtt", "picture/0", "transcript.txt"):
        assert member.get(f"/r/{OPEN.id}/{path}")["cache-control"] == "private, no-cache"
    for path in ("/", "/sign-in", f"/r/{OPEN.id}/media", "/invitation/x"):
        assert nobody.get(path, accept="*/*")["cache-control"] == "no-store"
    assert nobody.get("/", host="evil.example")["cache-control"] == "no-store"


def test_signing_out_leaves_nothing_behind(member: Browser) -> None:
    answer = member.post("/sign-out", {"token": form_token(member)})
    assert answer["clear-site-data"] == '"cache"' and "session" not in member.cookies


def test_an_invitation_s_address_is_handed_on_to_nobody(nobody: Browser) -> None:
    for answer in (nobody.get("/invitation/x"), nobody.post("/invitation/x", {}, origin="null")):
        assert (answer.status, answer["referrer-policy"]) == (404, "no-referrer")
    assert nobody.get("/sign-in")["referrer-policy"] == "same-origin"


def test_what_nobody_expected_is_logged_without_a_word_of_what_was_asked(
    member: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("Geheimfrage")

    monkeypatch.setattr(search, "_choices", broken)
    with caplog.at_level(logging.DEBUG):
        answer = member.get("/?q=Geheimfrage")
    assert answer.status == 500 and "Traceback" not in answer.text
    assert "Something went wrong" in answer.text
    assert "unexpected ValueError in broken" in caplog.text and "Geheimfrage" not in caplog.text
