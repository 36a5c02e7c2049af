"""The words leg: which passages to read, since they hold words of the query, its compounds' parts,
or compounds of them. How well a passage answers is for ``reading`` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.index.bm25 import Phrase
from pipeline.index.postings import FieldName
from pipeline.search import compounds
from pipeline.search.analysis import SHORTEST_PART, QueryWord
from pipeline.search.spoken import Spoken

BEGINNING = 5
"""Letters of a term that also count by themselves, as the beginning of other words.

A light hold on inflection and on words that German and English share. Measured on questions over
spoken encyclopedia paragraphs and health FAQs: five letters were better than four, six and whole
stems across languages and for colloquial questions, and no worse elsewhere.
"""


def words_leg(spoken: Spoken, query: Sequence[QueryWord], limit: int) -> list[int]:
    """At most ``limit`` passages, by chunk id, those most like the query by BM25 first."""
    asked = [term for word in query for term in word.alternatives]
    split = compounds.parts(asked, spoken.frequencies)
    return spoken.best(phrases(query, (part for pair in split.values() for part in pair)), limit)


def phrases(query: Sequence[QueryWord], parts: Iterable[str]) -> list[Phrase]:
    """What speaks for a passage: the query's words and ``parts`` of them, their beginnings, ends
    of long words, and the same among what is known of its recording."""
    asked = list(dict.fromkeys(term for word in query for term in _looked_for(word)))
    synonyms = [name for word in query for name in word.synonyms]
    said = [Phrase("words", term) for term in (*asked, *synonyms, *parts)]
    begun = [Phrase("words", start, True) for term in asked if (start := beginning(term))]
    about = [Phrase("about", term, True) for term in asked]
    named = [Phrase("about", name) for name in synonyms]
    return list(dict.fromkeys((*said, *begun, *_ends(asked), *about, *named)))


def is_known(spoken: Spoken, word: QueryWord) -> bool:
    """Whether a word brings passages of its own that may be seen: by itself, as the beginning or
    the end of longer ones, or as a compound of words that were said."""
    terms = word.alternatives
    fields: tuple[FieldName, ...] = ("words", "about")
    begun = [Phrase(field, term, True) for field in fields for term in terms]
    return spoken.occurs([*begun, *_ends(terms)]) or bool(
        compounds.parts(terms, spoken.frequencies)
    )


def _looked_for(word: QueryWord) -> tuple[str, ...]:
    """A number by its value alone, however it is spelt: that stands beside every spelling of it."""
    return (*word.measures, *word.numbers) or word.terms


def beginning(term: str) -> str | None:
    """The beginning of ``term`` that counts by itself; None for short terms and for numbers."""
    return term[:BEGINNING] if len(term) >= BEGINNING and term.isalpha() else None


def _ends(terms: Iterable[str]) -> list[Phrase]:
    """Those of the terms that may be the last part of a compound, as what it begins with when it is
    written backwards."""
    lasting = (term for term in terms if len(term) >= SHORTEST_PART and term.isalpha())
    return [Phrase("ends", term[::-1], True) for term in lasting]
