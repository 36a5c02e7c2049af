"""What a file is, is decided by its content, in a process of its own, and nothing else is read."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import BadInput, MediaError
from pipeline.messages import LANGUAGES
from pipeline.stages.encryption import audio_is_encrypted
from pipeline.stages.ffmpeg import Limits, run
from pipeline.stages.probe import choose_track, duration_ms, probe, shown
from pipeline.stages.sniff import demuxer_of
from pipeline.values import AudioTrack, MediaInfo

TONE = ("-f", "lavfi", "-i", "sine=duration=1")
PICTURE = ("-f", "lavfi", "-i", "color=size=64x64:duration=1")


def make(path: Path, *arguments: str) -> Path:
    outcome = run((*arguments, f"file:{path}"), Limits(file_bytes=1 << 26))
    assert outcome.status == 0, outcome.complaint
    return path


def write_wav(path: Path, frames: int = 1600) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * frames))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        probe(path)
    for language in LANGUAGES:
        assert caught.value.message(language)
        assert caught.value.advice(language)
    return caught.value.kind


CONTAINERS = [
    ("a.mp4", "mov", "aac"),
    ("a.mov", "mov", "pcm_s16le"),
    ("a.mkv", "matroska", "flac"),
    ("a.webm", "matroska", "libopus"),
    ("a.ogg", "ogg", "flac"),
    ("a.mp3", "mp3", "libmp3lame"),
    ("a.mp2", "mp3", "mp2"),
    ("a.aac", "aac", "aac"),
    ("a.flac", "flac", "flac"),
    ("a.wav", "wav", "pcm_s24le"),
    ("a.aiff", "aiff", "pcm_s16be"),
    ("a.au", "au", "pcm_mulaw"),
    ("a.caf", "caf", "pcm_s16be"),
    ("a.w64", "w64", "pcm_s16le"),
    ("a.wma", "asf", "wmav2"),
    ("a.flv", "flv", "aac"),
    ("a.ts", "mpegts", "aac"),
    ("a.mpg", "mpeg", "mp2"),
    ("a.avi", "avi", "pcm_s16le"),
    ("a.ac3", "ac3", "ac3"),
    ("a.tta", "tta", "tta"),
    ("a.wv", "wv", "wavpack"),
    ("a.voc", "voc", "pcm_u8"),
]


@pytest.mark.parametrize(("name", "demuxer", "codec"), CONTAINERS, ids=str)
def test_a_container_is_known_by_its_content(
    tmp_path: Path, name: str, demuxer: str, codec: str
) -> None:
    made = make(tmp_path / name, *TONE, "-c:a", codec, "-ar", "48000")
    info = probe(made.rename(tmp_path / "recording.txt"))
    assert info.container == demuxer
    assert [track.number for track in info.tracks] == [1]


def test_tracks_are_told_apart(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.mkv",
        *(*PICTURE, *TONE, *TONE, "-map", "0:v", "-map", "1:a", "-map", "2:a"),
        *("-c:v", "mpeg4", "-c:a", "flac", "-ac:a:1", "2", "-metadata", "title=Gespräch"),
        *("-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "title=Commentary"),
    )
    info = probe(path)
    assert (info.title, info.has_video) == ("Gespräch", True)
    assert info.duration_ms == pytest.approx(1000, abs=50)
    first, second = info.tracks
    assert (first.number, first.codec, first.channels, first.language) == (1, "flac", 1, "ger")
    assert (second.number, second.channels, second.title) == (2, 2, "Commentary")


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.mp3",
        *(*TONE, *PICTURE, "-map", "0:a", "-map", "1:v", "-frames:v", "1", "-c:v", "png"),
        *("-disposition:v", "attached_pic"),
    )
    assert not probe(path).has_video


def test_a_claim_of_more_time_than_the_bytes_can_hold_is_not_believed(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", *TONE, "-c:a", "flac")
    data = bytearray(path.read_bytes())
    duration = data.index(b"\x44\x89\x88") + 3
    data[duration : duration + 8] = struct.pack(">d", 1e12)
    path.write_bytes(data)
    assert probe(path).duration_ms is None


# What is refused

SCRIPTS = {
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nURL\n#EXT-X-ENDLIST\n",
    "bom-m3u8": b"\xef\xbb\xbf#EXTM3U\n#EXTINF:9,\nURL\n",
    "ffconcat": b"ffconcat version 1.0\nfile 'URL'\n",
    "pls": b"[playlist]\nFile1=URL\nNumberOfEntries=1\n",
    "asx": b'<asx version="3.0"><entry><ref href="URL"/></entry></asx>',
    "mpd": b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>URL</BaseURL></MPD>',
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "ram": b"URL\n",
    "smil": b'<smil><body><audio src="URL"/></body></smil>',
    "ffmetadata": b";FFMETADATA1\ntitle=x\n",
    "srt": b"1\n00:00:01,000 --> 00:00:02,000\nx\n",
    "webvtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n",
    "ansi": b"\x1b[31mHello\x1b[0m\n" * 100,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="URL"/></svg>',
    "midi": b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x00\x60",
    "gif": b"GIF89a\x01\x00\x01\x00",
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "pdf": b"%PDF-1.7\n",
    "zip": b"PK\x03\x04" + bytes(60),
    "exe": b"MZ" + bytes(200),
    "nothing": bytes(4096),
    "id3-only": b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10),
    "id3-then-playlist": b"ID3\x04\x00\x00\x00\x00\x00\x00#EXTM3U\n#EXTINF:9,\nURL\n",
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_what_is_no_recording_is_refused_and_calls_nobody(tmp_path: Path, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/a.ts".encode()
        path = tmp_path / "video.mp4"
        path.write_bytes(SCRIPTS[kind].replace(b"URL", url))
        assert refusal(path) == "not_media"
        with pytest.raises(BlockingIOError):
            canary.accept()


OPENED = re.compile(r'open(?:at)?\(.*?"(?P<path>[^"]+)"')
PROBE = "import sys; from pathlib import Path; from pipeline.stages.probe import probe; "
EXTRACT = (
    PROBE + "from pipeline.stages.extract import windows; path = Path(sys.argv[1]); "
    "list(windows(path, probe(path), None, window_ms=60_000, limit_ms=60_000))"
)


@pytest.mark.parametrize("kind", ["genuine", "m3u8", "ffconcat"])
def test_no_other_file_and_no_socket_is_opened(tmp_path: Path, kind: str) -> None:
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-o", os.devnull, "true"], check=False).returncode:
        pytest.skip("strace is not here or may not trace")
    path, log = tmp_path / "media" / "video.wav", tmp_path / "log"
    path.parent.mkdir()
    write_wav(path.parent / "secret.wav")
    write_wav(path)
    if kind != "genuine":
        path.write_bytes(SCRIPTS[kind].replace(b"URL", b"secret.wav"))
    trace = [strace, "-f", "-e", "trace=open,openat,socket,connect", "-o", str(log)]
    subprocess.run(
        [*trace, sys.executable, "-c", EXTRACT, str(path)],
        check=kind == "genuine",
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    said = log.read_text(errors="replace")
    media = {match["path"] for match in OPENED.finditer(said) if str(path.parent) in match["path"]}
    assert media <= {str(path), f"{path.parent}"}
    assert str(path) in media
    assert "AF_INET" not in said


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    assert refusal(path) == "empty"


def test_a_folder_a_pipe_and_a_missing_file_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert refusal(tmp_path / "pipe.mp4") == "not_a_file"
    assert refusal(tmp_path) == "not_a_file"
    assert refusal(tmp_path / "missing.mp4") == "unreadable"
    assert refusal(Path("nul\0byte.mp4")) == "unreadable"


def test_half_a_file_is_called_damaged(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", *TONE, "-c:a", "aac")
    path.write_bytes(path.read_bytes()[:2000])
    assert refusal(path) == "damaged"


def test_encrypted_audio_is_refused(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.mp4",
        *(*TONE, "-c:a", "aac", "-encryption_scheme", "cenc-aes-ctr"),
        *("-encryption_key", "00" * 16, "-encryption_kid", "11" * 16),
    )
    assert refusal(path) == "encrypted"


def test_encryption_in_matroska_is_seen(tmp_path: Path) -> None:
    tracks = b"\x1a\x45\xdf\xa3\x80\x16\x54\xae\x6b\xa0\xae\x9e"
    encodings = (
        b"\x6d\x80\x97\x62\x40\x94\x50\x31\x81\x00\x50\x33\x81\x01\x50\x35\x8a\x47\xe1\x81\x05"
    )
    assert audio_is_encrypted(io.BytesIO(tracks + encodings), "matroska")
    plain = make(tmp_path / "a.mkv", *TONE, "-c:a", "flac").open("rb")
    with plain:
        assert not audio_is_encrypted(plain, "matroska")


@given(st.binary(max_size=400))
@example(b"\x00\x00\x00\x08moov" * 50)
@example(b"\x00\x00\x00\x00moov\x00\x00\x00\x00trak")
@example(b"ID3\x04\x00\x10\x7f\x7f\x7f\x7f")
def test_any_bytes_can_be_looked_into(data: bytes) -> None:
    file = io.BytesIO(data)
    demuxer_of(file)
    audio_is_encrypted(file, "mov")
    audio_is_encrypted(file, "matroska")


def test_sync_words_that_occur_by_chance_make_no_mp3() -> None:
    assert demuxer_of(io.BytesIO(bytes(range(128)) + b"\xff\xfb\x90\x00" + bytes(40_000))) is None


# Choosing and measuring


def track(number: int) -> AudioTrack:
    return AudioTrack(number, "aac", 2, 48_000, None, None, default=number == 2)


def info(*tracks: AudioTrack, claimed: int | None = None, video: bool = False) -> MediaInfo:
    return MediaInfo("mov", claimed, 0, tracks, has_video=video)


def test_the_first_track_is_taken_unless_one_is_named() -> None:
    media = info(track(1), track(2))
    assert choose_track(media, None).number == 1
    assert choose_track(media, 2).number == 2


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_number_that_is_no_track_is_wrong_input(number: int) -> None:
    with pytest.raises(BadInput) as caught:
        choose_track(info(track(1), track(2)), number)
    assert caught.value.kind == "no_such_track"


def test_a_film_without_sound_is_no_interview() -> None:
    with pytest.raises(MediaError) as caught:
        choose_track(info(video=True), None)
    assert caught.value.kind == "no_audio"


@pytest.mark.parametrize(
    ("video", "claimed", "decoded", "expected"),
    [
        (True, 60_000, 5_000, 60_000),
        (True, 5_000, 60_000, 60_000),
        (True, None, 60_000, 60_000),
        (False, 9_400, 9_000, 9_000),
        (False, None, 9_000, 9_000),
    ],
)
def test_sound_is_as_long_as_it_decodes_and_a_picture_may_outlast_it(
    video: bool, claimed: int | None, decoded: int, expected: int
) -> None:
    assert duration_ms(info(claimed=claimed, video=video), decoded) == expected


def test_a_name_that_is_no_text_can_still_be_shown() -> None:
    assert shown(Path(os.fsdecode(b"latin-\xfc.mp4"))) == "latin-\ufffd.mp4"
