"""``interviews mark``: a hit is right or wrong, where staff let members say so."""

from __future__ import annotations

import re

import click

from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import BadInput
from pipeline.run import judging
from pipeline.timecode import format_short, parse_time


class _Quoting(Localised):
    """No short options: what begins with a single minus is a query, or a time that is none. A blank
    before it, which no query is kept with, tells click so."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" not in args:
            args = [f" {arg}" if re.match("-[^-]", arg) else arg for arg in args]
        return super().parse_args(ctx, args)


@click.command(cls=_Quoting)
@click.argument("query")
@click.argument("recording_id", metavar="ID")
@click.option("--at", metavar="TIME", required=True)
@click.option("--right", is_flag=True)
@click.option("--wrong", is_flag=True)
@click.option("--undo", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def mark(
    session: Session,
    query: str,
    recording_id: str,
    at: str,
    right: bool,
    wrong: bool,
    undo: bool,
    as_json: bool,
) -> None:
    if [right, wrong, undo].count(True) != 1:
        raise BadInput("feedback.one_way")
    at_ms = parse_time(at)
    with session.catalogue() as catalogue:
        if undo:
            judgement = judging.take_back(session.context, catalogue, query, recording_id, at_ms)
            key, replaced = "undone", False
        else:
            marked = judging.mark(
                session.context, catalogue, query, recording_id, at_ms, right=right
            )
            judgement, replaced = marked.judgement, marked.replaced
            key = f"{'right' if right else 'wrong'}{'_now' if replaced else ''}"
            for mistake in marked.mistakes:
                session.warn(mistake.message(session.language))
    if as_json:
        echo_json({**judgement.fields(), "replaced": replaced, "undone": undo})
    else:
        time = format_short(judgement.start_ms)
        session.say(f"mark.{key}", id=judgement.recording, time=time)
