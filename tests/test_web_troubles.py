"""What pages say where something went wrong: nothing that only a command line could follow."""

from __future__ import annotations

import logging
import re
import string
from pathlib import Path

import pytest

from pipeline.accounts import invitations, users
from pipeline.catalog.connection import now_ms
from pipeline.errors import BadInput, HomeUnusable, InterviewsError, Missing, NotFound
from pipeline.messages import LANGUAGES, catalogue
from pipeline.web.troubles import trouble
from tests.test_web_walk import OPEN, STAFFS, UNKNOWN
from tests.web_home import person, served

COMMAND = re.compile(r"[“„\"]interviews |\binterviews (?!are)[a-z]+ |--[a-z]|\.toml")
KEYS = sorted(
    key.removeprefix("error.").removesuffix(".advice")
    for key in catalogue("de")
    if key.startswith("error.") and key.endswith(".advice") and ".web.advice" not in key
)


def failed(kind: type[InterviewsError], key: str) -> InterviewsError:
    said = catalogue("de")[f"error.{key}.message"] + catalogue("de")[f"error.{key}.advice"]
    names = {name for _, name, _, _ in string.Formatter().parse(said) if name}
    return kind(key, **dict.fromkeys(names, "/srv/x"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_advice_on_a_page_is_a_command(language: str) -> None:
    for key in KEYS:
        for kind in (BadInput, NotFound, Missing):
            said = trouble(failed(kind, key), language)
            assert said.message and not COMMAND.search(said.advice), (key, said.advice)


def test_what_is_wrong_with_the_server_is_told_to_those_who_run_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        said = trouble(failed(HomeUnusable, "home.corrupt"), "de")
    assert "/srv" not in " ".join(said) and "die diese Seiten betreiben" in said.advice
    assert "home.corrupt" in caplog.text and "/srv" not in caplog.text


def test_what_is_hidden_and_what_is_gone_are_told_of_in_the_same_words(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN, STAFFS)) as (home, nobody):
        member = person(home, nobody, "member")
        for language, words in (
            (
                "de",
                "Diese Aufnahme gibt es hier nicht mehr, oder sie ist nicht für Sie freigegeben.",
            ),
            ("en", "This recording is no longer here, or it is not released to you."),
        ):
            pages = [
                (one, member.get(f"/r/{one}", accept_language=language))
                for one in (STAFFS.id, UNKNOWN, "anything")
            ]
            assert {page.status for _, page in pages} == {404}
            told = {page.text.replace(one, "ID") for one, page in pages}
            (page,) = told
            assert f"{words}</h1>" in page and not COMMAND.search(page)


def test_a_used_invitation_says_to_ask_for_another(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN,)) as (home, nobody):
        token = users.add(home.catalogue, "anna", "member", None, now_ms())
        words = {"password": "vier Worte zum Merken", "again": "vier Worte zum Merken"}
        assert nobody.post(invitations.path_of(token), words).status == 303
        page = nobody.get(invitations.path_of(token), accept_language="de").text
        assert "Bitten Sie um eine neue Einladung." in page and not COMMAND.search(page)


def test_a_damaged_catalogue_is_told_of_without_saying_where_it_lies(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN,), to_all=True) as (home, browser):
        home.catalogue.close()
        (tmp_path / "broken").write_bytes(b"no database" * 1000)
        (tmp_path / "broken").replace(home.context.home.catalogue)
        page = browser.get("/")
        assert page.status == 503 and "those who run these pages" in page.text
        assert str(tmp_path) not in page.text
