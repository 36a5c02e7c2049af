"""Bytes of a recording: sent to those who may have them, once, and packed where that tells
nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.catalog import recordings
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
