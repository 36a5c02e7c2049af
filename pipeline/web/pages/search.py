"""The search page: one field, and the moments that answer; before the first question, what is in
here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from pipeline.catalog import visible
from pipeline.catalog.recordings import Database
from pipeline.catalog.standing import about
from pipeline.errors import InterviewsError
from pipeline.run import playing
from pipeline.search import marking
from pipeline.search.analysis import chosen_language
from pipeline.search.results import SearchResult
from pipeline.values import Recording, Viewer
from pipeline.web.asked import SHELF, Asked, Filter, asked, pages
from pipeline.web.asking import language_of, viewer_of
from pipeline.web.desks import Desk
from pipeline.web.grouping import Found, by_recording
from pipeline.web.notices import Told, told
from pipeline.web.site import Site, site_of
from pipeline.web.templating import page
from pipeline.web.troubles import trouble
from pipeline.web.wording import Wording

_FIRST = 5
"""Hits that decide whether a page says that answers are in another language."""


class Option(NamedTuple):
    value: str
    label: str


class Choice(NamedTuple):
    """A filter with what can be chosen."""

    name: Filter
    chosen: str
    options: Sequence[Option]


class Choices(NamedTuple):
    lists: Sequence[Choice]

    @property
    def any(self) -> bool:
        return bool(self.lists)


class Collection(NamedTuple):
    name: str
    recordings: int
    href: str


class Seen(NamedTuple):
    """By recording: whether there are pictures of it, and what is spoken."""

    pictured: dict[str, bool]
    languages: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Overview:
    """What is in here, as far as somebody may see it: ``count`` in all, ``chosen`` by the filters,
    of which ``newest`` follow ``skipped`` others."""

    count: int
    collections: Sequence[Collection]
    chosen: int
    skipped: int
    newest: Sequence[Recording]


def search_page(request: Request) -> Response:
    """``GET /``"""
    site, viewer = site_of(request), viewer_of(request)
    question = asked(request.query_params)
    words = Wording(language_of(request))
    with site.desks.desk() as desk:
        with desk.catalogue.read() as db:
            choices = _choices(db, viewer, question, words)
        if not question.query:
            return _welcome(request, site, desk, viewer, question, choices)
        try:
            result = desk.searcher.search(
                question.query,
                mode=question.mode,
                scope=question.scope(viewer),
                limit=question.count,
            )
        except InterviewsError as error:
            return _refused(request, question, choices, error, words)
        groups = by_recording(result.hits)
        with desk.catalogue.read() as db:
            shown = [found.recording for found in groups]
            seen = Seen(_pictured(site, db, shown), visible.spoken(db, shown))
    return _found(request, question, choices, result, groups, seen)


def _welcome(
    request: Request,
    site: Site,
    desk: Desk,
    viewer: Viewer,
    question: Asked,
    choices: Choices,
) -> Response:
    with desk.catalogue.read() as db:
        collections = [
            Collection(name, count, f"/?{urlencode({'collection': name})}")
            for name, count in visible.collections(db, viewer).items()
        ]
        scope = question.scope(viewer)
        chosen = visible.count(db, viewer, scope)
        question = replace(question, page=min(question.page, pages(chosen)))
        skipped = (question.page - 1) * SHELF
        newest = visible.newest(db, viewer, SHELF, scope, skip=skipped)
        count = visible.count(db, viewer)
        overview = Overview(count, collections, chosen, skipped, newest)
        pictured = _pictured(site, db, newest)
        languages = visible.spoken(db, newest)
    return page(
        request,
        "search.html",
        asked=question,
        choices=choices,
        overview=overview,
        newer=question.on(question.page - 1, chosen),
        older=question.on(question.page + 1, chosen),
        pictured=pictured,
        languages=languages,
        told=(),
        trouble=None,
    )


def _found(
    request: Request,
    question: Asked,
    choices: Choices,
    result: SearchResult,
    groups: Sequence[Found],
    seen: Seen,
) -> Response:
    words = Wording(language_of(request))
    spoken = chosen_language(question.query, None)
    return page(
        request,
        "search.html",
        asked=question,
        choices=choices,
        groups=groups,
        pictured=seen.pictured,
        languages=seen.languages,
        summary=_summary(words, result, groups),
        told=list(
            dict.fromkeys(
                [
                    *_cut(words, question),
                    *told(result, words),
                    *_nearest(words, result),
                    *_across(words, result, spoken),
                ]
            )
        ),
        trouble=None,
        query_language=spoken,
        at=lambda hit: question.at(hit.recording.id, hit.jump_ms),
        marking=site_of(request).context.settings.feedback,
        more=question.for_more if len(result.hits) == question.count else None,
    )


def _refused(
    request: Request, question: Asked, choices: Choices, error: InterviewsError, words: Wording
) -> Response:
    return page(
        request,
        "search.html",
        status=error.http_status,
        asked=question,
        choices=choices,
        trouble=trouble(error, words.language),
    )


def _summary(words: Wording, result: SearchResult, groups: Sequence[Found]) -> str:
    if not result.hits:
        return words("search.none", query=result.query)
    moments = words.count("search.moments", len(result.hits))
    return words.count("search.in_recordings", len(groups), moments=moments)


def _cut(words: Wording, question: Asked) -> Iterable[Told]:
    """That a question was not read to its end."""
    if question.cut:
        yield Told("off", words("search.off.long"))


def _nearest(words: Wording, result: SearchResult) -> Iterable[Told]:
    """That nobody says it in the words of the question, and nobody found is called so."""
    marks = marking.marks(result.query, result.corrected)
    called = (marks(about(hit.recording.facts), None) for hit in result.hits)
    said = any(hit.highlights for hit in result.hits)
    if result.hits and not said and not any(map(any, called)):
        yield Told("nearest", words("search.nearest"))


def _across(words: Wording, result: SearchResult, spoken: str) -> Iterable[Told]:
    """That a question was also answered in another language than its own."""
    first = [hit.language for hit in result.hits[:_FIRST]]
    others = sorted({language for language in first if language} - {spoken})
    if others:
        names = words.both([words.language_name(one) for one in others])
        yield Told("across", words("search.across", languages=names))


def _pictured(site: Site, db: Database, shown: Iterable[Recording]) -> dict[str, bool]:
    home = site.context.home
    return {one.id: playing.frame(home, db, one, 0) is not None for one in shown}


def _choices(db: Database, viewer: Viewer, question: Asked, words: Wording) -> Choices:
    """The filters that would tell anything apart in what the viewer may see."""
    offered: list[tuple[Filter, str, list[Option]]] = [
        (
            "collection",
            question.collection,
            [Option(name, name) for name in visible.collections(db, viewer)],
        ),
        (
            "language",
            question.language,
            [Option(code, words.language_name(code)) for code in visible.languages(db, viewer)],
        ),
        ("person", question.person, [Option(one, one) for one in visible.people(db, viewer)]),
        ("year", question.year, [Option(one, one) for one in visible.years(db, viewer)]),
    ]
    return Choices([Choice(*one) for one in offered if len(one[2]) > 1 or one[1]])
