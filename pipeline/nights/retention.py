"""Retention: a recording goes when its collection's time is over, and never without a warning.

The settings say for how many days the recordings of a collection are kept, counted from the day a
recording was made, else from the day it was added. ``retention_warn_days`` before its last day a
night puts it on the list, and only a recording that has been on the list for that long is removed:
a setting that is shortened today removes nothing for so many days. Another collection or another
date takes a recording off; if its time is up all the same, the warning begins anew.

Clocks are not trusted. A warning from the future begins anew, a night that lies before the last
one counts nothing, and however long ago the last one was, at most a week is counted for it.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pipeline.catalog import recordings
from pipeline.catalog import retention as rows
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.retention import Listed
from pipeline.run import removal
from pipeline.run.context import Context
from pipeline.run.removal import Receipt
from pipeline.settings import Settings
from pipeline.values import Recording

OTHERS = "*"
"""In the settings: all recordings whose collection is not named there."""

_LONGEST_GAP = timedelta(days=7)
_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Expiry:
    """A recording that is about to go: counted from when, on which day, and since when it is on
    the list (None: the next night puts it there)."""

    recording_id: str
    title: str
    collection: str | None
    counted_from: date
    goes: date
    warned: date | None


@dataclass(frozen=True, slots=True)
class Due:
    """The list, soonest first: ``warnings`` stay for now, ``expired`` are to be removed."""

    warnings: tuple[Expiry, ...]
    expired: tuple[Expiry, ...]


@dataclass(frozen=True, slots=True)
class Enforced:
    """What a night did: who is on the list, who was removed, and the receipts of that."""

    warnings: tuple[Expiry, ...]
    removed: tuple[Expiry, ...]
    receipts: tuple[Receipt, ...]


def due(db: sqlite3.Connection, settings: Settings, today: date) -> Due:
    """The list as a night of ``today`` would find it; nothing is noted."""
    return _judged(db, settings, today)[0]


def enforce(context: Context, catalogue: Catalogue, today: date) -> Enforced:
    """Bring the list up to date, and remove what has been on it for long enough.

    Raises HomeUnusable.
    """
    with catalogue.write() as db:
        found, standing = _judged(db, context.settings, today)
        rows.take_off(db, rows.listed(db).keys() - standing.keys())
        rows.put(db, standing.values())
    receipts: list[Receipt] = []
    if found.expired:
        ids = [one.recording_id for one in found.expired]
        receipts = removal.remove(context.home, catalogue, ids)
    return Enforced(found.warnings, found.expired, tuple(receipts))


def kept_for(settings: Settings, collection: str | None) -> int | None:
    """For how many days recordings of ``collection`` are kept; None: for ever."""
    table = {_folded(name): days for name, days in settings.retention.items()}
    named = table.get(_folded(collection)) if collection is not None else None
    days = table.get(OTHERS) if named is None else named
    return days or None


def counted_from(recording: Recording) -> date:
    """The day a recording was made, else the day it was added."""
    try:
        return date.fromisoformat(recording.facts.recorded or "")
    except ValueError:
        return date.fromtimestamp(recording.added_ms / 1000)


def _folded(name: str) -> str:
    """Names that look alike are alike."""
    return unicodedata.normalize("NFC", name).strip()


def _judged(
    db: sqlite3.Connection, settings: Settings, today: date
) -> tuple[Due, Mapping[str, Listed]]:
    """The list, and the rows it should consist of."""
    known = rows.listed(db)
    standing: dict[str, Listed] = {}
    warnings: list[Expiry] = []
    expired: list[Expiry] = []
    for recording in recordings.every(db):
        row = _row(recording, settings, known.get(recording.id), today)
        if row is None:
            continue
        standing[recording.id] = row
        missing = timedelta(days=max(0, settings.retention_warn_days - row.days))
        expiry = Expiry(
            recording_id=recording.id,
            title=recording.facts.title,
            collection=row.collection,
            counted_from=row.counted_from,
            goes=max(row.goes, today + missing),
            warned=row.warned if recording.id in known else None,
        )
        (expired if today >= expiry.goes else warnings).append(expiry)
    return Due(_soonest_first(warnings), _soonest_first(expired)), standing


def _row(
    recording: Recording, settings: Settings, known: Listed | None, today: date
) -> Listed | None:
    """Where ``recording`` stands on the list today; None: nowhere."""
    first = counted_from(recording)
    last = _last_day(first, kept_for(settings, recording.facts.collection))
    warning = timedelta(days=settings.retention_warn_days)
    if last is None or last - today > warning:
        return None
    fresh = Listed(
        recording_id=recording.id,
        collection=recording.facts.collection,
        counted_from=first,
        goes=max(last, today + warning),
        warned=today,
        days=0,
        looked=today,
    )
    if (
        known is None
        or known.warned > today
        or (known.collection, known.counted_from) != (fresh.collection, fresh.counted_from)
    ):
        return fresh
    passed = min(max(today - known.looked, _NO_TIME), _LONGEST_GAP)
    return replace(known, goes=max(known.goes, last), days=known.days + passed.days, looked=today)


def _last_day(first: date, days: int | None) -> date | None:
    """None: it never comes."""
    if days is None or first.toordinal() + days > date.max.toordinal():
        return None
    return first + timedelta(days=days)


def _soonest_first(expiries: list[Expiry]) -> tuple[Expiry, ...]:
    return tuple(sorted(expiries, key=lambda one: (one.goes, one.title, one.recording_id)))
