"""The night's report: three files that say the same, in two languages, and forget when asked."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import BadInput, HomeUnusable, NotFound
from pipeline.messages import LANGUAGES, catalogue
from pipeline.reports.forgetting import settled
from pipeline.reports.page import as_page, style
from pipeline.reports.sections import told
from pipeline.reports.shape import Damaged, from_json, to_json
from pipeline.reports.store import every, forget, read, unquote, write
from pipeline.reports.values import (
    Done,
    Failed,
    Forecast,
    Leaving,
    Night,
    Published,
    Refused,
    Retold,
    Space,
    Taken,
    ToReview,
)
from pipeline.reports.words import LISTED, WIDTH, as_text
from pipeline.values import Failure

START = 1_785_016_800_000  # 25 July 2026, 22:00 UTC
ANNA, BEN, CARL = "annaannaanna", "benbenbenben", "carlcarlcarl"
HOSTILE = "</title><script>alert('x')</script><img src=x onerror=y> {{ 7*7 }} & \"q\""


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock decides the day; here it is UTC's."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def failure(key: str, *, permanent: bool = True, **values: str | int | float) -> Failure:
    return Failure(key.rsplit(".", 1)[-1], key, values, permanent)


def calm(**changes: Any) -> Night:
    return replace(Night(START, START + 3_600_000, None, False), **changes)


def rich() -> Night:
    """A night in which everything happened."""
    return Night(
        START,
        START + 26_000_000,
        "06:00",
        True,
        demonstration=("bundled-whisper-de-en",),
        taken=(
            Taken(ANNA, "Anna Quellwasser", "/eingang/Netze/Anna Quellwasser.mp4", False),
            Taken(BEN, "Ben über Wärme", "/eingang/Ben über Wärme.wav", True),
        ),
        waiting=("/eingang/halb da.mkv",),
        refused=(Refused("/eingang/Bild.jpg", failure("media.not_media", path="Bild.jpg")),),
        done=(
            Done(ANNA, "Anna Quellwasser", True, ("transcribe", "chunk", "embed"), 900_000, None),
            Done(BEN, "Ben über Wärme", False, ("chunk", "embed"), 12_000, 3_600_000),
        ),
        failed=(
            Failed(CARL, "Carls Gespräch", failure("media.altered", path="/media/carl.mp4")),
            Failed("dddddddddddd", "Dora", failure("run.worker_died", permanent=False)),
        ),
        partial=(
            Failed(
                BEN, "Ben über Wärme", failure("media.partly_damaged", path="/b.wav", seconds=9.0)
            ),
        ),
        retold=(
            Retold(BEN, "Ben über Wärme", 5100, 300, 60, 52, (("Lorawan", "LoRaWAN", 12),)),
            Retold(ANNA, "Anna Quellwasser", 90, 1, 0, 0, (("Zauberwort", "", 1),)),
        ),
        to_review=(ToReview(BEN, "Ben über Wärme", 3),),
        leaving=(Leaving("eeeeeeeeeeee", "Emil", "2026-08-08", False),),
        published=Published(41, False, 64, 0.9344, 0.9121, "report.publish.refused"),
        index_sound=False,
        backup="/sicherungen/2026-07-25.db",
        space=Space(1_400_000_000, 320_000_000, 999, 412_000_000_000, 0, 7_300_000),
        forecast=Forecast(23, 41_000_000, None),
        troubles=(("backup", failure("home.full", path="/sicherungen", detail="voll")),),
    )


# What may stand in a report

TEXTS = st.text(max_size=30) | st.sampled_from([HOSTILE, "\x1b[2J", "\u202egpj.exe", "a\udcffb"])
COUNTS = st.integers(0, 10**13)
MOMENTS = st.integers(0, 4_000_000_000_000)
SHARES = st.none() | st.floats(0, 1)
FAILURES = st.builds(
    Failure,
    kind=TEXTS,
    key=TEXTS | st.sampled_from(["media.not_media", "home.full"]),
    values=st.dictionaries(
        TEXTS, TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False), max_size=3
    ),
    permanent=st.booleans(),
)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


NIGHTS = st.builds(
    Night,
    started_ms=MOMENTS,
    ended_ms=MOMENTS,
    until=st.none() | TEXTS,
    stopped=st.booleans(),
    demonstration=some(TEXTS),
    taken=some(st.builds(Taken, TEXTS, TEXTS, TEXTS, st.booleans())),
    waiting=some(TEXTS),
    refused=some(st.builds(Refused, TEXTS, FAILURES)),
    done=some(
        st.builds(Done, TEXTS, TEXTS, st.booleans(), some(TEXTS), COUNTS, st.none() | COUNTS)
    ),
    failed=some(st.builds(Failed, TEXTS, TEXTS, FAILURES)),
    partial=some(st.builds(Failed, TEXTS, TEXTS, FAILURES)),
    retold=some(
        st.builds(
            Retold,
            TEXTS,
            TEXTS,
            COUNTS,
            COUNTS,
            COUNTS,
            COUNTS,
            some(st.tuples(TEXTS, TEXTS, COUNTS)),
        )
    ),
    to_review=some(st.builds(ToReview, TEXTS, TEXTS, COUNTS)),
    leaving=some(
        st.builds(Leaving, TEXTS, TEXTS, TEXTS | st.dates().map(str), removed=st.booleans())
    ),
    published=st.none()
    | st.builds(
        Published,
        st.none() | COUNTS,
        st.booleans(),
        COUNTS,
        SHARES,
        SHARES,
        TEXTS | st.sampled_from(["report.publish.first", "report.publish.refused"]),
    ),
    index_sound=st.none() | st.booleans(),
    backup=st.none() | TEXTS,
    space=st.none() | st.builds(Space, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.none() | COUNTS),
    forecast=st.none() | st.builds(Forecast, COUNTS, COUNTS, st.none() | COUNTS),
    troubles=some(st.tuples(TEXTS, FAILURES)),
)


# JSON


def through_json(night: Night, language: str) -> tuple[Night, str]:
    written = json.dumps(to_json(night, language), ensure_ascii=False, allow_nan=False)
    return from_json(json.loads(written.encode("utf-8", "backslashreplace")))


@given(NIGHTS, st.sampled_from(LANGUAGES))
def test_any_night_comes_back_from_json_unchanged(night: Night, language: str) -> None:
    assert through_json(night, language) == (night, language)


def test_json_says_seconds_moments_with_offset_and_failures_in_words() -> None:
    table = to_json(rich(), "en")
    assert table["started"] == "2026-07-25T22:00:00.000+00:00"
    assert table["done"][1] == {  # type: ignore[index]
        "recording": BEN,
        "title": "Ben über Wärme",
        "new": False,
        "stages": ["chunk", "embed"],
        "took": 12.0,
        "duration": 3600.0,
    }
    assert table["failed"][0]["failure"] == {  # type: ignore[index]
        "kind": "altered",
        "key": "media.altered",
        "values": {"path": "/media/carl.mp4"},
        "permanent": True,
        "message": "The media file /media/carl.mp4 has changed since it was added.",
        "advice": "Put the original back, or add the new version as a new recording with"
        " “interviews add”.",
    }
    assert table["retold"][0]["commonest"] == [  # type: ignore[index]
        {"before": "Lorawan", "after": "LoRaWAN", "count": 12}
    ]
    assert set(table) == {
        "version",
        "language",
        "started",
        "ended",
        "until",
        "stopped",
        "demonstration",
        "taken",
        "waiting",
        "refused",
        "done",
        "failed",
        "partial",
        "retold",
        "to_review",
        "leaving",
        "published",
        "index_sound",
        "backup",
        "space",
        "forecast",
        "troubles",
    }


def places(value: object, trail: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside ``value``."""
    yield trail
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*trail, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*trail, number))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@given(st.data())
def test_json_damaged_anywhere_is_either_a_report_or_refused(data: st.DataObject) -> None:
    table = to_json(rich(), "de")
    *way, last = data.draw(st.sampled_from([trail for trail in places(table) if trail]))
    inside: Any = table
    for step in way:
        inside = inside[step]
    inside[last] = data.draw(JSON_VALUES)
    try:
        night, language = from_json(table)
    except Damaged:
        return
    assert through_json(night, language)[0] == night


