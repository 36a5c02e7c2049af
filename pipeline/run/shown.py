"""What may be heard and seen of recordings, and the keys of renditions that show just that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.catalog import renditions
from pipeline.fingerprint import Plain, digest, fingerprints
from pipeline.settings import Settings
from pipeline.stages.rendition import VERSION
from pipeline.values import Span


def shows(recording_id: str, track: int | None, withheld: Sequence[Span]) -> str:
    """The digest of what may be heard and seen: of which recording, with which audio track,
    without what. A rendition that shows anything else is not to be played."""
    return digest([recording_id, track, [[one.start_ms, one.end_ms] for one in withheld]])


def keys(settings: Settings) -> Callable[[str], str]:
    """The fingerprint of a rendition by what it ``shows``, as today's settings ask for it."""
    parameters: dict[str, Plain] = {"height": settings.rendition_height}
    made = fingerprints(renditions.STAGE, VERSION, parameters, model=None)
    return lambda shown: made([shown])
