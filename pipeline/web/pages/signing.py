"""Signing in and out, and the invitation with which somebody chooses a password."""

from __future__ import annotations

from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.accounts import invitations, passwords, sessions, signing_in
from pipeline.catalog.connection import now_ms
from pipeline.errors import BadInput, InterviewsError, NotFound, Refused
from pipeline.web.asking import SESSION_COOKIE, asker_of, language_of
from pipeline.web.guard import is_secure
from pipeline.web.site import site_of
from pipeline.web.templating import page
from pipeline.web.troubles import trouble

_FIELDS = 20

_AT_ONCE = CapacityLimiter(2 * passwords.AT_ONCE)
"""People whose passwords are looked at, or who wait for it: others are read to meanwhile."""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent. Raises BadInput (``web.bad_form``)."""
    body = await request.body()
    try:
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise BadInput("web.bad_form") from error
    return dict(fields)


def check_token(request: Request, form: dict[str, str]) -> None:
    """A form that changes something carries its session's token. Raises Refused
    (``web.stale_form``)."""
    signed_in = asker_of(request).signed_in
    if signed_in is not None and not sessions.alike(signed_in.token, form.get("token", "")):
        raise Refused("web.stale_form")


def local(back: str) -> str:
    """An address of this site, else the first page: nobody is led elsewhere from here."""
    stays = back.startswith("/") and "\\" not in back and not back.startswith("//")
    return back if stays and back.isprintable() else "/"


def sign_in_page(request: Request) -> Response:
    """``GET /sign-in``"""
    back = local(request.query_params.get("back", "/"))
    if site_of(request).open or asker_of(request).signed_in:
        return RedirectResponse(back, 303)
    return page(request, "sign-in.html", back=back, name="", trouble=None)


async def sign_in(request: Request) -> Response:
    """``POST /sign-in``"""
    form = await form_of(request)
    return await to_thread.run_sync(_signed_in, request, form, limiter=_AT_ONCE)


def _signed_in(request: Request, form: dict[str, str]) -> Response:
    name, back = form.get("name", "").strip(), local(form.get("back", "/"))
    address = request.client.host if request.client else ""
    try:
        with site_of(request).reception.desk() as desk:
            given = signing_in.sign_in(
                desk.catalogue, name, form.get("password", ""), address, now_ms()
            )
            if former := request.cookies.get(SESSION_COOKIE):
                sessions.end(desk.catalogue, former)
    except InterviewsError as error:
        return page(
            request,
            "sign-in.html",
            status=error.http_status,
            back=back,
            name=name[:200],
            trouble=trouble(error, language_of(request)),
        )
    return _with_session(request, RedirectResponse(back, 303), given)


async def sign_out(request: Request) -> Response:
    """``POST /sign-out``"""
    check_token(request, await form_of(request))
    return await to_thread.run_sync(_signed_out, request)


def _signed_out(request: Request) -> Response:
    with site_of(request).reception.desk() as desk:
        sessions.end(desk.catalogue, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(SESSION_COOKIE, secure=is_secure(request), httponly=True)
    # What was shown to this person does not stay on a machine that others use, too.
    answer.headers["clear-site-data"] = '"cache"'
    return answer


def invitation_page(request: Request) -> Response:
    """``GET /invitation/TOKEN``"""
    with site_of(request).reception.desk() as desk, desk.catalogue.read() as db:
        user = invitations.invited(db, request.path_params["token"], now_ms())
    return page(request, "invitation.html", name=user.name, trouble=None)


async def accept(request: Request) -> Response:
    """``POST /invitation/TOKEN``"""
    form = await form_of(request)
    return await to_thread.run_sync(_accepted, request, form, limiter=_AT_ONCE)


def _accepted(request: Request, form: dict[str, str]) -> Response:
    token, password = request.path_params["token"], form.get("password", "")
    with site_of(request).reception.desk() as desk:
        with desk.catalogue.read() as db:
            user = invitations.invited(db, token, now_ms())
        try:
            if password != form.get("again", ""):
                raise BadInput("web.not_alike")
            given = invitations.accept(desk.catalogue, token, password, now_ms())
        except NotFound:
            raise
        except InterviewsError as error:
            return page(
                request,
                "invitation.html",
                status=error.http_status,
                name=user.name,
                trouble=trouble(error, language_of(request)),
            )
    return _with_session(request, RedirectResponse("/", 303), given)


def _with_session(request: Request, answer: Response, given: str) -> Response:
    answer.set_cookie(
        SESSION_COOKIE,
        given,
        max_age=max(sessions.LONGEST_MS.values()) // 1000,  # when it ends, the session decides
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
        path="/",
    )
    return answer
