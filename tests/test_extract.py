"""Audio comes out of any file in time, whole, in windows, and in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.errors import BadInput, MediaError
from pipeline.stages.extract import AudioStream, windows
from pipeline.stages.ffmpeg import Limits, Stream, ffmpeg_path, ffmpeg_version, meaningful, run
from pipeline.stages.mixing import BLOCK, QUIET, TARGET, Mixer, level, levelled
from pipeline.stages.probe import probe
from pipeline.stages.silence import SAMPLES_PER_MS, cut, quietest_ms, search_ms
from pipeline.values import SAMPLE_RATE, Audio, MediaInfo

HOUR_MS = 3_600_000
Channels = NDArray[np.float32]


def tone(seconds: float, frequency: float = 440, amplitude: float = 0.3) -> Audio:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def write_wav(path: Path, *channels: Audio) -> Path:
    samples = (np.stack(channels, axis=1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    return path


def make(path: Path, *arguments: str) -> Path:
    outcome = run((*arguments, f"file:{path}"), Limits(file_bytes=1 << 30))
    assert outcome.status == 0, outcome.complaint
    return path


def extract(path: Path, track: int | None = None, window_ms: int = 600_000) -> Audio:
    with windows(path, probe(path), track, window_ms=window_ms, limit_ms=HOUR_MS) as stream:
        return np.concatenate([window.audio for window in stream])


def first_sound_ms(audio: Audio) -> int:
    return int(np.argmax(np.abs(audio) > 0.02)) // SAMPLES_PER_MS


def mix(channels: Channels) -> Audio:
    mixer = Mixer()
    blocks = [channels[at : at + BLOCK] for at in range(0, len(channels), BLOCK)]
    return np.concatenate([mixer.mix(block) for block in blocks])


# Cutting


@given(
    lengths=st.lists(st.integers(0, 30_000), max_size=12),
    window_ms=st.integers(300, 3000),
    seed=st.integers(0, 99),
)
def test_windows_tile_the_time_without_gap_or_overlap(
    lengths: list[int], window_ms: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    pieces = [random.standard_normal(length).astype(np.float32) for length in lengths]
    found = list(cut(pieces, window_ms))
    whole = np.concatenate([*pieces, silence(0)])
    assert np.array_equal(np.concatenate([silence(0), *(audio for _, audio, _ in found)]), whole)
    at = 0
    for start_ms, audio, _ in found:
        assert start_ms * SAMPLES_PER_MS == at
        at += len(audio)
    assert [last for _, _, last in found] == [False] * (len(found) - 1) + [True] * bool(found)


@given(st.integers(1, 60_000), st.integers(300, 2000), st.integers(1, 5000))
def test_cuts_do_not_depend_on_how_the_audio_arrives(
    samples: int, window_ms: int, piece: int
) -> None:
    whole = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    pieces = [whole[at : at + piece] for at in range(0, samples, piece)]
    starts = [start for start, _, _ in cut(pieces, window_ms)]
    assert starts == [start for start, _, _ in cut([whole], window_ms)]


@given(st.integers(1, 60_000), st.integers(300, 2000))
def test_no_window_is_longer_than_asked_for_but_a_last_one_saved_from_being_a_stub(
    samples: int, window_ms: int
) -> None:
    whole = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    for _, audio, last in cut([whole], window_ms):
        most_ms = window_ms + (search_ms(window_ms) if last else 0)
        assert 0 < len(audio) <= most_ms * SAMPLES_PER_MS


def test_a_window_is_cut_in_the_pause() -> None:
    speech = np.concatenate([tone(28.2), silence(0.6), tone(31)])
    (start, first, _), (second_start, _, _) = cut([speech], 30_000)
    assert start == 0
    assert 28_200 < len(first) // SAMPLES_PER_MS < 28_800
    assert second_start == len(first) // SAMPLES_PER_MS


def test_a_constant_offset_is_no_sound() -> None:
    audio = np.concatenate([tone(1), silence(0.5), tone(1)]) + np.float32(0.4)
    assert 1000 < quietest_ms(audio) < 1500


# Mixing


def test_a_phase_inverted_pair_does_not_cancel() -> None:
    voice = tone(3)
    mono = mix(np.stack([voice, -voice], axis=1))
    assert np.allclose(np.abs(mono), np.abs(voice), atol=1e-6)


def test_an_inverted_pair_keeps_its_way_round_when_the_louder_side_changes() -> None:
    voice = tone(4)
    fade = np.linspace(1, 0.5, len(voice), dtype=np.float32)
    mono = mix(np.stack([voice * fade, -voice * fade[::-1]], axis=1))
    assert np.corrcoef(mono, voice)[0, 1] > 0.99


def test_equal_channels_give_their_mean() -> None:
    voice = tone(2.5)
    assert np.allclose(mix(np.stack([voice, voice], axis=1)), voice, atol=1e-6)


def test_a_centre_among_silent_channels_passes_whole() -> None:
    channels = np.zeros((2 * BLOCK, 6), np.float32)
    channels[:, 2] = tone(2)
    assert np.allclose(mix(channels), channels[:, 2], atol=1e-6)


def test_of_two_people_on_two_channels_neither_is_lost() -> None:
    left = np.concatenate([tone(3, 300), silence(3)])
    right = np.concatenate([silence(3), tone(3, 700, 0.1)])
    mono = mix(np.stack([left, right], axis=1))
    second = slice(SAMPLE_RATE // 5, None)
    assert np.allclose(mono[: 3 * BLOCK], left[: 3 * BLOCK], atol=1e-6)
    assert np.allclose(mono[3 * BLOCK :][second], right[3 * BLOCK :][second], atol=1e-6)


@given(st.integers(1, 8), st.integers(1, BLOCK), st.integers(0, 99))
def test_a_mix_has_no_more_power_than_its_loudest_channel(
    count: int, samples: int, seed: int
) -> None:
    channels = np.random.default_rng(seed).uniform(-1, 1, (samples, count)).astype(np.float32)
    mono = mix(channels)
    assert mono.shape == (samples,)
    assert np.mean(mono**2) <= np.mean(channels**2, axis=0).max() * 1.001


# Level


def test_a_very_quiet_recording_is_raised() -> None:
    assert level(levelled(tone(5, amplitude=0.004))) == pytest.approx(TARGET, rel=0.01)


def test_an_ordinary_recording_is_left_as_it_is() -> None:
    voice = tone(5)
    assert level(voice) > QUIET
    assert np.array_equal(levelled(voice), voice)


def test_a_recorders_own_noise_is_not_made_loud() -> None:
    noise = np.random.default_rng(1).normal(0, 3e-5, SAMPLE_RATE).astype(np.float32)
    assert np.array_equal(levelled(noise), noise)


@given(st.floats(0, 1e6, width=32), st.integers(0, 9999))
def test_levelled_audio_is_within_full_scale(amplitude: float, samples: int) -> None:
    audio = levelled(np.full(samples, amplitude, np.float32))
    assert audio.dtype == np.float32
    assert not samples or float(np.abs(audio).max()) <= 1


# Whole files


def test_samples_come_out_as_they_went_in(tmp_path: Path) -> None:
    voice = tone(2)
    audio = extract(write_wav(tmp_path / "a.wav", voice))
    assert audio.dtype == np.float32
    assert np.allclose(audio, voice, atol=1e-4)


def test_phase_inverted_stereo_of_a_file_is_heard(tmp_path: Path) -> None:
    voice = tone(2)
    assert level(extract(write_wav(tmp_path / "a.wav", voice, -voice))) > 0.15


def test_the_centre_of_a_surround_file_is_heard(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "sine=duration=2:sample_rate=48000")
    path = make(tmp_path / "a.mka", *source, "-af", "pan=5.1|FC=c0", "-c:a", "flac")
    assert level(extract(path)) == pytest.approx(0.125 / np.sqrt(2), rel=0.05)


def test_sound_that_begins_after_the_picture_keeps_its_time(tmp_path: Path) -> None:
    path = make(
        tmp_path / "late.mkv",
        *("-f", "lavfi", "-i", "color=size=64x64:duration=5", "-itsoffset", "2"),
        *("-f", "lavfi", "-i", "sine=duration=2", "-c:v", "mpeg4", "-c:a", "flac"),
    )
    audio = extract(path)
    assert first_sound_ms(audio) == pytest.approx(2000, abs=30)
    assert len(audio) / SAMPLE_RATE == pytest.approx(4, abs=0.05)


def test_a_hole_in_the_sound_does_not_shift_what_follows(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "sine=duration=6")
    path = make(tmp_path / "a.mka", *source, "-af", "aselect=lt(t\\,2)+gt(t\\,4)", "-c:a", "flac")
    audio = extract(path)
    assert len(audio) / SAMPLE_RATE == pytest.approx(6, abs=0.1)
    assert level(audio[round(2.3 * SAMPLE_RATE) : round(3.7 * SAMPLE_RATE)]) == 0


def test_a_clock_that_starts_at_an_hour_starts_at_nought(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "sine=duration=3", "-c:a", "mp2")
    path = make(tmp_path / "a.ts", *source, "-output_ts_offset", "3600", "-f", "mpegts")
    audio = extract(path)
    assert len(audio) / SAMPLE_RATE == pytest.approx(3, abs=0.1)
    assert first_sound_ms(audio) < 100


def two_tracks(tmp_path: Path) -> Path:
    return make(
        tmp_path / "two.mka",
        *("-f", "lavfi", "-i", "sine=duration=1", "-f", "lavfi", "-i", "sine=duration=2"),
        *("-map", "0:a", "-map", "1:a", "-c:a", "flac"),
    )


@pytest.mark.parametrize(("track", "seconds"), [(None, 1), (1, 1), (2, 2)])
def test_the_track_asked_for_is_taken(tmp_path: Path, track: int | None, seconds: int) -> None:
    assert len(extract(two_tracks(tmp_path), track)) == seconds * SAMPLE_RATE


def test_a_track_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no audio track 3; available: 1, 2"):
        extract(two_tracks(tmp_path), 3)


NAMES = [
    "-i.wav",
    "%03d.wav",
    "pipe:0.wav",
    "concat:a|b.wav",
    "http:example.wav",
    "a\nb\tc.wav",
    "clip#t=5,10?x=1.wav",
    "Größe 👩🏽‍🦰 ראיון.wav",
    os.fsdecode(b"latin-\xfc.wav"),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_files_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    assert len(extract(write_wav(tmp_path / name, tone(1)))) == SAMPLE_RATE


def test_a_relative_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wav(tmp_path / "-a.wav", tone(1))
    monkeypatch.chdir(tmp_path)
    assert len(extract(Path("-a.wav"))) == SAMPLE_RATE


def opened(path: Path, window_ms: int = 2000, first: int = 0, limit: int = HOUR_MS) -> AudioStream:
    return windows(path, probe(path), None, window_ms=window_ms, limit_ms=limit, first=first)


def test_a_resumed_run_goes_on_with_the_same_cuts(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).uniform(-0.5, 0.5, 9 * SAMPLE_RATE).astype(np.float32)
    path = write_wav(tmp_path / "a.wav", noise, noise[::-1])
    whole = list(opened(path))
    resumed = opened(path, first=2)
    rest = list(resumed)
    assert len(whole) == 5
    assert rest == whole[2:]
    for again, before in zip(rest, whole[2:], strict=True):
        assert np.array_equal(again.audio, before.audio)
    assert resumed.decoded_ms == 9000
    assert [window.last for window in whole] == [False, False, False, False, True]


def test_a_recording_shorter_than_a_word_is_one_window(tmp_path: Path) -> None:
    (window,) = opened(write_wav(tmp_path / "a.wav", tone(0.0101)))
    assert (window.number, window.start_ms, window.end_ms, window.last) == (0, 0, 11, True)


def test_a_recording_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="longer than"):
        list(opened(write_wav(tmp_path / "a.wav", tone(3)), limit=2000))


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", silence(0))
    with pytest.raises(MediaError) as caught:
        list(opened(path))
    assert caught.value.kind == "no_samples"


def test_what_decodes_of_a_damaged_file_is_kept_and_the_damage_named(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "anoisesrc=duration=6:seed=1", "-c:a", "flac")
    data = make(tmp_path / "whole.mka", *source).read_bytes()
    path = tmp_path / "cut.mka"
    path.write_bytes(data[: len(data) // 2])
    stream = opened(path)
    list(stream)
    assert 2000 < stream.decoded_ms < 4000
    assert stream.warning is not None
    assert stream.warning.kind == "partly_damaged"
    assert "cut.mka" not in str(stream.warning.values["detail"])


def test_a_whole_file_gives_no_warning(tmp_path: Path) -> None:
    stream = opened(write_wav(tmp_path / "a.wav", tone(3)))
    list(stream)
    assert stream.warning is None


def test_a_stream_left_early_leaves_no_process(tmp_path: Path) -> None:
    before = set(children())
    with opened(write_wav(tmp_path / "a.wav", tone(60))) as stream:
        next(stream)
    assert set(children()) <= before
    assert list(stream) == []


def children() -> list[str]:
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        pytest.skip("no /proc here to list child processes")
    return [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]


THREE_HOURS = """
import resource, sys
from pathlib import Path
from pipeline.stages.extract import windows
from pipeline.stages.probe import probe
path = Path(sys.argv[1])
stream = windows(path, probe(path), None, window_ms=600_000, limit_ms=86_400_000)
count = sum(1 for _ in stream)
status = Path("/proc/self/status").read_text()
# ru_maxrss would also count what the process that started this one held.
own_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
print(count, stream.decoded_ms, own_kib // 1024,
      resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def test_three_hours_stream_through_little_memory(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", silence(1))
    seconds, header = 3 * 3600, bytearray(path.read_bytes()[:44])
    header[40:44] = (seconds * SAMPLE_RATE * 2).to_bytes(4, "little")
    path.write_bytes(header)
    os.truncate(path, 44 + seconds * SAMPLE_RATE * 2)
    said = subprocess.run(
        [sys.executable, "-c", THREE_HOURS, str(path)], capture_output=True, check=True, timeout=120
    )
    count, decoded_ms, own_mib, child_mib = map(int, said.stdout.split())
    assert count == 18
    assert decoded_ms == seconds * 1000
    assert own_mib < 300
    assert child_mib < 300


# FFmpeg under limits

ENDLESS = ("-f", "lavfi", "-i", "anullsrc")


def test_ffmpeg_is_found_and_says_its_version() -> None:
    assert ffmpeg_path().is_absolute()
    assert ffmpeg_version()


def test_a_silent_process_is_killed() -> None:
    with Stream(("-re", *ENDLESS, "-f", "null", "-"), Limits(stall_s=0.3)) as stream:
        assert stream.read(1) == b""
        assert stream.finish() < 0
    assert stream.stalled


def test_endless_work_ends_at_the_processor_limit() -> None:
    assert run((*ENDLESS, "-f", "null", "-"), Limits(cpu_s=1)).status != 0


def test_memory_is_limited() -> None:
    outcome = run((*ENDLESS, "-t", "1", "-f", "null", "-"), Limits(memory_bytes=32 << 20))
    assert outcome.status != 0


def test_no_file_can_be_written_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    run((*ENDLESS, "-t", "1", f"file:{path}"), Limits())
    assert not path.exists() or path.stat().st_size == 0


def test_more_output_than_wanted_ends_the_run() -> None:
    outcome = run((*ENDLESS, "-f", "s16le", "-"), Limits(), output_bytes=1000)
    assert len(outcome.output) == 1000
    assert outcome.status < 0


@pytest.mark.parametrize(
    ("complaints", "said"),
    [
        ("", ""),
        (
            "[in#0 @ 0x5a] moov atom not found\nError opening input files: x\n",
            "moov atom not found",
        ),
        ("[a @ 0x1] [b @ 0x2] bad frame\nConversion failed!", "bad frame"),
        ("Error opening input file file:/home/x/Müller.mp4.", ""),
    ],
)
def test_the_complaint_is_the_last_line_that_says_something(complaints: str, said: str) -> None:
    assert meaningful(complaints) == said


@pytest.mark.parametrize("demuxer", ["hls", "concat"])
def test_even_a_script_that_got_past_the_check_reads_no_other_file(
    tmp_path: Path, demuxer: str
) -> None:
    write_wav(tmp_path / "secret.wav", tone(2))
    script = {
        "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "concat": "ffconcat version 1.0\nfile 'secret.wav'\n",
    }[demuxer]
    path = tmp_path / "script.mp4"
    path.write_text(script)
    genuine = probe(tmp_path / "secret.wav")
    info = MediaInfo(demuxer, None, 0, genuine.tracks, has_video=False)
    with pytest.raises(MediaError) as caught:
        list(windows(path, info, None, window_ms=60_000, limit_ms=HOUR_MS))
    assert caught.value.kind == "no_samples"
