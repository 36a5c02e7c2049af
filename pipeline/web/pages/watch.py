"""The watch page: a recording from the second that was found, with its transcript beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from pipeline.catalog import chapters as stored_chapters
from pipeline.catalog import visible
from pipeline.catalog.scope import Scope
from pipeline.errors import BadInput
from pipeline.messages import text
from pipeline.run import playing, reading
from pipeline.run.playing import Playable
from pipeline.search import marking
from pipeline.search.related import related
from pipeline.search.results import Related
from pipeline.timecode import parse_time
from pipeline.values import Chapter, Recording, Transcript, Viewer
from pipeline.web.asked import seconds
from pipeline.web.asking import language_of, viewer_of
from pipeline.web.desks import Desk
from pipeline.web.reading import parts
from pipeline.web.site import Site, site_of
from pipeline.web.strip import BARS, runs, speech
from pipeline.web.templating import page
from pipeline.web.within import listed, neighbour, sought, within
from pipeline.web.wording import Wording

SPEEDS = (0.75, 1, 1.25, 1.5, 2)
FORMS = ("vtt", "srt", "txt")
_TO_PLAY = {"play", "ten", "five", "captions", "speed", "line"}
"""What keys do only where there is something to play."""
_SAID_TO_SCRIPT = ("copied_link", "copied_quote", "copy_by_hand", "no_line", "loading")


class Media(NamedTuple):
    tag: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """A recording as it is shown at one moment."""

    recording: Recording
    transcript: Transcript | None
    chapters: tuple[Chapter, ...]
    playable: Playable | None
    no_media: str
    pictured: bool
    languages: tuple[str, ...]


def watch_page(request: Request) -> Response:
    """``GET /r/ID``"""
    site, viewer, recording_id = site_of(request), viewer_of(request), request.path_params["id"]
    words = Wording(language_of(request))
    question = sought(request.query_params)
    at_ms = _time(request.query_params.get("t", ""))
    with site.desks.desk() as desk:
        shown = _shown(site, desk, viewer, recording_id, at_ms)
        found = within(desk.searcher, viewer, shown.recording, question, at_ms, words)
        near = _related(desk, viewer, shown, at_ms)
    hits = listed(question, shown.recording, found.hits, at_ms)
    marks = marking.marks(question.query, found.corrected)
    transcript, length = shown.transcript, max(_length_ms(shown), 1)
    return page(
        request,
        "watch.html",
        recording=shown.recording,
        query=question.query,
        search=question.search,
        inside=question.inside,
        at_ms=at_ms,
        arrived="" if at_ms is None else seconds(at_ms),
        length=length,
        spoken=_spoken(shown, words),
        languages=shown.languages,
        media=Media("video" if shown.playable.has_video else "audio") if shown.playable else None,
        no_media=text(shown.no_media, words.language) if shown.no_media else "",
        poster=f"/r/{recording_id}/picture/{at_ms or 0}" if shown.pictured else None,
        chapters=shown.chapters,
        bars=BARS,
        strip=runs(speech(transcript)) if transcript else (),
        place=lambda ms: round(min(ms / length, 1) * 994),
        hits=hits,
        previous=neighbour(hits, at_ms, -1),
        following=neighbour(hits, at_ms, 1),
        link=question.here,
        parts=parts(transcript, shown.chapters, marks) if transcript else (),
        current=_current(transcript, at_ms),
        related=near,
        told=found.told,
        downloads=FORMS if site.context.settings.downloads and transcript else (),
        speeds=SPEEDS,
        shortcuts=_shortcuts(words, plays=shown.playable is not None),
        texts={name: words(f"script.{name}") for name in _SAID_TO_SCRIPT},
    )


def _time(written: str) -> int | None:
    """A time in the address, as ``?t=`` has it; none where it makes no sense."""
    try:
        return parse_time(written) if written else None
    except BadInput:
        return None


def _shown(site: Site, desk: Desk, viewer: Viewer, recording_id: str, at_ms: int | None) -> _Shown:
    context = site.context
    with desk.catalogue.read() as db:
        recording = visible.get(db, viewer, recording_id)
        played = playing.playable(context.home, db, recording, context.settings)
        return _Shown(
            recording,
            reading.find(db, recording_id),
            stored_chapters.load(db, recording_id),
            played if isinstance(played, Playable) else None,
            "" if isinstance(played, Playable) else played.key,
            playing.frame(context.home, db, recording, at_ms or 0) is not None,
            visible.spoken(db, [recording])[recording_id],
        )


def _related(desk: Desk, viewer: Viewer, shown: _Shown, at_ms: int | None) -> Sequence[object]:
    """Moments of other recordings like the one that plays."""
    with desk.catalogue.read() as db:
        near: Related = related(
            desk.searcher.indexes, db, shown.recording.id, at_ms or 0, Scope(viewer=viewer)
        )
    return [one for one in near.moments if one.recording.id != shown.recording.id]


def _length_ms(shown: _Shown) -> int:
    heard = shown.transcript.duration_ms if shown.transcript else 0
    return shown.recording.duration_ms or heard


def _spoken(shown: _Shown, words: Wording) -> str:
    heard = shown.transcript.language if shown.transcript else None
    return heard or shown.recording.shown_language or words.language


def _current(transcript: Transcript | None, at_ms: int | None) -> int | None:
    """Where the line begins that is spoken at a time."""
    if transcript is None or at_ms is None:
        return None
    begun = [one.start_ms for one in transcript.segments if one.end_ms > at_ms]
    return begun[0] if begun else None


def _shortcuts(words: Wording, *, plays: bool) -> list[tuple[tuple[str, ...], str]]:
    space = words("keys.space")
    rows: tuple[tuple[tuple[str, ...], str], ...] = (
        ((space, "k"), "play"),
        (("j", "l"), "ten"),
        (("←", "→"), "five"),
        (("p", "n"), "hits"),
        (("c",), "captions"),
        (("<", ">"), "speed"),
        (("t",), "transcript"),
        (("↑", "↓"), "lines"),
        ((words("keys.enter"),), "line"),
        (("/",), "search"),
        (("?",), "help"),
    )
    return [(keys, words(f"keys.{name}")) for keys, name in rows if plays or name not in _TO_PLAY]