def test_a_report_from_before_renditions_were_counted_is_read_as_it_was() -> None:
    table = to_json(rich(), "de")
    space = table["space"]
    assert isinstance(space, dict) and space.pop("renditions") == 7_300_000
    night, language = from_json(table)
    assert rich().space is not None
    assert night == replace(rich(), space=replace(rich().space, renditions=None))
    assert "Abspielfassungen" in as_text(rich(), language)
    assert "Abspielfassungen" not in as_text(night, language)


# Files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_report_is_three_private_files_named_by_the_day_it_began(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    path = write(folder, rich(), "de")
    assert path == folder / "2026-07-25.json"
    assert names(folder) == ["2026-07-25.html", "2026-07-25.json", "2026-07-25.txt"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    assert read(path) == rich()
    assert path.with_suffix(".txt").read_text(encoding="utf-8") == as_text(rich(), "de")
    assert path.with_suffix(".html").read_text(encoding="utf-8") == as_page(rich(), "de")


def test_the_day_is_the_local_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    path = write(tmp_path, rich(), "de")
    assert path.name == "2026-07-26.json"
    assert '"started": "2026-07-26T00:00:00.000+02:00"' in path.read_text(encoding="utf-8")
    assert read(path) == rich()


def test_another_run_on_the_same_day_gets_the_next_number(tmp_path: Path) -> None:
    for _ in range(11):
        last = write(tmp_path, calm(), "de")
    assert last.name == "2026-07-25-11.json"
    later = write(tmp_path, calm(started_ms=START + 86_400_000), "de")
    found = every(tmp_path)
    assert found[0] == later
    assert [path.stem for path in found[1:4]] == ["2026-07-25-11", "2026-07-25-10", "2026-07-25-9"]
    assert found[-1].stem == "2026-07-25"


def test_no_folder_means_no_reports(tmp_path: Path) -> None:
    assert every(tmp_path / "none") == []
    assert forget(tmp_path / "none", [ANNA]) == 0
    assert names(tmp_path) == []


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.json", "2026-07-25.md", ".download.part", "2026-07-25-02.json"):
        (tmp_path / name).write_text(ANNA)
    write(tmp_path, rich(), "de")
    forget(tmp_path, [ANNA])
    assert len(every(tmp_path)) == 1
    assert len(names(tmp_path)) == 7


def test_a_place_that_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeUnusable) as refused:
        write(tmp_path / "file", calm(), "de")
    assert refused.value.key == "home.not_a_directory"


