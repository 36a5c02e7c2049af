"""What all pages share: the home, whom it is open to, and desks to work at."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request

from pipeline.errors import InterviewsError
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

    def open_up(self) -> None:
        """Load models and index before anybody comes: who is first waits no longer than the rest.
        What is missing is said by the pages."""
        with suppress(InterviewsError), self.desks.desk() as desk:
            desk.searcher.search("Interview", limit=1)

    def close(self) -> None:
        self.desks.close()
        self.reception.close()
        self.door.close()


def site_over(context: Context, *, open_to_all: bool) -> Site:
    return Site(context, Desks(context), Desks(context), Desks(context), open_to_all)


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site
