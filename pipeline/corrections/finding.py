"""Where on a page a correction belongs: by its words near its time, else by its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from pipeline.corrections.page import Spot
from pipeline.corrections.phrases import Match, exact_matches, letters, likeness, matches, parts
from pipeline.corrections.timing import Token, extent, overlap
from pipeline.values import Span

ALIKE = 0.6
"""Likeness of letters from which other words are taken for the same, heard otherwise: "Laura Wahn"
and "LoRaWAN" have 0.75; words that have nothing to do with each other seldom reach 0.5."""

_FEWEST_LETTERS, _MOST_WORDS = 5, 12
"""What is likened: shorter words are alike by chance, longer passages are found by their time."""

_SURE_LETTERS, _SURE = 12, 0.75
"""From here on words are the same, heard otherwise, without anyone having looked."""

_FAVOUR = 0.05
"""How much less alike the words at the very time may be than others near it."""

Runs = Sequence[Sequence[Spot]]
"""Neighbouring tokens near a span, as ``Page.near`` gives them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Neighbouring tokens, at least one, with the punctuation around them that is to stay.

    ``done``: what is wanted stands there already.
    """

    run: Sequence[Spot]
    before: str
    after: str
    done: bool = False

    @property
    def span(self) -> Span:
        return extent([spot.token for spot in self.run])

    @property
    def text(self) -> str:
        whole = " ".join(spot.token.text for spot in self.run)
        return whole[len(self.before) : len(whole) - len(self.after)]

    def is_within(self, span: Span) -> bool:
        own = self.span
        return overlap(span, Span(middle_ms := (own.start_ms + own.end_ms) // 2, middle_ms))

    def distance(self, span: Span) -> int:
        """From the middle of ``span`` to its own, in half milliseconds."""
        own = self.span
        return abs(own.start_ms + own.end_ms - span.start_ms - span.end_ms)

    def is_like(self, text: Sequence[str]) -> bool:
        return likeness(letters(self.text.split()), letters(text), ALIKE) > 0

    def is_surely(self, text: Sequence[str]) -> bool:
        """Whether it is long and like enough to be ``text`` and nothing else."""
        wanted = letters(text)
        long = len(wanted) >= _SURE_LETTERS
        return long and likeness(letters(self.text.split()), wanted, _SURE) > 0


def find(
    runs: Runs, span: Span, was: Sequence[str], forms: Sequence[Sequence[str]]
) -> Place | None:
    """Where ``was`` stands, or one of the ``forms`` that count as done, if that is nearer.

    The nearest of both, or else a correction could not be laid on twice: the word next to the
    corrected one may be what that was. A ``was`` inside of a form (a word was added) is that form.
    Without ``was`` a form counts only where its middle lies in the span.
    """
    places: list[Place] = []
    for run in runs:
        tokens = [spot.token.text for spot in run]
        open_ = matches(tokens, was)
        done = [match for form in forms for match in exact_matches(tokens, form)]
        places += [_place(run, m, True) for m in done if not any(o.surrounds(m) for o in open_)]
        places += [_place(run, m, False) for m in open_ if not any(d.surrounds(m) for d in done)]
    if not was:
        places = [place for place in places if place.is_within(span)]
    return min(places, key=lambda one: (one.distance(span), not one.done), default=None)


def _place(run: Sequence[Spot], match: Match, done: bool) -> Place:
    return Place(run[match.first : match.last + 1], match.before, match.after, done)


def find_alike(
    runs: Runs, span: Span, texts: Sequence[Sequence[str]], beneath: Place | None
) -> Place | None:
    """What was heard otherwise: the words whose letters are most like one of ``texts``, if any
    are alike. Of equals the nearest, and rather what lies ``beneath`` than a part of it."""
    best: tuple[float, int] | None = None
    found: Place | None = None
    for text in texts:
        wanted = letters(text)
        if len(wanted) < _FEWEST_LETTERS or len(text) > _MOST_WORDS:
            continue
        for place in chain([beneath] if beneath else [], _windows(runs, span, len(text))):
            least = max(best[0] if best else 0.0, ALIKE) - _FAVOUR
            alike = likeness(letters(place.text.split()), wanted, least)
            merit = (alike + _FAVOUR * (place is beneath), -place.distance(span))
            if alike >= ALIKE and (best is None or merit > best):
                best, found = merit, place
    return found


def _windows(runs: Runs, span: Span, size: int) -> Iterator[Place]:
    """``size`` neighbouring tokens, one more, one less."""
    for spots in chain.from_iterable(
        _parts(run, lambda token: _is_open(token, span)) for run in runs
    ):
        for first in range(len(spots)):
            for last in range(first + max(size - 1, 1), min(first + size + 1, len(spots)) + 1):
                yield _bare(spots[first:last])


def find_beneath(runs: Runs, span: Span) -> Place | None:
    """The words whose middle lies in ``span``, else the one that is said in its middle. Of words
    that others said at the same time, the longer run."""
    middle_ms = (span.start_ms + span.end_ms) // 2

    def inside(token: Token) -> bool:
        return span.start_ms <= token.middle_ms < span.end_ms and _is_open(token, span)

    def around(token: Token) -> bool:
        return token.start_ms <= middle_ms < token.end_ms and _is_open(token, span)

    for wanted in (inside, around):
        places = [_bare(part) for run in runs for part in _parts(run, wanted)]
        if places:
            return max(places, key=lambda place: len(place.text))
    return None


def _is_open(token: Token, span: Span) -> bool:
    """Whether it is not what people wrote for another time: that lies here only because the words
    it replaces do by now."""
    return token.asked is None or overlap(token.asked, span)


def _parts(run: Sequence[Spot], wanted: Callable[[Token], bool]) -> list[list[Spot]]:
    """The longest runs of wanted tokens."""
    return [
        list(spots)
        for is_wanted, spots in groupby(run, key=lambda spot: wanted(spot.token))
        if is_wanted
    ]


def _bare(run: Sequence[Spot]) -> Place:
    """A place without the punctuation around it."""
    before, core, _ = parts(run[0].token.text)
    after = parts(run[-1].token.text)[2]
    return Place(run, before if core else "", after)