def test_a_report_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        read(tmp_path / "2026-07-25.json")
    assert refused.value.key == "report.missing"


def changed(**changes: object) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps(json.loads(content) | changes).encode()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _content: b"",
    "cut off": lambda content: content[:-20],
    "no text": lambda _content: b"\xff\xfe\x00\x81",
    "another value": lambda _content: b"[]",
    "nested beyond reason": lambda _content: b"[" * 100_000,
    "another version": changed(version=2),
    "another language": changed(language="fr"),
    "a key too many": changed(secret=ANNA),
    "a text for a number": changed(stopped="no"),
    "a moment without offset": changed(started="2026-07-25T22:00:00.000"),
    "no moment": changed(ended="yesterday"),
    "an infinite length": changed(forecast={"recordings": 1, "audio": 1e999, "expected": None}),
    "true for a number": changed(forecast={"recordings": True, "audio": 1, "expected": None}),
    "a key too few": lambda content: content.replace(b'"stopped": true,', b""),
    "a key twice": lambda content: content.replace(b"{", b'{"stopped": false,', 1),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_report_is_refused_and_goes_when_anything_is_forgotten(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path, rich(), "de")
    sound = write(tmp_path, calm(), "de")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput) as refused:
        read(path)
    assert refused.value.key == "report.damaged"
    assert str(path) in refused.value.message("de")
    assert forget(tmp_path, [CARL]) == 1
    assert every(tmp_path) == [sound]
    assert not [name for name in names(tmp_path) if name.startswith(f"{path.stem}.")]


