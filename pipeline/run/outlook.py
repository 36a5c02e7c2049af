"""What there is to do and how long it will take, by what the same work took of late."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pipeline.catalog import recordings, throughput
from pipeline.catalog.recordings import Database
from pipeline.run.context import Context
from pipeline.run.plan import STAGES, TEXT_STAGES, Stage, plan
from pipeline.values import Recording

Stages = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """Work in order, the audio to be recognised, and the expected milliseconds for all of it; None
    while nothing of the kind was ever done."""

    works: tuple[tuple[Recording, Stages], ...]
    audio_ms: int
    expected_ms: int | None


def outlook(
    context: Context,
    db: Database,
    *,
    only: Collection[str] = (),
    again: Mapping[str, Collection[Stage]] | None = None,
    limit: int | None = None,
) -> Outlook:
    """What a run would do: what is stale, with what is asked for ``again``, at most ``limit``.

    Raises Missing as ``plan`` does.
    """
    works = {work.recording.id: (work.recording, work.stages) for work in plan(context, db, only)}
    asked = {key: stages for key, stages in (again or {}).items() if not only or key in only}
    for key, recording in recordings.get_many(db, asked).items():
        before = works[key][1] if key in works else ()
        works[key] = (recording, _with(before, asked[key]))
    chosen = tuple(works.values())[:limit]
    return Outlook(
        chosen, sum(_unheard(one, names) for one, names in chosen), _expected(db, chosen)
    )


def _with(stages: Stages, asked: Collection[Stage]) -> Stages:
    """Stages that are done again and all that comes of them; chunks and vectors go together, and no
    rendition is made of a text."""
    wanted = {*stages, *asked}
    if wanted & {"transcribe", *TEXT_STAGES}:
        wanted |= {*TEXT_STAGES, "chapters"}
    return tuple(one for one in STAGES if one in wanted)


def _unheard(recording: Recording, stages: Stages) -> int:
    """Milliseconds of audio still to be recognised: of what is begun the rest, of what is done and
    stale all."""
    if "transcribe" not in stages:
        return 0
    return round((recording.duration_ms or 0) * (1 - recording.progress % 1.0))


def _expected(db: Database, works: Iterable[tuple[Recording, Stages]]) -> int | None:
    hearing, embedding = throughput.speed(db, "transcribe"), throughput.speed(db, "embed")
    rendering = throughput.speed(db, "rendition")
    total = 0.0
    for recording, stages in works:
        if "transcribe" in stages:
            if hearing is None:
                return None
            total += _unheard(recording, stages) * hearing
        if "embed" in stages and embedding is not None:
            total += (recording.duration_ms or 0) * embedding
        if "rendition" in stages and rendering is not None:
            total += (recording.duration_ms or 0) * rendering
    known = (hearing, embedding, rendering)
    return None if all(one is None for one in known) else round(total)
