"""What is made for browsers: true in time, and never anything that is withheld."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.errors import InterviewsError
from pipeline.stages import ffmpeg, probe, rendering
from pipeline.stages.rendition import how
from pipeline.values import Span
from tests.conftest import SHARED
from tests.rendition_home import TONE, heard, make, pictures, rendered, white

__all__ = ["white"]

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


def combing(path: Path) -> float:
    """How much each line differs from both its neighbours, where these are alike."""
    with av.open(str(path)) as film:
        frames = [one.to_ndarray(format="gray").astype(int) for one in film.decode(video=0)]
    teeth = [
        np.minimum(abs(one[1:-1] - one[:-2]), abs(one[1:-1] - one[2:]))
        * (abs(one[2:] - one[:-2]) < 10)
        for one in frames[3:-3]
    ]
    return float(np.mean(teeth))


@pytest.mark.parametrize("hidden", [False, True], ids=["whole", "withheld"])
def test_an_interlaced_film_shows_no_comb(hidden: bool, tmp_path: Path) -> None:
    """A bar that moves on between the two moments of a frame."""
    bar = (
        "color=black:s=320x180:r=50:d=2[a];color=white:s=40x180:r=50:d=2[b];"
        "[a][b]overlay=x='mod(n*6,280)'"
    )
    source = make(
        tmp_path / "tv.mkv",
        *("-f", "lavfi", "-i", f"{bar},tinterlace=interleave_top,setfield=tff", *TONE),
        *("-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2"),
        seconds=2,
    )
    facts = probe.probe(source).video
    assert facts is not None and facts.interlaced
    withheld = [Span(800, 1000)] if hidden else []
    made = rendered(source, tmp_path / "made", *withheld)
    after = probe.probe(made).video
    assert after is not None and not after.interlaced
    assert combing(made) < combing(source) / 4
    times, bright = pictures(made)
    within = (times + 0.04 > 0.8) & (times < 1.0)
    assert bool(bright[within].max() < 30) is hidden


@pytest.mark.parametrize("able", [True, False], ids=["with zscale", "without"])
def test_a_film_of_high_contrast_becomes_one_for_every_screen(
    able: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if able and not ffmpeg.filters() >= {"zscale", "tonemap"}:
        pytest.skip("this ffmpeg has no zscale")
    monkeypatch.setattr(rendering, "filters", ffmpeg.filters if able else frozenset)
    source = make(
        tmp_path / "bright.mkv",
        *("-f", "lavfi", "-i", "color=0x808080:size=320x180:rate=25:duration={s}", *TONE),
        *("-vf", "format=yuv420p10le,setparams=color_trc=smpte2084:color_primaries=bt2020"),
        *("-c:v", "libx264", "-c:a", "aac", "-color_trc", "smpte2084"),
        seconds=1,
    )
    facts = probe.probe(source).video
    assert facts is not None and facts.hdr == "smpte2084"
    made = rendered(source, tmp_path / "made")
    picture = probe.probe(made).video
    assert picture is not None and picture.pixel_format == "yuv420p"
    assert (picture.hdr is None) is able
    difference = pictures(made)[1].mean() - pictures(source)[1].mean()
    assert bool(abs(difference) > 10) is able


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
