"""Every page of the site, in every state it can be in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from tests.browser.visits import Site

FILM, SOUND, TEXT, WITHHELD = "Fernwärme in Grünau", "Am Telefon", "Protokoll", "Gesperrt"
ASKED = "Was kostet die Fernwärme?"
PASSWORD = "ein langer Satz über Fernwärme"
_number = count(1)


@dataclass(frozen=True)
class Sites:
    """Sites of every kind."""

    site: Site
    members: Site
    nothing: Site


State = Callable[[Page, Sites], object]


def asking(**values: str) -> str:
    return f"/?{urlencode(values)}"


def sign_in(page: Page, members: Site) -> str:
    """Be somebody who has just accepted an invitation; the invitation."""
    invitation = members.invited(f"member-{next(_number)}")
    page.goto(members(invitation))
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(members("/"))
    return invitation


def _keys(page: Page, sites: Sites) -> None:
    page.goto(sites.site.watch(FILM))
    page.locator("#show-keys").click()


def _refused_sign_in(page: Page, sites: Sites) -> None:
    page.goto(sites.members("/sign-in"))
    page.locator("#name").fill(f"stranger-{next(_number)}")
    page.locator("#password").fill("not the right one")
    page.locator("main button").click()
    page.get_by_role("alert").wait_for()


def _refused_password(page: Page, sites: Sites) -> None:
    page.goto(sites.members(sites.members.invited(f"hasty-{next(_number)}")))
    page.locator("#password").fill("short")
    page.locator("#again").fill("short")
    page.locator("main button").click()
    page.get_by_role("alert").wait_for()


def _used_invitation(page: Page, sites: Sites) -> None:
    page.goto(sites.members(sign_in(page, sites.members)))


def _results_of_a_member(page: Page, sites: Sites) -> None:
    sign_in(page, sites.members)
    page.goto(sites.members(asking(q=ASKED)))


def _judged(page: Page, sites: Sites) -> None:
    _results_of_a_member(page, sites)
    page.locator(".judge button").first.click()
    page.wait_for_url(sites.members("/mark"))


STATES: dict[str, State] = {
    "home": lambda page, of: page.goto(of.site("/")),
    "collection": lambda page, of: page.goto(of.site(asking(collection="Digitalisierung"))),
    "results": lambda page, of: page.goto(of.site(asking(q=ASKED))),
    "nothing-found": lambda page, of: page.goto(of.site(asking(q="Quastenflosser", mode="words"))),
    "refused-query": lambda page, of: page.goto(of.site(asking(q="-Netz"))),
    "filters": lambda page, of: page.goto(
        of.site(asking(q=ASKED, collection="Wärmewende", language="de"))
    ),
    "watch": lambda page, of: page.goto(of.site.watch(FILM)),
    "watch-asked": lambda page, of: page.goto(of.site.watch(FILM, "?t=17&q=Fernwärme")),
    "watch-bilingual": lambda page, of: page.goto(of.site.watch("Bürgerbeteiligung", "?t=80")),
    "sound-only": lambda page, of: page.goto(of.site.watch(SOUND, "?q=Hafen")),
    "text-only": lambda page, of: page.goto(of.site.watch(TEXT, "?q=Hafen")),
    "withheld": lambda page, of: page.goto(of.site.watch(WITHHELD)),
    "keys": _keys,
    "sign-in": lambda page, of: page.goto(of.members("/sign-in")),
    "sign-in-refused": _refused_sign_in,
    "invitation": lambda page, of: page.goto(
        of.members(of.members.invited(f"guest-{next(_number)}"))
    ),
    "invitation-refused": _refused_password,
    "invitation-used": _used_invitation,
    "results-of-a-member": _results_of_a_member,
    "judged": _judged,
    "help": lambda page, of: page.goto(of.site("/help")),
    "no-such-page": lambda page, of: page.goto(of.site("/nowhere")),
    "empty": lambda page, of: page.goto(of.nothing("/")),
}

every_state = pytest.mark.parametrize("state", STATES)
