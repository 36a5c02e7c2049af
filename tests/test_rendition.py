"""What browsers play: decided rightly, true in time, and never anything that is withheld."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.catalog import recordings, renditions
from pipeline.catalog.connection import Catalogue
from pipeline.errors import HomeUnusable, InterviewsError
from pipeline.home import open_home
from pipeline.run import correcting, intake, playing, removal, shelf
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Added, Wishes
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions, RunReport
from pipeline.run.playing import Playable, Unplayable
from pipeline.settings import Settings
from pipeline.stages import ffmpeg, probe, rendering
from pipeline.stages.extract import windows
from pipeline.stages.rendition import even_rate, how, original_type
from pipeline.values import AudioTrack, MediaInfo, Recording, Span, VideoTrack
from tests.conftest import SHARED, Interviews

H264 = VideoTrack("h264", "yuv420p", 640, 360, 25.0)
VTT = """WEBVTT

00:00.500 --> 00:02.000
Die Stadt plant ein neues Netz für die Fernwärme.

00:02.500 --> 00:05.000
Der Ausbau kostet zwei Millionen Euro und dauert vier Jahre.
"""


def sound(codec: str, number: int = 1, start_ms: int = 0) -> AudioTrack:
    return AudioTrack(number, codec, 2, 48_000, None, None, number == 1, start_ms)


def info(container: str, audio: str, video: VideoTrack | None = None, **more: Any) -> MediaInfo:
    facts: dict[str, Any] = {"duration_ms": 60_000, "start_ms": 0, "streamable": True, **more}
    tracks = facts.pop("tracks", (sound(audio),))
    return MediaInfo(container, tracks=tracks, has_video=bool(video), video=video, **facts)


PLAYS = [
    (info("mov", "aac", H264), "video/mp4"),
    (info("mov", "mp3", H264), "video/mp4"),
    (info("mov", "aac"), "audio/mp4"),
    (info("matroska", "opus", VideoTrack("vp9", "yuv420p", 1280, 720, 25.0)), "video/webm"),
    (info("matroska", "vorbis", VideoTrack("vp8", "yuv420p", 640, 360, None)), "video/webm"),
    (info("matroska", "opus", VideoTrack("av1", "yuv420p", 640, 360, 30.0)), "video/webm"),
    (info("mp3", "mp3", start_ms=25), "audio/mpeg"),
    (info("ogg", "opus"), "audio/ogg"),
    (info("ogg", "vorbis"), "audio/ogg"),
    (info("flac", "flac"), "audio/flac"),
    (info("wav", "pcm_s16le"), "audio/wav"),
]


@pytest.mark.parametrize(("facts", "media_type"), PLAYS, ids=str)
def test_what_browsers_play_is_left_as_it_is(facts: MediaInfo, media_type: str) -> None:
    decision = how(facts, None, withheld=False)
    assert (decision.kind, decision.media_type) == ("original", media_type)
    assert original_type(facts) == media_type


COPIES = [
    ("index at the end", info("mov", "aac", H264, streamable=False), (True, True)),
    ("another container", info("matroska", "aac", H264, streamable=False), (True, True)),
    ("sound to be encoded", info("matroska", "opus", H264, streamable=False), (True, False)),
    ("picture to be encoded", info("avi", "mp3", replace(H264, codec="mpeg4")), (False, True)),
    ("sound alone", info("aac", "aac"), (False, True)),
    ("begins late", info("mov", "aac", H264, start_ms=1400), (True, True)),
    (
        "another track",
        info("mov", "aac", H264, tracks=(sound("aac"), sound("aac", 2))),
        (True, True),
    ),
]


@pytest.mark.parametrize(
    ("facts", "copied"), [row[1:] for row in COPIES], ids=[c[0] for c in COPIES]
)
def test_a_track_that_plays_is_copied(facts: MediaInfo, copied: tuple[bool, bool]) -> None:
    decision = how(facts, len(facts.tracks), withheld=False)
    assert decision.kind == "copied"
    assert (decision.copy_video, decision.copy_audio) == copied


ENCODES = [
    info("avi", "pcm_u8", replace(H264, codec="mpeg4")),
    info("matroska", "vorbis", replace(H264, codec="hevc")),
    info("mov", "alac", replace(H264, pixel_format="yuv422p10le")),
    info("mov", "pcm_s24le"),
    info("ogg", "speex"),
    info("wav", "pcm_s24le"),
    info("matroska", "opus", replace(H264, codec="vp8"), duration_ms=None),
    info("ogg", "vorbis", replace(H264, codec="theora")),
    info("mp3", "mp2"),
    info("mpegts", "aac", replace(H264, start_ms=900), tracks=(sound("aac", start_ms=700),)),
]


@pytest.mark.parametrize("facts", ENCODES, ids=str)
def test_all_else_is_encoded(facts: MediaInfo) -> None:
    assert how(facts, None, withheld=False).kind == "encoded"


@pytest.mark.parametrize("facts", [row[0] for row in PLAYS], ids=str)
def test_where_something_is_withheld_nothing_is_copied(facts: MediaInfo) -> None:
    decision = how(facts, None, withheld=True)
    assert decision.kind == "encoded"
    assert not decision.copy_video
    assert not decision.copy_audio


@given(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)))
def test_a_rate_is_one_that_plays(rate: float | None) -> None:
    assert 10 <= even_rate(rate) <= 30.5


def test_fast_films_keep_every_second_frame() -> None:
    assert [even_rate(one) for one in (24.0, 25.0, 30.0, 50.0, 60.0, 0.5)] == [
        24,
        25,
        30,
        25,
        30,
        10,
    ]


# --- what comes out ------------------------------------------------------------------------------

PICTURE = ("-f", "lavfi", "-i", "color=white:size=320x180:rate=25:duration={s}")
TONE = ("-f", "lavfi", "-i", "sine=frequency=440:duration={s}")


def make(path: Path, *arguments: str, seconds: float = 6) -> Path:
    listed = [one.replace("{s}", str(seconds)) for one in arguments]
    outcome = ffmpeg.run((*listed, f"file:{path}"), ffmpeg.Limits(file_bytes=1 << 26))
    assert outcome.status == 0, outcome.complaint
    return path


def rendered(
    source: Path, folder: Path, *withheld: Span, track: int | None = None, height: int = 720
) -> Path:
    """The file that is made of ``source`` for browsers."""
    facts = probe.probe(source)
    decision = how(facts, track, withheld=bool(withheld))
    listed = rendering.arguments(source, facts, decision, withheld, height=height, threads=1)
    (folder / rendering.FRAMES).mkdir(parents=True)
    bounds = rendering.limits(source.stat().st_size, 10_000)
    for _ in rendering.render(source, listed, folder, bounds):
        pass
    return folder / rendering.name_of(decision)


Times = NDArray[np.float64]


def pictures(path: Path) -> tuple[Times, NDArray[np.float64]]:
    """When each frame is shown, in seconds, and how bright its brightest part is, 16 to 235."""
    with av.open(str(path)) as film:
        start = (film.start_time or 0) / 1_000_000
        found = [
            (frame.time - start, float(frame.to_ndarray(format="gray").max()))
            for frame in film.decode(video=0)
            if frame.time is not None
        ]
    return np.array([one[0] for one in found]), np.array([one[1] for one in found])


def heard(path: Path, track: int | None = None) -> NDArray[np.float32]:
    """The sound as recognition hears it: 16 kHz from the start as a player shows it."""
    facts = probe.probe(path)
    stream = windows(path, facts, track, window_ms=600_000, limit_ms=3_600_000)
    return np.concatenate([one.audio for one in stream])


@pytest.fixture(scope="module")
def white(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a tone and a white picture that a browser plays as they are."""
    return make(
        tmp_path_factory.mktemp("white") / "white.mp4",
        *(PICTURE + TONE),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"),
    )


