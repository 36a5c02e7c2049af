"""Renditions in a home: made once, made anew when they must be, and gone when they must go."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.catalog import renditions
from pipeline.run import correcting, removal, shelf
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.run.playing import Playable, Unplayable
from pipeline.settings import Settings
from pipeline.stages import probe, rendering
from pipeline.values import Recording, Span
from tests.rendition_home import Archive, archive, clear, film, heard, white

__all__ = ["archive", "clear", "film", "white"]


def test_what_no_browser_plays_is_made_playable(archive: Archive, film: Path) -> None:
    one = archive.add(film)
    assert archive.played(one) == Unplayable("waiting")
    assert archive.run().done == [one]
    found = archive.played(one)
    assert isinstance(found, Playable)
    assert (found.media_type, found.has_video) == ("video/mp4", True)
    assert probe.probe(found.path).streamable
    assert archive.lying() == ["frames/000000.jpg", "frames/000001.jpg", "play.mp4"]
    assert archive.get(one).state == "done"
    modes = {path.stat().st_mode & 0o077 for path in archive.context.home.renditions.rglob("*")}
    assert modes == {0}


def test_a_second_run_does_nothing(archive: Archive, film: Path) -> None:
    archive.add(film)
    archive.run()
    assert archive.run().done == []


def test_what_plays_as_it_is_gets_pictures_alone(archive: Archive, clear: Path) -> None:
    one = archive.add(clear)
    expected = Playable(clear, "video/mp4", has_video=True)
    assert archive.played(one) == expected, "nobody has to wait for what plays as it is"
    archive.run()
    assert archive.kind(one) == "original"
    assert archive.played(one) == expected
    assert archive.lying() == ["frames/000000.jpg", "frames/000001.jpg"]
    assert archive.frame(one, 4999) != archive.frame(one, 5000) == archive.frame(one, 10**9)


def test_what_plays_as_it_is_plays_without_pictures_too(
    archive: Archive, clear: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.add(clear)
    monkeypatch.setattr(rendering, "EVERY_MS", -1)
    archive.run()
    assert isinstance(archive.played(one), Playable)
    assert archive.get(one).warning is None


def test_an_original_that_changed_is_not_played(archive: Archive, clear: Path) -> None:
    one = archive.add(clear)
    archive.run()
    clear.write_bytes(clear.read_bytes() + b"x")
    assert archive.played(one) == Unplayable("gone")


@pytest.mark.parametrize("fixture", ["film", "clear"])
def test_what_is_withheld_is_not_played_from_that_moment_on(
    archive: Archive, fixture: str, request: pytest.FixtureRequest
) -> None:
    one = archive.add(request.getfixturevalue(fixture))
    archive.run()
    number = archive.withhold(one, Span(2500, 3500))
    assert archive.played(one) == Unplayable("withheld")
    assert archive.frame(one, 0) is None
    assert archive.lying() == []
    archive.run()
    found = archive.played(one)
    assert isinstance(found, Playable)
    assert archive.context.home.renditions in found.path.parents
    assert np.abs(heard(found.path))[2600 * 16 : 3400 * 16].max() < 0.002
    with archive.catalogue() as catalogue:
        correcting.release(archive.context.home, catalogue, one, number)
    assert archive.lying() == []
    archive.run()
    assert archive.kind(one) == ("encoded" if fixture == "film" else "original")


def test_all_the_time_in_which_a_word_may_have_been_said_is_silent(
    archive: Archive, film: Path
) -> None:
    one = archive.add(film)
    archive.run()
    archive.withhold(one, Span(3500, 3600))  # captions do not tell when their words were said
    archive.run()
    found = archive.played(one)
    assert isinstance(found, Playable)
    assert np.abs(heard(found.path))[3300 * 16 : 3800 * 16].max() < 0.002


def test_what_is_withheld_while_it_is_made_is_not_in_it(
    archive: Archive, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.add(film)
    really, runs = rendering.render, []

    def render(*arguments: Any) -> Generator[int, None, None]:
        runs.append(arguments)
        yield from really(*arguments)
        if len(runs) == 1:
            archive.withhold(one, Span(1000, 2000))

    monkeypatch.setattr(rendering, "render", render)
    archive.run()
    assert len(runs) == 2
    found = archive.played(one)
    assert isinstance(found, Playable)
    assert np.abs(heard(found.path))[1100 * 16 : 1900 * 16].max() < 0.002


def test_without_renditions_originals_are_played_and_nothing_that_is_withheld(
    archive: Archive, film: Path
) -> None:
    off = replace(archive, context=Context(archive.context.home, Settings(rendition="off")))
    one = off.add(film)
    off.run()
    assert off.lying() == []
    assert off.played(one) == Playable(film, "video/x-matroska", has_video=True)
    off.withhold(one, Span(1000, 2000))
    off.run()
    assert off.played(one) == Unplayable("withheld")
    archive.run()
    assert isinstance(archive.played(one), Playable)
    assert off.played(one) == Unplayable("withheld")


def test_another_size_is_made_while_the_former_one_plays(archive: Archive, film: Path) -> None:
    one = archive.add(film)
    archive.run()
    small = replace(archive, context=Context(archive.context.home, Settings(rendition_height=144)))
    before = small.played(one)
    assert isinstance(before, Playable)
    assert small.run().done == [one]
    after = small.played(one)
    assert isinstance(after, Playable)
    assert not before.path.exists()
    picture = probe.probe(after.path).video
    assert picture is not None
    assert picture.height == 144


def test_a_removed_recording_leaves_no_rendition(archive: Archive, film: Path) -> None:
    one = archive.add(film)
    archive.run()
    with archive.catalogue() as catalogue:
        removal.remove(archive.context.home, catalogue, [one])
    assert list(archive.context.home.renditions.iterdir()) == []


def test_a_removal_that_was_cut_short_takes_renditions_too(archive: Archive, film: Path) -> None:
    one = archive.add(film)
    archive.run()
    removal._note(archive.context.home, [one], "removed_ms")
    with archive.catalogue() as catalogue:
        removal.settle(archive.context.home, catalogue)
    assert list(archive.context.home.renditions.iterdir()) == []


def test_files_that_were_deleted_by_hand_are_made_again(archive: Archive, film: Path) -> None:
    one = archive.add(film)
    archive.run()
    shelf.drop(archive.context.home, one)
    assert archive.played(one) == Unplayable("waiting")
    archive.run()
    assert isinstance(archive.played(one), Playable)


def test_what_cannot_be_made_playable_is_found_all_the_same(
    archive: Archive, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.add(film)
    monkeypatch.setattr(rendering, "_RATE", -1)
    report = archive.run()
    assert (report.done, report.failed) == ([one], {})
    recording = archive.get(one)
    assert recording.state == "done"
    assert recording.warning is not None
    assert recording.warning.key == "rendition.failed"
    assert archive.played(one) == Unplayable("failed")
    assert archive.run().done == [], "the same would come of it"
    monkeypatch.undo()
    with archive.catalogue() as catalogue, catalogue.write() as db:
        renditions.forget(db, one)
    assert archive.run().done == [one]
    assert archive.get(one).warning is None


def test_a_file_that_is_back_is_tried_again(archive: Archive, film: Path) -> None:
    one = archive.add(film)
    away = film.rename(film.with_name("away.mkv"))
    archive.run()
    warning = archive.get(one).warning
    assert warning is not None
    assert warning.kind == "no_media"
    away.rename(film)
    archive.run()
    assert isinstance(archive.played(one), Playable)
    assert archive.get(one).warning is None


def test_texts_come_before_renditions(archive: Archive, film: Path, clear: Path) -> None:
    order: list[tuple[str, ...]] = []

    class Told(Silent):
        def started(self, recording: Recording, stages: tuple[str, ...], *, new: bool) -> None:
            order.append(stages)

    archive.add(film)
    archive.add(clear)
    run(archive.context, RunOptions(engine="inline"), Told())
    texts = ("chunk", "embed", "chapters")
    assert order == [texts, texts, ("rendition",), ("rendition",)]
