"""``interviews nightly``: the unattended run, and the report of the morning."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click

from pipeline.cli.app import Session, pass_session
from pipeline.cli.commands.run import ENGINES, MOST_WORKERS, check_cluster, clock
from pipeline.cli.localise import Localised
from pipeline.cli.progress import watching
from pipeline.errors import BadInput
from pipeline.nights.nightly import NightOptions, night, write_report
from pipeline.reports import verdicts
from pipeline.reports.values import Night
from pipeline.reports.words import as_text
from pipeline.run.options import RunOptions
from pipeline.run.yielding import give_way


@click.command(cls=Localised)
@click.option("--until", metavar="HH:MM")
@click.option("--report", "copy", type=click.Path(path_type=Path))
@click.option("--engine", type=click.Choice(list(ENGINES)), default="processes", show_default=True)
@click.option("--scheduler", metavar="URL")
@click.option("--workers", type=click.IntRange(1, MOST_WORKERS))
@click.option("--json", "as_json", is_flag=True)
@pass_session
def nightly(
    session: Session,
    until: str | None,
    copy: Path | None,
    engine: str,
    scheduler: str | None,
    workers: int | None,
    as_json: bool,
) -> int:
    options = RunOptions(
        engine=ENGINES[engine],
        scheduler=scheduler,
        workers=workers or 0,
        stop_at=clock(until),
    )
    check_cluster(session, options)
    if copy is not None:
        _check_place(copy)
    session.catalogue(thorough=True).close()
    give_way()
    with watching(session, quiet=session.quiet or as_json) as observer:
        told, ended_by = night(session.context, NightOptions(options, until), observer)
    path = write_report(session.context, told, session.language)
    code = ended_by.exit_code if ended_by else exit_code(told)
    if copy is not None:
        code = _copied(session, path, copy) or code
    if as_json:
        click.echo(path.read_text(encoding="utf-8"), nl=False)
    elif not session.quiet:
        click.echo(as_text(told, session.language))
        session.say("nightly.written", path=str(path.with_suffix(".html")))
    return code


def _check_place(target: Path) -> None:
    """Before a night is spent. Raises BadInput."""
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        reason = os.strerror(errno.EISDIR if target.is_dir() else errno.EACCES)
        if not target.parent.is_dir():
            reason = os.strerror(errno.ENOENT)
        raise BadInput("nightly.report_unwritable", path=str(target), detail=reason)


def _copied(session: Session, written: Path, target: Path) -> int:
    """The report where the caller wants it, in the form its name asks for, else as text. 0, or the
    exit code where it cannot be written there: that costs the copy alone."""
    form = target.suffix if target.suffix in (".json", ".html") else ".txt"
    try:
        target.write_bytes(written.with_suffix(form).read_bytes())
    except OSError as error:
        detail = error.strerror or str(error)
        failed = BadInput("nightly.report_unwritable", path=str(target), detail=detail)
        session.complain(failed)
        return failed.exit_code
    return 0


def exit_code(told: Night) -> int:
    """What a timer can act on where nothing was missing: 1 where something needs a person, else
    0."""
    parts = (told.failed, told.partial, told.refused, told.troubles, verdicts.index_points(told))
    return 1 if any(parts) else 0
