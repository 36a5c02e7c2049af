"""``interviews backup`` and ``interviews restore``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.app import Session, pass_session
from pipeline.cli.localise import Localised
from pipeline.messages import text
from pipeline.run import copies


@click.command(cls=Localised)
@click.argument("file", type=click.Path(path_type=Path))
@pass_session
def backup(session: Session, file: Path) -> None:
    with session.catalogue() as catalogue:
        size = copies.save(session.context, catalogue, file)
    session.say("backup.done", path=str(file), size=session.size(size))


@click.command(cls=Localised)
@click.argument("file", type=click.Path(path_type=Path))
@pass_session
def restore(session: Session, file: Path) -> None:
    done = copies.restore(session.context.home, file)
    session.say("restore.done", path=str(file))
    if done.removed:
        session.say("restore.removed_again", count=len(done.removed))
    if done.withheld:
        session.say("restore.withheld", count=done.withheld)
    if done.withheld_again:
        session.say("restore.withheld_again", count=done.withheld_again)
    if done.judged:
        session.say("restore.judged", count=done.judged)
    if done.in_the_dark:
        session.warn(text("cli.restore.in_the_dark", session.language))
