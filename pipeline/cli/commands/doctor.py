"""``interviews doctor``: is everything there, and what to do where it is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click

from models.contracts import ModelError
from models.load import state_of
from models.registry import ModelEntry
from pipeline.catalog import accounts, connection, generations, renditions
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import HomeUnusable, InterviewsError
from pipeline.index import opening, recall
from pipeline.messages import text
from pipeline.reports.wording import Wording
from pipeline.run.cluster.access import to_scheduler
from pipeline.run.cluster.census import census
from pipeline.run.engine import model_missing
from pipeline.run.pace import kept
from pipeline.run.pacing import facts_of, measure_anew
from pipeline.stages.ffmpeg import ffmpeg_path, ffmpeg_version

_LEAST_FREE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``error`` None: in order; ``advice`` also where it is only a hint."""

    name: str
    said: str
    error: InterviewsError | None = None
    advice: str | None = None


@click.command(cls=Localised)
@click.option("--measure", "anew", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def doctor(session: Session, anew: bool, as_json: bool) -> int:
    if anew:
        measure_anew(session.context, facts_of(session.context))
    findings = list(_look(session))
    if as_json:
        echo_json({"checks": [_json(session, finding) for finding in findings]})
    else:
        for finding in findings:
            _say(session, finding)
    codes = [finding.error.exit_code for finding in findings if finding.error]
    return max(codes, default=0)


def _look(session: Session) -> Iterator[Finding]:
    checks: dict[str, Callable[[Session], Finding]] = {
        "ffmpeg": _ffmpeg,
        "home": _disk,
        "database": _database,
        "accounts": _accounts,
        "speech": _speech,
        "text": _text,
        "pace": _pace,
        "reranker": _reranker,
        "index": _index,
        "renditions": _renditions,
        "glossary": _glossary,
        "cluster": _cluster,
    }
    for name, check in checks.items():
        try:
            yield check(session)
        except InterviewsError as error:
            yield Finding(name, error.message(session.language), error)


def _ffmpeg(_session: Session) -> Finding:
    return Finding("ffmpeg", f"{ffmpeg_version()} ({ffmpeg_path()})")


def _disk(session: Session) -> Finding:
    home = session.context.home
    free = shutil.disk_usage(home.root).free
    said = text("cli.doctor.disk", session.language, path=home.root, free=session.size(free))
    low = free < _LEAST_FREE_BYTES
    advice = text("cli.doctor.disk_low", session.language) if low else None
    return Finding("home", said, advice=advice)


def _database(session: Session) -> Finding:
    session.catalogue().close()
    path = session.context.home.catalogue
    found = connection.integrity(path)
    if found:
        raise HomeUnusable("home.corrupt", path=str(path), detail=found[0])
    return Finding(
        "database",
        text("cli.doctor.database", session.language, version=connection.schema_version()),
    )


def _accounts(session: Session) -> Finding:
    with session.catalogue() as catalogue, catalogue.read() as db:
        users = accounts.every(db)
    admins = sum(one.role == "admin" for one in users)
    key = "accounts" if users else "no_accounts"
    said = text(f"cli.doctor.{key}", session.language, users=len(users), admins=admins)
    return Finding("accounts", said)


def _speech(session: Session) -> Finding:
    entry, model = session.context.speech
    advice = text("cli.doctor.get_speech", session.language) if entry.bundled else None
    return Finding("speech", f"{entry.name} ({model.hash[:12]})", advice=advice)


def _text(session: Session) -> Finding:
    context = session.context
    entry, model = context.text
    advice = text("cli.doctor.get_text", session.language) if entry.bundled else None
    if _untried(session, entry):
        name = context.settings.text_model if entry.directory else entry.name
        advice = text("cli.doctor.prepare_text", session.language, name=name)
    return Finding("text", f"{entry.name} ({model.hash[:12]})", advice=advice)


def _untried(session: Session, entry: ModelEntry) -> bool:
    try:
        return state_of(entry, session.context.models_dir) == "untried"
    except ModelError as error:
        raise model_missing(error) from error


def _pace(session: Session) -> Finding:
    context, language = session.context, session.language
    threads = context.settings.threads
    if threads:
        return Finding("pace", text("cli.doctor.pace_set", language, threads=threads))
    facts = facts_of(context)
    pace = kept(context.home, facts)
    if pace is None:
        return Finding("pace", text("cli.doctor.no_pace", language, threads=facts.cores))
    number = Wording(language).number
    ways = (
        text("cli.doctor.pace_way", language, **asdict(one.split), speed=number(one.speed, 1))
        for one in pace.measured
    )
    said = text(
        "cli.doctor.pace" if pace.complete else "cli.doctor.pace_cut_short",
        language,
        **asdict(pace.chosen),
        measured=", ".join(ways),
        limit=number(pace.limit_s),
    )
    return Finding("pace", said)


def _reranker(session: Session) -> Finding:
    context = session.context
    if not context.settings.reranker:
        return Finding("reranker", text("cli.doctor.no_reranker", session.language))
    entry, model = context.reranker_entry()
    return Finding("reranker", f"{entry.name} ({model.hash[:12]})")


def _glossary(session: Session) -> Finding:
    file = session.context.glossary_file
    terms = len(file.read().terms)
    key = "glossary" if terms else "no_glossary"
    said = text(f"cli.doctor.{key}", session.language, terms=terms, path=file.path)
    return Finding("glossary", said)


def _index(session: Session) -> Finding:
    with session.catalogue() as catalogue, catalogue.read() as db:
        state = generations.index_state(db)
    if state.generation is None:
        return Finding("index", text("cli.doctor.no_index", session.language))
    generation = state.generation
    opening.check(session.context.home.index, generation)
    said = text(
        "cli.doctor.index",
        session.language,
        id=generation.id,
        chunks=generation.chunks,
        behind=state.behind,
    )
    found = generation.recall
    advice = None
    if found is not None and found < recall.TARGET:
        shares = {"percent": round(100 * found), "target": round(100 * recall.TARGET)}
        advice = text("cli.doctor.recall", session.language, **shares)
    return Finding("index", said, advice=advice)


def _renditions(session: Session) -> Finding:
    with session.catalogue() as catalogue, catalogue.read() as db:
        count, taken = renditions.room(db)
    key = "renditions" if session.context.settings.rendition == "on" else "no_renditions"
    said = text(f"cli.doctor.{key}", session.language, count=count, size=session.size(taken))
    return Finding("renditions", said)


def _cluster(session: Session) -> Finding:
    context = session.context
    if not context.settings.cluster_scheduler:
        return Finding("cluster", text("cli.doctor.no_cluster", session.language))
    way = to_scheduler(None, context.settings, context.home.root)
    found = census(way, context.speech[1].hash)
    said = text("cli.doctor.cluster", session.language, url=way.url, count=len(found.fit))
    advice = None
    if found.unfit:
        names = ", ".join(found.unfit)
        advice = text("cli.doctor.cluster_unfit", session.language, names=names)
    return Finding("cluster", said, advice=advice)


def _say(session: Session, finding: Finding) -> None:
    mark = "✗" if finding.error else "!" if finding.advice else "✓"
    name = text(f"cli.doctor.name.{finding.name}", session.language)
    click.echo(f"{mark} {name}: {finding.said}")
    advice = finding.error.advice(session.language) if finding.error else finding.advice
    if advice:
        click.echo(f"  {advice}")


def _json(session: Session, finding: Finding) -> dict[str, object]:
    error = finding.error
    return {
        "name": finding.name,
        "ok": error is None,
        "said": finding.said,
        "advice": error.advice(session.language) if error else finding.advice,
    }
