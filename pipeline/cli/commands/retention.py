"""``interviews retention``: which recordings are about to go, and when."""

from __future__ import annotations

from collections import Counter
from datetime import date

import click

from pipeline.catalog import recordings
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.messages import text
from pipeline.nights import retention as rules
from pipeline.nights.retention import Due, Expiry


@click.command(cls=Localised)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def retention(session: Session, as_json: bool) -> None:
    settings = session.context.settings
    with session.catalogue() as catalogue, catalogue.read() as db:
        found = rules.due(db, settings, date.today())
        counts = Counter(one.facts.collection for one in recordings.every(db))
    if as_json:
        echo_json(_json(found, counts, session))
        return
    if not settings.retention:
        session.say("retention.off")
        return
    for collection, count in sorted(counts.items(), key=lambda pair: pair[0] or ""):
        _say_rule(session, collection, count)
    for one in (*found.expired, *found.warnings):
        _say(session, one)
    if not found.expired and not found.warnings:
        session.say("retention.nothing", days=settings.retention_warn_days)


def _say_rule(session: Session, collection: str | None, count: int) -> None:
    days = rules.kept_for(session.context.settings, collection)
    name = collection or text("cli.retention.no_collection", session.language)
    key = "retention.for_ever" if days is None else "retention.rule"
    session.say(key, collection=name, days=days, count=count)


def _say(session: Session, one: Expiry) -> None:
    key = "retention.row" if one.warned else "retention.row_new"
    session.say(
        key,
        goes=one.goes,
        id=one.recording_id,
        title=one.title,
        counted_from=one.counted_from,
        warned=one.warned,
    )


def _json(found: Due, counts: Counter[str | None], session: Session) -> dict[str, object]:
    settings = session.context.settings
    return {
        "warn_days": settings.retention_warn_days,
        "collections": [
            {"collection": name, "days": rules.kept_for(settings, name), "recordings": count}
            for name, count in sorted(counts.items(), key=lambda pair: pair[0] or "")
        ],
        "recordings": [_row_json(one, expired=True) for one in found.expired]
        + [_row_json(one, expired=False) for one in found.warnings],
    }


def _row_json(one: Expiry, *, expired: bool) -> dict[str, object]:
    return {
        "id": one.recording_id,
        "title": one.title,
        "collection": one.collection,
        "counted_from": one.counted_from.isoformat(),
        "goes": one.goes.isoformat(),
        "warned": one.warned.isoformat() if one.warned else None,
        "expired": expired,
    }
