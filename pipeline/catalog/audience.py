"""Who may see which recordings: the one rule, and the only place that knows it."""

from __future__ import annotations

import sqlite3

from pipeline.values import Viewer

MEMBERS, STAFF = "members", "staff"
"""Words of ``visibility`` that are no organisation's name."""


def sees_all(viewer: Viewer | None) -> bool:
    """Whether nothing is hidden from a viewer. None is the command line."""
    return viewer is None or viewer.role in ("staff", "admin")


def condition(viewer: Viewer | None) -> tuple[str, list[str]]:
    """An SQL condition over ``recordings``, with its values: staff see all, a member sees what is
    released to all members or to the member's organisation."""
    if viewer is None or sees_all(viewer):
        return "1", []
    audiences = audiences_of(viewer)
    places = ", ".join("?" * len(audiences))
    return (
        "EXISTS (SELECT 1 FROM visibility WHERE visibility.recording_id = recordings.id"
        f" AND visibility.audience IN ({places}))",
        audiences,
    )


def audiences_of(viewer: Viewer) -> list[str]:
    """What a recording must be released to for a member to see it. An organisation that is called
    like one of the words above opens nothing."""
    own = viewer.organisation
    named = [own] if own and own.casefold() not in (MEMBERS, STAFF) else []
    return [MEMBERS, *named]


def may_see(db: sqlite3.Connection, viewer: Viewer | None, recording_id: str) -> bool:
    """Whether a recording is there and the viewer may see it."""
    allowed, values = condition(viewer)
    row = db.execute(
        f"SELECT 1 FROM recordings WHERE id = ? AND {allowed}", (recording_id, *values)
    ).fetchone()
    return row is not None


def hides_nothing(db: sqlite3.Connection, viewer: Viewer | None) -> bool:
    """Whether a viewer sees every recording that there is."""
    allowed, values = condition(viewer)
    row = db.execute(f"SELECT 1 FROM recordings WHERE NOT ({allowed}) LIMIT 1", values).fetchone()
    return row is None
