"""What a member says about a hit: right or wrong. Kept only where the settings ask for it.

The command line and the web page both come here. Kept are the query and the sentence that was
judged, nothing about who did and when.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from sqlite3 import Connection

from pipeline.catalog import chunks, generations, recordings
from pipeline.catalog.connection import Catalogue
from pipeline.errors import BadInput, NotFound
from pipeline.evaluation.gold import read_usable
from pipeline.run import feedback
from pipeline.run.context import Context
from pipeline.run.feedback import Judgement
from pipeline.search.analysis import MAX_QUERY_CHARACTERS, guess_language, query_words
from pipeline.search.query import parse
from pipeline.timecode import format_short
from pipeline.values import Chunk, Span

NEAR_MS = 1_300
"""A moment is shown rounded down to the second, and playing starts up to 300 ms before its
sentence: whatever sentence begins so soon after a time is the one that is meant."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A judgement that was stored, whether it took the place of an earlier one, and what is wrong
    with other lines of the file."""

    judgement: Judgement
    replaced: bool
    mistakes: tuple[BadInput, ...]


def mark(
    context: Context,
    catalogue: Catalogue,
    query: str,
    recording_id: str,
    at_ms: int,
    *,
    right: bool,
) -> Marked:
    """Keep that the sentence at a time is a right answer to the query, or a wrong one; what was
    said of the same before holds no longer. That the member may see the recording is for the
    caller to know.

    Raises BadInput (``feedback.off``, ``feedback.*``, ``search.*``, ``gold.not_text``), NotFound
    (``recording.unknown``, ``feedback.no_sentence``), HomeUnusable.
    """
    if not context.settings.feedback:
        raise BadInput("feedback.off")
    asked = _checked(query)
    home = context.home
    with catalogue.write() as db:
        judgement = _judgement(db, asked, recording_id, at_ms, right=right)
        names = feedback.names_of(db, [recording_id])[recording_id]
        content, replaced = feedback.judged(feedback.read_text(home), judgement, names)
        feedback.write(home, content)
    mistakes = (one for one in read_usable(home.feedback)[1] if "line" in one.values)
    return Marked(judgement, replaced, tuple(mistakes))


def take_back(
    context: Context, catalogue: Catalogue, query: str, recording_id: str, at_ms: int
) -> Judgement:
    """Keep no longer what was said of the sentence at a time and the query, also where the settings
    keep nothing new.

    Raises BadInput (``feedback.*``, ``search.*``, ``gold.not_text``), NotFound
    (``recording.unknown``, ``feedback.no_sentence``, ``feedback.none``), HomeUnusable.
    """
    asked = _checked(query)
    home = context.home
    with catalogue.write() as db:
        judgement = _judgement(db, asked, recording_id, at_ms, right=False)
        names = feedback.names_of(db, [recording_id])[recording_id]
        rest, found = feedback.unjudged(feedback.read_text(home), judgement, names)
        if not found:
            time = format_short(judgement.start_ms)
            raise NotFound("feedback.none", id=recording_id, time=time)
        feedback.write(home, rest)
    return judgement


def _checked(query: str) -> str:
    """The query as it is kept: what ``gold`` reads. Raises BadInput."""
    asked = " ".join(query.split())
    if re.search("[\ud800-\udfff]", asked):
        raise BadInput("feedback.not_text")
    if len(asked) > MAX_QUERY_CHARACTERS:
        raise BadInput("feedback.too_long", limit=MAX_QUERY_CHARACTERS)
    said = parse(asked)
    if not query_words(said.asked):
        raise BadInput("search.only_exclusions" if said.without else "search.empty_query")
    return asked


def _judgement(
    db: Connection, query: str, recording_id: str, at_ms: int, *, right: bool
) -> Judgement:
    recordings.get(db, recording_id)
    model = generations.text_model(db)
    found = chunks.at_time(db, recording_id, model.hash, at_ms + NEAR_MS) if model else None
    span = _sentence(found[0].chunk, at_ms) if found else None
    if span is None:
        raise NotFound("feedback.no_sentence", id=recording_id, time=format_short(at_ms))
    language = guess_language(query)
    return Judgement(query, language, recording_id, span.start_ms, span.end_ms, right)


def _sentence(chunk: Chunk, at_ms: int) -> Span | None:
    """The sentence that begins at a time or right after it, else the one that is being said."""
    spans = [Span(one.start_ms, one.end_ms) for one in chunk.sentences]
    spans = spans or [Span(chunk.start_ms, chunk.end_ms)]
    begun = (one for one in spans if at_ms <= one.start_ms <= at_ms + NEAR_MS)
    said = (one for one in spans if one.start_ms <= at_ms <= one.end_ms)
    return next(begun, None) or next(said, None)
