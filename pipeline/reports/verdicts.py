"""How index, disk and the next night stand: facts in pairs of a label and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.reports.values import Night, Published
from pipeline.reports.wording import Wording, plain

LEAST_FREE = 2_000_000_000
"""Bytes; with less free a person should make room, as ``interviews doctor`` says, too."""

_NEEDS_A_PERSON = ("refused", "still_refused", "gold_bad")

Pairs = Iterable[tuple[str, str]]


def index(night: Night, words: Wording) -> Pairs:
    """What came of publishing, how good it is, and whether the files are sound."""
    if night.published is not None:
        yield from _published(night.published, words)
    if night.index_sound is not None:
        yield words("index.check"), words("index.sound" if night.index_sound else "index.unsound")


def index_points(night: Night) -> int:
    refused = night.published is not None and _reason(night.published) in _NEEDS_A_PERSON
    return refused + (night.index_sound is False)


def _reason(published: Published) -> str:
    return published.reason.removeprefix("report.publish.")


def _published(published: Published, words: Wording) -> Iterator[tuple[str, str]]:
    reason = _reason(published)
    yield words("index.result"), _result(published, words)
    if reason in _NEEDS_A_PERSON:
        yield words("index.advice"), words(f"publish_advice.{reason}")
    if published.generation is None:
        yield words("index.flipped"), words("yes" if published.flipped else "no")
    else:
        key = "index.flipped_as" if published.flipped else "index.stays"
        generation = words.number(published.generation)
        yield words("index.flipped"), words(key, generation=generation)
    if quality := _quality(published, words):
        yield words("index.quality"), quality
    if published.questions:
        yield words("index.questions"), words.number(published.questions)


def _result(published: Published, words: Wording) -> str:
    return words.known(
        f"publish.{_reason(published)}",
        words("publish.other"),
        before=_share(published.before, words),
        after=_share(published.after, words),
        questions=words.number(published.questions),
        generation=words("unknown")
        if published.generation is None
        else words.number(published.generation),
    )


def _share(value: float | None, words: Wording) -> str:
    return words("unknown") if value is None else words.number(value, 3)


def _quality(published: Published, words: Wording) -> str:
    before, after = _share(published.before, words), _share(published.after, words)
    if published.before is not None and published.after is not None:
        # Rounded first, so that the difference is that of the numbers shown.
        step = round(published.after, 3) - round(published.before, 3)
        difference = words.number(step, 3, signed=True)
        return words("index.before_after", before=before, after=after, difference=difference)
    if published.before is not None:
        return words("index.before", before=before)
    return words("index.after", after=after) if published.after is not None else ""


def space(night: Night, words: Wording) -> Pairs:
    """Room on the disk, and where this night's backup lies."""
    if night.space is not None:
        free = words.size(night.space.free)
        low = space_points(night) > 0
        yield words("space.free"), words("space.free_low", size=free) if low else free
        for name in ("catalogue", "index", "media", "renditions", "backups"):
            taken = getattr(night.space, name)
            if taken is not None:
                yield words(f"space.{name}"), words.size(taken)
    if night.backup:
        yield words("space.backup"), plain(night.backup)


def space_points(night: Night) -> int:
    return int(night.space is not None and night.space.free < LEAST_FREE)


def forecast(night: Night, words: Wording) -> Pairs:
    """What is left for the next night."""
    if night.forecast is None:
        return
    yield words("forecast.recordings"), words.number(night.forecast.recordings)
    if night.forecast.recordings:
        yield words("forecast.audio"), words.length(night.forecast.audio_ms)
        yield words("forecast.expected"), words.length(night.forecast.expected_ms)
