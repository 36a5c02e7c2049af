"""``interviews index``: the FAISS generations."""

from __future__ import annotations

import click

from pipeline.catalog import generations
from pipeline.catalog.generations import Generation
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised, LocalisedGroup
from pipeline.errors import InterviewsError, NotFound
from pipeline.run import publish
from pipeline.search import vectors


@click.group(cls=LocalisedGroup)
def index() -> None: ...


@index.command(cls=Localised)
@pass_session
def build(session: Session) -> None:
    """Build a generation of what is searched now, from the catalogue's vectors."""
    with session.catalogue() as catalogue:
        with catalogue.read() as db:
            model = generations.text_model(db)
        generation = publish.publish(session.context.home, catalogue, model) if model else None
    if generation is None:
        session.say("index.empty")
    else:
        session.say("index.built", id=generation.id, chunks=generation.chunks)


@index.command(cls=Localised)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def check(session: Session, as_json: bool) -> int:
    """Read the published generation whole and hold it against its record."""
    with session.catalogue() as catalogue, catalogue.read() as db:
        state = generations.index_state(db)
    generation = state.generation
    if generation is None:
        raise NotFound("index.none")
    problem: InterviewsError | None = None
    try:
        vectors.check(vectors.path_of(session.context.home.index, generation.id), generation)
    except InterviewsError as error:
        problem = error
    if as_json:
        message = problem.message(session.language) if problem else None
        echo_json({"generation": generation.id, "sound": problem is None, "message": message})
    elif problem is None:
        session.say("index.sound", id=generation.id, chunks=generation.chunks)
    if problem is not None and not as_json:
        raise problem
    return problem.exit_code if problem else 0


@index.command(cls=Localised)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def info(session: Session, as_json: bool) -> None:
    with session.catalogue() as catalogue, catalogue.read() as db:
        state = generations.index_state(db)
        before = generations.previous(db)
    if as_json:
        echo_json(
            {
                "published": _json(state.generation),
                "previous": _json(before),
                "chunks": state.chunks,
                "behind": state.behind,
                "dead": state.dead,
            }
        )
        return
    if state.generation is None:
        session.say("status.no_index", chunks=state.chunks)
        return
    for key, generation in (("index.published", state.generation), ("index.previous", before)):
        if generation:
            session.say(
                key,
                id=generation.id,
                model=generation.model.name,
                kind=generation.kind,
                chunks=generation.chunks,
                dimension=generation.dimension,
            )
    session.say("index.behind", behind=state.behind, dead=state.dead)


def _json(generation: Generation | None) -> dict[str, object] | None:
    if generation is None:
        return None
    return {
        "id": generation.id,
        "model": {"name": generation.model.name, "hash": generation.model.hash},
        "dimension": generation.dimension,
        "kind": generation.kind,
        "chunks": generation.chunks,
        "sha256": generation.sha256,
        "made": generation.made_ms / 1000,
    }


@index.command(cls=Localised)
@pass_session
def rollback(session: Session) -> None:
    with session.catalogue() as catalogue, catalogue.write() as db:
        if not generations.roll_back(db):
            raise NotFound("index.no_previous")
        now = generations.published(db)
    if now is not None:
        session.say("index.rolled_back", id=now.id, model=now.model.name)
