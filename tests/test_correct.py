"""Human text stays: over other models, other segments, other times; withheld words never show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.corrections import placing
from pipeline.corrections.correct import Reading, beneath, overlay
from pipeline.corrections.placing import Edit, locate
from pipeline.fingerprint import transcript_digest
from pipeline.values import Correction, Segment, Span, Transcript, Word


def said(text: str, start_ms: int = 0, pace_ms: int = 400) -> Segment:
    """A segment as a recogniser makes it: every word 400 ms, one after the other."""
    words = tuple(
        Word(start_ms + n * pace_ms, start_ms + (n + 1) * pace_ms, word, 0.9)
        for n, word in enumerate(text.split())
    )
    return Segment(start_ms, words[-1].end_ms, text, "de", confidence=0.9, words=words)


def caption(text: str, start_ms: int, end_ms: int) -> Segment:
    return Segment(start_ms, end_ms, text)


def transcript(*segments: Segment) -> Transcript:
    last_ms = max((segment.end_ms for segment in segments), default=0)
    return Transcript("de", last_ms + 10_000, segments)


def correction_for(read: Transcript, at_ms: int, was: str, now: str) -> Edit | None:
    return placing.correction_for(beneath(read, (), ()), at_ms, was, now)


def texts(reading: Reading) -> list[str]:
    return [segment.text for segment in reading.transcript.segments]


def states(reading: Reading) -> list[str]:
    return [outcome.state for outcome in reading.outcomes]


def one(was: str, now: str, start_ms: int, end_ms: int, number: int = 1) -> Correction:
    return Correction(number, Span(start_ms, end_ms), was, now)


def replaced(was: str, now: str, number: int = 1) -> Correction:
    return Correction(number, None, was, now)


# --- what a correction does --------------------------------------------------------------------


def test_without_corrections_a_transcript_stays_what_it_is() -> None:
    machine = transcript(said("Guten  Tag ,  so. "), caption(" Ja\u00a0so ", 5000, 6000))
    reading = overlay(machine, (), ())
    assert reading == Reading(machine, ())
    assert transcript_digest(reading.transcript) == transcript_digest(machine)


def test_only_the_corrected_word_changes() -> None:
    machine = transcript(said("Ja."), said("Die „Stadwerke“,  also wir, sind da.", 1000))
    reading = overlay(machine, [one("Stadwerke", "Stadtwerke", 1400, 1800)], ())
    assert texts(reading) == ["Ja.", "Die „Stadtwerke“,  also wir, sind da."]
    assert reading.transcript.segments[0] is machine.segments[0]
    assert [segment.corrected for segment in reading.transcript.segments] == [False, True]
    assert reading.transcript.segments[1].words[:3] == (
        Word(1000, 1400, "Die", 0.9),
        Word(1400, 1800, "„Stadtwerke“,", None),
        Word(1800, 2200, "also", 0.9),
    )
    (outcome,) = reading.outcomes
    assert (outcome.state, outcome.found) == ("applied", "Stadwerke")
    assert outcome.span == Span(1400, 1800)


def test_new_words_share_the_time_of_the_old_ones() -> None:
    machine = transcript(said("vom Lorawahn aus"))
    reading = overlay(machine, [one("Lorawahn", "LoRa WANs", 400, 800)], ())
    assert reading.transcript.segments[0].words[1:3] == (
        Word(400, 600, "LoRa"),
        Word(600, 800, "WANs"),
    )


def test_a_segment_without_words_stays_without_words() -> None:
    machine = transcript(caption("Die Stadwerke, also wir.", 0, 2000))
    reading = overlay(machine, [one("Stadwerke", "Stadtwerke", 500, 1000)], ())
    assert reading.transcript.segments == (
        replace(machine.segments[0], text="Die Stadtwerke, also wir.", corrected=True),
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Das ist äh gut.", "Das ist gut."),
        ("Das ist gut äh.", "Das ist gut."),
        ("Ja, äh, gut.", "Ja, gut."),
        ("Ja, äh. Gut.", "Ja. Gut."),
        ("Äh, das ist gut.", "das ist gut."),
        ("Gut (äh) so.", "Gut so."),
        ("Er sagt: „Äh ja.“", "Er sagt: „ja.“"),
        ("Was? Äh! Ja.", "Was? Ja."),
    ],
)
def test_a_deleted_word_takes_its_punctuation_along_where_it_must(text: str, left: str) -> None:
    machine = transcript(said(text))
    place = next(n for n, word in enumerate(text.split()) if "äh" in word.lower())
    reading = overlay(machine, [one("äh", "", 400 * place, 400 * place + 400)], ())
    assert texts(reading) == [left]
    assert [word.text for word in reading.transcript.words()] == left.split()


def test_a_segment_that_becomes_empty_vanishes() -> None:
    machine = transcript(said("Untertitel von niemandem"), said("Guten Tag.", 2000))
    reading = overlay(machine, [one("Untertitel von niemandem", "", 0, 1200)], ())
    assert texts(reading) == ["Guten Tag."]


def test_marks_that_people_write_stand_in_place_of_the_machines() -> None:
    machine = transcript(said("Das ist alles, gut."))
    assert texts(overlay(machine, [one("alles", "alles!", 800, 1200)], ())) == [
        "Das ist alles! gut."
    ]


# --- another machine ---------------------------------------------------------------------------


def test_a_correction_survives_other_segments_and_times() -> None:
    correction = one("Stadwerke Una", "Stadtwerke Unna", 1400, 2200)
    other = transcript(said("Also: Die STADWERKE", 1600), said("Una, sind da.", 3000))
    reading = overlay(other, [correction], ())
    assert texts(reading) == ["Also: Die Stadtwerke", "Unna, sind da."]
    assert states(reading) == ["applied"]


def test_words_over_a_border_of_segments_stay_on_their_side() -> None:
    machine = transcript(said("wir bei den Stadt"), said("Werken Una haben", 1600))
    reading = overlay(machine, [one("den Stadt Werken Una", "den Stadtwerken Unna", 800, 2400)], ())
    assert texts(reading) == ["wir bei den Stadtwerken", "Unna haben"]


def test_the_nearest_occurrence_is_meant() -> None:
    machine = transcript(said("so das so das so das so"))
    assert texts(overlay(machine, [one("so", "also", 1600, 2000)], ())) == [
        "so das so das also das so"
    ]


def test_what_the_machine_says_by_itself_is_settled() -> None:
    machine = transcript(said("Die Stadtwerke sind da."))
    reading = overlay(machine, [one("Stadwerke", "Stadtwerke", 700, 1100)], ())
    assert reading.transcript == machine
    assert (states(reading), reading.outcomes[0].found) == (["settled"], "Stadtwerke")


def test_what_the_machine_only_spells_otherwise_needs_no_review() -> None:
    machine = transcript(said("die stadt Werke, Unna. Da"))
    reading = overlay(machine, [one("Stadwerke Una", "Stadtwerke Unna", 400, 1600)], ())
    assert texts(reading) == ["die Stadtwerke Unna. Da"]
    assert states(reading) == ["settled"]


def test_human_text_wins_over_what_the_machine_says_by_now() -> None:
    machine = transcript(said("Die starken Werker, sind da."))
    reading = overlay(machine, [one("Stadwerke", "Stadtwerke", 400, 1200)], ())
    assert texts(reading) == ["Die Stadtwerke, sind da."]
    assert (states(reading), reading.outcomes[0].found) == (["changed"], "starken Werker")


def test_what_was_heard_otherwise_is_found_beside_its_time() -> None:
    machine = transcript(said("und dann haben wir ja das Laura Wahn gebaut"))
    reading = overlay(machine, [one("Lorawahn", "LoRaWAN", 900, 1500)], ())
    assert texts(reading) == ["und dann haben wir ja das LoRaWAN gebaut"]
    assert (states(reading), reading.outcomes[0].found) == (["changed"], "Laura Wahn")


def test_text_over_a_word_that_is_longer_than_its_span_replaces_it() -> None:
    machine = transcript(Segment(0, 3000, "Kauderwelsch", words=(Word(0, 3000, "Kauderwelsch"),)))
    assert texts(overlay(machine, [one("Ja", "Nein", 200, 600)], ())) == ["Nein"]


def test_where_nothing_is_heard_the_human_text_is_a_segment_of_its_own() -> None:
    machine = transcript(said("Guten Tag."), said("Ja so.", 5000))
    reading = overlay(machine, [one("Hallo", "Hallo zusammen", 700, 5100)], ())
    assert [(s.start_ms, s.end_ms, s.text) for s in reading.transcript.segments] == [
        (0, 800, "Guten Tag."),
        (800, 5000, "Hallo zusammen"),
        (5000, 5800, "Ja so."),
    ]
    new = reading.transcript.segments[1]
    assert (new.language, new.speaker, new.confidence, new.corrected) == ("de", None, None, True)
    assert [word.text for word in new.words] == ["Hallo", "zusammen"]
    assert states(reading) == ["changed"]


def test_among_captions_it_has_no_words_either() -> None:
    machine = transcript(caption("Guten Tag.", 0, 1000))
    reading = overlay(machine, [one("", "Hallo.", 3000, 4000)], ())
    assert reading.transcript.segments[1] == Segment(3000, 4000, "Hallo.", corrected=True)


def test_into_a_pause_of_a_segment_the_human_text_is_put() -> None:
    words = (Word(0, 500, "Guten"), Word(4000, 4500, "Tag."))
    machine = transcript(Segment(0, 4500, "Guten Tag.", words=words))
    reading = overlay(machine, [one("", "schönen langen", 2000, 3000)], ())
    assert texts(reading) == ["Guten schönen langen Tag."]
    assert states(reading) == ["applied"]


def test_an_empty_transcript_takes_human_text() -> None:
    reading = overlay(Transcript(None, 1000, ()), [one("", "Hallo.", 500, 5000)], ())
    assert [(s.start_ms, s.end_ms, s.text) for s in reading.transcript.segments] == [
        (500, 1000, "Hallo.")
    ]


def test_a_deletion_strikes_out_nothing_but_what_it_names() -> None:
    machine = transcript(said("Ja gut so."))
    reading = overlay(machine, [one("äh", "", 0, 400)], ())
    assert (reading.transcript, states(reading)) == (machine, ["settled"])


def test_a_deletion_that_may_mean_the_next_word_is_left_to_people() -> None:
    machine = transcript(said("dieser Ort"))
    reading = overlay(machine, [one("diese", "", 0, 400)], ())
    assert reading.transcript == machine
    assert (states(reading), reading.outcomes[0].found) == (["changed"], "dieser")


def test_a_long_passage_stays_deleted_when_it_is_heard_a_little_otherwise() -> None:
    machine = transcript(said("So. Untertitelung von Amara Ja."))
    reading = overlay(machine, [one("Untertitel von Amara", "", 900, 2000)], ())
    assert texts(reading) == ["So. Ja."]
    assert states(reading) == ["changed"]


# --- several corrections -----------------------------------------------------------------------


def test_corrections_are_laid_on_in_order_of_number() -> None:
    machine = transcript(said("die Werke da"))
    first = one("Werke", "Stadtwerke", 400, 800, number=1)
    second = one("Stadtwerke", "Stadtwerke Unna", 400, 800, number=2)
    assert texts(overlay(machine, [second, first], ())) == ["die Stadtwerke Unna da"]


def test_of_overlapping_corrections_the_later_wins_and_both_are_accounted_for() -> None:
    machine = transcript(said("eins zwei drei vier"))
    first = one("eins zwei drei", "Anna Berta Carla", 0, 1200, number=1)
    second = one("zwei drei vier", "Dora", 400, 1600, number=2)
    reading = overlay(machine, [first, second], ())
    assert texts(reading) == ["Anna Dora"]
    assert [(o.correction_id, o.state) for o in reading.outcomes] == [
        (1, "applied"),
        (2, "changed"),
    ]


def test_a_machine_that_says_what_two_corrections_arrived_at_settles_both() -> None:
    first = one("Stadwerke Una", "Stadwerke Unna", 0, 800, number=1)
    second = replaced("stadwerke", "Stadtwerke", number=2)
    third = one("Unna", "Unna GmbH", 400, 800, number=3)
    better = transcript(said("Stadtwerke Unna GmbH baut."))
    reading = overlay(better, [first, second, third], ())
    assert (reading.transcript, states(reading)) == (better, ["settled", "settled"])


def test_human_text_is_not_overwritten_by_a_correction_of_another_time() -> None:
    machine = transcript(said("eins zwei drei vier fünf"))
    found = one("vier", "Anna", 400, 800, number=1)
    lost = one("wölfe", "Berta", 1200, 1600, number=2)
    reading = overlay(machine, [found, lost], ())
    assert texts(reading) == ["eins zwei drei Anna Berta fünf"]


@pytest.mark.parametrize(
    ("text", "was", "now"),
    [
        ("so das so", "so", "ja"),
        ("der Bus fährt", "Bus", "Bus der Linie"),
        ("der Bus fährt", "Bus", "Bus,"),
        ("der Bus, fährt", "Bus,", "Bus"),
        ("der bus fährt", "bus", "Bus"),
        ("der Bus – fährt", "Bus – fährt", "Bus fährt"),
        ("der Bus fährt", "der Bus", "– der Bus"),
        ("der Bus fährt", "Bus fährt", "Bus „fährt“"),
        ("der der Bus", "der der", "der"),
    ],
)
def test_what_is_read_is_not_corrected_again(text: str, was: str, now: str) -> None:
    begin = text.split().index(was.split(maxsplit=1)[0])
    correction = one(was, now, 400 * begin, 400 * (begin + len(was.split())))
    first = overlay(transcript(said(text)), [correction], ())
    again = overlay(first.transcript, [correction], ())
    assert now in texts(first)[0]
    assert (states(first), states(again)) == (["applied"], ["settled"])
    assert again.transcript == first.transcript


# --- terms replaced everywhere -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "text", "wanted"),
    [
        # Typed in lower case, a term is found in any; the new one comes out as it was typed.
        ("stadwerke", "Stadtwerke", "Stadwerke stadwerke STADWERKE", "Stadtwerke " * 3),
        ("lora wan", "LoRaWAN", "Das Lora  Wan, LORA WAN.", "Das LoRaWAN, LoRaWAN."),
        # Both typed in lower case: the case of what stood there is kept.
        ("äh", "ähm", "Äh ja, äh, ÄH!", "Ähm ja, ähm, ÄHM!"),
        # Typed with a capital, only that spelling is found.
        ("Werke", "Betriebe", "Werke werke WERKE", "Betriebe werke WERKE"),
        # Whole words; a hyphen ends one, unless the term has it.
        (
            "Werke",
            "Betriebe",
            "Stadtwerke Werken Werke-Verbund",
            "Stadtwerke Werken Betriebe-Verbund",
        ),
        ("Lora-Wan", "LoRaWAN", "Lora-Wan Lora Wan Lora-Wan-Netz", "LoRaWAN Lora Wan LoRaWAN-Netz"),
        ("werke", "Werke Unna", "Die Werke Unna und Werke.", "Die Werke Unna und Werke Unna."),
        ("C++", "C#", "In C++, nicht C+.", "In C#, nicht C+."),
        ("ueber", "über", "(Ueber) uns, geg\u00fcber", "(Über) uns, geg\u00fcber"),
        ("Müller", "Möller", "Mu\u0308ller's Mühle, Müllers", "Möller's Mühle, Müllers"),
        ("äh", "", "Ja, äh, gut äh.", "Ja, gut."),
        ("straße", "gasse", "Straße STRASSE Strasse", "Gasse GASSE Strasse"),
    ],
)
def test_a_term_is_replaced_wherever_it_stands(was: str, now: str, text: str, wanted: str) -> None:
    reading = overlay(transcript(said(text)), [replaced(was, now)], ())
    assert texts(reading) == [wanted.strip()]
    assert [word.text for word in reading.transcript.words()] == wanted.split()
    again = overlay(reading.transcript, [replaced(was, now)], ())
    assert again == Reading(reading.transcript, ())


def test_a_replacement_tells_each_place_in_order() -> None:
    machine = transcript(said("Una, una/Una."), said("Ganz Una", 5000))
    reading = overlay(machine, [replaced("una", "Unna")], ())
    assert texts(reading) == ["Unna, Unna/Unna.", "Ganz Unna"]
    assert [(o.span.start_ms, o.state, o.found) for o in reading.outcomes] == [
        (0, "applied", "Una"),
        (400, "applied", "una"),
        (400, "applied", "Una"),
        (5400, "applied", "Una"),
    ]


def test_a_term_is_not_found_across_segments() -> None:
    machine = transcript(said("die Stadt"), said("Werke Una", 800))
    assert overlay(machine, [replaced("stadt werke", "Stadtwerke")], ()).transcript == machine


# --- withheld ----------------------------------------------------------------------------------


def test_withheld_words_are_in_neither_text_nor_words() -> None:
    machine = transcript(said("Ich heiße Anna Muster, ja."), said("Geheim.", 4000))
    machine = replace(machine, gaps=(Span(900, 1200),))
    reading = overlay(machine, (), [Span(1100, 1300), Span(4300, 9000)])
    assert [(s.start_ms, s.end_ms, s.text) for s in reading.transcript.segments] == [
        (0, 1100, "Ich heiße"),
        (1300, 2000, "ja."),
    ]
    assert [word.text for word in reading.transcript.words()] == ["Ich", "heiße", "ja."]
    assert reading.transcript.gaps == machine.gaps
    assert overlay(reading.transcript, (), [Span(1100, 1300), Span(4300, 9000)]) == reading


def test_of_captions_goes_all_that_may_have_been_said_in_the_stretch() -> None:
    machine = transcript(
        caption("vor", 0, 1000),
        caption("eins zwei drei vier fünf acht neun zehn", 1000, 9000),
        caption("nach", 9000, 9900),
    )
    reading = overlay(machine, (), [Span(4999, 5001)])
    assert [(s.start_ms, s.end_ms, s.text) for s in reading.transcript.segments] == [
        (0, 1000, "vor"),
        (1000, 4999, "eins"),
        (5001, 9000, "zehn"),
        (9000, 9900, "nach"),
    ]
    assert overlay(reading.transcript, (), [Span(4999, 5001)]) == reading


def test_what_was_heard_is_not_told_where_it_may_lie_in_the_stretch() -> None:
    machine = transcript(caption("eins zwei drei vier fünf acht neun zehn", 1000, 9000))
    reading = overlay(machine, [one("Zwo", "zweie", 2000, 3000)], [Span(4999, 5001)])
    assert texts(reading) == ["eins", "zehn"]
    assert reading.outcomes[0].found == ""


def test_human_text_goes_with_any_part_of_its_time() -> None:
    machine = transcript(said("Herr Mustermann kommt"))
    correction = one("Mustermann", "Dr. Anton Geheim", 400, 800)
    reading = overlay(machine, [correction], [Span(400, 420)])
    assert texts(reading) == ["Herr", "kommt"]
    assert reading.outcomes[0].found == ""


def test_human_text_of_a_withheld_time_goes_wherever_it_was_found() -> None:
    machine = transcript(said("Hier spricht der Herr Mustermann"))
    correction = one("Mustermann", "Geheim", 100, 300)
    assert texts(overlay(machine, [correction], [Span(0, 350)])) == ["spricht der Herr"]


def test_a_word_that_spells_several_tokens_goes_with_all_of_them() -> None:
    words = (Word(0, 1000, "Anna Muster"), Word(1000, 1400, "ja"))
    machine = transcript(Segment(0, 1400, "Anna Muster ja", words=words))
    assert texts(overlay(machine, (), [Span(900, 950)])) == ["ja"]


# --- what a person points at -------------------------------------------------------------------

TALK = transcript(
    said("Wir, die (Stadwerke), bauen ein Funknetz."), said("die Stadwerke eben", 2400)
)


@pytest.mark.parametrize(
    ("at_ms", "was", "now", "edit"),
    [
        (0, "Stadwerke", "Stadtwerke", Edit(Span(800, 1200), "Stadwerke", "Stadtwerke")),
        (100, "Funk", "Glas", Edit(Span(2000, 2400), "Funknetz", "Glasnetz")),
        (2400, "Stadwerke", "Werke", Edit(Span(2800, 3200), "Stadwerke", "Werke")),
        (0, "stadwerke", "Werke", Edit(Span(800, 1200), "Stadwerke", "Werke")),
        (0, "Wir,  die", "Ihr, die", Edit(Span(0, 800), "Wir, die", "Ihr, die")),
        (
            0,
            "werke), bau",
            "werken), glau",
            Edit(Span(800, 1600), "Stadwerke), bauen", "Stadwerken), glauen"),
        ),
        (0, ",", "", Edit(Span(0, 400), "Wir,", "Wir")),
        (0, "ein", "kein", Edit(Span(1600, 2000), "ein", "kein")),
        (0, "bauen ", "", Edit(Span(1200, 1600), "bauen", "")),
        (0, "Netz", "Werk", Edit(Span(2000, 2400), "Funknetz", "FunkWerk")),
    ],
)
def test_what_is_pointed_at_becomes_a_correction_of_whole_words(
    at_ms: int, was: str, now: str, edit: Edit
) -> None:
    assert correction_for(TALK, at_ms, was, now) == edit


@pytest.mark.parametrize(
    ("at_ms", "was"), [(0, "Stadtwerke"), (0, ""), (3600, "eben"), (99_999, "eben"), (0, "eben")]
)
def test_what_is_not_there_is_no_correction(at_ms: int, was: str) -> None:
    assert locate(TALK, at_ms, was) is None
    assert correction_for(TALK, at_ms, was, "x") is None


def test_in_a_pause_nobody_is_corrected() -> None:
    assert locate(transcript(said("Ja."), said("Nein.", 3000)), 1000, "Ja") is None


def test_of_people_who_talk_at_once_the_one_who_says_it_is_meant() -> None:
    both = transcript(caption("Ja so ist das.", 0, 5000), caption("Nein.", 1000, 3000))
    found = locate(both, 2000, "so")
    assert found is not None
    assert found.segment == 0


def test_one_of_two_equal_words_is_deleted_so_that_the_other_stays_for_ever() -> None:
    edit = correction_for(transcript(said("das ist nicht nicht gut")), 0, "nicht", "")
    assert edit is not None
    correction = Correction(1, edit.span, edit.was, edit.now)
    for machine in ("das ist nicht nicht gut", "das ist nicht gut"):
        assert texts(overlay(transcript(said(machine)), [correction], ())) == ["das ist nicht gut"]


def test_a_word_can_be_doubled() -> None:
    edit = correction_for(transcript(said("das ja ja gut")), 0, "ja", "ja ja")
    assert edit is not None
    correction = Correction(1, edit.span, edit.was, edit.now)
    reading = overlay(transcript(said("das ja ja gut")), [correction], ())
    assert texts(reading) == ["das ja ja ja gut"]
    assert states(overlay(reading.transcript, [correction], ())) == ["settled"]


# --- whatever the machine does -----------------------------------------------------------------


FEWER = settings(max_examples=50)
"""Each example is a whole interview, heard by two machines."""


@dataclass(frozen=True)
class Case:
    """A transcript, corrections of it, and what another machine makes of the same talk."""

    machine: Transcript
    corrections: tuple[Correction, ...]
    other: Transcript
    wanted: list[str]


@st.composite
def cases(draw: st.DrawFn, *, changed_beneath: bool = False) -> Case:
    """Words of letters that no other word has, so that each is known wherever it gets to."""
    count = draw(st.integers(1, 20))
    pace = draw(st.lists(st.integers(60, 600), min_size=count, max_size=count))
    pauses = draw(st.lists(st.sampled_from([0, 0, 0, 80, 900]), min_size=count, max_size=count))
    names = ["".join(chr(ord("一") + 4 * n + k) for k in range(3)) for n in range(4 * count)]
    marks = draw(st.lists(st.sampled_from(["", "", ",", "."]), min_size=count, max_size=count))
    at, words = 2000, []
    for n in range(count):
        words.append(Word(at, at + pace[n], names[n] + marks[n], 0.5))
        at += pace[n] + pauses[n]
    heard = [word.text for word in words]
    wanted = list(heard)
    corrections: list[Correction] = []
    place = draw(st.integers(0, 3))
    while place < count:
        size = min(draw(st.integers(1, 3)), count - place)
        now = names[count + 3 * place :][: draw(st.integers(0, 3))]
        was = heard[place : place + size]
        span = Span(words[place].start_ms, words[place + size - 1].end_ms)
        corrections.append(Correction(len(corrections) + 1, span, " ".join(was), " ".join(now)))
        wanted[place : place + size] = [" ".join(now)] + [""] * (size - 1)
        if changed_beneath and draw(st.booleans()):
            heard[place] = chr(ord("一") + 4 * place + 3) * 3
        place += size + draw(st.integers(1, 5))
    free = [n for n in range(count) if heard[n] == wanted[n]]
    for n in draw(st.lists(st.sampled_from(free), max_size=3)) if free else []:
        heard[n] = wanted[n] = chr(ord("一") + 4 * n + 3) * 2
    shift = draw(st.integers(-1500, 1500))
    jitter = draw(st.lists(st.integers(-100, 100), min_size=count, max_size=count))
    other = moved(words, heard, [shift + j for j in jitter])
    kinds = st.booleans()
    return Case(
        cut(draw, words, worded=True),
        tuple(corrections),
        cut(draw, other, worded=draw(kinds)),
        " ".join(wanted).split(),
    )


def moved(words: Sequence[Word], heard: Sequence[str], by: Sequence[int]) -> list[Word]:
    other: list[Word] = []
    for word, text, shift in zip(words, heard, by, strict=True):
        start_ms = max(word.start_ms + shift, other[-1].end_ms if other else 0)
        other.append(Word(start_ms, max(word.end_ms + shift, start_ms), text, 0.7))
    return other


def cut(draw: st.DrawFn, words: Sequence[Word], *, worded: bool) -> Transcript:
    """The words in segments of one to ten."""
    segments, place = [], 0
    while place < len(words):
        own = tuple(words[place : place + draw(st.integers(1, 10))])
        text = " ".join(word.text for word in own)
        times = (own[0].start_ms, own[-1].end_ms)
        segments.append(Segment(*times, text, "de", words=own if worded else ()))
        place += len(own)
    return Transcript("de", words[-1].end_ms + 500, tuple(segments))


def tokens(given_transcript: Transcript) -> list[str]:
    return " ".join(segment.text for segment in given_transcript.segments).split()


def check(given_transcript: Transcript) -> None:
    """What holds of every transcript."""
    segments = given_transcript.segments
    assert all(a.start_ms <= b.start_ms and a.end_ms <= b.start_ms for a, b in pairwise(segments))
    for segment in segments:
        assert 0 <= segment.start_ms <= segment.end_ms <= given_transcript.duration_ms
        assert segment.text.strip()
        words = segment.words
        assert all(segment.start_ms <= w.start_ms <= w.end_ms <= segment.end_ms for w in words)
        assert all(a.start_ms <= b.start_ms for a, b in pairwise(words))
        assert not words or [w.text for w in words] == segment.text.split()


@FEWER
@given(cases())
def test_every_correction_is_found_in_what_another_machine_makes_of_the_talk(case: Case) -> None:
    for machine in (case.machine, case.other):
        reading = overlay(machine, case.corrections, ())
        check(reading.transcript)
        assert set(states(reading)) <= {"applied"}
        assert [o.correction_id for o in reading.outcomes] == [c.id for c in case.corrections]
    assert tokens(overlay(case.other, case.corrections, ()).transcript) == case.wanted


@FEWER
@given(cases(changed_beneath=True))
def test_no_human_text_is_lost_whatever_the_machine_says_beneath(case: Case) -> None:
    reading = overlay(case.other, case.corrections, ())
    check(reading.transcript)
    assert len(reading.outcomes) == len(case.corrections)
    text = f" {' '.join(tokens(reading.transcript))} "
    for correction in case.corrections:
        assert all(word in text for word in correction.now.split())


@FEWER
@given(cases(changed_beneath=True))
def test_what_was_read_once_is_read_again(case: Case) -> None:
    first = overlay(case.other, case.corrections, ())
    again = overlay(first.transcript, case.corrections, ())
    assert tokens(again.transcript) == tokens(first.transcript)
    for correction, outcome in zip(case.corrections, again.outcomes, strict=True):
        assert outcome.state == "settled" or not correction.now


@FEWER
@given(cases(changed_beneath=True), st.data())
def test_withheld_words_never_show(case: Case, data: st.DataObject) -> None:
    spans = data.draw(
        st.lists(
            st.builds(
                lambda start, length: Span(start, start + length),
                st.integers(0, 20_000),
                st.integers(1, 5_000),
            ),
            max_size=3,
        )
    )
    reading = overlay(case.other, case.corrections, spans)
    check(reading.transcript)
    shown = set(tokens(reading.transcript))
    for word in case.other.words():
        if any(word.start_ms < s.end_ms and s.start_ms < word.end_ms for s in spans):
            assert word.text not in shown
    for word in reading.transcript.words():
        assert not any(word.start_ms < s.end_ms and s.start_ms < word.end_ms for s in spans)
    for correction in case.corrections:
        if any(
            correction.span.start_ms < s.end_ms and s.start_ms < correction.span.end_ms
            for s in spans
            if correction.span
        ):
            assert not set(correction.now.split()) & shown
