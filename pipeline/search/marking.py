"""Where in any text the words of a query stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from pipeline.search.analysis import query_words
from pipeline.search.evidence import Evidence
from pipeline.search.moments import marked
from pipeline.search.query import parse, readable
from pipeline.search.results import Corrected

Marks = Callable[[str, str | None], tuple[tuple[int, int], ...]]


def marks(query: str, corrected: Sequence[Corrected] = ()) -> Marks:
    """A function of a text and its language: the places ``text[begin:end]`` of what ``query`` asks
    for, as highlights of a hit are. Of no query, none."""
    asked = parse(readable(query)).asked
    for word in corrected:
        asked = f"{asked} {word.now}"
    words = query_words(asked)
    evidence = Evidence.of(words, Counter(), 0)
    return lambda text, language: marked(text, language, evidence) if words else ()
