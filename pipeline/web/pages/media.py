"""Bytes of a recording: what plays, pictures, captions, and transcripts to take away."""

from __future__ import annotations

import hashlib
import re

from starlette.requests import Request
from starlette.responses import Response

from pipeline.catalog import chapters as stored_chapters
from pipeline.catalog import visible
from pipeline.catalog.recordings import Database
from pipeline.errors import NotFound
from pipeline.formats.facts import ExportFacts
from pipeline.formats.transcripts import write_transcript
from pipeline.run import playing, reading
from pipeline.run.playing import Playable
from pipeline.values import Recording
from pipeline.web.asking import viewer_of
from pipeline.web.filebytes import FileBytes
from pipeline.web.guard import KEPT
from pipeline.web.packing import packed
from pipeline.web.site import site_of
from pipeline.web.unchanged import is_unchanged, unchanged

_TYPES = {
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "txt": "text/plain",
    "chapters": "text/vtt",
}


def media(request: Request) -> Response:
    """``GET /r/ID/media``, with byte ranges."""
    site, viewer, recording_id = site_of(request), viewer_of(request), request.path_params["id"]
    with site.desks.desk() as desk, desk.catalogue.read() as db:
        recording = visible.get(db, viewer, recording_id)
        found = playing.playable(site.context.home, db, recording, site.context.settings)
    if not isinstance(found, Playable):
        raise NotFound("web.no_media", id=recording_id)
    return FileBytes(found.path, found.media_type, NotFound("web.no_media", id=recording_id))


def picture(request: Request) -> Response:
    """``GET /r/ID/picture/MS``: the picture nearest to a time."""
    site, viewer, recording_id = site_of(request), viewer_of(request), request.path_params["id"]
    if not re.fullmatch("[0-9]{1,9}", request.path_params["ms"]):
        raise NotFound("web.no_page")
    with site.desks.desk() as desk, desk.catalogue.read() as db:
        recording = visible.get(db, viewer, recording_id)
        found = playing.frame(site.context.home, db, recording, int(request.path_params["ms"]))
    if found is None:
        raise NotFound("web.no_picture", id=recording_id)
    return FileBytes(found, "image/jpeg", NotFound("web.no_picture", id=recording_id))


def captions(request: Request) -> Response:
    """``GET /r/ID/captions.vtt``, for the player."""
    return _written(request, "vtt")


def chapters(request: Request) -> Response:
    """``GET /r/ID/chapters.vtt``, for the player."""
    return _written(request, "chapters")


def transcript(request: Request) -> Response:
    """``GET /r/ID/transcript.FORM``, to take away."""
    form = request.path_params["form"]
    if form not in ("vtt", "srt", "txt") or not site_of(request).context.settings.downloads:
        raise NotFound("web.no_page")
    answer = _written(request, form)
    name = f"{request.path_params['id']}.{form}"
    answer.headers["content-disposition"] = f'attachment; filename="{name}"'
    return answer


def _written(request: Request, form: str) -> Response:
    site, viewer, recording_id = site_of(request), viewer_of(request), request.path_params["id"]
    with site.desks.desk() as desk, desk.catalogue.read() as db:
        recording = visible.get(db, viewer, recording_id)
        spoken = reading.read(db, recording_id)
        written = write_transcript(spoken, form, _facts(db, recording))
    # A weak tag: the same text packed and as it stands.
    tag = hashlib.sha256(written.encode()).hexdigest()[:32]
    answer = Response(
        written,
        media_type=f"{_TYPES[form]}; charset=utf-8",
        headers={"cache-control": KEPT, "etag": f'W/"{tag}"'},
    )
    if is_unchanged(request.headers, answer.headers):
        return unchanged(answer.headers)
    return packed(request, answer)


def _facts(db: Database, recording: Recording) -> ExportFacts:
    facts = recording.facts
    return ExportFacts(
        title=facts.title,
        people=facts.people,
        recorded=facts.recorded,
        collection=facts.collection,
        recording_id=recording.id,
        chapters=stored_chapters.load(db, recording.id),
    )
