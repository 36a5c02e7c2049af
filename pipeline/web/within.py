"""The moments of one recording that answer a question, as its page lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pipeline.catalog.scope import Scope
from pipeline.errors import InterviewsError
from pipeline.search.results import Corrected
from pipeline.search.search import Searcher
from pipeline.values import Hit, Recording, Viewer
from pipeline.web.asked import Asked, asked, moment
from pipeline.web.excerpts import Excerpt, excerpt
from pipeline.web.notices import Told, told
from pipeline.web.wording import Wording

HITS = 30
"""Moments shown of one recording."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for in a recording: ``inside`` if there is any, else what the search asked
    that led here."""

    search: Asked
    inside: str = ""

    @property
    def query(self) -> str:
        return self.inside or self.search.query

    def here(self, jump_ms: int) -> str:
        """A moment of the recording as seen from its page, with all that was asked."""
        inside = {"in": self.inside} if self.inside else {}
        return moment(jump_ms, self.search.values | inside)


class Within(NamedTuple):
    """What was found in a recording, in order of time."""

    hits: Sequence[Hit] = ()
    corrected: Sequence[Corrected] = ()
    told: Sequence[Told] = ()


class Here(NamedTuple):
    """A hit inside the recording."""

    jump_ms: int
    excerpt: Excerpt
    href: str
    now: bool


def sought(given: Mapping[str, str]) -> Sought:
    """From the values of an address."""
    return Sought(asked(given), asked({"q": given.get("in", "")}).query)


def within(
    searcher: Searcher,
    viewer: Viewer,
    recording: Recording,
    question: Sought,
    at_ms: int | None,
    words: Wording,
) -> Within:
    """The moments of ``recording`` that answer; the one that somebody comes to from the search is
    always among them."""
    if not question.query:
        return Within()
    scope = Scope(recording=recording.id, viewer=viewer)
    try:
        result = searcher.search(question.query, scope=scope, limit=HITS, each=None)
        found = [hit for hit in result.hits if hit.highlights] or list(result.hits[:3])
        from_search = at_ms is not None and not question.inside
        if from_search and all(hit.jump_ms != at_ms for hit in found):
            arrived = _from_search(searcher, viewer, recording, question.search, at_ms)
            found = [hit for hit in found if arrived is None or hit.chunk_id != arrived.chunk_id]
            found += [arrived] if arrived else []
    except InterviewsError as error:
        return Within(told=[Told("off", error.message(words.language))])
    in_time = sorted(found, key=lambda hit: hit.jump_ms)
    shown = replace(result, hits=tuple(in_time))
    return Within(in_time, result.corrected, told(shown, words))


def _from_search(
    searcher: Searcher, viewer: Viewer, recording: Recording, question: Asked, at_ms: int | None
) -> Hit | None:
    """The hit at ``at_ms`` that the page of results led to. There it stands among those of all
    recordings, which may make it another sentence or let in what is none of the best here."""
    result = searcher.search(
        question.query, mode=question.mode, scope=question.scope(viewer), limit=question.count
    )
    own = (hit for hit in result.hits if hit.recording.id == recording.id)
    return next((hit for hit in own if hit.jump_ms == at_ms), None)


def listed(
    question: Sought, recording: Recording, hits: Sequence[Hit], at_ms: int | None
) -> list[Here]:
    """The hits as the page shows them."""
    return [
        Here(
            hit.jump_ms,
            excerpt(hit, around=0),
            f"/r/{recording.id}{question.here(hit.jump_ms)}",
            hit.jump_ms == at_ms,
        )
        for hit in hits
    ]


def neighbour(hits: Sequence[Here], at_ms: int | None, way: int) -> str | None:
    """The address of the hit before or after the second that plays."""
    now = at_ms or 0
    there = [hit for hit in hits if (hit.jump_ms - now) * way > 0]
    return min(there, key=lambda hit: abs(hit.jump_ms - now)).href if there else None
