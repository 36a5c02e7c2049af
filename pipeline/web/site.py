"""What all pages share: the home, whom it is open to, and desks to work at."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from pipeline.run.context import Context
from pipeline.web.desks import Desks


@dataclass(frozen=True)
class Site:
    """``open``: nobody signs in and everybody is a member (``--open``)."""

    context: Context
    desks: Desks
    open: bool


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site
