"""How recordings stand: the little of each that decides whether it is work.

A plan looks at every recording of the catalogue each time, and nearly all of them are done. So
this is one query over narrow rows; people, titles and media are read for what is work alone, and
no transcript is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from pipeline.values import RecordingFacts


class Standing(NamedTuple):
    """A recording as a plan sees it.

    ``stage`` is the one it was last in: of a failed recording, the one that failed. ``recognised``
    is the fingerprint its machine transcript was made from and ``read`` the digest
    of what is read of it today; both None before there is a transcript. ``chaptered`` is the
    fingerprint of its chapters, ``rendered`` that of what browsers play; ``playable``: there are
    media of it. ``about`` is what is known of it besides (``about``).
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
    rendered: str | None
    playable: bool
    about: str


def about(facts: RecordingFacts) -> str:
    """What is known of a recording and found by search, as one text: a line each for its title,
    its collection and each of its people."""
    return _about(facts.title, facts.collection, facts.people)


def _about(title: str, collection: str | None, people: Iterable[str]) -> str:
    return "\n".join((title, collection or "", *people))


def standings(db: sqlite3.Connection, ids: Collection[str] = ()) -> list[Standing]:
    """The known ones among ``ids``, or all recordings, in no certain order."""
    where = "WHERE recordings.id IN (SELECT value FROM json_each(?))" if ids else ""
    rows = db.execute(
        "SELECT recordings.id, state, recordings.stage, imported, language, media_track,"
        " machine.fingerprint, ifnull(corrected.digest, machine.digest), parted.fingerprint,"
        " shown.fingerprint, media_path IS NOT NULL,"
        " title, collection, (SELECT group_concat(name, char(10)) FROM (SELECT name FROM people"
        "  WHERE people.recording_id = recordings.id ORDER BY position))"
        " FROM recordings"
        " LEFT JOIN results AS machine"
        "  ON machine.recording_id = recordings.id AND machine.stage = 'transcribe'"
        " LEFT JOIN results AS corrected"
        "  ON corrected.recording_id = machine.recording_id AND corrected.stage = 'correct'"
        " LEFT JOIN results AS parted"
        "  ON parted.recording_id = recordings.id AND parted.stage = 'chapters'"
        " LEFT JOIN results AS shown"
        f"  ON shown.recording_id = recordings.id AND shown.stage = 'rendition' {where}",
        (json.dumps(list(ids)),) if ids else (),
    )
    return [_standing(*row) for row in rows]


def _standing(key: str, state: str, stage: str | None, imported: int, *more: Any) -> Standing:
    language, track, recognised, read, chaptered, rendered, playable, *facts = more
    title, collection, people = facts  # who appears, a line each; None for nobody
    known = _about(title, collection, () if people is None else (people,))
    done = (recognised, read, chaptered, rendered, bool(playable))
    return Standing(key, state, stage, bool(imported), language, track, *done, known)
