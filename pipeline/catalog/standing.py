"""How recordings stand: the little of each that decides whether it is work.

A plan looks at every recording of the catalogue each time, and nearly all of them are done. So
this is one query over narrow rows; people, titles and media are read for what is work alone, and
no transcript is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple


class Standing(NamedTuple):
    """A recording as a plan sees it.

    ``stage`` is the one it was last in: of a failed recording, the one that failed. ``recognised``
    is the fingerprint its machine transcript was made from and ``read`` the digest
    of what is read of it today; both None before there is a transcript. ``chaptered`` is the
    fingerprint of its chapters.
    """

    id: str
    state: str
    stage: str | None
    imported: bool
    language: str
    track: int | None
    recognised: str | None
    read: str | None
    chaptered: str | None


def standings(db: sqlite3.Connection, ids: Collection[str] = ()) -> list[Standing]:
    """The known ones among ``ids``, or all recordings, in no certain order."""
    where = "WHERE recordings.id IN (SELECT value FROM json_each(?))" if ids else ""
    rows = db.execute(
        "SELECT recordings.id, state, recordings.stage, imported, language, media_track,"
        " machine.fingerprint, ifnull(people.digest, machine.digest), parted.fingerprint"
        " FROM recordings"
        " LEFT JOIN results AS machine"
        "  ON machine.recording_id = recordings.id AND machine.stage = 'transcribe'"
        " LEFT JOIN results AS people"
        "  ON people.recording_id = machine.recording_id AND people.stage = 'correct'"
        " LEFT JOIN results AS parted"
        f"  ON parted.recording_id = recordings.id AND parted.stage = 'chapters' {where}",
        (json.dumps(list(ids)),) if ids else (),
    )
    return [
        Standing(key, state, stage, bool(imported), language, track, recognised, read, chaptered)
        for key, state, stage, imported, language, track, recognised, read, chaptered in rows
    ]
