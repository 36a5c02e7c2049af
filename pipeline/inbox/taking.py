"""Taking one bundle from the inbox: copied whole, stored, and only then deleted where it lay.

Whatever is killed between two steps, another scan goes on: before the recording is stored the
bundle lies there untouched; after that its row says that it was taken, and the leading file goes
last.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import replace
from pathlib import Path

from pipeline.catalog import inbox, recordings
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.inbox import Seen
from pipeline.errors import BadInput
from pipeline.fingerprint import recording_id
from pipeline.formats import transcripts
from pipeline.home import Home
from pipeline.inbox import sidefile
from pipeline.inbox.bundles import Bundle, Part
from pipeline.inbox.dropped import Dropped
from pipeline.run import intake, removal, safekeeping
from pipeline.run.context import Context
from pipeline.run.intake import Added, Wishes
from pipeline.stages import probe
from pipeline.stages.probe import shown
from pipeline.values import Media, Recording, RecordingFacts, Transcript


class NotStill(Exception):
    """The files changed while they were being taken."""


def take(context: Context, catalogue: Catalogue, dropped: Dropped, seen: Seen) -> Added:
    """Take a bundle in; its files stay where they are, and its row says that it was taken.

    A recording that is known is given what the side file and the transcript say, and this copy
    where it has none of its own. Raises BadInput and MediaError for what cannot be taken, NotStill,
    and HomeUnusable.
    """
    bundle = dropped.bundle
    side = _side(bundle.side) if bundle.side else None
    if bundle.lead.kind == "transcript":
        return _take_transcript(context.home, catalogue, dropped, seen, side)
    imported = _transcript(bundle.transcript)[0] if bundle.transcript else None
    info = probe.probe(bundle.lead.path)
    probe.choose_track(info, None)
    fetched = safekeeping.fetch(context.home, bundle.lead.path, bundle.lead.size)
    try:
        new_id = recording_id(fetched.sha256)
        if fetched.size != bundle.lead.size:
            raise NotStill
        _check(context.home, catalogue, bundle, new_id)
        media, place = _keep(context.home, catalogue, fetched, bundle.lead, new_id)
    finally:
        safekeeping.drop(fetched)
    base = RecordingFacts(title=intake.title_of(bundle.lead.path), collection=dropped.collection)
    facts = (side or Wishes()).facts(base)
    with catalogue.write() as db:
        if place is None and not recordings.exists(db, new_id):
            raise NotStill  # removed just now, and its copy with it
        known, _ = intake.enter_media(db, new_id, facts, media, info.duration_ms, imported)
        recording = _enter(db, seen, bundle, new_id, side if known else None)
    if place is not None:
        safekeeping.disclaim(place)
    return Added(recording, bundle.lead.path, known)


def _take_transcript(
    home: Home, catalogue: Catalogue, dropped: Dropped, seen: Seen, side: Wishes | None
) -> Added:
    lead = dropped.bundle.lead
    transcript, new_id = _transcript(lead)
    _check(home, catalogue, dropped.bundle, new_id)
    base = intake.transcript_facts(lead.path, transcript)
    facts = (side or Wishes()).facts(replace(base, collection=dropped.collection))
    with catalogue.write() as db:
        known = intake.enter_transcript(db, new_id, facts, transcript)
        recording = _enter(db, seen, dropped.bundle, new_id, side if known else None)
    return Added(recording, lead.path, known)


def _enter(
    db: recordings.Database, seen: Seen, bundle: Bundle, new_id: str, said: Wishes | None
) -> Recording:
    """Note what is ``said`` of a known recording, and that the bundle was taken."""
    if said is not None:
        recordings.set_facts(db, new_id, said.facts(recordings.get(db, new_id).facts))
    inbox.remember(db, [replace(seen, stamp=bundle.stamp, failure=None, recording_id=new_id)])
    return recordings.get(db, new_id)


def _keep(
    home: Home, catalogue: Catalogue, fetched: safekeeping.Fetched, lead: Part, new_id: str
) -> tuple[Media, Path | None]:
    """The copy to keep: the one that the catalogue has, or this one and its place. A file that is
    only referred to is no copy; it may be the very one that lies in the inbox."""
    with catalogue.read() as db:
        known = recordings.get_many(db, [new_id]).get(new_id)
    if known and known.media and known.media.copied and safekeeping.still_there(known.media):
        return known.media, None
    name = safekeeping.copy_name(new_id, lead.path)
    place = safekeeping.settle_in(home, fetched, name)
    return intake.media_at(place, None, copied=True), place


def _check(home: Home, catalogue: Catalogue, bundle: Bundle, new_id: str) -> None:
    """Raises NotStill, or BadInput (``inbox.removed``): what was removed for good does not come
    back because a copy of it was forgotten in a folder."""
    try:
        if not all(part.unchanged() for part in bundle.parts):
            raise NotStill
    except FileNotFoundError as error:
        raise NotStill from error
    except OSError as error:
        raise intake.unreadable(bundle.lead.path, error) from error
    removed = removal.read_ledger(home).get(new_id)
    if removed is None:
        return
    with catalogue.read() as db:
        known = recordings.exists(db, new_id)
    if not known:
        day = datetime.datetime.fromtimestamp(removed.removed_ms / 1000).date().isoformat()
        raise BadInput("inbox.removed", path=shown(bundle.lead.path), day=day, id=new_id)


def _side(part: Part) -> Wishes:
    return sidefile.parse_side(_read(part, sidefile.LARGEST_BYTES), shown(part.path))


def _transcript(part: Part) -> tuple[Transcript, str]:
    """A transcript and the id of its bytes."""
    content = _read(part, transcripts.LARGEST_BYTES)
    parsed = transcripts.parse_transcript(content, part.path.name)
    return parsed, recording_id(hashlib.sha256(content).digest())


def _read(part: Part, limit: int) -> bytes:
    try:
        with part.path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise intake.unreadable(part.path, error) from error


def is_kept(context: Context, bundle: Bundle, recording_id: str) -> bool:
    """Whether the catalogue that lies in the home directory now has the recording, and the media
    its copy: asked anew, since a restore or a removal may have come between."""
    with context.catalogue() as fresh, fresh.read() as db:
        found = recordings.get_many(db, [recording_id]).get(recording_id)
    if found is None or bundle.lead.kind == "transcript":
        return found is not None
    return found.media is not None and found.media.copied and safekeeping.still_there(found.media)


def clear(bundle: Bundle) -> BadInput | None:
    """Delete the files of a bundle that is kept: None, or why they still lie there. Nothing goes
    that does not look as it did when it was taken."""
    for part in bundle.parts:
        try:
            if not part.unchanged():
                return BadInput("inbox.changed", path=shown(part.path))
        except FileNotFoundError:
            continue
        except OSError as error:
            return _undeletable(part, error)
    for part in bundle.parts:
        try:
            part.path.unlink(missing_ok=True)
        except OSError as error:
            return _undeletable(part, error)
    return None


def _undeletable(part: Part, error: OSError) -> BadInput:
    detail = error.strerror or str(error)
    return BadInput("inbox.undeletable", path=shown(part.path), detail=detail)
