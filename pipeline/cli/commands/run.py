"""``interviews run``: work off what is new and stale."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import click

from pipeline.catalog import queue, recordings, transcripts
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.failures import failure_json
from pipeline.cli.localise import Localised
from pipeline.cli.progress import watching
from pipeline.errors import BadInput, failure_advice, failure_message
from pipeline.run.cluster.access import to_scheduler
from pipeline.run.engine import EngineName
from pipeline.run.execute import run as work_off
from pipeline.run.options import RunOptions, RunReport
from pipeline.run.outlook import outlook
from pipeline.run.plan import STAGES, Stage, Work
from pipeline.run.yielding import give_way
from pipeline.timecode import format_short, to_seconds

_NAMED = 3
"""Of media that changed so many are named; ``--json`` names all."""

ENGINES: dict[str, EngineName] = {"inline": "inline", "processes": "processes", "dask": "dask"}
MOST_WORKERS = 64


@click.command(cls=Localised, many=("--only", "--again"))
@click.option("--engine", type=click.Choice(list(ENGINES)), default="processes", show_default=True)
@click.option("--scheduler", metavar="URL")
@click.option("--workers", type=click.IntRange(1, MOST_WORKERS))
@click.option("--until", metavar="HH:MM")
@click.option("--limit", type=click.IntRange(0))
@click.option("--only", metavar="ID…", multiple=True)
@click.option("--dry-run", is_flag=True)
@click.option("--again", metavar="STAGE ID…", multiple=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def run(
    session: Session,
    engine: str,
    scheduler: str | None,
    workers: int | None,
    until: str | None,
    limit: int | None,
    only: tuple[str, ...],
    dry_run: bool,
    again: tuple[str, ...],
    as_json: bool,
) -> int:
    options = RunOptions(
        engine=ENGINES[engine],
        scheduler=scheduler,
        workers=workers or 0,
        limit=limit,
        only=only,
        planned=lambda works: _look_ahead(session, works),
        stop_at=clock(until),
    )
    check_cluster(session, options)
    _check_ids(session, only)
    wanted = _parse_again(session, again)
    if dry_run:
        return _show_plan(session, options, wanted, as_json)
    _forget(session, wanted)
    give_way()
    with watching(session, quiet=session.quiet or as_json) as observer:
        report = work_off(session.context, options, observer)
    if as_json:
        echo_json(_json(session, report))
    else:
        _say(session, report)
        _say_media(session, report)
    return 1 if report.failed else 0


def check_cluster(session: Session, options: RunOptions) -> None:
    """Before anything is begun. Raises BadInput where the cluster may not be reached like that."""
    if options.engine == "dask":
        context = session.context
        to_scheduler(options.scheduler, context.settings, context.home.root)


def clock(until: str | None) -> Callable[[], bool]:
    """Whether the next ``HH:MM`` from now is past."""
    if until is None:
        return lambda: False
    try:
        wanted = datetime.time.fromisoformat(until)
    except ValueError as error:
        raise BadInput("run.bad_clock", time=until[:20]) from error
    if wanted.tzinfo is not None:
        raise BadInput("run.bad_clock", time=until[:20])
    now = datetime.datetime.now()
    end = datetime.datetime.combine(now.date(), wanted)
    if end <= now:
        end += datetime.timedelta(days=1)
    return lambda: datetime.datetime.now() >= end


def _check_ids(session: Session, ids: tuple[str, ...]) -> None:
    """Raises NotFound for the first unknown id."""
    with session.catalogue(thorough=True) as catalogue, catalogue.read() as db:
        for recording_id in ids:
            recordings.get(db, recording_id)


def _parse_again(session: Session, again: tuple[str, ...]) -> dict[str, set[Stage]]:
    """``STAGE ID…``, once or more: recording id to the stages asked for."""
    wanted: dict[str, set[Stage]] = {}
    stage: Stage | None = None
    named = 0
    for word in again:
        known = next((one for one in STAGES if one == word), None)
        if known:
            if stage and not named:
                raise BadInput("run.again_whom", stage=stage)
            stage, named = known, 0
        elif stage is None:
            raise BadInput("run.unknown_stage", stage=word[:40], known=", ".join(STAGES))
        else:
            named += 1
            wanted.setdefault(word, set()).add(stage)
    if stage and not named:
        raise BadInput("run.again_whom", stage=stage)
    _check_ids(session, tuple(wanted))
    _check_possible(session, wanted)
    return wanted


def _check_possible(session: Session, wanted: dict[str, set[Stage]]) -> None:
    """Raises BadInput for the first one whose transcript was brought along, so that nothing would
    be recognised, or that has no media to be played."""
    with session.catalogue() as catalogue, catalogue.read() as db:
        for recording in recordings.get_many(db, wanted).values():
            if recording.imported and "transcribe" in wanted[recording.id]:
                raise BadInput("run.again_imported", id=recording.id)
            if recording.media is None and "rendition" in wanted[recording.id]:
                raise BadInput("run.again_no_media", id=recording.id)


def _forget(session: Session, wanted: dict[str, set[Stage]]) -> None:
    """What is asked for again is wanted, even if it was cancelled or failed before."""
    with session.catalogue() as catalogue, catalogue.write() as db:
        for recording_id, asked in wanted.items():
            stages: set[Stage] = set(asked)
            if "transcribe" in stages:
                queue.retry(db, recording_id)
                stages.add("chunk")
            if stages != {"rendition"}:
                stages.add("chapters")  # they are made again after whatever text is
            ordered = [one for one in STAGES if one in stages]
            transcripts.forget_results(db, recording_id, ordered)


def _show_plan(
    session: Session, options: RunOptions, wanted: dict[str, set[Stage]], as_json: bool
) -> int:
    with session.catalogue() as catalogue, catalogue.read() as db:
        shown = outlook(session.context, db, only=options.only, again=wanted, limit=options.limit)
    if as_json:
        expected = shown.expected_ms
        echo_json(
            {
                "work": [
                    {"id": one.id, "title": one.facts.title, "stages": list(names)}
                    for one, names in shown.works
                ],
                "audio": to_seconds(shown.audio_ms),
                "expected": None if expected is None else to_seconds(expected),
            }
        )
        return 0
    for one, names in shown.works:
        session.say("run.planned", id=one.id, title=one.facts.title, stages=", ".join(names))
    known = shown.works and shown.expected_ms is not None
    session.say(
        "run.plan_with_time" if known else "run.plan",
        count=len(shown.works),
        audio=format_short(shown.audio_ms),
        expected=format_short(shown.expected_ms or 0),
    )
    return 0


def _look_ahead(session: Session, works: Sequence[Work]) -> None:
    """What is to be known before hours are spent: which models are at work, and that the glossary
    can be read. Raises BadInput; nothing has been begun, and all that waits goes on waiting."""
    recognises = any(work.transcribe for work in works)
    embeds = any(work.text_models for work in works)
    _say_demonstration_models(session, recognises, embeds)
    if recognises:
        session.context.glossary()


def _say_demonstration_models(session: Session, recognises: bool, embeds: bool) -> None:
    """The bundled models are for trying out; say so wherever they are used."""
    named = set()
    if recognises and session.context.speech[0].bundled:
        named.add(session.context.speech[0].name)
    if embeds and session.context.text[0].bundled:
        named.add(session.context.text[0].name)
    if named:
        session.note("run.demonstration_models", names=", ".join(sorted(named)))


def _say(session: Session, report: RunReport) -> None:
    if not report.done and not report.failed and not report.stopped:
        session.say(
            "run.nothing_to_do" if not report.others else "run.others_at_work", count=report.others
        )
        return
    key = "run.summary_stopped" if report.stopped else "run.summary"
    session.say(key, done=len(report.done), failed=len(report.failed))


def _say_media(session: Session, report: RunReport) -> None:
    """Media that are gone or were changed: a few by name, since a drive that is not connected takes
    all with it."""
    if session.quiet:
        return
    for own, failure in list(report.media.items())[:_NAMED]:
        click.echo(f"{own}: {failure_message(failure, session.language)}", err=True)
        click.echo(f"  {failure_advice(failure, session.language)}", err=True)
    if len(report.media) > _NAMED:
        session.note("run.more_media", count=len(report.media) - _NAMED)


def _json(session: Session, report: RunReport) -> dict[str, object]:
    return {
        "done": report.done,
        "failed": [
            {"id": one, "error": failure_json(failure, session.language)}
            for one, failure in report.failed.items()
        ],
        "stopped": report.stopped,
        "generation": report.published,
        "media": [
            {"id": one, "error": failure_json(failure, session.language)}
            for one, failure in report.media.items()
        ],
    }
