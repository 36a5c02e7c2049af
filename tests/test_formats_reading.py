"""Transcripts as they come: every quirk costs itself and nothing else."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.formats import transcripts
from pipeline.formats.transcripts import parse_transcript, read_transcript
from pipeline.values import Segment, Transcript

DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
needs_collection = pytest.mark.skipif(
    not (DATA / "transcripts" / "manifest.jsonl").exists(),
    reason="the collection of real transcripts is not here (SHARED_DATA)",
)


def vtt(*cues: tuple[str, str]) -> Transcript:
    blocks = "".join(f"{times}\n{text}\n\n" for times, text in cues)
    return parse_transcript(f"WEBVTT\n\n{blocks}".encode(), "t.vtt")


def times_and_texts(transcript: Transcript) -> list[tuple[int, int, str]]:
    return [(s.start_ms, s.end_ms, s.text) for s in transcript.segments]


def from_json(value: object) -> Transcript:
    return parse_transcript(json.dumps(value).encode(), "t.json")


def kind_of_refusal(read: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        read()
    for language in ("de", "en"):
        assert caught.value.message(language)
        assert caught.value.advice(language)
    return caught.value.key


def test_unordered_overlapping_and_zero_length_cues_come_in_order_of_time() -> None:
    transcript = vtt(
        ("00:05.000 --> 00:09.000", "drei"),
        ("00:00.000 --> 00:06.000", "eins"),
        ("00:03.000 --> 00:03.000", "zwei"),
    )
    assert times_and_texts(transcript) == [
        (0, 6000, "eins"),
        (3000, 3000, "zwei"),
        (5000, 9000, "drei"),
    ]


def test_a_cue_that_ends_before_it_starts_lasts_until_the_next() -> None:
    transcript = vtt(("00:10.000 --> 00:08.000", "eins"), ("00:12.000 --> 00:13.000", "zwei"))
    assert times_and_texts(transcript)[0] == (10_000, 12_000, "eins")


def test_three_equal_cues_in_a_row_are_a_loop_and_become_one() -> None:
    cues = [(f"00:0{n}.000 --> 00:0{n}.900", "Vielen Dank.") for n in range(5)]
    assert times_and_texts(vtt(*cues)) == [(0, 4900, "Vielen Dank.")]


def test_two_equal_cues_in_a_row_are_speech() -> None:
    cues = [(f"00:0{n}.000 --> 00:0{n}.900", "Ja.") for n in range(2)]
    assert len(vtt(*cues).segments) == 2


def test_equal_cues_far_apart_are_speech() -> None:
    cues = [(f"0{n}:00.000 --> 0{n}:01.000", "Danke.") for n in range(3)]
    assert len(vtt(*cues).segments) == 3


def test_empty_cues_vanish_and_sounds_stay() -> None:
    transcript = vtt(
        ("00:00.000 --> 00:01.000", ""),
        ("00:01.000 --> 00:02.000", "[Musik]"),
        ("00:02.000 --> 00:03.000", " &nbsp; "),
        ("00:03.000 --> 00:04.000", "(lacht)"),
    )
    assert [s.text for s in transcript.segments] == ["[Musik]", "(lacht)"]


def test_markup_goes_and_bare_signs_stay() -> None:
    transcript = vtt(
        ("00:00.000 --> 00:01.000", "  R&D, 3 < 4 und 5 &lt; 6 &amp; <i>so</i> <b>weiter</b>"),
        ("00:01.000 --> 00:02.000", "eine\nzweite   Zeile &#228; &unbekannt; a<b"),
    )
    assert [s.text for s in transcript.segments] == [
        "R&D, 3 < 4 und 5 < 6 & so weiter",
        "eine zweite Zeile ä &unbekannt; a<b",
    ]


def test_time_tags_between_single_words_are_word_times() -> None:
    transcript = vtt(("00:01.000 --> 00:03.000", "Guten<00:01.500><c> Tag</c><00:02.000> allen"))
    assert [(w.start_ms, w.end_ms, w.text) for w in transcript.segments[0].words] == [
        (1000, 1500, "Guten"),
        (1500, 2000, "Tag"),
        (2000, 3000, "allen"),
    ]


def test_captions_with_commas_or_without_a_signature_are_read_all_the_same() -> None:
    for head in ("WEBVTT\n\n", "\n\nWEBVTT\n\n", ""):
        content = f"{head}00:00:01,500 --> 00:00:02,000\nHallo".encode()
        assert times_and_texts(parse_transcript(content, "t.vtt")) == [(1500, 2000, "Hallo")]


SUBRIP = (
    "1\n00:00:01,000 --> 00:00:02,000\nGrüße,\nihr Bäcker\n\n2\n00:00:03,000 --> 00:00:04,000\n42"
)


@pytest.mark.parametrize(
    "content",
    [
        SUBRIP.encode(),
        SUBRIP.encode("utf-8-sig"),
        SUBRIP.encode("utf-16"),
        SUBRIP.encode("utf-16-le"),
        SUBRIP.encode("utf-16-be"),
        SUBRIP.encode("cp1252"),
        SUBRIP.replace("\n", "\r\n").encode(),
        SUBRIP.replace("\n", "\r").encode(),
        SUBRIP.replace(",000", ".000").encode(),
        SUBRIP.replace(" --> ", "-->").encode(),
        SUBRIP.replace("\n\n2\n", "\n2\n").encode(),
        SUBRIP.replace("\n\n2\n", "\n\n\n\n").removeprefix("1\n").encode(),
        SUBRIP.replace(",\nihr", ",\n\nihr").encode(),
        SUBRIP.replace("Grüße", "{\\an8}<font color=red>Grüße</font>").encode(),
    ],
)
def test_subrip_is_read_in_every_dress(content: bytes) -> None:
    assert times_and_texts(parse_transcript(content, "t.srt")) == [
        (1000, 2000, "Grüße, ihr Bäcker"),
        (3000, 4000, "42"),
    ]


def test_a_few_broken_bytes_do_not_make_a_utf8_file_another() -> None:
    content = SUBRIP.encode() + b" \xff \xc3\xa4\xc3\xb6"
    assert [s.text for s in parse_transcript(content, "t").segments] == [
        "Grüße, ihr Bäcker",
        "42 \ufffd äö",
    ]


def test_whisper_json_gives_words_language_and_confidence() -> None:
    word = {"word": " Hallo", "start": 0.0, "end": 0.4, "probability": 0.9}
    segment = {"id": 0, "start": 0.0, "end": 1.5, "text": " Hallo Welt", "avg_logprob": -0.1}
    transcript = from_json(
        {"text": " Hallo Welt", "segments": [segment | {"words": [word]}], "language": "de"}
    )
    (read,) = transcript.segments
    assert (read.start_ms, read.end_ms, read.text) == (0, 1500, "Hallo Welt")
    assert read.confidence == pytest.approx(math.exp(-0.1))
    assert [(w.text, w.end_ms, w.confidence) for w in read.words] == [("Hallo", 400, 0.9)]
    assert transcript.language == "de"


def test_whisperx_words_without_times_lie_between_their_neighbours() -> None:
    words = [
        {"word": "Im", "start": 1.0, "end": 1.2, "score": 0.8, "speaker": "SPEAKER_01"},
        {"word": "Jahr"},
        {"word": "2024"},
        {"word": "kam", "start": 2.0, "end": 2.3, "speaker": "SPEAKER_01"},
        {"word": "12"},
    ]
    transcript = from_json(
        {
            "segments": [
                {"start": 1.0, "end": 2.5, "text": " Im Jahr 2024 kam 12", "words": words}
            ],
            "word_segments": words,
        }
    )
    (read,) = transcript.segments
    assert read.speaker == "SPEAKER_01"
    assert [(w.text, w.start_ms, w.end_ms) for w in read.words] == [
        ("Im", 1000, 1200),
        ("Jahr", 1200, 1600),
        ("2024", 1600, 2000),
        ("kam", 2000, 2300),
        ("12", 2300, 2500),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"segments": [{"start": 62.345, "end": 63, "text": "Hallo", "speaker": "Anna"}]},
        [{"start": "62.345", "end": "63", "text": "Hallo", "speaker": "Anna"}],
        {"transcripts": [{"start": "00:01:02.345", "end": "00:01:03.000", "text": "Hallo",
                          "speaker": "Anna"}]},
        {"transcripts": [{"start": "1:02,345", "end": "1:03", "text": "Hallo", "voice": "Anna"}]},
        {"transcripts": [{"start": "x", "start_ms": 62345, "end_ms": 63000, "text": "Hallo",
                          "voice": "Anna"}]},
        {"version": "1.0.0", "segments": [{"startTime": 62.345, "endTime": 63.0, "body": "Hallo",
                                           "speaker": "Anna"}]},
        {"transcription": [{"offsets": {"from": 62345, "to": 63000}, "text": " Hallo",
                            "speaker": "Anna"}]},
    ],
)  # fmt: skip
def test_the_json_of_many_tools_says_the_same(value: object) -> None:
    (segment,) = from_json(value).segments
    assert segment == Segment(62_345, 63_000, "Hallo", speaker="Anna")


def test_missing_ends_reach_to_the_next_segment_or_as_long_as_reading_takes() -> None:
    transcript = from_json(
        {"segments": [{"start": "1.0", "text": "eins"}, {"start": 3, "end": None, "text": "zwei"}]}
    )
    assert times_and_texts(transcript) == [(1000, 3000, "eins"), (3000, 4000, "zwei")]


@pytest.mark.parametrize(
    ("written", "start_ms"),
    [("NaN", 7000), ("Infinity", None), ("-5", 0), ("1e300", None), ('"-00:00:05.000"', 0),
     ("true", 7000), ("9" * 400, None), ("[]", 7000)],
)  # fmt: skip
def test_impossible_times_are_clamped_replaced_or_refused(
    written: str, start_ms: int | None
) -> None:
    content = (
        '{"segments": [{"start": 5, "end": 7, "text": "davor"},'
        f' {{"start": {written}, "end": 1e400, "text": "hier"}}]}}'
    )
    transcript = parse_transcript(content.encode(), "t.json")
    found = [s.start_ms for s in transcript.segments if s.text == "hier"]
    if written == "Infinity":
        assert found == [7000]
    else:
        assert found == ([] if start_ms is None else [start_ms])
    assert transcript.duration_ms < 3_600_000


def test_what_is_no_transcript_is_refused_by_kind(tmp_path: Path) -> None:
    (tmp_path / "empty.vtt").write_bytes(b"\xef\xbb\xbf \r\n")
    assert kind_of_refusal(lambda: read_transcript(tmp_path / "empty.vtt")) == "formats.empty"
    assert kind_of_refusal(lambda: read_transcript(tmp_path / "no.vtt")) == "formats.unreadable"
    assert kind_of_refusal(lambda: read_transcript(tmp_path)) == "formats.unreadable"
    for content, key in (
        (b"just some words", "formats.unknown"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "formats.unknown"),
        (b"WEBVTT\n\nno cue here", "formats.no_cue"),
        (b'{"segments": []}', "formats.no_cue"),
        (b'{"hits": 3}', "formats.unknown"),
        (b'{"segments": [', "formats.broken_json"),
        (b"[" * 200_000, "formats.broken_json"),
        (b'{"segments": ' + b"9" * 5000 + b"}", "formats.broken_json"),
    ):
        assert kind_of_refusal(partial(parse_transcript, content, "x")) == key


def test_a_file_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "LARGEST_BYTES", 10)
    assert kind_of_refusal(lambda: parse_transcript(b"x" * 11, "x")) == "formats.too_large"


def is_sound(transcript: Transcript) -> bool:
    starts = [s.start_ms for s in transcript.segments]
    return (
        starts == sorted(starts)
        and all(0 <= s.start_ms <= s.end_ms <= transcript.duration_ms for s in transcript.segments)
        and all(s.text and s.text == " ".join(s.text.split()) for s in transcript.segments)
        and all(0 <= w.start_ms <= w.end_ms for w in transcript.words())
    )


PIECES = st.sampled_from(
    [
        b"WEBVTT",
        b"\n",
        b"\n\n",
        b"\r\n",
        b"00:00:01.000 --> 00:00:02.000",
        b"1",
        b"-->",
        b"<v A>",
        b"00:09,5-->00:01,0",
        b"Anna: ",
        b">> ",
        b"<00:01.000>",
        b"&amp;",
        b"&#0;",
        b"&#xd800;",
        b"{",
        b'{"segments": [{"start": NaN, "end": "1:2", "text": "a"}]}',
        b'"start": ',
        b"[",
        b"]",
        b"}",
        b"\xff\xfe",
        b"\0",
        b"\xe4",
        b"[00:00:01.000 \xe2\x80\x93 00:00:02.000] ",
        b"**A** [0:01]",
        b" <!-- t=1.000,2.000 -->",
        b"start,end,speaker,language,text",
        b"1.0,2.0,a,b,",
        b'"',
        b"{\\an8}",
    ]
)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=25).map(b"".join)))
def test_any_bytes_give_a_sound_transcript_or_bad_input(content: bytes) -> None:
    try:
        transcript = parse_transcript(content, "x")
    except BadInput:
        return
    assert transcript.segments
    assert is_sound(transcript)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["start", "end", "text", "words", "word", "speaker", "duration",
                             "segments", "recording", "gaps", "model", "offsets", "confidence"]),
            inner,
            max_size=5,
        )
    ),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(JSON_VALUES, max_size=4), st.booleans())
def test_any_json_gives_a_sound_transcript_or_bad_input(items: object, ours: bool) -> None:
    value = {"segments": items} | ({"recording": "abc"} if ours else {})
    try:
        transcript = from_json(value)
    except BadInput:
        return
    assert is_sound(transcript)


def manifest() -> list[dict[str, object]]:
    path = DATA / "transcripts" / "manifest.jsonl"
    return [json.loads(row) for row in path.read_text("utf-8").splitlines()]


@needs_collection
def test_every_real_transcript_is_read_whole() -> None:
    rows = manifest()
    assert len(rows) == 65
    for row in rows:
        cues, words = row["cues"], row["words"]
        assert isinstance(cues, int)
        assert isinstance(words, int)
        transcript = read_transcript(DATA / "transcripts" / str(row["file"]))
        assert is_sound(transcript)
        assert abs(len(transcript.segments) - cues) <= max(2, 0.02 * cues), row["file"]
        spoken = sum(len(segment.text.split()) for segment in transcript.segments)
        # Speakers' names count as words in the manifest.
        assert 0.9 * words <= spoken <= words, row["file"]


@needs_collection
def test_the_speakers_of_real_transcripts_are_found() -> None:
    for row in manifest():
        transcript = read_transcript(DATA / "transcripts" / str(row["file"]))
        speakers = {s.speaker for s in transcript.segments if s.speaker}
        if "(host)" in next(iter(speakers), "") or "(guest)" in next(iter(speakers), ""):
            # The manifest does not count names with a role behind them.
            assert len(speakers) == 2
        else:
            assert len(speakers) == row["speakers"], (row["file"], speakers)


@needs_collection
def test_every_pseudo_interview_has_a_segment_a_cue_and_no_speaker() -> None:
    files = sorted(DATA.glob("moments/*/*.vtt"))
    assert len(files) == 48
    for file in files:
        transcript = read_transcript(file)
        assert len(transcript.segments) == file.read_text("utf-8").count(" --> "), file.name
        assert {s.speaker for s in transcript.segments} == {None}, file.name
