"""``interviews user``: who may sign in to the web page."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from pipeline.accounts import users
from pipeline.accounts.invitations import address_of
from pipeline.catalog import accounts
from pipeline.catalog.accounts import User
from pipeline.catalog.connection import now_ms
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised, LocalisedGroup
from pipeline.messages import text
from pipeline.values import ROLES, Role


@click.group(cls=LocalisedGroup)
def user() -> None: ...


@user.command(cls=Localised)
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="member")
@click.option("--organisation", metavar="ORG")
@pass_session
def add(session: Session, name: str, role: Role, organisation: str | None) -> None:
    with session.catalogue() as catalogue:
        token = users.add(catalogue, name, role, organisation, now_ms())
        with catalogue.read() as db:
            added = users.get(db, name)
            own = added.organisation
            released = own is None or accounts.is_released_to(db, own)
    _say_invitation(session, "user.add.done", added, token)
    if not released:
        session.note("user.add.nothing_released", organisation=own)


@user.command(cls=Localised)
@click.argument("name")
@pass_session
def invite(session: Session, name: str) -> None:
    with session.catalogue() as catalogue:
        token = users.invite_again(catalogue, name, now_ms())
        with catalogue.read() as db:
            invited = users.get(db, name)
    _say_invitation(session, "user.invite.done", invited, token)


def _say_invitation(session: Session, key: str, invited: User, token: str) -> None:
    public_url = session.context.settings.public_url
    session.say(key, name=invited.name)
    click.echo(address_of(token, public_url))
    if not public_url:
        session.note("user.add.no_address")


@user.command(cls=Localised, name="list")
@click.option("--json", "as_json", is_flag=True)
@pass_session
def list_users(session: Session, as_json: bool) -> None:
    with session.catalogue() as catalogue, catalogue.read() as db:
        known = accounts.every(db)
        ends = accounts.invitation_ends(db)
    moment = now_ms()
    until = {key: _time(end) for key, end in ends.items() if end > moment}
    if as_json:
        echo_json({"users": [_json(one, until.get(one.id)) for one in known]})
        return
    for one in known:
        facts = [one.role, one.organisation, _state(session, one, until.get(one.id))]
        click.echo(f"{one.name}  [{' · '.join(fact for fact in facts if fact)}]")
    if not known:
        session.say("user.list.none")


def _time(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms // 1000, UTC)


def _state(session: Session, one: User, until: datetime | None) -> str:
    if until is None:
        key = "active" if one.password else "lapsed"
    else:
        key = "both" if one.password else "invited"
    date = until.astimezone().date().isoformat() if until else ""
    return text(f"cli.user.list.{key}", session.language, name=one.name, date=date)


def _json(one: User, until: datetime | None) -> dict[str, object]:
    return {
        "name": one.name,
        "role": one.role,
        "organisation": one.organisation,
        "active": one.password is not None,
        "invited_until": until.isoformat() if until else None,
    }


@user.command(cls=Localised)
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option("--yes", is_flag=True)
@pass_session
def remove(session: Session, names: tuple[str, ...], yes: bool) -> None:
    with session.catalogue() as catalogue:
        removed = users.remove(catalogue, names, last_too=yes)
    for one in removed:
        session.say("user.remove.done", name=one.name)
