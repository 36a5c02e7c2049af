"""What is withheld stays so, whatever is corrected, replaced, handed back or heard anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.corrections.correct import beneath, overlay
from pipeline.corrections.differences import Differences, differences
from pipeline.corrections.placing import Edit, correction_for
from pipeline.corrections.timing import overlap
from pipeline.values import Correction, Segment, Span, Transcript, Word


def name(number: int) -> str:
    """A word of letters that no other word has."""
    return "".join(chr(ord("一") + 3 * number + k) for k in range(3))


def timed(texts: Sequence[str], times: Sequence[Span]) -> list[Word]:
    return [Word(t.start_ms, t.end_ms, text) for text, t in zip(texts, times, strict=True)]


def cut(words: Sequence[Word], sizes: Sequence[int], *, worded: bool) -> Transcript:
    """The words in segments of the given sizes, one after the other, again and again."""
    segments: list[Segment] = []
    place = number = 0
    while place < len(words):
        own = tuple(words[place : place + sizes[number % len(sizes)]])
        text = " ".join(word.text for word in own)
        times = (own[0].start_ms, own[-1].end_ms)
        segments.append(Segment(*times, text, words=own if worded else ()))
        place, number = place + len(own), number + 1
    return Transcript("de", words[-1].end_ms + 5000, tuple(segments))


def tokens(transcript: Transcript) -> list[str]:
    return " ".join(segment.text for segment in transcript.segments).split()


@dataclass
class Talk:
    """A recording as people work on it."""

    machine: Transcript
    withheld: list[Span]
    corrections: list[Correction] = field(default_factory=list)

    @property
    def shown(self) -> Transcript:
        return overlay(self.machine, self.corrections, self.withheld).transcript

    def store(self, edits: Sequence[Edit]) -> None:
        for edit in edits:
            self.add(edit.span, edit.was, edit.now)

    def add(self, span: Span | None, was: str, now: str) -> None:
        self.corrections.append(Correction(len(self.corrections) + 1, span, was, now))

    def hand_back(self, edited: Transcript) -> Differences:
        below = beneath(self.machine, self.corrections, self.withheld)
        found = differences(below, edited)
        self.store(found.edits)
        return found


def captions(transcript: Transcript) -> Transcript:
    """What an export keeps: no times of words."""
    segments = tuple(replace(one, words=()) for one in transcript.segments)
    return replace(transcript, segments=segments)


SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@st.composite
def talks(draw: st.DrawFn) -> tuple[Talk, list[Word]]:
    count = draw(st.integers(3, 25))
    at, times = 1000, list[Span]()
    for _ in range(count):
        at += draw(st.sampled_from([0, 0, 0, 0, 100, 900]))
        times.append(Span(at, at + draw(st.integers(60, 600))))
        at = times[-1].end_ms
    words = timed([name(n) for n in range(count)], times)
    spans = st.builds(lambda a, b: Span(a, a + b), st.integers(0, at), st.integers(1, 2500))
    machine = cut(words, draw(SIZES), worded=draw(st.booleans()))
    return Talk(machine, draw(st.lists(spans, min_size=1, max_size=2))), words


def edited_words(
    draw: st.DrawFn, segments: Sequence[Segment], fresh: list[int]
) -> list[tuple[Segment, list[tuple[str, str]]]]:
    """Each cue with its words, (as it was, as it is)."""
    cues = []
    for segment in segments:
        said: list[tuple[str, str]] = []
        for word in segment.text.split():
            kind = draw(st.sampled_from(["", "", "", "replaced", "deleted", "added"]))
            new = name(fresh.pop()) if kind in ("replaced", "added") else ""
            if kind == "added":
                said += [(word, f"{word} {new}")]
            else:
                said += [(word, new if kind else word)]
        cues.append((segment, said))
    return cues


def file_of(cues: Sequence[tuple[Segment, list[tuple[str, str]]]], like: Transcript) -> Transcript:
    segments = [
        replace(segment, text=" ".join(" ".join(now for _, now in said).split()), words=())
        for segment, said in cues
    ]
    return replace(like, segments=tuple(one for one in segments if one.text))


def heard_by(
    draw: st.DrawFn, talk: Talk, words: Sequence[Word], withheld: Sequence[bool]
) -> Transcript:
    """The words as a machine cuts them; without their times where it still hides what it should:
    a pause can put a guess at the time of a word farther off than is allowed for."""
    sizes = draw(SIZES)
    for worded in (draw(st.booleans()), True):
        machine = cut(words, sizes, worded=worded)
        hidden = beneath(machine, (), talk.withheld).hidden
        if all(found for found, gone in zip(hidden, withheld, strict=True) if gone):
            break
    return machine


FEWER = settings(max_examples=80)
"""Each example is a whole interview."""


@FEWER
@given(talks(), st.data())
def test_a_file_from_after_the_withholding_is_taken_as_it_is(
    given_talk: tuple[Talk, list[Word]], data: st.DataObject
) -> None:
    talk, _ = given_talk
    shown = talk.shown
    cues = edited_words(data.draw, shown.segments, list(range(2000, 2200)))
    edited = file_of(cues, shown)
    assert talk.hand_back(edited).left_out == ()
    assert tokens(talk.shown) == tokens(edited)


@FEWER
@given(talks(), st.data())
def test_withheld_words_never_show_whatever_people_do(
    given_talk: tuple[Talk, list[Word]], data: st.DataObject
) -> None:
    talk, words = given_talk
    draw = data.draw
    fresh = list(range(1000, 2200))
    withheld = [any(overlap(Span(w.start_ms, w.end_ms), s) for s in talk.withheld) for w in words]
    talk.machine = heard_by(draw, talk, words, withheld)
    secret = {word.text for word, gone in zip(words, withheld, strict=True) if gone}
    files = [cut(words, draw(SIZES), worded=False), captions(talk.machine)]
    for _ in range(draw(st.integers(1, 4))):
        step = draw(st.sampled_from(["before", "before", "after", "at", "everywhere", "machine"]))
        if step == "before":
            cues = edited_words(draw, draw(st.sampled_from(files)).segments, fresh)
            secret |= {now for _, said in cues for was, now in said if was in secret and now}
            talk.hand_back(file_of(cues, talk.machine))
        elif step == "after":
            cues = edited_words(draw, talk.shown.segments, fresh)
            talk.hand_back(file_of(cues, talk.machine))
        elif step == "at" and talk.shown.segments:
            segment = draw(st.sampled_from(talk.shown.segments))
            was = draw(st.sampled_from(segment.text.split()))
            now = draw(st.sampled_from(["", name(fresh.pop())]))
            below = beneath(talk.machine, talk.corrections, talk.withheld)
            edit = correction_for(below, segment.start_ms, was, now)
            if edit:
                talk.store([edit])
                assert not now or now in tokens(talk.shown)
        elif step == "everywhere":
            was, now = draw(st.sampled_from(words)).text, name(fresh.pop())
            secret |= {now} if was in secret else set()
            talk.add(None, was, now)
        elif step == "machine":
            chance = st.sampled_from([False, False, True])
            heard = [replace(w, text=name(fresh.pop())) if draw(chance) else w for w in words]
            secret |= {word.text for word, gone in zip(heard, withheld, strict=True) if gone}
            talk.machine = heard_by(draw, talk, heard, withheld)
        assert not secret.intersection(tokens(talk.shown)), step