# Forgetting


def bytes_of(folder: Path) -> bytes:
    return b"\n".join(path.name.encode() + path.read_bytes() for path in folder.rglob("*"))


ANNAS = (ANNA, "Quellwasser", "Zauberwort", "Geheim-Aufnahme")


def nights_of_anna() -> list[Night]:
    """Anna's file waited, was refused in part, became a recording, and was named by a step."""
    own = failure("media.none", title="Anna Quellwasser")
    return [
        calm(waiting=("/eingang/Netze/Anna Quellwasser.mp4", "/eingang/anderes.mp4")),
        calm(
            refused=(
                Refused("/alt/Anna Quellwasser.de.vtt", failure("add.still_written", path="?")),
                Refused("/eingang/Doppelt.mp4", failure("recording.unknown", id=ANNA)),
            ),
            troubles=(("inbox", failure("media.gone", path="/x/Geheim-Aufnahme.mp4")),),
        ),
        replace(rich(), failed=(*rich().failed, Failed(ANNA, "Geheim-Aufnahme", own))),
    ]


def test_forgetting_leaves_no_byte_of_a_recording_and_all_of_the_others(tmp_path: Path) -> None:
    for night, language in zip(nights_of_anna(), ("de", "en", "en"), strict=True):
        write(tmp_path, night, language)
    untouched = write(tmp_path, calm(backup="/b.db"), "de")
    before = untouched.stat()
    assert all(secret.encode() in bytes_of(tmp_path) for secret in ANNAS)

    assert forget(tmp_path, [ANNA, "unknownunkno"]) == 3

    assert not [secret for secret in ANNAS if secret.encode() in bytes_of(tmp_path)]
    assert len(names(tmp_path)) == 12
    first, second, third = reversed(every(tmp_path)[1:])
    assert read(first).waiting == ("/eingang/anderes.mp4",)
    assert read(second).refused == ()
    assert read(third) == replace(
        rich(),
        taken=rich().taken[1:],
        done=rich().done[1:],
        retold=rich().retold[:1],
    )
    assert third.with_suffix(".txt").read_text(encoding="utf-8") == as_text(read(third), "en")
    assert third.with_suffix(".html").read_text(encoding="utf-8") == as_page(read(third), "en")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert untouched.stat() == before
    assert forget(tmp_path, [ANNA]) == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_forgetting_reaches_a_title_in_every_way_it_is_written(
    tmp_path: Path, language: str
) -> None:
    night = calm(
        done=(Done(ANNA, HOSTILE, True, ("transcribe",), 1, 1),),
        failed=(Failed(ANNA, HOSTILE, failure("media.none", title=HOSTILE)),),
        leaving=(Leaving(ANNA, HOSTILE, "2026-08-08", False),),
        to_review=(ToReview(ANNA, HOSTILE, 1),),
    )
    write(tmp_path, night, language)
    forget(tmp_path, [ANNA])
    assert b"alert" not in bytes_of(tmp_path)
    assert b"onerror" not in bytes_of(tmp_path)
    assert read(*every(tmp_path)) == calm()


def test_what_a_killed_night_left_half_written_goes(tmp_path: Path) -> None:
    write(tmp_path, rich(), "de")
    (tmp_path / ".2026-07-25-2.txt.part").write_text(ANNA)
    (tmp_path / "2026-07-25-2.txt").write_text(ANNA)
    second = write(tmp_path, calm(), "de")
    assert second.stem == "2026-07-25-3", "what is half there is not written over"
    assert ".2026-07-25-2.txt.part" not in names(tmp_path)
    assert forget(tmp_path, [ANNA]) == 2
    assert ANNA.encode() not in bytes_of(tmp_path)
    assert len(names(tmp_path)) == 6


