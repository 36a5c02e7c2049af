"""Bytes of a recording: sent to those who may have them, once, and packed where that tells
nothing."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.catalog import recordings
from pipeline.web.templating import static
from tests.test_web_walk import OPEN as TALK
from tests.web_home import person, served

FILES = ("media", "picture/0", "captions.vtt", "chapters.vtt", "transcript.txt", "transcript.srt")


@pytest.mark.parametrize("file", FILES)
def test_what_a_browser_has_already_is_not_sent_again(tmp_path: Path, file: str) -> None:
    with served(tmp_path, (TALK,)) as (home, nobody):
        member, path = person(home, nobody, "member"), f"/r/{TALK.id}/{file}"
        whole = member.get(path)
        tag = whole["etag"].removeprefix("W/")
        assert whole.status == 200 and whole.body and tag
        for named in (tag, f"W/{tag}", f'"x", W/"y,z",{tag}', "*"):
            again = member.get(path, if_none_match=named)
            assert (again.status, again.body) == (304, b"")
            assert again["cache-control"] == "private, no-cache" and again["etag"] == whole["etag"]
        other = {"if_none_match": '"x"', "if_modified_since": "Fri, 31 Dec 2100 23:59:59 GMT"}
        for asked in (other, {"if_none_match": tag.strip('"')}, {"if_none_match": ""}):
            assert member.get(path, **asked).body == whole.body
        stranger = nobody.get(path, accept="*/*", if_none_match=tag)
        assert (stranger.status, stranger["etag"]) == (401, "")
        with home.catalogue.write() as db:
            facts = recordings.get(db, TALK.id).facts
            recordings.set_facts(db, TALK.id, replace(facts, visibility=("staff",)))
        assert member.get(path, if_none_match="*").status == 404


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Sun, 09 Sep 2001 01:46:40 GMT", 304),
        ("Sunday, 09-Sep-01 01:46:41 GMT", 304),
        ("Sun Sep  9 01:46:40 2001", 304),
        ("Sun, 09 Sep 2001 01:46:39 GMT", 200),
        ("yesterday", 200),
        ("", 200),
    ],
)
def test_what_did_not_change_since_is_not_sent_again(
    tmp_path: Path, since: str, status: int
) -> None:
    with served(tmp_path, (TALK,), to_all=True) as (home, browser):
        for file in home.context.home.renditions.rglob("*.jpg"):
            os.utime(file, (1_000_000_000.5, 1_000_000_000.5))
        answer = browser.get(f"/r/{TALK.id}/picture/0", if_modified_since=since)
        assert answer.status == status


SPOKEN = replace(TALK, said=tuple(f"Der Ausbau der Leitung {n} dauert." for n in range(60)))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/r/{TALK.id}/captions.vtt", "text/vtt; charset=utf-8"),
        (f"/r/{TALK.id}/transcript.srt", "application/x-subrip; charset=utf-8"),
        (f"/r/{TALK.id}/transcript.txt", "text/plain; charset=utf-8"),
        (static("style.css"), "text/css; charset=utf-8"),
        (static("playing.js"), "text/javascript; charset=utf-8"),
    ],
)
def test_texts_are_packed_for_browsers_that_unpack_them(
    tmp_path: Path, path: str, kind: str
) -> None:
    with served(tmp_path, (SPOKEN,), to_all=True) as (_, browser):
        plain = browser.get(path)
        assert (plain["content-encoding"], plain["content-type"]) == ("", kind)
        for refused in ("br", "gzip;q=0", "gzip; q=0.000, br"):
            assert browser.get(path, accept_encoding=refused).body == plain.body
        for named in ("gzip", "br, GZIP;q=0.5", "deflate, gzip, br"):
            answer = browser.get(path, accept_encoding=named)
            assert answer["content-encoding"] == "gzip" and answer["vary"] == plain["vary"] != ""
            assert int(answer["content-length"]) == len(answer.body) < len(plain.body) / 2
            assert gzip.decompress(answer.body) == plain.body
        if plain["etag"]:
            again = browser.get(path, accept_encoding="gzip", if_none_match=plain["etag"])
            assert (again.status, again["content-encoding"]) == (304, "")


def test_nothing_is_packed_that_holds_a_token_or_repeats_what_was_asked(tmp_path: Path) -> None:
    with served(tmp_path, (SPOKEN,)) as (home, nobody):
        member = person(home, nobody, "member")
        for path in ("/", "/?q=Ausbau", f"/r/{TALK.id}?q=Ausbau", "/help", "/r/x/transcript.vtt"):
            answer = member.get(path, accept_encoding="gzip")
            assert 'name="token"' in answer.text and answer["content-encoding"] == ""
        assert nobody.get("/sign-in", accept_encoding="gzip")["content-encoding"] == ""
        film = member.get(f"/r/{TALK.id}/media", accept_encoding="gzip")
        assert film.body == TALK.bytes and film["content-encoding"] == ""
