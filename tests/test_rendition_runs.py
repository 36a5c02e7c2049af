"""Renditions where runs end early: by a window, a kill, a full disk; and from the command line."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import HomeUnusable
from pipeline.run import shelf
from pipeline.run.playing import Playable, Unplayable
from pipeline.search.search import Searcher
from pipeline.stages import ffmpeg, rendering
from tests.conftest import Interviews, Mount
from tests.rendition_home import TONE, VTT, Archive, archive, clear, film, make, white

__all__ = ["archive", "clear", "film", "white"]


def begun(monkeypatch: pytest.MonkeyPatch, then: type[BaseException] | None = None) -> list[Any]:
    """Notes what is rendered, and stops there like a signal does if asked to."""
    really, noted = rendering.render, []

    def render(*arguments: Any) -> Generator[int, None, None]:
        noted.append(arguments)
        for done in really(*arguments):
            yield done
            if then is not None:
                raise then

    monkeypatch.setattr(rendering, "render", render)
    return noted


def test_what_is_begun_is_finished_after_the_window_and_no_other_is_begun(
    archive: Archive, film: Path, clear: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = archive.add(film), archive.add(clear)
    noted = begun(monkeypatch)
    report = archive.run(stop_at=lambda: bool(noted))
    assert report.stopped and len(noted) == 1
    assert isinstance(archive.played(one), Playable) and archive.kind(other) is None
    assert archive.run().done == [other], "the first one is not made again"


def test_an_interrupted_run_leaves_nothing_half_done(
    archive: Archive, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.add(film)
    noted = begun(monkeypatch, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        archive.run()
    assert len(noted) == 1 and archive.lying() == []
    assert archive.get(one).state == "queued"
    monkeypatch.undo()
    assert archive.run().done == [one]


def test_a_full_disk_fails_no_recording(
    archive: Archive, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.add(film)
    monkeypatch.setattr(shelf, "_SPARE_BYTES", 1 << 62)
    with pytest.raises(HomeUnusable) as caught:
        archive.run()
    assert caught.value.key == "home.full"
    assert archive.get(one).state == "queued"
    assert archive.get(one).failure is None
    assert archive.lying() == []
    monkeypatch.undo()
    archive.run()
    assert isinstance(archive.played(one), Playable)


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Six seconds that take more room than such films do."""
    return make(
        tmp_path / "noise.mkv",
        *("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration={s},noise=alls=100:allf=t"),
        *(*TONE, "-c:v", "mpeg4", "-q:v", "2", "-c:a", "pcm_s16le"),
    )


def stays_found(archive: Archive, one: str) -> None:
    """Nothing half-written is left, the recording waits, and is found meanwhile."""
    assert archive.lying() == [] and isinstance(archive.played(one), Unplayable)
    recording = archive.get(one)
    assert (recording.state, recording.failure, recording.warning) == ("queued", None, None)
    context = archive.context
    with archive.catalogue() as catalogue:
        searcher = Searcher(
            catalogue, context.home.index, context.embedder_for, context.glossary_file.read
        )
        hits = searcher.search("Fernwärme", mode="words").hits
    assert [hit.recording.id for hit in hits] == [one]