stretches = st.lists(
    st.tuples(st.integers(0, 5800), st.integers(1, 2500)).map(lambda p: Span(p[0], p[0] + p[1])),
    min_size=1,
    max_size=3,
)


@examples(max_examples=12)
@given(withheld=stretches)
def test_what_is_withheld_is_silent_and_black_and_nothing_else(
    withheld: list[Span], white: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("withheld")
    file = rendered(white, folder, *withheld)
    times, bright = pictures(file)
    audio = np.abs(heard(file))
    shown, loud = np.ones(len(times), bool), np.ones(len(audio), bool)
    for one in withheld:
        start, end = one.start_ms / 1000, one.end_ms / 1000
        inside = (times + 0.04 > start) & (times < end)
        assert bright[inside].max(initial=0) < 30
        shown &= (times < start - 0.121) | (times > end + 0.081)
        # An encoder smears what it may play over what follows and precedes, never the reverse.
        within = slice(one.start_ms * 16 + 800, max(one.end_ms * 16 - 800, one.start_ms * 16 + 800))
        assert audio[within].max(initial=0) < 0.002
        loud[max(one.start_ms * 16 - 1600, 0) : one.end_ms * 16 + 1600] = False
    assert (bright[shown] > 200).all()
    for block in np.flatnonzero(loud[: len(audio) // 1600 * 1600].reshape(-1, 1600).all(axis=1))[
        :-2
    ]:
        assert audio[block * 1600 : (block + 1) * 1600].max() > 0.01


def test_pictures_are_black_in_withheld_stretches(white: Path, tmp_path: Path) -> None:
    rendered(white, tmp_path / "made", Span(4900, 5100))
    frames = sorted((tmp_path / "made" / rendering.FRAMES).iterdir())
    assert [one.name for one in frames[:2]] == ["000000.jpg", "000001.jpg"]
    bright = [float(pictures(one)[1].max()) for one in frames[:2]]
    assert bright[0] > 200
    assert bright[1] < 40


BEEP = "aevalsrc=if(between(t\\,2\\,2.5)\\,0.5*sin(2764*t)\\,0):s=48000:d=6"
FLASH = (
    "color=black:size=320x180:rate=25:duration=6,"
    "drawbox=color=white:t=fill:enable=between(t\\,2.99\\,3.49)"
)
FILM = ("-f", "lavfi", "-i", FLASH, "-f", "lavfi", "-i", BEEP, "-pix_fmt", "yuv420p")
LATE = (
    "-f",
    "lavfi",
    "-i",
    FLASH,
    "-itsoffset",
    "1.5",
    "-f",
    "lavfi",
    "-i",
    BEEP,
    "-pix_fmt",
    "yuv420p",
)
EARLY = (
    "-itsoffset",
    "1.5",
    "-f",
    "lavfi",
    "-i",
    FLASH,
    "-f",
    "lavfi",
    "-i",
    BEEP,
    "-pix_fmt",
    "yuv420p",
)
X264_AAC = ("-c:v", "libx264", "-c:a", "aac")
MPEG4_PCM = ("-c:v", "mpeg4", "-c:a", "pcm_s16le")

TIMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "sound late, copied": ("a.mkv", (*LATE, *X264_AAC)),
    "sound late, encoded": ("a.mkv", (*LATE, *MPEG4_PCM)),
    "picture late, copied": ("a.mkv", (*EARLY, *X264_AAC)),
    "picture late, encoded": ("a.mkv", (*EARLY, *MPEG4_PCM)),
    "file begins at an hour": ("a.ts", (*FILM, *X264_AAC, "-output_ts_offset", "3600")),
    "file begins at 7 s": ("a.mkv", (*FILM, *MPEG4_PCM, "-output_ts_offset", "7")),
    "index at the end": ("a.mp4", (*FILM, *X264_AAC)),
    "sound to be encoded": ("a.mkv", (*LATE, "-c:v", "libx264", "-c:a", "libopus")),
}


@pytest.mark.parametrize("hidden", [False, True], ids=["whole", "withheld"])
@pytest.mark.parametrize("name", TIMES)
def test_times_are_those_of_the_original(name: str, hidden: bool, tmp_path: Path) -> None:
    file, arguments = TIMES[name]
    source = make(tmp_path / file, *arguments)
    made = rendered(source, tmp_path / "made", *([Span(0, 200)] if hidden else []))
    assert probe.probe(made).start_ms == 0
    before, after = onset(heard(source)), onset(heard(made))
    assert after == pytest.approx(before, abs=0.04)
    assert flash(made) == pytest.approx(flash(source), abs=0.041)


def onset(audio: NDArray[np.float32]) -> float:
    return float(np.flatnonzero(np.abs(audio) > 0.1)[0]) / 16_000


def flash(path: Path) -> float:
    times, bright = pictures(path)
    return float(times[np.flatnonzero(bright > 150)[0]])


def test_a_picture_becomes_no_larger_than_asked_for_and_keeps_its_shape(tmp_path: Path) -> None:
    shapes = {"1920x1080": (640, 360), "1080x1920": (202, 360), "321x181": (320, 180)}
    for size, expected in shapes.items():
        source = make(
            tmp_path / f"{size}.mkv",
            *("-f", "lavfi", "-i", f"color=size={size}:duration=0.4", *TONE, "-c:v", "mpeg4"),
            seconds=0.4,
        )
        picture = probe.probe(rendered(source, tmp_path / size, height=360)).video
        assert picture is not None
        assert (picture.width, picture.height) == expected


def test_nothing_else_is_carried_over(tmp_path: Path) -> None:
    subtitles = tmp_path / "a.srt"
    subtitles.write_text("1\n00:00:00,000 --> 00:00:02,000\nGeheimnis im Untertitel\n")
    source = make(
        tmp_path / "a.mkv",
        *(*FILM[:8], *TONE, "-i", f"file:{subtitles}", "-map", "0", "-map", "1", "-map", "2"),
        *("-map", "3", "-metadata", "title=Geheimnis im Titel", "-metadata:s:a", "title=Geheimnis"),
        *("-metadata", "location=+50.9+6.9/Geheimnis", "-pix_fmt", "yuv420p", *X264_AAC),
    )
    made = rendered(source, tmp_path / "made", track=2)
    assert b"Geheimnis" not in made.read_bytes()
    facts = probe.probe(made)
    assert len(facts.tracks) == 1
    assert onset_free(heard(made)), "the second track, a steady tone, is the one that plays"


def onset_free(audio: NDArray[np.float32]) -> bool:
    return bool(np.abs(audio[:1600]).max() > 0.05)


MEDIA = SHARED / "media"
ROWS: list[dict[str, Any]] = (
    [json.loads(line) for line in (MEDIA / "manifest.jsonl").read_text("utf-8").splitlines()]
    if (MEDIA / "manifest.jsonl").exists()
    else []
)


@pytest.mark.skipif(not ROWS, reason=f"the collection of real inputs is not at {SHARED}")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_real_file_plays_as_it_is_or_is_made_to_or_gives_a_reason(
    row: dict[str, Any], tmp_path: Path
) -> None:
    source = MEDIA / str(row["file"])
    try:
        if how(probe.probe(source), None, withheld=False).kind == "original":
            return
        made = probe.probe(rendered(source, tmp_path / "made"))
    except InterviewsError:
        assert row["kind"] != "good"
        return
    if row["kind"] == "good":
        assert made.streamable
        assert made.tracks
        assert (made.duration_ms or 0) / 1000 == pytest.approx(row["ffmpeg_decoded_s"], abs=0.5)


# --- in a home -----------------------------------------------------------------------------------


@dataclass
class Archive:
    """A home with one recording, its text brought along."""

    context: Context
    folder: Path

    @property
    def on(self) -> Settings:
        return self.context.settings

    def add(self, source: Path, *, copy: bool = False) -> str:
        text = source.with_suffix(".vtt")
        text.write_text(VTT, encoding="utf-8")
        (added,) = intake.add(self.context, [source], Wishes(copy=copy), text)
        assert isinstance(added, Added)
        return added.recording.id

    def run(self, **options: Any) -> RunReport:
        return run(self.context, RunOptions(engine="inline", **options), Silent())

    def catalogue(self) -> Catalogue:
        return self.context.catalogue()

    def get(self, one: str) -> Recording:
        with self.catalogue() as catalogue, catalogue.read() as db:
            return recordings.get(db, one)

    def kind(self, one: str) -> str | None:
        with self.catalogue() as catalogue, catalogue.read() as db:
            found = renditions.get(db, one)
        return found[1].kind if found else None

    def played(self, one: str, settings: Settings | None = None) -> Playable | Unplayable:
        with self.catalogue() as catalogue, catalogue.read() as db:
            recording = recordings.get(db, one)
            return playing.playable(self.context.home, db, recording, settings or self.on)

    def frame(self, one: str, at_ms: int) -> Path | None:
        with self.catalogue() as catalogue, catalogue.read() as db:
            return playing.frame(self.context.home, db, recordings.get(db, one), at_ms)

    def withhold(self, one: str, span: Span) -> int:
        with self.catalogue() as catalogue:
            return correcting.withhold(self.context.home, catalogue, one, span, "test")[0]

    def lying(self) -> list[str]:
        """Every file of ours, its recording's id left out."""
        root = self.context.home.renditions
        return sorted("/".join(path.relative_to(root).parts[2:]) for path in root.rglob("*.*"))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(Context(open_home(tmp_path / "home"), Settings()), tmp_path)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Six seconds that no browser plays."""
    return make(tmp_path / "film.mkv", *PICTURE, *TONE, "-c:v", "mpeg4", "-c:a", "pcm_s16le")


@pytest.fixture
def clear(tmp_path: Path, white: Path) -> Path:
    """Six seconds that every browser plays."""
    return Path(shutil.copy(white, tmp_path / "clear.mp4"))


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


def test_a_stopped_run_leaves_nothing_half_done(
    archive: Archive, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = archive.add(film)
    really, begun = rendering.render, []

    def render(*arguments: Any) -> Generator[int, None, None]:
        begun.append(arguments)
        yield from really(*arguments)

    monkeypatch.setattr(rendering, "render", render)
    report = archive.run(stop_at=lambda: bool(begun))
    assert report.stopped
    assert archive.lying() == []
    assert archive.get(one).state == "queued"
    assert archive.run().done == [one]


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
