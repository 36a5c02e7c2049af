"""``interviews serve``: the pages for members."""

from __future__ import annotations

import click

from pipeline.accounts import invitations
from pipeline.catalog import generations
from pipeline.catalog.connection import now_ms
from pipeline.cli.app import Session, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import InterviewsError
from pipeline.run.context import Context


@click.command(cls=Localised)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--open", "open_to_all", is_flag=True)
@pass_session
def serve(session: Session, host: str, port: int, open_to_all: bool) -> None:
    from pipeline.web.server import serve as serve_pages  # loads the web's libraries

    first = _first_invitation(session, open_to_all)
    context = _for_many(session.context)

    def ready(address: str) -> None:
        session.note("serve.ready", address=address)
        if open_to_all:
            session.warn(_said(session, "serve.open"))
        if first:
            click.echo(_said(session, "serve.first", address=f"{address}{first}"), err=True)

    try:
        _warm(session, context)
        serve_pages(context, host, port, open_to_all=open_to_all, ready=ready)
    except KeyboardInterrupt as stopped:
        session.note("serve.closed")
        raise click.exceptions.Exit(130) from stopped


def _said(session: Session, key: str, **values: object) -> str:
    from pipeline.messages import text

    return text(f"cli.{key}", session.language, **values)


def _first_invitation(session: Session, open_to_all: bool) -> str | None:
    """Where to choose the first password of all; None where somebody has one."""
    with session.catalogue() as catalogue:
        if open_to_all:
            return None
        given = invitations.first_invitation(catalogue, now_ms())
    return invitations.path_of(given) if given else None


def _for_many(context: Context) -> Context:
    """Several people are answered at a time, each by one processor: a question is too short to be
    shared out among threads, which would only wait for one another."""
    settings = context.settings
    if settings.threads:
        return context
    return Context(context.home, settings.model_copy(update={"threads": 1}))


def _warm(session: Session, context: Context) -> None:
    """Load the text model before anybody asks; without it words alone are searched."""
    with session.catalogue() as catalogue, catalogue.read() as db:
        model = generations.text_model(db)
    if model is None:
        return
    try:
        context.embedder_for(model)
    except InterviewsError as error:
        session.complain(error)
