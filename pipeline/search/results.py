"""What a search answers with, and what is related to a moment, as values and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.messages import text
from pipeline.timecode import to_seconds
from pipeline.values import Hit, Recording

Mode = Literal["hybrid", "words", "meaning"]
MODES: tuple[Mode, ...] = ("hybrid", "words", "meaning")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the searcher must be told: a key of the message catalogue with its values."""

    key: str
    values: dict[str, str | int]

    def said(self, language: str) -> str:
        return text(self.key, language, **self.values)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A word of the query that occurs nowhere, and the word that was searched for instead."""

    was: str
    now: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found. ``degraded`` names every leg that was off; empty when all took part."""

    query: str
    mode: Mode
    degraded: tuple[Notice, ...]
    took_ms: float
    hits: tuple[Hit, ...]
    corrected: tuple[Corrected, ...] = ()


def result_json(result: SearchResult, language: str) -> dict[str, object]:
    """The contract of ``search --json``; times in seconds, ``degraded`` said in ``language``.
    ``corrected`` is there only where a word was."""
    answer: dict[str, object] = {
        "query": result.query,
        "mode": result.mode,
        "degraded": " ".join(n.said(language) for n in result.degraded) or None,
        "took_ms": round(result.took_ms, 1),
        "hits": [hit_json(hit) for hit in result.hits],
    }
    if result.corrected:
        answer["corrected"] = [{"was": one.was, "now": one.now} for one in result.corrected]
    return answer


def hit_json(hit: Hit) -> dict[str, object]:
    """One hit of ``search --json``."""
    jump = round(hit.jump_ms / 1000, 3)
    return {
        "rank": hit.rank,
        "recording": hit.recording.id,
        "title": hit.recording.facts.title,
        "language": hit.language,
        "collection": hit.recording.facts.collection,
        "speaker": hit.speaker,
        "start": round(hit.start_ms / 1000, 3),
        "end": round(hit.end_ms / 1000, 3),
        "jump": jump,
        "text": hit.text,
        "highlights": [list(place) for place in hit.highlights],
        "score": round(hit.score, 6),
        "media": hit.recording.media.path if hit.recording.media else None,
        "url": f"/r/{hit.recording.id}?t={jump}",
    }


@dataclass(frozen=True, slots=True)
class Moment:
    """A related moment: the sentence that has most in common with the passage it is related to,
    and where to start playing to hear it."""

    recording: Recording
    start_ms: int
    end_ms: int
    jump_ms: int
    sentence: str
    score: float


@dataclass(frozen=True, slots=True)
class Related:
    """Moments, best first, those of other recordings before those of the same one; ``degraded``
    says what could not be compared."""

    moments: tuple[Moment, ...]
    degraded: tuple[Notice, ...]


def moment_json(moment: Moment) -> dict[str, object]:
    """One moment of ``show --related --json``; times in seconds."""
    return {
        "recording": moment.recording.id,
        "title": moment.recording.facts.title,
        "start": to_seconds(moment.start_ms),
        "end": to_seconds(moment.end_ms),
        "jump": to_seconds(moment.jump_ms),
        "text": moment.sentence,
        "score": round(moment.score, 6),
    }
