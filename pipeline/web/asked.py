"""What an address asks the search for, and the addresses that ask for something a little else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal
from urllib.parse import quote_plus, urlencode

from pipeline.catalog.scope import Scope
from pipeline.messages import LANGUAGES
from pipeline.values import Viewer

PAGE = 10
MOST = 50
SHELF = 12
"""Recordings that are looked through at a time, where nothing is asked."""

_LONGEST = 200
_LONGEST_QUERY = 480
"""As an address writes it, where an umlaut takes six characters: it is repeated in every link of a
page, several times for each moment. Four long sentences are not as long."""

Mode = Literal["hybrid", "words"]
Filter = Literal["collection", "language", "person", "year"]
FILTERS: tuple[Filter, ...] = ("collection", "language", "person", "year")


@dataclass(frozen=True, slots=True)
class Asked:
    """A search; without a query a look through what there is, ``page`` by page. Empty filters mean
    all. ``cut``: the question was longer than what is looked for."""

    query: str = ""
    mode: Mode = "hybrid"
    collection: str = ""
    language: str = ""
    person: str = ""
    year: str = ""
    count: int = PAGE
    page: int = 1
    cut: bool = False

    @property
    def filtered(self) -> int:
        """How many filters are set."""
        return sum(bool(getattr(self, name)) for name in FILTERS)

    def scope(self, viewer: Viewer) -> Scope:
        return Scope(
            language=self.language or None,
            collection=self.collection or None,
            person=self.person or None,
            year=self.year or None,
            viewer=viewer,
        )

    @property
    def values(self) -> dict[str, str]:
        """What stands of it in an address."""
        values: dict[str, str] = {
            "q": self.query,
            "mode": "" if self.mode == "hybrid" else self.mode,
            **{name: getattr(self, name) for name in FILTERS},
            "n": "" if self.count == PAGE else str(self.count),
            "page": "" if self.query or self.page == 1 else str(self.page),
        }
        return {name: value for name, value in values.items() if value}

    @property
    def address(self) -> str:
        return f"/?{urlencode(self.values)}"

    def at(self, recording_id: str, jump_ms: int) -> str:
        """A moment of a recording, and the way back to this search."""
        return f"/r/{recording_id}{moment(jump_ms, self.values)}"

    @property
    def without_filters(self) -> str:
        return replace(self, collection="", language="", person="", year="", page=1).address

    @property
    def in_other_words(self) -> str:
        return replace(self, mode="hybrid").address

    @property
    def for_more(self) -> str | None:
        """The same with more moments; None where no page shows more."""
        more = min(self.count + 2 * PAGE, MOST)
        return replace(self, count=more).address if more > self.count else None

    def on(self, page: int, recordings: int) -> str | None:
        """Another page of so many recordings; None where there is none."""
        there = 1 <= page <= pages(recordings)
        return f"{replace(self, page=page).address}#newest" if there else None


def moment(jump_ms: int, values: Mapping[str, str]) -> str:
    """A moment of a recording, as its own page leads there."""
    return f"?{urlencode({'t': seconds(jump_ms), **values})}"


def seconds(ms: int) -> str:
    """A time as addresses have it."""
    return f"{ms / 1000:.3f}".rstrip("0").rstrip(".")


def pages(recordings: int) -> int:
    """How many pages it takes to look through so many."""
    return max(-(-recordings // SHELF), 1)


def asked(given: Mapping[str, str]) -> Asked:
    """From the values of an address. What makes no sense is as if it were not there."""

    def named(name: str) -> str:
        return given.get(name, "").strip()[:_LONGEST]

    language, year, count = named("language"), named("year"), named("n")
    page = named("page")
    whole = given.get("q", "").strip()
    query = _beginning(whole)
    return Asked(
        query=query,
        mode="words" if named("mode") == "words" else "hybrid",
        collection=named("collection"),
        language=language if language in LANGUAGES else "",
        person=named("person"),
        year=year if re.fullmatch(r"[0-9]{4}", year) else "",
        count=min(int(count), MOST) if re.fullmatch(r"[1-9][0-9]?", count) else PAGE,
        page=int(page) if re.fullmatch(r"[1-9][0-9]{0,5}", page) else 1,
        cut=query != whole,
    )


def _beginning(query: str) -> str:
    """As much of a question as links carry, to the end of a word."""
    lengths = accumulate(len(quote_plus(one)) for one in query[: _LONGEST_QUERY + 1])
    fits = sum(length <= _LONGEST_QUERY for length in lengths)
    if fits == len(query):
        return query
    kept = query[:fits]
    return kept.rpartition(" ")[0].strip() or kept
