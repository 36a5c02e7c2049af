"""``interviews evaluate``: how well questions find their moments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.catalog import recordings
from pipeline.catalog.scope import Scope
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.errors import BadInput
from pipeline.run.context import Context
from pipeline.run.trial import trial
from pipeline.search.evaluate import DEPTH, Measures, measures_json, measures_table
from pipeline.search.evaluate import evaluate as measured
from pipeline.search.gold import Question, read_gold, resolve
from pipeline.search.results import MODES, Mode
from pipeline.search.search import Searcher
from pipeline.values import Hit


@click.command(cls=Localised)
@click.argument("gold", type=click.Path(path_type=Path))
@click.option("--mode", "modes", type=click.Choice(MODES), multiple=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def evaluate(session: Session, gold: Path, modes: tuple[Mode, ...], as_json: bool) -> None:
    chosen = modes or MODES
    if not gold.exists():
        raise BadInput("gold.missing", path=str(gold))
    if gold.is_dir():
        questions = gold / "queries.jsonl"
        if not questions.exists():
            raise BadInput("gold.no_questions", path=str(gold))
        context = session.context
        with trial(gold, context.settings, context.models_dir) as inside:
            measures = _measure(inside, questions, chosen)
    else:
        measures = _measure(session.context, gold, chosen)
    if as_json:
        echo_json(measures_json(measures))
    else:
        click.echo(measures_table(measures, session.language))


def _measure(context: Context, gold: Path, modes: Sequence[Mode]) -> Measures:
    with context.catalogue() as catalogue:
        with catalogue.read() as db:
            questions = resolve(read_gold(gold), recordings.every(db), gold)
        searcher = Searcher(
            catalogue, context.home.index, context.embedder_for, context.glossary_file.read
        )

        def ask(question: Question, mode: str) -> Sequence[Hit]:
            known: Mode = next(one for one in MODES if one == mode)
            return searcher.search(question.text, mode=known, scope=Scope(), limit=DEPTH).hits

        return measured(ask, questions, modes)
