"""``interviews index``: the FAISS generations."""

from __future__ import annotations

import click

from pipeline.catalog import generations
from pipeline.catalog.generations import Generation
from pipeline.catalog.recordings import Database
from pipeline.catalog.refusals import Refusal
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised, LocalisedGroup
from pipeline.errors import BadInput, InterviewsError, Missing, NotFound, failure_message
from pipeline.index import opening
from pipeline.nights import gate
from pipeline.nights.gate import Verdict
from pipeline.run import publish, refusal
from pipeline.values import ModelRef


@click.group(cls=LocalisedGroup)
def index() -> None: ...


@index.command(cls=Localised)
@click.option("--gate", "gated", is_flag=True)
@click.option("--force", is_flag=True)
@pass_session
def build(session: Session, gated: bool, force: bool) -> int:
    """Build a generation of what is searched now, from the catalogue's vectors; with ``--gate`` or
    ``--force`` of the text model that the settings name, as soon as all chunks are there."""
    if gated and force:
        raise BadInput("index.one_way")
    with session.catalogue() as catalogue:
        with catalogue.read() as db:
            model = generations.text_model(db)
            if model is not None and (gated or force):
                model = _asked(session, db, model, force=force)
        if model is None:
            session.say("index.empty")
            return 0
        if gated:
            return _say_verdict(session, gate.judge(session.context, catalogue, model))
        generation = publish.publish(session.context.home, catalogue, model)
    if generation is None:
        session.say("index.empty")
    else:
        session.say("index.built", id=generation.id, chunks=generation.chunks)
    return 0


def _asked(session: Session, db: Database, published: ModelRef, *, force: bool) -> ModelRef:
    """The text model the settings name; the published one while the other's chunks are not all
    there. Raises BadInput where that was to be forced."""
    asked = session.context.text[1]
    if asked.hash == published.hash:
        return published
    if publish.complete_for(db, asked):
        return asked
    if force:
        raise BadInput("index.incomplete", model=asked.name)
    return published


def _say_verdict(session: Session, verdict: Verdict) -> int:
    for mistake in verdict.mistakes:
        session.warn(failure_message(mistake, session.language))
    session.say("index.verdict", sentence=gate.said(verdict, session.language))
    return 0 if verdict.published else 1


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
        opening.check(session.context.home.index, generation)
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
        refused = _refused(session, db)
    if as_json:
        echo_json(
            {
                "published": _json(state.generation),
                "previous": _json(before),
                "chunks": state.chunks,
                "behind": state.behind,
                "dead": state.dead,
                "refused": _refused_json(refused),
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
            if generation.recall is not None:
                session.say("index.recall", percent=round(100 * generation.recall))
    session.say("index.behind", behind=state.behind, dead=state.dead)
    if refused is not None:
        session.say(
            "index.refused",
            model=session.context.text[1].name,
            before=f"{refused.before:.3f}",
            after=f"{refused.after:.3f}",
            questions=refused.questions,
        )


def _refused(session: Session, db: Database) -> Refusal | None:
    """Why the text model of the settings is not published, if the gold questions refused it."""
    try:
        asked = session.context.text[1]
    except Missing:
        return None
    return refusal.standing(db, session.context, asked)


def _refused_json(refused: Refusal | None) -> dict[str, object] | None:
    if refused is None:
        return None
    return {
        "model": refused.model_hash,
        "before": round(refused.before, 4),
        "after": round(refused.after, 4),
        "questions": refused.questions,
    }


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
        "recall": generation.recall,
        "words": generation.words_sha256 is not None,
        "made": generation.made_ms / 1000,
    }


@index.command(cls=Localised)
@pass_session
def rollback(session: Session) -> None:
    with session.catalogue() as catalogue:
        now = publish.roll_back(session.context.home, catalogue)
    session.say("index.rolled_back", id=now.id, model=now.model.name)
