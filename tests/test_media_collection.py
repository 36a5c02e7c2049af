"""Real and hostile files of a collection that is kept beside the checkout, as its manifest asks."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import MediaError
from pipeline.messages import LANGUAGES
from pipeline.stages.extract import windows
from pipeline.stages.mixing import level
from pipeline.stages.probe import choose_track, duration_ms, probe
from pipeline.values import Failure, Window

BESIDE = Path(__file__).parents[2] / "shared" / "data"
MEDIA = Path(os.environ.get("SHARED_DATA", BESIDE)) / "media"
MANIFEST = MEDIA / "manifest.jsonl"
WINDOW_MS, LIMIT_MS = 600_000, 24 * 3_600_000

ROWS: list[dict[str, Any]] = (
    [json.loads(line) for line in MANIFEST.read_text(encoding="utf-8").splitlines()]
    if MANIFEST.exists()
    else []
)

pytestmark = pytest.mark.skipif(
    not ROWS, reason=f"no media collection: neither SHARED_DATA nor {BESIDE}"
)

NOTHING_TO_HEAR = {
    "nasty/fixture.mxf": "has no audio track, as no_audio.mp4, which is to be refused",
    "nasty/fixture-null.webm": "has no audio track, as av1_video.mkv, which is to be refused",
    "nasty/incomplete.mp3": "three bytes, none of an mp3 frame, as one_byte.mp4, to be refused",
}
"""Rows to end as done, though by their content they do not differ from others to be refused."""


def disputed(row: dict[str, Any]) -> Any:
    reason = NOTHING_TO_HEAR.get(row["file"])
    marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
    return pytest.param(row, id=row["file"], marks=marks)


@dataclass(frozen=True)
class Heard:
    outcome: str
    decoded_ms: int = 0
    duration_ms: int = 0
    level: float = 0.0
    warning: Failure | None = None
    error: MediaError | None = None


def hear(path: Path, track: int | None = None) -> Heard:
    """Extract all of ``path``, as a run would, and check what must hold of any file."""
    try:
        info = probe(path)
        choose_track(info, track)
        stream = windows(path, info, track, window_ms=WINDOW_MS, limit_ms=LIMIT_MS)
        loudest, before = 0.0, None
        for window in stream:
            check(window, before)
            loudest, before = max(loudest, level(window.audio)), window
    except MediaError as error:
        return refused(error)
    assert before is not None
    assert before.last
    assert before.end_ms == stream.decoded_ms
    whole = duration_ms(info, stream.decoded_ms)
    return Heard("done", stream.decoded_ms, whole, loudest, stream.warning)


def refused(error: MediaError) -> Heard:
    for language in LANGUAGES:
        assert error.message(language)
        assert error.advice(language)
    return Heard("refused", error=error)


def check(window: Window, before: Window | None) -> None:
    assert window.start_ms == (before.end_ms if before else 0)
    assert window.number == (before.number + 1 if before else 0)
    assert before is None or not before.last
    assert window.audio.ndim == 1
    assert str(window.audio.dtype) == "float32"
    assert window.end_ms - window.start_ms == -(-len(window.audio) // 16)
    assert float(abs(window.audio).max()) <= 1


def placed(row: dict[str, Any], folder: Path) -> Path:
    """The row's file; under the name it asks for where it asks for one."""
    source = MEDIA / str(row["file"])
    return Path(shutil.copy(source, folder / row["as"])) if row["as"] else source


@pytest.mark.parametrize("row", [disputed(row) for row in ROWS])
def test_a_file_ends_as_the_manifest_says(row: dict[str, Any], tmp_path: Path) -> None:
    heard = hear(placed(row, tmp_path))
    assert row["outcome"] in (heard.outcome, "either"), heard
    if heard.outcome == "done":
        assert heard.decoded_ms / 1000 == pytest.approx(row["ffmpeg_decoded_s"], abs=0.5)
    if row["kind"] == "good":
        assert heard.duration_ms / 1000 == pytest.approx(row["ffmpeg_decoded_s"], abs=0.5)
        assert heard.warning is None


@pytest.mark.parametrize("name", ["audio_shorter_than_video.mp4", "audio_longer_than_video.mp4"])
def test_a_recording_is_as_long_as_the_longer_of_sound_and_picture(name: str) -> None:
    assert hear(MEDIA / "nasty" / name).duration_ms == pytest.approx(60_000, abs=100)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("nasty/no_audio.mp4", "no_audio"),
        ("nasty/huge_frame_16384x8192.avi", "no_audio"),
        ("nasty/audio_aac-lc_128k_enc_dashinit.mp4", "encrypted"),
        ("nasty/sample_init.enca.mp4", "encrypted"),
        ("nasty/ssrf_http_named.mp4", "not_media"),
        ("nasty/ffconcat_named.mp4", "not_media"),
        ("nasty/text_ansi.txt", "not_media"),
        ("nasty/truncated_missing_moov.mp4", "damaged"),
        ("nasty/zero.mp4", "empty"),
    ],
)
def test_a_refusal_gives_its_reason(file: str, kind: str) -> None:
    error = hear(MEDIA / file).error
    assert error is not None
    assert error.kind == kind


@pytest.mark.parametrize(
    "file", ["nasty/very_quiet.wav", "nasty/aac51_center_only.m4a", "good/stereo_diarization.wav"]
)
def test_speech_is_loud_enough_to_be_recognised(file: str) -> None:
    assert hear(MEDIA / file).level > 0.03


SMALL = 120_000
SEED = 20_260


def mutated(data: bytes, random_: random.Random) -> bytes:
    """``data`` cut, holed, scrambled or lengthened."""
    changed = bytearray(data)
    at = random_.randrange(len(changed))
    match random_.randrange(4):
        case 0:
            del changed[at:]
        case 1:
            del changed[at : at + random_.randrange(1, 5000)]
        case 2:
            for _ in range(random_.randrange(1, 200)):
                changed[random_.randrange(len(changed))] = random_.randrange(256)
        case _:
            place = random_.randrange(min(len(changed) - 4, 600))
            changed[place : place + 4] = struct.pack(">I", random_.randrange(1 << 32))
    return bytes(changed)


@pytest.mark.parametrize("turn", range(40))
def test_a_damaged_file_gives_windows_or_a_reason(turn: int, tmp_path: Path) -> None:
    small = [row for row in ROWS if row["ffmpeg_decoded_s"] and row["bytes"] < SMALL]
    random_ = random.Random(SEED + turn)
    row = small[turn * len(small) // 40]
    path = tmp_path / "mutated.bin"
    path.write_bytes(mutated((MEDIA / str(row["file"])).read_bytes(), random_))
    hear(path)