def failing_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the disk refuses to sync for the ``number``-th time and after."""
    synced, calls = os.fsync, iter(range(1, 1_000_000))

    def fsync(descriptor: int) -> None:
        if next(calls) >= number:
            raise OSError(28, os.strerror(28))
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def works(action: Callable[[], object], number: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether ``action`` ends well on a disk that is full from its ``number``-th sync on."""
    with monkeypatch.context() as patch:
        failing_at(number, patch)
        try:
            action()
        except HomeUnusable:
            return False
    return True


def test_a_report_is_whole_or_absent_wherever_the_disk_gives_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 1
    while not works(lambda: write(tmp_path, rich(), "de"), number, monkeypatch):
        number += 1
        for path in every(tmp_path):
            assert read(path) == rich()
            assert path.with_suffix(".txt").read_text(encoding="utf-8") == as_text(rich(), "de")
            assert path.with_suffix(".html").exists()
        assert not [name for name in names(tmp_path) if name.endswith(".part")]
    assert number > 5
    forget(tmp_path, [ANNA])
    assert ANNA.encode() not in bytes_of(tmp_path)


def test_forgetting_that_was_cut_short_is_finished_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 200):
        folder = tmp_path / str(number)
        for night in nights_of_anna():
            write(folder, night, "de")
        finished = works(partial(forget, folder, [ANNA]), number, monkeypatch)
        forget(folder, [ANNA])
        assert not [secret for secret in ANNAS if secret.encode() in bytes_of(folder)]
        if finished:
            break
    assert 10 < number < 199


def test_a_recording_is_quoted_no_longer_and_its_numbers_stay(tmp_path: Path) -> None:
    path = write(tmp_path, rich(), "de")
    untouched = write(tmp_path, calm(), "de")
    before = untouched.stat()
    assert unquote(tmp_path, [ANNA]) == 1
    assert b"Zauberwort" not in bytes_of(tmp_path)
    benns, annas = rich().retold
    assert read(path) == replace(rich(), retold=(benns, replace(annas, commonest=())))
    assert path.with_suffix(".txt").read_text(encoding="utf-8") == as_text(read(path), "de")
    assert path.with_suffix(".html").read_text(encoding="utf-8") == as_page(read(path), "de")
    assert untouched.stat() == before
    assert unquote(tmp_path, [ANNA]) == 0
    assert unquote(tmp_path / "none", [ANNA]) == 0


def test_unquoting_that_was_cut_short_is_finished_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 100):
        folder = tmp_path / str(number)
        for _ in range(2):
            write(folder, rich(), "de")
        finished = works(partial(unquote, folder, [ANNA]), number, monkeypatch)
        unquote(folder, [ANNA])
        assert b"Zauberwort" not in bytes_of(folder)
        if finished:
            break
    assert 5 < number < 99


def test_what_retention_removed_is_named_by_its_id_only(tmp_path: Path) -> None:
    night = replace(rich(), leaving=(Leaving(ANNA, "Anna Quellwasser", "2026-07-25", True),))
    path = write(tmp_path, night, "de")
    kept = bytes_of(tmp_path)
    assert b"Quellwasser" not in kept
    assert b"Zauberwort" not in kept
    assert read(path) == settled(night)
    assert read(path).leaving == (Leaving(ANNA, "", "2026-07-25", True),)
    for language in LANGUAGES:
        assert f"- {ANNA}\n" in as_text(night, language)
        assert "Quellwasser" not in as_page(night, language) + as_text(night, language)


# Words


def test_the_text_begins_with_what_matters() -> None:
    lines = as_text(rich(), "en").splitlines()
    assert lines[0] == "Night report of 25 July 2026"
    assert lines[3] == "2 recordings done, 2 failed. 9 points need you."
    assert " ".join(as_text(rich(), "de").splitlines()[3:5]) == (
        "2 Aufnahmen verarbeitet, 2 fehlgeschlagen. 9 Punkte brauchen Ihre Aufmerksamkeit."
    )