def test_a_disk_that_fills_up_while_a_rendition_is_written_is_said_and_it_is_tried_again(
    archive: Archive, noise: Path, small: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.add(noise)
    archive.context.home.renditions.symlink_to(small("size=2m"))
    monkeypatch.setattr(shelf, "_SPARE_BYTES", 100_000)
    with pytest.raises(HomeUnusable) as caught:
        archive.run()
    assert caught.value.key == "home.full"
    assert caught.value.message("en").count(".") <= 1
    stays_found(archive, one)
    small("size=64m")
    assert archive.run().done == [one]
    assert isinstance(archive.played(one), Playable)


@pytest.mark.parametrize("fixture", ["noise", "film"])
def test_a_share_of_the_disk_that_is_used_up_is_no_fault_of_the_recording(
    archive: Archive,
    fixture: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk itself has room, and ffmpeg may write nothing, as under a quota."""
    one = archive.add(request.getfixturevalue(fixture))
    really = rendering.render

    def render(path: Path, listed: Any, folder: Path, bounds: Any) -> Generator[int, None, None]:
        (folder / "play.mp4").symlink_to("/dev/full")
        yield from really(path, ["-y", *listed], folder, bounds)

    monkeypatch.setattr(rendering, "render", render)
    with pytest.raises(HomeUnusable) as caught:
        archive.run()
    assert caught.value.key == "home.full"
    stays_found(archive, one)
    monkeypatch.undo()
    assert archive.run().done == [one]
    assert isinstance(archive.played(one), Playable)


# --- from the command line -----------------------------------------------------------------------

ON = {"INTERVIEWS_RENDITION": "on"}


@pytest.fixture
def long_film(tmp_path: Path) -> Path:
    """Five minutes that take longer to encode than a test to kill."""
    second = make(
        tmp_path / "second.mkv",
        *("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=1", *TONE),
        *("-c:v", "mpeg4", "-c:a", "libmp3lame"),
        seconds=1,
    )
    looped = ("-stream_loop", "299", "-i", f"file:{second}", "-map", "0", "-c", "copy")
    outcome = ffmpeg.run(
        (*looped, f"file:{tmp_path / 'long.mkv'}"), ffmpeg.Limits(file_bytes=1 << 30)
    )
    assert outcome.status == 0, outcome.complaint
    return tmp_path / "long.mkv"


def test_a_killed_run_takes_ffmpeg_along_and_what_it_left_is_cleared_away(
    interviews: Interviews, long_film: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.vtt"
    text.write_text(VTT, encoding="utf-8")
    interviews("add", long_film, "--transcript", text)
    with subprocess.Popen(
        interviews.command("run", "--engine", "inline"),
        env=interviews.environment(**ON),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "▶" in line and "prepare for playing" in line:
                break
        while not (writing := ffmpegs(interviews.home)):
            assert process.poll() is None
        (child,) = writing
        watched = os.pidfd_open(child)
        process.send_signal(signal.SIGKILL)
    ended(watched)
    (folder,) = (interviews.home / "renditions").iterdir()
    (left,) = folder.iterdir()
    assert left.name.startswith(".part-")
    one = interviews("status", "--json").json["recordings"][0]
    assert one["state"] == "queued"
    interviews("run", "--limit", "0")
    assert not folder.exists()


def ffmpegs(home: Path) -> list[int]:
    """The processes that write below ``home``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inside = home in (process / "cwd").readlink().parents
        except OSError:
            continue
        found += [int(process.name)] if inside else []
    return found


def ended(process: int) -> None:
    """Wait for the end of a process that is not our child."""
    assert select.select([process], [], [], 60)[0]
    os.close(process)


def test_again_makes_a_rendition_anew(interviews: Interviews, film: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.vtt"
    text.write_text(VTT, encoding="utf-8")
    interviews("add", film, "--transcript", text, **ON)
    interviews("run", "--engine", "inline", **ON)
    one = interviews("status", "--json").json["recordings"][0]["id"]
    planned = interviews("run", "--dry-run", "--again", "rendition", one, "--json", **ON).json
    assert [work["stages"] for work in planned["work"]] == [["rendition"]]
    again = interviews("run", "--again", "rendition", one, "--engine", "inline", "--json", **ON)
    assert again.json["done"] == [one]
    taken = interviews("status", "--json").json["renditions"]
    files = [path for path in (interviews.home / "renditions").rglob("*") if path.is_file()]
    taken_bytes = sum(path.stat().st_size for path in files)
    assert taken == {"recordings": 1, "bytes": taken_bytes}
    for language, decimal in (("de", ","), ("en", ".")):
        said = f"{taken_bytes / 1e3:.1f} kB".replace(".", decimal)
        for command in ("status", "doctor"):
            assert said in interviews("--lang", language, command, check=False).out
    checks = interviews("doctor", "--json", check=False).json["checks"]
    assert any(check["name"] == "renditions" and check["ok"] for check in checks)


def test_a_text_alone_needs_none(interviews: Interviews, tmp_path: Path) -> None:
    text = tmp_path / "text.vtt"
    text.write_text(VTT, encoding="utf-8")
    added = interviews("add", text, "--json").json["recordings"][0]["id"]
    interviews("run", "--engine", "inline", **ON)
    assert not (interviews.home / "renditions").exists()
    refused = interviews("run", "--again", "rendition", added, check=False, **ON)
    assert refused.code == 2
    assert interviews("run", "--dry-run", "--json", **ON).json["work"] == []
