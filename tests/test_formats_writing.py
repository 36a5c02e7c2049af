"""Export: six formats, and every one of them read back gives the same segments."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.formats.characters import clean_text
from pipeline.formats.passages import merge_loops
from pipeline.formats.transcripts import FORMATS, ExportFacts, parse_transcript, write_transcript
from pipeline.formats.vtt import parse_vtt
from pipeline.values import ModelRef, Segment, Span, Transcript, Word

FACTS = ExportFacts(
    title="Wärme für Musterstadt",
    people=("Anna Berg", "Ben Tal"),
    recorded="2026-03-01",
    collection="Netze",
    recording_id="k7f3q2m5xuab",
)

TIMES = st.integers(0, 30_000_000)
SNIPPETS = st.sampled_from(
    [
        "Anna: ",
        ">> ",
        "-->",
        "<v Ben>",
        "</v>",
        "<i>",
        "&amp;",
        "&",
        "<",
        ">",
        "&lt;",
        "{\\an8}",
        "1",
        "\n\n",
        "\r\n",
        "00:00:01,000 --> 00:00:02,000",
        "NOTE",
        "WEBVTT",
        "STYLE",
        "=1+1",
        "'",
        "'=",
        "-",
        "[00:00:01.000 – 00:00:02.000] ",
        "**",
        "[0:01]",
        "\\",
        "\\*",
        "<!-- t=1.000,2.000 -->",
        ":\t",
        "#",
        "1. ",
        '"',
        ",",
        ";",
        "<b>X:</b>",
        "<00:01.000>",
        "&#58;",
        "\u2028",
        "\ufeff",
        "\x00",
        "\ud800",
        "Ja.",
        "Herr Müller: ",
        "http://x",
        "\u00a0",
        "\u200f",
        "|",
        "speaker 1: ",
        "&unknown;",
        "<br>",
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=30),
    st.lists(st.one_of(SNIPPETS, st.text(max_size=5)), max_size=5).map("".join),
)
NAMES = st.one_of(
    st.none(), st.sampled_from(["Anna", "Ben Tal", "tim-pritlove", "SPEAKER_00"]), TEXTS
)
SHARES = st.one_of(st.none(), st.floats(0, 1))


@st.composite
def words(draw: st.DrawFn) -> tuple[Word, ...]:
    marks = sorted(draw(st.lists(TIMES, max_size=4)))
    return tuple(
        Word(start, end, draw(st.sampled_from(["so", "R&D", "<ja>", "Ö.", "12"])), draw(SHARES))
        for start, end in pairwise(marks)
    )


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    start_ms = draw(TIMES)
    return Segment(
        start_ms=start_ms,
        end_ms=start_ms + draw(st.integers(0, 100_000)),
        text=draw(TEXTS),
        language=draw(st.sampled_from([None, "de", "en"])),
        speaker=draw(NAMES),
        confidence=draw(SHARES),
        corrected=draw(st.booleans()),
        words=draw(words()),
    )


def transcript_of(*spoken: Segment) -> Transcript:
    ordered = sorted(spoken, key=lambda segment: segment.start_ms)
    end_ms = max((segment.end_ms for segment in ordered), default=0)
    return Transcript(language="de", duration_ms=end_ms, segments=tuple(ordered))


TRANSCRIPTS = st.lists(segments(), min_size=1, max_size=8).map(lambda s: transcript_of(*s))


def normal(transcript: Transcript) -> list[Segment]:
    """The segments as exports have them: one-line texts and names, none of them empty."""
    return [
        replace(
            segment,
            text=clean_text(segment.text),
            speaker=clean_text(segment.speaker or "") or None,
        )
        for segment in transcript.segments
        if clean_text(segment.text)
    ]


def there_and_back(transcript: Transcript, form: str, facts: ExportFacts = FACTS) -> Transcript:
    written = write_transcript(transcript, form, facts)
    return parse_transcript(written.encode("utf-8"), f"x.{form}")


def heard(spoken: list[Segment]) -> list[tuple[int, int, str, str | None]]:
    return [(s.start_ms, s.end_ms, s.text, s.speaker) for s in spoken]


@settings(deadline=None)
@given(TRANSCRIPTS, TEXTS, TEXTS)
@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_is_read_back(
    form: str, transcript: Transcript, title: str, person: str
) -> None:
    expected = normal(transcript)
    facts = ExportFacts(title=title, people=(person,), recorded=title, collection=person)
    if not expected:
        with pytest.raises(BadInput):
            there_and_back(transcript, form, facts)
        return
    if form in ("vtt", "srt"):
        # Captions may come from anywhere, so three equal ones in a row are taken for a loop.
        expected = merge_loops(expected)
    assert heard(list(there_and_back(transcript, form, facts).segments)) == heard(expected)


@settings(deadline=None)
@given(TRANSCRIPTS, st.lists(st.tuples(TIMES, TIMES), max_size=3))
@example(transcript_of(Segment(0, 1, "Ja."), Segment(1, 2, "Ja."), Segment(2, 3, "Ja.")), [])
def test_json_keeps_everything(transcript: Transcript, gaps: list[tuple[int, int]]) -> None:
    spans = sorted((Span(min(gap), max(gap)) for gap in gaps), key=lambda span: span.start_ms)
    whole = replace(
        transcript,
        segments=tuple(normal(transcript)) or (Segment(0, 1, "x"),),
        duration_ms=200_000_000,
        model=ModelRef("large-v3-turbo", "ab12"),
        gaps=tuple(spans),
        recording_id=FACTS.recording_id,
    )
    assert there_and_back(whole, "json") == whole


def test_json_has_the_keys_of_the_contract() -> None:
    spoken = Segment(0, 4200, "Hallo", "de", None, 0.93, False, (Word(0, 300, "Hallo", 0.98),))
    table = json.loads(write_transcript(transcript_of(spoken), "json", FACTS))
    assert table == {
        "recording": "k7f3q2m5xuab",
        "language": "de",
        "model": None,
        "duration": 4.2,
        "segments": [
            {
                "start": 0.0,
                "end": 4.2,
                "text": "Hallo",
                "language": "de",
                "speaker": None,
                "confidence": 0.93,
                "corrected": False,
                "words": [{"start": 0.0, "end": 0.3, "word": "Hallo", "confidence": 0.98}],
            }
        ],
    }


def test_a_confidence_that_is_no_number_becomes_null() -> None:
    spoken = Segment(0, 1, "Hallo", confidence=float("nan"))
    written = write_transcript(transcript_of(spoken), "json", FACTS)
    assert json.loads(written)["segments"][0]["confidence"] is None


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_a_strict_parser_finds_a_vtt_cue_for_every_segment(transcript: Transcript) -> None:
    expected = normal(transcript)
    cues = parse_vtt(write_transcript(transcript, "vtt", FACTS)).cues
    assert [(c.start_ms, c.end_ms) for c in cues] == [(s.start_ms, s.end_ms) for s in expected]


def test_vtt_and_srt_look_as_players_expect() -> None:
    transcript = transcript_of(
        Segment(1500, 3_723_004, "Tom & Jerry: 3 < 4", speaker="Anna"), Segment(4000, 5000, "Ja.")
    )
    assert write_transcript(transcript, "vtt", FACTS) == (
        "WEBVTT\nLanguage: de\n\n"
        "00:00:01.500 --> 01:02:03.004\n<v Anna>Tom &amp; Jerry: 3 &lt; 4\n\n"
        "00:00:04.000 --> 00:00:05.000\nJa.\n"
    )
    assert write_transcript(transcript, "srt", FACTS) == (
        "1\n00:00:01,500 --> 01:02:03,004\nAnna: Tom & Jerry: 3 < 4\n\n"
        "2\n00:00:04,000 --> 00:00:05,000\nJa.\n"
    )


def test_text_and_markdown_are_pleasant_to_read() -> None:
    transcript = transcript_of(
        Segment(754_200, 757_000, "Was kostet das?", speaker="Anna"),
        Segment(757_000, 760_000, "Nichts *extra*.", speaker="Ben"),
        Segment(760_000, 761_500, "Fast nichts.", speaker="Ben"),
    )
    assert write_transcript(transcript, "txt", FACTS) == (
        "Wärme für Musterstadt\nAnna Berg, Ben Tal · 2026-03-01 · Netze\n\n"
        "[00:12:34.200 – 00:12:37.000] Anna:\tWas kostet das?\n"
        "[00:12:37.000 – 00:12:40.000] Ben:\tNichts *extra*.\n"
        "[00:12:40.000 – 00:12:41.500] Ben:\tFast nichts.\n"
    )
    assert write_transcript(transcript, "md", FACTS) == (
        "# Wärme für Musterstadt\n\n*Anna Berg, Ben Tal · 2026-03-01 · Netze*\n\n"
        "**Anna** [12:34]\n\nWas kostet das? <!-- t=754.200,757.000 -->\n\n"
        "**Ben** [12:37]\n\nNichts \\*extra\\*. <!-- t=757.000,760.000 -->\n"
        "Fast nichts. <!-- t=760.000,761.500 -->\n"
    )


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_no_cell_of_a_csv_is_a_formula(transcript: Transcript) -> None:
    written = write_transcript(transcript, "csv", FACTS)
    for row in csv.reader(io.StringIO(written, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_csv_is_read_after_a_spreadsheet_saved_it_with_semicolons() -> None:
    content = "\ufeffstart;end;speaker;language;text\r\n1,5;2,25;Anna;de;'=Hallo\r\n".encode()
    (segment,) = parse_transcript(content, "x.csv").segments
    assert segment == Segment(1500, 2250, "=Hallo", language="de", speaker="Anna")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput) as caught:
        write_transcript(transcript_of(Segment(0, 1, "x")), "docx", FACTS)
    assert "vtt, srt, txt, md, json, csv" in caught.value.advice("de")
