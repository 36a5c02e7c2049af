"""Which passages are in another language than the question."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.catalog.chunks import StoredChunk
from pipeline.search.analysis import told_language
from pipeline.values import Recording


def foreign(
    query: str, stored: Mapping[int, StoredChunk], found: Mapping[str, Recording]
) -> frozenset[int]:
    """The ids of those passages; none where the question's language cannot be told, nor where all
    are in another: words then speak for all of them alike."""
    asked = told_language(query)
    if asked is None:
        return frozenset()
    spoken = {
        i: one.chunk.language or found[one.recording_id].shown_language or asked
        for i, one in stored.items()
    }
    others = frozenset(i for i, language in spoken.items() if language != asked)
    return others if len(others) < len(spoken) else frozenset()
