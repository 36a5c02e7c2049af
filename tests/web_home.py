"""A home with pages over it: recordings released to this one and that one, with all that a page may
show of a recording, and people who are signed in."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from pipeline.accounts import sessions
from pipeline.accounts.names import folded
from pipeline.catalog import accounts, chapters, recordings, renditions, transcripts
from pipeline.catalog.connection import now_ms
from pipeline.catalog.renditions import Made
from pipeline.catalog.transcripts import StageResult
from pipeline.home import open_home
from pipeline.run import shelf
from pipeline.run.context import Context
from pipeline.run.shown import shows
from pipeline.settings import Settings
from pipeline.values import Chapter, Media, RecordingFacts, Role, Segment, Transcript
from pipeline.web.app import build, pages
from pipeline.web.site import Site, site_over
from tests.search_home import MODEL, SearchHome
from tests.web_client import HERE, Browser

NORTH, SOUTH = "Nordwerke", "Südwerke"
SECONDS = 10


@dataclass(frozen=True)
class Talk:
    """A recording of which every word is its own, so that a trace of it is known for one."""

    title: str
    visibility: tuple[str, ...]
    said: tuple[str, ...]
    person: str
    collection: str
    year: str
    chapter: str
    speaker: str = "Jana Brandt"
    video: bool = True

    @property
    def id(self) -> str:
        return hashlib.sha256(self.title.encode()).hexdigest()[:12]

    @property
    def bytes(self) -> bytes:
        return f"film of {self.id} ".encode() * 40

    @property
    def picture(self) -> bytes:
        return b"\xff\xd8" + f"picture of {self.id}".encode()

    @property
    def transcript(self) -> Transcript:
        ms = SECONDS * 1000
        segments = tuple(
            Segment(n * ms, (n + 1) * ms, one, "de", self.speaker)
            for n, one in enumerate(self.said)
        )
        return Transcript("de", ms * len(self.said), segments)


class WebHome(SearchHome):
    """``site`` is what the pages share, ``app`` is all that a server serves."""

    def __init__(
        self,
        root: Path,
        talks: Sequence[Talk],
        settings: Settings | None = None,
        *,
        open_to_all: bool = False,
    ) -> None:
        super().__init__(root)
        self.context = Context(open_home(root), settings or Settings())
        self.context._embedders[MODEL.hash, False] = self.embedder
        for talk in talks:
            self.tell(talk)
        if talks:
            self.publish()
        self.site: Site = site_over(self.context, open_to_all=open_to_all)
        self.pages: Starlette = pages(self.site)
        self.app = build(self.site, {HERE})

    def tell(self, talk: Talk) -> None:
        home, own = self.context.home, talk.id
        assert self.add(talk.title, talk.transcript) == own
        facts = RecordingFacts(
            talk.title, "de", talk.collection, (talk.person,), talk.year, talk.visibility
        )
        folder = shelf.place(home, own, "made")
        (folder / "frames").mkdir(parents=True)
        (folder / "play.mp4").write_bytes(talk.bytes)
        (folder / "frames" / "000000.jpg").write_bytes(talk.picture)
        stat = (folder / "play.mp4").stat()
        media = Media(str(folder / "play.mp4"), stat.st_size, stat.st_mtime_ns, None, False)
        made = Made("copied", "made", "play.mp4", "video/mp4", talk.video, 1, 1)
        parts = [Chapter(0, talk.transcript.duration_ms, talk.chapter)]
        with self.catalogue.write() as db:
            recordings.set_facts(db, own, facts)
            recordings.set_media(db, own, media)
            transcripts.store(db, own, talk.transcript)
            heard = StageResult("f", "d")
            transcripts.record_result(db, own, "transcribe", heard, took_ms=0)
            chapters.store(db, own, parts, StageResult("f", "d"), took_ms=0)
            shown = StageResult("f", shows(own, None, ()))
            renditions.store(db, own, shown, made, took_ms=0)

    def signed_in(self, name: str, role: Role, organisation: str | None = None) -> str:
        """The cookie of somebody who has an account."""
        now = now_ms()
        with self.catalogue.write() as db:
            if accounts.by_name(db, folded(name)) is None:
                accounts.insert(db, name, folded(name), role, organisation, now)
            user = accounts.by_name(db, folded(name))
            assert user is not None
            return sessions.begin(db, user, now)

    def close(self) -> None:
        self.site.close()
        self.catalogue.close()


@contextmanager
def served(
    root: Path,
    talks: Sequence[Talk] = (),
    settings: Settings | None = None,
    *,
    to_all: bool = False,
) -> Iterator[tuple[WebHome, Browser]]:
    """A home, and a browser of somebody who is not signed in."""
    home = WebHome(root, talks, settings, open_to_all=to_all)
    try:
        with asyncio.Runner() as runner:
            yield home, Browser(home.app, runner)
    finally:
        home.close()


def person(home: WebHome, browser: Browser, role: Role, organisation: str | None = None) -> Browser:
    """A browser of somebody who is signed in."""
    name = f"{role}.{organisation}" if organisation else role
    cookie = home.signed_in(name, role, organisation)
    return Browser(home.app, browser.runner, {"session": cookie})
