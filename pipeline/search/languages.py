"""Which passages are in another language than the question."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.catalog.chunks import StoredChunk
from pipeline.search.analysis import told_language
from pipeline.values import Recording


def foreign(
    query: str, stored: Mapping[int, StoredChunk], found: Mapping[str, Recording]
) -> frozenset[int]:
    """The ids of those passages; none where neither side's language can be told."""
    asked = told_language(query)
    if asked is None:
        return frozenset()
    return frozenset(
        i
        for i, one in stored.items()
        if (spoken := one.chunk.language or found[one.recording_id].shown_language)
        and spoken != asked
    )
