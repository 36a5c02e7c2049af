"""WebVTT: the cues that the W3C's own parser reads, no more and no fewer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.formats.vtt import Cue, is_vtt, parse_vtt

DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
needs_conformance_files = pytest.mark.skipif(
    not (DATA / "vtt" / "expected.jsonl").exists(),
    reason="the conformance files are not here (SHARED_DATA)",
)


def cues(text: str) -> list[Cue]:
    return list(parse_vtt(text).cues)


def track_order(cue: Cue) -> tuple[int, int]:
    """The order in which a browser lists cues: by start, then the longest first."""
    return cue.start_ms, -cue.end_ms


@needs_conformance_files
def test_every_conformance_file_is_read_as_the_w3c_parser_reads_it() -> None:
    differing = []
    # Not splitlines: the files are full of characters that it takes for line ends.
    rows = (DATA / "vtt" / "expected.jsonl").read_text("utf-8").rstrip("\n").split("\n")
    for row in map(json.loads, rows):
        text = (DATA / "vtt" / row["file"]).read_bytes().decode("utf-8", "replace")
        expected = [
            Cue(round(cue["start"] * 1000), round(cue["end"] * 1000), cue["text"], cue["id"])
            for cue in row["cues"]
        ]
        if sorted(cues(text), key=track_order) != sorted(expected, key=track_order):
            differing.append(row["file"])
    assert len(rows) == 301
    assert differing == []


def test_an_arrow_line_starts_a_cue_without_an_empty_line_before_it() -> None:
    text = "WEBVTT\n\n00:00.000 --> 00:01.000\none\n00:01.000 --> 00:02.000\ntwo"
    assert [cue.text for cue in cues(text)] == ["one", "two"]


@pytest.mark.parametrize(
    "timing",
    [
        "00:00,000 --> 00:01,000",
        "0:00.000 --> 0:01.000",
        "00:60.000 --> 01:00.000",
        "00:00.00 --> 00:01.00",
        "00:00.000 -> 00:01.000",
        "-00:01.000 --> 00:02.000",
        "١٢:٠٠.٠٠٠ --> 00:02.000",
    ],
)
def test_a_cue_with_malformed_times_is_dropped(timing: str) -> None:
    assert cues(f"WEBVTT\n\n{timing}\ntext\n") == []


def test_hours_may_come_and_go_within_a_file() -> None:
    text = "WEBVTT\n\n59:59.500 --> 1:00:01.000\na\n\n1:00:01.000 --> 100:00:00.000\nb\n"
    assert [(cue.start_ms, cue.end_ms) for cue in cues(text)] == [
        (3_599_500, 3_601_000),
        (3_601_000, 360_000_000),
    ]


def test_the_header_names_the_language() -> None:
    assert parse_vtt("WEBVTT\nKind: captions\nLanguage: de-AT\n\n").language == "de-AT"


def test_the_signature_is_the_whole_word() -> None:
    assert is_vtt("\ufeffWEBVTT - title")
    assert not is_vtt("WEBVTTX")


@settings(deadline=None)
@given(st.text(alphabet="WEBVT\n\r \t-->:.0123456789NOTESYL\0ä", max_size=300))
def test_any_text_yields_cues_whose_lines_come_from_it(text: str) -> None:
    source = text.replace("\0", "\ufffd")
    for cue in cues(text):
        assert all(line in source for line in cue.text.split("\n"))
        assert "-->" not in cue.text
