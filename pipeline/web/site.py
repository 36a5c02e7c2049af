"""What all pages share: the home, whom it is open to, and desks to work at."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from pipeline.run.context import Context
from pipeline.web.desks import Desks


@dataclass(frozen=True)
class Site:
    """``open``: nobody signs in and everybody is a member (``--open``). At the ``reception`` people
    sign in, which takes its time; at the ``door`` they are known again, which takes none. Whoever
    waits at the one keeps nobody waiting at the other, nor from reading."""

    context: Context
    desks: Desks
    reception: Desks
    door: Desks
    open: bool

    def close(self) -> None:
        self.desks.close()
        self.reception.close()
        self.door.close()


def site_over(context: Context, *, open_to_all: bool) -> Site:
    return Site(context, Desks(context), Desks(context), Desks(context), open_to_all)


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site
