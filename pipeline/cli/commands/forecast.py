"""``interviews forecast``: how long hours of interviews will take, and on how many machines."""

from __future__ import annotations

from dataclasses import replace

import click

from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import BadInput
from pipeline.reports.wording import Wording
from pipeline.run import costs
from pipeline.run.costs import Cost, Paces

_HOUR_S = 3600


@click.command(cls=Localised)
@click.argument("hours", type=click.FloatRange(min=0.01, max=1_000_000))
@click.option("--machines", type=click.IntRange(1, costs.MOST_MACHINES), default=1)
@click.option("--night", metavar="HOURS", type=click.FloatRange(min=0.1, max=24), default=8.0)
@click.option("--speed", metavar="TIMES", type=click.FloatRange(min=0.01, max=100_000))
@click.option("--json", "as_json", is_flag=True)
@pass_session
def forecast(
    session: Session,
    hours: float,
    machines: int,
    night: float,
    speed: float | None,
    as_json: bool,
) -> None:
    paces, room = _known(session, speed)
    audio_s, night_s = hours * _HOUR_S, night * _HOUR_S
    found = costs.cost(paces, audio_s, machines)
    needed = costs.machines_for(paces, audio_s, night_s)
    taken = None if room is None else round(room * audio_s)
    if as_json:
        echo_json(_json(paces, found, needed, taken))
        return
    said = Wording(session.language)
    values = {
        "hours": said.number(hours, 0 if hours >= 10 else 1),
        "machines": machines,
        "speed": said.number(1 / paces.hearing, 1),
        "count": paces.recordings,
        "findable": said.length(round(found.findable_s * 1000)),
        "done": said.length(round(found.done_s * 1000)),
        "night": said.number(night, 0 if night == int(night) else 1),
        "needed": needed,
        "driven": said.length(round(audio_s * paces.driving * 1000)),
    }
    session.say("forecast.measured" if paces.recordings else "forecast.named", **values)
    session.say("forecast.findable" if machines == 1 else "forecast.findable_on", **values)
    if found.done_s > found.findable_s:
        session.say("forecast.done", **values)
    session.say(
        "forecast.never" if needed is None else
        "forecast.one_does" if needed == 1 else "forecast.needed", **values
    )  # fmt: skip
    if found.bound == "driving":
        session.say("forecast.driven", **values)
    if taken is not None:
        session.say("forecast.room", size=session.size(taken))


def _known(session: Session, speed: float | None) -> tuple[Paces, float | None]:
    """What was measured here, with the ``speed`` somebody named in its place. Raises BadInput."""
    context = session.context
    with session.catalogue() as catalogue, catalogue.read() as db:
        paces, room = costs.measured(db, context), costs.room(db, context)
        if speed is not None:
            driving = paces.driving if paces else costs.driving(db)
            rendering = paces.rendering if paces else costs.rendering(db, context)
            paces = Paces(1 / speed, driving, rendering)
    if paces is None:
        raise BadInput("forecast.nothing_measured")
    return replace(paces, hearing=max(paces.hearing, 1e-6)), room


def _json(paces: Paces, found: Cost, needed: int | None, taken: int | None) -> dict[str, object]:
    return {
        "speed": round(1 / paces.hearing, 2),
        "recordings_measured": paces.recordings,
        "findable": round(found.findable_s, 1),
        "done": round(found.done_s, 1),
        "bound": found.bound,
        "machines_for_the_night": needed,
        "bytes": taken,
    }
