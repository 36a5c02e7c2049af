"""What the searcher must be told beside what was found."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.search.results import SearchResult
from pipeline.web.wording import Wording


class Told(NamedTuple):
    """A sentence above the results. ``kind``: "off" (a part of search is not working), "spelling",
    "nearest", "across"."""

    kind: str
    text: str


def told(result: SearchResult, words: Wording) -> list[Told]:
    """The parts of search that were off, said for those who can only know of it; and what was
    taken for a slip."""
    said = [Told("off", words(_plainly(notice.key))) for notice in result.degraded]
    spelling = [
        Told("spelling", words("search.corrected", was=one.was, now=one.now))
        for one in result.corrected
    ]
    return [*dict.fromkeys(said), *spelling]


def _plainly(key: str) -> str:
    """Members are told what it means for them; what staff can do about it stands in the status."""
    meaning_off = ("search.degraded.model", "search.degraded.index")
    if key in meaning_off:
        return "search.off.meaning"
    return {
        "search.degraded.long": "search.off.long",
        "search.degraded.behind": "search.off.behind",
        "search.degraded.glossary": "search.off.synonyms",
    }.get(key, "search.off.slower")
