"""What it takes for browsers to play a recording, decided by what a probe says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.rendition import even_rate, how, original_type
from pipeline.values import AudioTrack, MediaInfo, VideoTrack

H264 = VideoTrack("h264", "yuv420p", 640, 360, 25.0)


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


OLD_TV = replace(H264, codec="mpeg2video", interlaced=True)
BRIGHT = replace(H264, codec="hevc", pixel_format="yuv420p10le", hdr="smpte2084")


@pytest.mark.parametrize(
    ("facts", "withheld", "deinterlaces", "tones_from"),
    [
        (info("mpegts", "mp2", OLD_TV), False, True, None),
        (info("matroska", "aac", BRIGHT), False, False, "smpte2084"),
        (info("mov", "aac", replace(BRIGHT, hdr="arib-std-b67")), False, False, "arib-std-b67"),
        (info("mov", "aac", H264), True, False, None),
        (info("mov", "aac", replace(H264, interlaced=True)), True, True, None),
        (info("mov", "aac", replace(H264, interlaced=True)), False, False, None),
        (info("matroska", "aac", replace(H264, interlaced=True)), False, False, None),
        (info("flac", "flac"), True, False, None),
    ],
    ids=str,
)
def test_what_is_encoded_is_for_ordinary_screens(
    facts: MediaInfo, withheld: bool, deinterlaces: bool, tones_from: str | None
) -> None:
    """A copy, and what plays as it is, stays what it is."""
    decision = how(facts, None, withheld=withheld)
    assert (decision.deinterlaces, decision.tones_from) == (deinterlaces, tones_from)


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
