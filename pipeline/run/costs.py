"""What hours of interviews will cost: how long they take, on how many machines, in how much room.

While recordings are recognised, one machine (the one with the home) hands out sound and cuts,
embeds and stores what comes back; that overlaps with recognition, and whichever takes longer
decides. Recognition is shared among machines, the rest is not. What browsers play is made
afterwards, on that one machine. So for ``audio`` seconds on ``m`` machines

    findable = start + audio × max(hearing / m, driving),    done = findable + audio × rendering

with paces in seconds of work per second of audio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.catalog import renditions, throughput
from pipeline.catalog.recordings import Database
from pipeline.run.context import Context

DRIVING = 0.002
"""Seconds of work per second of audio for opening, decoding and cutting. Measured on a core of a
server: 0.001 for a file of twenty minutes, 0.002 for films of two, 0.007 for clips of twenty
seconds. Embedding comes on top, as it was measured here."""

START_S = 10.0
"""Until a model is loaded and after the last recording the index is published."""

MOST_MACHINES = 1000
_EMBEDDING = 0.003
"""Where nothing was embedded yet: a cautious guess, not a measurement."""


@dataclass(frozen=True, slots=True)
class Paces:
    """Seconds of work per second of audio. ``rendering`` is 0 where none are made or none was;
    ``recordings`` is how many they were measured on, 0 where somebody named the speed."""

    hearing: float
    driving: float
    rendering: float = 0.0
    start_s: float = START_S
    recordings: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds until all can be found and until all is done; ``bound`` by what: more machines help
    as long as that is hearing."""

    findable_s: float
    done_s: float
    bound: str


def cost(paces: Paces, audio_s: float, machines: int) -> Cost:
    """What ``audio_s`` seconds take on so many machines, each as fast as the one measured."""
    heard = paces.hearing / machines
    findable = paces.start_s + audio_s * max(heard, paces.driving)
    return Cost(
        findable,
        findable + audio_s * paces.rendering,
        "hearing" if heard >= paces.driving else "driving",
    )


def machines_for(paces: Paces, audio_s: float, within_s: float) -> int | None:
    """The fewest machines on which all can be found in time; None where no number is enough."""
    left_s = within_s - paces.start_s
    if left_s <= 0 or audio_s * paces.driving > left_s:
        return None
    return _at_least_one(audio_s * paces.hearing / left_s)


def _at_least_one(machines: float) -> int | None:
    needed = max(1, math.ceil(round(machines, 9)))
    return needed if needed <= MOST_MACHINES else None


def measured(db: Database, context: Context) -> Paces | None:
    """The paces of what was last done in this home; None before anything was recognised."""
    heard = throughput.worked(db, ("transcribe", "embed", "chapters"))
    if heard is None:
        return None
    return Paces(
        hearing=heard.pace,
        driving=driving(db),
        rendering=rendering(db, context),
        recordings=heard.recordings,
    )


def driving(db: Database) -> float:
    """What the machine with the home does itself per second of audio."""
    embedding = throughput.worked(db, ("embed", "chapters"))
    return DRIVING + (embedding.pace if embedding else _EMBEDDING)


def rendering(db: Database, context: Context) -> float:
    """What making what browsers play takes; 0 where that is off or was never done."""
    if context.settings.rendition == "off":
        return 0.0
    return throughput.speed(db, renditions.STAGE) or 0.0


def room(db: Database, context: Context) -> float | None:
    """Bytes under the home directory per second of audio, without copies of media; None while it
    holds nothing."""
    audio_ms = throughput.audio_of_done(db)
    if not audio_ms:
        return None
    index = sum(path.stat().st_size for path in context.home.index.glob("*") if path.is_file())
    _, made = renditions.room(db)
    return (context.home.catalogue.stat().st_size + index + made) * 1000 / audio_ms
