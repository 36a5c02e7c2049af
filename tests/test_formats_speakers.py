"""Who speaks: learned from the whole file, never from one colon."""

from __future__ import annotations

import pytest

from pipeline.formats.speakers import Speakers
from pipeline.formats.transcripts import parse_transcript
from pipeline.values import Segment, Transcript


def said(*texts: str) -> list[tuple[str | None, str]]:
    """(speaker, text) of the segments of a SubRip file with a cue for each of ``texts``."""
    blocks = [
        f"{number}\n00:{number // 60:02}:{number % 60:02},000 --> "
        f"00:{number // 60:02}:{number % 60:02},900\n{text}\n"
        for number, text in enumerate(texts, 1)
    ]
    transcript = parse_transcript("\n".join(blocks).encode(), "t.srt")
    return [(segment.speaker, segment.text) for segment in transcript.segments]


def plain(count: int) -> list[str]:
    return [f"gesprochener Satz Nummer {number}" for number in range(count)]


def test_names_before_a_colon_are_speakers() -> None:
    assert said("Anna: Guten Tag.", "Dr. Max von Stein: Hallo.", "Und weiter.") == [
        ("Anna", "Guten Tag."),
        ("Dr. Max von Stein", "Hallo."),
        (None, "Und weiter."),
    ]


def test_a_name_that_recurs_in_a_long_file_is_a_speaker() -> None:
    texts = plain(60) + ["Michael: ja"] * 1 + plain(60) + ["Michael: nein", "Michael: doch"]
    assert [text for speaker, text in said(*texts) if speaker == "Michael"] == [
        "ja",
        "nein",
        "doch",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "http://example.org ist die Adresse",
        "Um 12:30 Uhr geht es los",
        "Ich sage es mal so: es geht",
        "Wichtig: das hier",
        "Zum Beispiel: ein Haus",
        "And this is the point: it works",
        "die Frage ist: warum",
        "Berlin: eine Stadt",
    ],
)
def test_a_colon_alone_makes_no_speaker(line: str) -> None:
    assert (None, line) in said(*plain(40), line)


def test_chevrons_open_a_turn_with_or_without_a_name() -> None:
    assert said(">> Hallo.", "&gt;&gt; BEN: Hi.", ">>> Na?", "CARLA: Ja.") == [
        (None, "Hallo."),
        ("BEN", "Hi."),
        (None, "Na?"),
        ("CARLA", "Ja."),
    ]


def test_two_speakers_in_one_cue_share_its_time() -> None:
    text = "WEBVTT\n\n00:00.000 --> 00:10.000\n<v Anna>Kommst du?</v>\n<v Ben>Ich komme.\n"
    segments = parse_transcript(text.encode(), "t.vtt").segments
    assert [(s.speaker, s.text) for s in segments] == [
        ("Anna", "Kommst du?"),
        ("Ben", "Ich komme."),
    ]
    assert segments[0].start_ms == 0 < segments[0].end_ms == segments[1].start_ms < 10_000
    assert segments[1].end_ms == 10_000


def test_a_voice_needs_no_end_tag_and_may_have_classes() -> None:
    text = "WEBVTT\n\n00:00.000 --> 00:01.000\n<v.loud Mary &amp; Co>That's <i>it</i>: yes"
    (segment,) = parse_transcript(text.encode(), "t.vtt").segments
    assert (segment.speaker, segment.text) == ("Mary & Co", "That's it: yes")


def test_speakers_of_dialogue_lines_are_told_apart() -> None:
    assert said("Anna: Ja?\nBen: Nein.", "Ben: Doch.", "Anna: Gut.") == [
        ("Anna", "Ja?"),
        ("Ben", "Nein."),
        ("Ben", "Doch."),
        ("Anna", "Gut."),
    ]


def test_in_an_edited_export_only_those_who_speak_in_the_transcript_are_speakers() -> None:
    exported = Transcript(
        "de",
        5000,
        (
            Segment(1000, 1900, "Guten Tag.", speaker="Clara"),
            Segment(2000, 2900, "42"),
            Segment(3000, 3900, "Ja.", speaker="Clara"),
        ),
    )
    edited = (
        "1\n00:00:01,000 --> 00:00:01,900\nClara: Guten Tag.\n\n"
        "2\n00:00:02,000 --> 00:00:02,900\nMerke: Zweiundvierzig.\n\n"
        "3\n00:00:03,000 --> 00:00:03,900\nKlara: Ja.\n"
    )
    found = parse_transcript(edited.encode(), "t.srt", Speakers.of(exported)).segments
    assert [(one.speaker, one.text) for one in found] == [
        ("Clara", "Guten Tag."),
        (None, "Merke: Zweiundvierzig."),
        ("Klara", "Ja."),
    ]
