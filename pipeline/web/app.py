"""The pages and what each address leads to."""

from __future__ import annotations

from collections.abc import Collection
from mimetypes import guess_type

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipeline.errors import InterviewsError, NotFound
from pipeline.messages import LANGUAGES, text
from pipeline.web.asking import LANGUAGE_COOKIE, language_of
from pipeline.web.doors import Doors
from pipeline.web.guard import BODY_S, Guard, is_secure
from pipeline.web.packing import packed
from pipeline.web.pages import help as help_pages
from pipeline.web.pages import judging, media, search, signing, watch
from pipeline.web.site import Site
from pipeline.web.templating import page, static, static_files
from pipeline.web.troubles import trouble

YEAR_S = 365 * 24 * 3600


def build(site: Site, names: Collection[str] = (), body_s: float = BODY_S) -> ASGIApp:
    """All that is served. ``names`` are what the server is called besides its addresses; a form
    has to arrive within ``body_s``."""
    encrypted = site.context.settings.public_url.startswith("https://")
    return Guard(Doors(pages(site), site), names, body_s, encrypted=encrypted)


def pages(site: Site) -> Starlette:
    """What each address leads to, once it is known who asks."""
    app = Starlette(
        routes=[
            Route("/", search.search_page),
            Route("/r/{id}", watch.watch_page),
            Route("/r/{id}/media", media.media),
            Route("/r/{id}/picture/{ms}", media.picture),
            Route("/r/{id}/captions.vtt", media.captions),
            Route("/r/{id}/chapters.vtt", media.chapters),
            Route("/r/{id}/transcript.{form}", media.transcript),
            Route("/mark", judging.mark_hit, methods=["POST"]),
            Route("/help", help_pages.help_page),
            Route("/help/{page}", help_pages.help_page),
            Route("/language", choose_language),
            Route("/sign-in", signing.sign_in_page),
            Route("/sign-in", signing.sign_in, methods=["POST"]),
            Route("/sign-out", signing.sign_out, methods=["POST"]),
            Route("/invitation/{token}", signing.invitation_page),
            Route("/invitation/{token}", signing.accept, methods=["POST"]),
            Route("/static/{version}/{name}", static_file),
        ],
        exception_handlers={
            InterviewsError: _troubled,
            HTTPException: _strayed,
            Exception: _broken,
        },
    )
    app.state.site = site
    return app


def choose_language(request: Request) -> Response:
    """``GET /language``: remember the language and go back."""
    chosen = request.query_params.get("to", "")
    answer = RedirectResponse(signing.local(request.query_params.get("back", "/")), 303)
    if chosen in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, chosen, YEAR_S, samesite="lax", secure=is_secure(request)
        )
    return answer


def static_file(request: Request) -> Response:
    """``GET /static/VERSION/NAME``"""
    name, version = request.path_params["name"], request.path_params["version"]
    path = static_files().get(name)
    if path is None or static(name).split("/")[2] != version:
        raise NotFound("web.no_page")
    kept = f"public, max-age={YEAR_S}, immutable"
    kind = guess_type(name)[0] or "application/octet-stream"
    answer = Response(path.read_bytes(), media_type=kind, headers={"cache-control": kept})
    return packed(request, answer)


def _troubled(request: Request, error: Exception) -> Response:
    assert isinstance(error, InterviewsError)
    said = trouble(error, language_of(request))
    return page(
        request, "told.html", status=error.http_status, message=said.message, told=said.advice
    )


def _strayed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    key = "web.no_page" if error.status_code == 404 else "web.no_way"
    language = language_of(request)
    return page(
        request,
        "told.html",
        status=error.status_code,
        message=text(f"error.{key}.message", language),
        told=text(f"error.{key}.advice", language),
    )


def _broken(request: Request, _: Exception) -> Response:
    """Something nobody expected; it comes to the guard's log."""
    language = language_of(request)
    return page(
        request,
        "told.html",
        status=500,
        message=text("error.web.unexpected.message", language),
        told=text("error.web.unexpected.advice", language),
    )
