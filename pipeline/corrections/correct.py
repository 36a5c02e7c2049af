"""The transcript as it is read: human text laid over the machine's, by time.

The machine's transcript stays as it is, and may be another one tomorrow: from another speech model,
with other segments and word times a second or two off. So a correction is looked for by its words
near its time; where the machine says something new there the human text still wins, and the
passage is to be reviewed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from pipeline.corrections.finding import Place, find, find_alike, find_beneath
from pipeline.corrections.page import Line, Page, Spot
from pipeline.corrections.phrases import Occurrence, letters, matches, occurrences, put_together
from pipeline.corrections.timing import extent, overlap
from pipeline.corrections.withholding import Beneath, beneath_of, reaches_of, segments_of
from pipeline.values import Correction, Span, Transcript

State = Literal["applied", "settled", "changed"]

_SLOT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a correction met the machine's text.

    ``span`` is where it lies now. ``state`` is "applied" (``was`` stood there and is replaced),
    "settled" (``now`` stands there, case, marks and blanks aside, or what was to go does not) or
    "changed" (something else stood there, and ``now`` was laid over it; where text was to go,
    something a little like it may stand there still). ``found`` is what stood there, empty where
    that is withheld.
    """

    correction_id: int
    span: Span
    state: State
    found: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A transcript as read. ``outcomes`` has one for each correction, for a replacement one for
    each place; in order of corrections, then of the text."""

    transcript: Transcript
    outcomes: tuple[Outcome, ...]


def overlay(
    machine: Transcript, corrections: Sequence[Correction], withheld: Sequence[Span]
) -> Reading:
    """``machine`` as people read it.

    Corrections are laid on in order of id, each on what the former ones left; then every word that
    overlaps a withheld span goes. What people wrote shares out the time of what it replaces, and
    its segments are marked as corrected. All other segments stay the same to the byte.
    """
    page, outcomes = _laid_on(machine, corrections)
    reaches = reaches_of(page, withheld)
    discreet = [_discreet(one, asked, reaches) for one, asked in outcomes]
    return Reading(replace(machine, segments=segments_of(page, withheld)), tuple(discreet))


def beneath(
    machine: Transcript, corrections: Sequence[Correction], withheld: Sequence[Span]
) -> Beneath:
    """The same, and what is withheld of it."""
    return beneath_of(_laid_on(machine, corrections)[0], machine, withheld)


def _laid_on(
    machine: Transcript, corrections: Sequence[Correction]
) -> tuple[Page, list[tuple[Outcome, Span]]]:
    """The page with all corrections, and each outcome with the time for which it was asked."""
    ordered = sorted(corrections, key=lambda one: one.id)
    page = Page(machine)
    later = _Later(ordered)
    outcomes: list[tuple[Outcome, Span]] = []
    for one in ordered:
        if one.span is None:
            outcomes += [(each, each.span) for each in _replaced(page, one)]
        else:
            outcomes.append((_laid(page, one, one.span, later.forms(one, one.span)), one.span))
    return page, outcomes


def _discreet(outcome: Outcome, span: Span, withheld: Sequence[Span]) -> Outcome:
    hidden = any(overlap(one, outcome.span) or overlap(one, span) for one in withheld)
    return replace(outcome, found="") if hidden else outcome


# --- one correction --------------------------------------------------------------------------


def _laid(page: Page, one: Correction, span: Span, forms: Sequence[Sequence[str]]) -> Outcome:
    was, now = one.was.split(), " ".join(one.now.split())
    runs = list(page.near(span))
    place = find(runs, span, was, forms)
    if place is not None and place.done:
        return Outcome(one.id, place.span, "settled", place.text)
    if place is not None:
        return _put(page, one, span, place, "applied")
    beneath = find_beneath(runs, span)
    if not now:
        return _struck(page, one, span, beneath, find_alike(runs, span, (was,), beneath))
    if was:
        place = find_alike(runs, span, (was, now.split()), beneath) or beneath
    elif beneath:
        # Text was added to a silence. What is heard there by now may be that text, or a neighbour.
        place = find_alike(runs, span, (now.split(),), beneath)
    if place is not None:
        same = letters(place.text.split()) == letters(now.split())
        return _put(page, one, span, place, "settled" if same else "changed")
    state: State = "changed" if was or beneath else "applied"
    return Outcome(one.id, page.insert(span, now), state, beneath.text if beneath else "")


def _put(page: Page, one: Correction, span: Span, place: Place, state: State) -> Outcome:
    outcome = Outcome(one.id, place.span, state, place.text)
    page.put(place.run, place.before, " ".join(one.now.split()), place.after, span)
    return outcome


def _struck(
    page: Page, one: Correction, span: Span, beneath: Place | None, alike: Place | None
) -> Outcome:
    """Strike out a text that is not there word for word.

    Only what is long and very like it: with times that are a second off, short words may be those
    said next. Of what is a little like it at its time people are told.
    """
    was = one.was.split()
    if alike is not None and alike.is_surely(was):
        return _put(page, one, span, alike, "changed")
    if beneath is not None and beneath.is_like(was):
        return Outcome(one.id, beneath.span, "changed", beneath.text)
    return Outcome(one.id, span, "settled", "")


class _Later:
    """What later corrections make of the text of earlier ones.

    A machine that says by itself what two corrections, one upon the other, arrived at has settled
    the first one, too.
    """

    def __init__(self, ordered: Sequence[Correction]) -> None:
        self._everywhere = [one for one in ordered if one.span is None]
        self._slots: defaultdict[int, list[Correction]] = defaultdict(list)
        for one in ordered:
            for slot in _slots(one.span):
                self._slots[slot].append(one)

    def forms(self, one: Correction, span: Span) -> list[list[str]]:
        """The text of a correction, in tokens, and what it becomes, step by step."""
        beside = {other.id: other for slot in _slots(span) for other in self._slots[slot]}
        beside |= {other.id: other for other in self._everywhere}
        forms = [one.now.split()]
        for number in sorted(number for number in beside if number > one.id):
            other = beside[number]
            if other.span is None or overlap(other.span, span):
                form = _revised(forms[-1], other)
                forms += [form] if form != forms[-1] else []
        return forms


def _slots(span: Span | None) -> range:
    if span is None:
        return range(0)
    return range(span.start_ms // _SLOT_MS, max(span.end_ms, span.start_ms) // _SLOT_MS + 1)


def _revised(tokens: list[str], other: Correction) -> list[str]:
    """A text after another correction, where that finds something to correct."""
    if other.span is None:
        text = " ".join(tokens)
        for place in reversed(occurrences(text, other.was, other.now)):
            text = text[: place.begin] + place.now + text[place.end :]
        return text.split()
    for found in matches(tokens, other.was.split()):
        now = put_together(found.before, " ".join(other.now.split()), found.after)
        return [*tokens[: found.first], *now.split(), *tokens[found.last + 1 :]]
    return tokens


# --- terms replaced everywhere -----------------------------------------------------------------


def _replaced(page: Page, one: Correction) -> Iterator[Outcome]:
    for line in page.lines:
        text = line.text
        found = occurrences(text, one.was, one.now)
        ends = list(accumulate(len(t.gap) + len(t.text) for t in line.tokens)) if found else []
        # From the end, so that what stands before stays in its place.
        spans = [_replaced_at(page, line, ends, place) for place in reversed(found)]
        for span, place in zip(reversed(spans), found, strict=True):
            yield Outcome(one.id, span, "applied", text[place.begin : place.end])


def _replaced_at(page: Page, line: Line, ends: Sequence[int], place: Occurrence) -> Span:
    def within(at: int, offset: int) -> int:
        begin = ends[at - 1] if at else 0
        return offset - begin - len(line.tokens[at].gap)

    first, last = bisect_right(ends, place.begin), bisect_left(ends, place.end)
    run = [Spot(line, at) for at in range(first, last + 1)]
    span = extent([spot.token for spot in run])
    before = run[0].token.text[: within(first, place.begin)]
    after = run[-1].token.text[within(last, place.end) :]
    page.put(run, before, place.now, after)
    return span
