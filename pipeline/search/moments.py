"""The jump-in point: where to start playing, and which words of a passage to mark."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pipeline.search.analysis import SHORTEST_PART, Token, analyse, plain_words
from pipeline.search.evidence import Evidence
from pipeline.search.words import BEGINNING
from pipeline.values import Chunk

LEAD_MS = 300
"""Playing starts this long before the sentence, where the pause before it allows."""


def best_sentence(strengths: Sequence[float]) -> int:
    """The strongest sentence; the earlier one of equals, 0 where nothing speaks for any."""
    return max(range(len(strengths)), key=lambda number: (strengths[number], -number), default=0)


def jump_ms(chunk: Chunk, sentence: int) -> int:
    """Where to start playing to hear ``sentence``: a short lead-in before it, but never before
    the end of the sentence that precedes it, nor before the chunk."""
    if not chunk.sentences:
        return chunk.start_ms
    start = chunk.sentences[sentence].start_ms
    earliest = chunk.sentences[sentence - 1].end_ms if sentence else chunk.start_ms
    return min(start, max(start - LEAD_MS, earliest, 0))


def highlights(chunk: Chunk, evidence: Evidence) -> tuple[tuple[int, int], ...]:
    """The places in a chunk's text that ``marked`` finds."""
    return marked(chunk.text, chunk.language, evidence)


def marked(text: str, language: str | None, evidence: Evidence) -> tuple[tuple[int, int], ...]:
    """The places ``text[begin:end]`` of the query's words, synonyms and numbers and of the
    compounds that begin or end with them, in order, without overlap."""
    tokens = _analysed(text, language, bool(evidence.numbers))
    wanted = evidence.terms()
    found = [(token.begin, token.end) for token in tokens if _meets(token.term, wanted)]
    for phrase in evidence.phrases():
        length = phrase.count(" ") + 1
        for first in range(len(tokens) - length + 1):
            run = tokens[first : first + length]
            if " ".join(token.term for token in run) == phrase:
                found.append((run[0].begin, run[-1].end))
    places: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if places and begin < places[-1][1]:
            places[-1] = (places[-1][0], max(end, places[-1][1]))
        else:
            places.append((begin, end))
    return tuple(places)


@lru_cache(maxsize=1 << 12)
def _analysed(text: str, language: str | None, with_numbers: bool) -> tuple[Token, ...]:
    return tuple(analyse(text, language) if with_numbers else plain_words(text, language))


def _meets(term: str, wanted: frozenset[str]) -> bool:
    return (
        term in wanted
        or any(term[:end] in wanted for end in range(BEGINNING, len(term)))
        or any(term[at:] in wanted for at in range(SHORTEST_PART, len(term) - SHORTEST_PART + 1))
    )