def test_what_needs_a_person_comes_before_what_does_not() -> None:
    points = [bool(section.points) for section in told(rich(), "de").sections]
    assert points == sorted(points, reverse=True)
    order = [section.name for section in told(rich(), "de").sections]
    assert (
        order
        == (
            "troubles failed partial refused to_review index space"
            " retold new again taken waiting slowest leaving forecast"
        ).split()
    )


def test_a_changed_transcript_is_summed_up_word_by_word() -> None:
    assert "412 words changed of 5,100; most often Lorawan → LoRaWAN (12×)" in as_text(rich(), "en")
    assert "412 Wörter von 5.100 geändert; am häufigsten Lorawan → LoRaWAN (12×)" in as_text(
        rich(), "de"
    )
    assert "1 word changed of 90; most often Zauberwort → (nothing) (1×)" in as_text(rich(), "en")


def test_failures_come_with_what_to_do_about_them() -> None:
    text = " ".join(as_text(rich(), "de").split())
    assert "Carls Gespräch (carlcarlcarl) Die Mediendatei /media/carl.mp4 wurde verändert" in text
    assert "→ Die ursprüngliche Datei zurücklegen oder" in text
    assert "bleibt so, bis jemand etwas tut" in text
    assert "wird von selbst noch einige Male versucht" in text


def test_a_failure_of_another_version_is_told_as_far_as_it_is_known() -> None:
    odd = Failure("gone_key", "of.another.version", {}, True)
    broken = Failure("gone", "media.gone", {}, True)  # a value of its sentence is missing
    for one, kind in ((odd, "gone_key"), (broken, "gone")):
        night = calm(failed=(Failed(ANNA, "A", one),))
        assert f"Unknown error ({kind})." in as_text(night, "en")
        assert through_json(night, "en")[0] == night


def test_an_empty_night_has_no_empty_sections() -> None:
    assert told(calm(), "de").sections == ()
    assert as_text(calm(), "de") == (
        "Nachtbericht vom 25. Juli 2026\n"
        "==============================\n\n"
        "Keine Aufnahme verarbeitet, keine fehlgeschlagen. Nichts davon braucht Ihre\n"
        "Aufmerksamkeit.\n\n"
        "Begonnen um 22:00 Uhr, beendet um 23:00 Uhr (1 Std. 0 Min.).\n"
    )


def test_long_lists_are_cut_in_the_text_but_not_where_a_person_is_needed() -> None:
    done = tuple(Done(f"id{n}", f"Neu {n}.", True, (), 0, 1000) for n in range(LISTED + 2))
    failed = tuple(Failed(f"no{n}", f"Alt {n}.", failure("home.full")) for n in range(LISTED + 2))
    text = as_text(calm(done=done, failed=failed), "de")
    assert text.count("- Neu ") == LISTED + len(calm(done=done).slowest)
    assert "… und 2 weitere; die Seite (.html) zeigt alle." in text
    assert text.count("- Alt ") == LISTED + 2
    assert as_page(calm(done=done), "de").count("Neu ") >= LISTED + 2


@pytest.mark.parametrize(
    ("ms", "german", "english"),
    [
        (0, "0 Sek.", "0 s"),
        (59_400, "59 Sek.", "59 s"),
        (59_600, "1 Min.", "1 min"),
        (3_599_000, "1 Std. 0 Min.", "1 h 0 min"),
        (4_000_000_000, "1.111 Std. 7 Min.", "1,111 h 7 min"),
    ],
)
def test_lengths_are_told_in_their_largest_units(ms: int, german: str, english: str) -> None:
    night = calm(forecast=Forecast(1, ms, None))
    assert f": {german}\n" in as_text(night, "de")
    assert f": {english}\n" in as_text(night, "en")


