"""``interviews evaluate``: how well questions find their moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.catalog import recordings
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.scope import Scope
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.cli.output import save
from pipeline.errors import BadInput
from pipeline.evaluation import as_json, as_text
from pipeline.evaluation.comparison import Comparison, compare
from pipeline.evaluation.evaluate import DEPTH, Run, ask, measured, worst
from pipeline.evaluation.gold import Question, read_gold
from pipeline.evaluation.saved_run import check_place, read_run, to_saved, written
from pipeline.run.context import Context
from pipeline.run.trial import trial
from pipeline.search.reranking import NOTICES
from pipeline.search.results import MODES, Mode
from pipeline.search.search import Searcher
from pipeline.values import Hit

RERANKED = "reranked"
"""Hybrid search whose best hits are read again; "hybrid" is measured without."""


@dataclass(frozen=True)
class _Measured:
    """A run, the titles of the recordings by id, and how many of the questions asked in
    ``RERANKED`` had not all hits read again that should have been."""

    run: Run
    titles: Mapping[str, str]
    unread: int


@dataclass(frozen=True)
class _Evaluation:
    """A run and what was asked of it. ``titles`` are the recordings' by id."""

    run: Run
    titles: Mapping[str, str]
    before: Path | None
    compared: Mapping[str, Comparison]
    worst: int | None


@click.command(cls=Localised)
@click.argument("gold", type=click.Path(path_type=Path))
@click.option("--mode", "modes", type=click.Choice((*MODES, RERANKED)), multiple=True)
@click.option("--save", "place", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--against", "before", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--worst", "count", type=click.IntRange(1, 1000), metavar="N")
@click.option("--json", "as_json", is_flag=True)
@pass_session
def evaluate(
    session: Session,
    gold: Path,
    modes: tuple[str, ...],
    place: Path | None,
    before: Path | None,
    count: int | None,
    as_json: bool,
) -> None:
    if not gold.exists():
        raise BadInput("gold.missing", path=str(gold))
    # Whatever can be found wrong is, before anything is measured: that may take a while.
    earlier = read_run(before) if before else None
    if place:
        check_place(place)
    done = _measured(session, gold, _chosen(session.context, modes))
    kept = to_saved(done.run)
    compared = compare(kept, earlier) if earlier else {}
    _say(session, _Evaluation(done.run, done.titles, before, compared, count), as_json)
    if done.unread:
        session.note("evaluate.unread", count=done.unread, asked=len(done.run[RERANKED]))
    if place:
        save(place, written(kept))
        session.note("evaluate.saved", path=str(place))


def _chosen(context: Context, modes: Sequence[str]) -> Sequence[str]:
    """What to measure: without a choice all there is."""
    wanted = bool(context.settings.reranker)
    chosen = tuple(dict.fromkeys(modes)) or ((*MODES, RERANKED) if wanted else MODES)
    if RERANKED in chosen:
        if not wanted:
            raise BadInput("evaluation.no_reranker")
        context.reranker_entry()
    return chosen


def _measured(session: Session, gold: Path, modes: Sequence[str]) -> _Measured:
    context = session.context
    if not gold.is_dir():
        with session.catalogue() as catalogue:
            return _run(context, catalogue, gold, modes)
    questions = gold / "queries.jsonl"
    if not questions.exists():
        raise BadInput("gold.no_questions", path=str(gold))
    read_gold(questions)  # a mistake in it is found before the folder is worked off
    with (
        trial(gold, context.settings, context.models_dir) as inside,
        inside.catalogue() as catalogue,
    ):
        return _run(inside, catalogue, questions, modes)


def _run(context: Context, catalogue: Catalogue, gold: Path, modes: Sequence[str]) -> _Measured:
    with catalogue.read() as db:
        known = list(recordings.every(db))
    questions = read_gold(gold, known)
    searchers = {mode: _searcher(context, catalogue, mode) for mode in modes}
    unread: list[Question] = []

    def search(question: Question, mode: str) -> Sequence[Hit]:
        chosen: Mode = next((one for one in MODES if one == mode), "hybrid")
        found = searchers[mode].search(question.text, mode=chosen, scope=Scope(), limit=DEPTH)
        if any(notice.key in NOTICES for notice in found.degraded):
            unread.append(question)
        return found.hits

    run = ask(search, questions, modes)
    return _Measured(run, {one.id: one.facts.title for one in known}, len(unread))


def _searcher(context: Context, catalogue: Catalogue, mode: str) -> Searcher:
    """Raises Missing where hits are to be read again and the model for it cannot be loaded."""
    if mode == RERANKED:
        context.reranker()
    return Searcher(
        catalogue,
        context.home.index,
        context.embedder_for,
        context.glossary_file.read,
        reranking=context.reranking if mode == RERANKED else None,
    )


def _say(session: Session, done: _Evaluation, as_json: bool) -> None:
    if as_json:
        echo_json(_json(done))
    else:
        click.echo("\n\n".join(_tables(done, session.language)))


def _json(done: _Evaluation) -> dict[str, object]:
    said = as_json.measures_json(measured(done.run))
    if done.before is not None:
        said["against"] = as_json.against_json(done.compared)
    if done.worst is not None:
        said["worst"] = as_json.worst_json(worst(done.run, done.worst), done.titles)
    return said


def _tables(done: _Evaluation, language: str) -> list[str]:
    tables = [as_text.measures_table(measured(done.run), language)]
    if done.before is not None:
        path = str(done.before)
        tables.append(as_text.against_table(done.compared, path, language))
    if done.worst is not None:
        missed = worst(done.run, done.worst)
        tables.append(as_text.worst_text(missed, done.titles, language))
    return tables
