"""A member says whether a moment was the answer; asked only where the settings want it."""

from __future__ import annotations

import re

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from pipeline.catalog import visible
from pipeline.errors import BadInput
from pipeline.run import judging
from pipeline.web.asking import language_of, viewer_of
from pipeline.web.pages.signing import check_token, form_of
from pipeline.web.site import site_of
from pipeline.web.templating import page
from pipeline.web.wording import Wording


async def mark_hit(request: Request) -> Response:
    """``POST /mark``"""
    form = await form_of(request)
    check_token(request, form)
    return await to_thread.run_sync(_marked, request, form)


def _marked(request: Request, form: dict[str, str]) -> Response:
    site, words = site_of(request), Wording(language_of(request))
    at, query = form.get("at", ""), form.get("q", "")
    if not re.fullmatch(r"[0-9]{1,9}", at) or form.get("right") not in ("yes", "no"):
        raise BadInput("web.bad_form")
    with site.desks.desk() as desk:
        with desk.catalogue.read() as db:
            recording = visible.get(db, viewer_of(request), form.get("recording", ""))
        judging.mark(
            site.context,
            desk.catalogue,
            query,
            recording.id,
            int(at),
            right=form["right"] == "yes",
        )
    return page(
        request, "thanks.html", query=query, message=words("judge.thanks"), told=words("judge.kept")
    )