def test_quality_is_told_before_and_after() -> None:
    refused = Published(4, False, 1200, 0.9344, 0.9121, "report.publish.refused")
    assert "vorher 0,934, nachher 0,912 (−0,022)" in as_text(calm(published=refused), "de")
    assert "0.934 before, 0.912 after (−0.022)" in as_text(calm(published=refused), "en")
    assert ": 1,200\n" in as_text(calm(published=refused), "en")
    first = Published(1, True, 3, None, 0.5, "report.publish.first")
    assert "0.500 after" in as_text(calm(published=first), "en")
    assert "yes, generation 1" in as_text(calm(published=first), "en")


REASONS = (
    "published refused nothing_new first no_gold gold_bad still_refused emptied building".split()
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", REASONS)
def test_every_end_of_publishing_has_words(reason: str, language: str) -> None:
    key = f"report.publish.{reason}"
    text = " ".join(
        as_text(calm(published=Published(7, True, 0, None, None, key)), language).split()
    )
    assert catalogue(language)[key] in text
    assert ("One point" in text or "Ein Punkt" in text) == (
        reason in ("refused", "still_refused", "gold_bad")
    )


def test_an_end_of_publishing_that_is_not_known_is_said_so() -> None:
    odd = calm(published=Published(7, True, 0, None, None, "report.publish.elsewhere"))
    assert catalogue("en")["report.publish.other"] in as_text(odd, "en")


@settings(max_examples=50)
@given(NIGHTS, st.sampled_from(LANGUAGES))
def test_any_night_fits_a_terminal_and_cannot_command_it(night: Night, language: str) -> None:
    text = as_text(night, language)
    assert max(map(len, text.split("\n"))) <= WIDTH
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(text)
    text.encode()


def facts(text: str) -> list[str]:
    """Every number of a text, however its marks are set."""
    return sorted(re.sub(r"[.,:−]", "", one) for one in re.findall(r"[\d][\d.,:]*", text))


def test_both_languages_say_the_same() -> None:
    german, english = told(rich(), "de"), told(rich(), "en")
    assert len(german.about) == len(english.about)
    for one, other in zip(german.sections, english.sections, strict=True):
        assert (one.name, one.points, len(one.rows)) == (other.name, other.points, len(other.rows))
        assert [column.form for column in one.columns] == [c.form for c in other.columns]
        if one.counted and one.name != "troubles":
            assert [row[0] for row in one.rows] == [row[0] for row in other.rows]
    assert facts(as_text(rich(), "de")) == facts(as_text(rich(), "en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_page_say_the_same(language: str) -> None:
    page = read_page(as_page(rich(), language))
    on_page = " ".join(page.text.split())
    for section in told(rich(), language).sections:
        assert section.heading in on_page
        for row in section.rows:
            for cell in row:
                assert cell.text in on_page
                assert cell.text.replace(" ", "") in "".join(as_text(rich(), language).split())


# The page

VOID = {"meta", "link", "br", "img", "input", "hr", "base"}


@dataclass
class Page(HTMLParser):
    """The few things of a page that are asked about."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    open: list[str] = field(default_factory=list)
    title: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.title += data
        if "style" not in self.open:
            self.text += data

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


def read_page(written: str) -> Page:
    page = Page()
    page.feed(written)
    page.close()
    assert page.open == []
    return page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_built_for_everyone(language: str) -> None:
    page = read_page(as_page(rich(), language))
    assert page.all("html") == [{"lang": language}]
    assert page.title == told(rich(), language).title
    assert len(page.all("main")) == len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in page.all("a"):
        assert str(attributes["href"]).removeprefix("#") in ids
    for attributes in page.all("section"):
        assert attributes["aria-labelledby"] in ids
    assert page.tags[[tag for tag, _ in page.tags].index("body") + 1][1]["href"] == "#content"


def test_every_table_has_a_caption_and_headings_with_scope() -> None:
    written = as_page(rich(), "de")
    tables = re.findall(r"<table.*?</table>", written, re.S)
    assert len(tables) == len(told(rich(), "de").sections)
    for table in map(read_page, tables):
        tags = [tag for tag, _ in table.tags]
        assert tags[:2] == ["table", "caption"]
        assert {str(one["scope"]) for one in table.all("th")} == {"col", "row"}
        columns = [one for one in table.all("th") if one["scope"] == "col"]
        rows = [one for one in table.all("th") if one["scope"] == "row"]
        assert len(table.all("td")) == len(rows) * (len(columns) - 1)


def test_nothing_that_is_told_is_hidden_on_a_wide_screen() -> None:
    hidden = re.findall(r"^\.([a-z]+) \{ display: none; \}", style(), re.M)
    assert hidden == ["narrow"]
    for tag, attributes in read_page(as_page(rich(), "de")).tags:
        if attributes.get("class") == "narrow":
            assert (tag, attributes.get("aria-hidden")) == ("span", "true")


def test_a_short_page_has_nothing_to_skip() -> None:
    page = read_page(as_page(calm(index_sound=True), "en"))
    assert page.all("nav") == page.all("a") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_titles_are_shown_and_do_nothing(language: str) -> None:
    night = calm(
        taken=(Taken(HOSTILE, HOSTILE, HOSTILE, True),),
        waiting=(HOSTILE,),
        refused=(Refused(HOSTILE, failure("media.not_media", path=HOSTILE)),),
        done=(Done(HOSTILE, HOSTILE, True, (HOSTILE,), 1, 1),),
        failed=(Failed(HOSTILE, HOSTILE, Failure(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, True)),),
        retold=(Retold(HOSTILE, HOSTILE, 1, 1, 1, 1, ((HOSTILE, HOSTILE, 1),)),),
        to_review=(ToReview(HOSTILE, HOSTILE, 1),),
        leaving=(Leaving(HOSTILE, HOSTILE, HOSTILE, False),),
        published=Published(1, True, 1, 0.5, 0.5, HOSTILE),
        until=HOSTILE,
        backup=HOSTILE,
        troubles=((HOSTILE, failure("home.full", path=HOSTILE, detail=HOSTILE)),),
    )
    page = read_page(as_page(night, language))
    assert page.text.count(HOSTILE) >= 15
    plain_tags = {tag for tag, _ in read_page(as_page(rich(), language)).tags}
    assert {tag for tag, _ in page.tags} <= plain_tags
    assert not {name for _, attributes in page.tags for name in attributes if name[:2] == "on"}


def test_the_page_loads_and_runs_nothing() -> None:
    written = as_page(rich(), "de")
    page = read_page(written)
    assert not page.all("script", "link", "img", "iframe", "object", "form", "base")
    assert not {name for _, attributes in page.tags for name in attributes} & {"src", "style"}
    assert not re.search(r"url\(|@import|https?:", written)
    [policy] = [one for one in page.all("meta") if "http-equiv" in one]
    assert policy["http-equiv"] == "Content-Security-Policy"
    found = re.fullmatch(
        r"default-src 'none'; style-src 'sha256-([^']+)'; base-uri 'none'; form-action 'none'",
        str(policy["content"]),
    )
    styles = re.findall(r"<style>(.*?)</style>", written, re.S)
    assert found and len(styles) == 1
    assert base64.b64decode(found[1]) == hashlib.sha256(styles[0].encode()).digest()


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_contrast_suffices_in_every_scheme(scheme: str) -> None:
    palettes = re.findall(r":root \{(.*?)\}", style(), re.S)
    assert len(palettes) == 3
    light, other = palettes[0], palettes[["light", "dark", "print"].index(scheme)]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light + other))
    for name in ("text", "quiet", "link"):
        assert contrast(colours[name], colours["ground"]) >= 4.5, name
    assert contrast(colours["badge-text"], colours["badge"]) >= 4.5
    assert contrast(colours["line"], colours["ground"]) >= 3


@settings(max_examples=50)
@given(NIGHTS)
def test_any_night_makes_a_sound_page(night: Night) -> None:
    page = read_page(as_page(night, "en"))
    assert len(page.all("table")) == len(page.all("caption")) == len(told(night, "en").sections)
