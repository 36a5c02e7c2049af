"""``interviews scheduler`` and ``interviews worker``: the machines of a cluster."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import click

from models.machine import cards, cores
from pipeline.cli.app import Session, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import Missing
from pipeline.messages import text
from pipeline.run.cluster import access
from pipeline.run.cluster.fleet import Fleet, cards_of, places
from pipeline.run.cluster.holder import Means, stock
from pipeline.run.cluster.program import program
from pipeline.run.cluster.slot import Place
from pipeline.settings import Settings, load_settings

DEFAULT_PORT = 8786


@click.command(cls=Localised)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True)
@pass_session
def scheduler(session: Session, host: str, port: int) -> None:
    where = access.to_listen(host, port, _settings(session), session.root)
    _need_dask()
    from pipeline.run.cluster.scheduler import serve

    if where.certificates is None and not where.local:
        session.warn(text("cli.scheduler.insecure", session.language))
    serve(where, lambda url: session.note("scheduler.ready", url=url))
    session.note("scheduler.closed")
    raise click.exceptions.Exit(130)


@click.command(cls=Localised)
@click.option("--scheduler", metavar="URL")
@click.option("--slots", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--name", metavar="NAME")
@click.option("--models", "models_dir", type=click.Path(path_type=Path))
@pass_session
def worker(
    session: Session,
    scheduler: str | None,
    slots: int,
    name: str | None,
    models_dir: Path | None,
) -> None:
    settings = _settings(session)
    where = access.to_scheduler(scheduler, settings, session.root)
    _need_dask()
    folder = models_dir or Path(settings.models_dir or session.root / "models")
    held = stock(folder.expanduser(), settings.speech_model)
    for bad, error in held.bad.items():
        session.warn(
            text(
                "cli.worker.bad_model",
                session.language,
                name=bad,
                detail=error.detail or error.reason,
            )
        )
    if not held.good:
        raise Missing("cluster.no_models", path=str(folder))
    seen = 0 if settings.device == "cpu" else cards()
    seats = cards_of(seen, os.environ.get("CUDA_VISIBLE_DEVICES"))
    wanted = places(
        Place(
            where,
            name or platform.node() or "worker",
            held.good,
            Means(
                str(folder.expanduser()),
                settings.device,
                settings.compute_type,
                settings.threads or max(1, cores() // (slots * len(seats))),
                settings.batch_size,
            ),
            "",
            None,
            session.verbose,
        ),
        slots,
        seats,
    )
    session.note(
        "worker.starting",
        count=len(wanted),
        url=where.url,
        program=program(),
        models=", ".join(f"{one.name} ({key[:12]})" for key, one in held.good.items()),
    )
    if where.certificates is None and not where.local:
        session.warn(text("cli.scheduler.insecure", session.language))

    def tell(what: str, who: str) -> None:
        session.note(f"worker.{what}", name=who, url=where.url)

    Fleet(wanted, tell).attend()
    session.note("worker.closed")
    raise click.exceptions.Exit(130)


def _settings(session: Session) -> Settings:
    """As the home has them, if there is one: neither command needs or makes one."""
    settings, unknown = load_settings(session.root)
    for name in unknown:
        session.warn(text("warning.settings.unknown_variable", session.language, name=name))
    return settings


def _need_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise Missing("run.no_dask") from error
