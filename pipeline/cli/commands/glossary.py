"""``interviews glossary``: the file of names and terms, and where transcripts misspell them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import click

from models.contracts import ModelError
from models.load import directory_of
from models.registry import ModelEntry
from models.speech.hotwords import MAX_TOKENS, fitting_for
from pipeline.catalog import recordings
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised, LocalisedGroup
from pipeline.errors import Missing
from pipeline.glossary import Clash, Glossary, clashes, hotwords
from pipeline.glossary import example as example_text
from pipeline.messages import text
from pipeline.search.analysis import says_nothing
from pipeline.search.suggestions import Place, Suggestion, suggestions
from pipeline.timecode import format_short, to_seconds


@click.group(cls=LocalisedGroup)
def glossary() -> None: ...


@glossary.command(cls=Localised)
@pass_session
def example(session: Session) -> None:
    """Printed whole, whatever ``--quiet`` says: it is what was asked for."""
    del session
    click.echo(example_text(), nl=False)


# --- check -------------------------------------------------------------------------------------


@glossary.command(cls=Localised)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def check(session: Session, as_json: bool) -> int:
    """Exit code 1 where entries contradict each other; what does not fit is only a hint."""
    file = session.context.glossary_file
    known = file.read()
    found = list(clashes(known))
    model = _speech_model(session)
    left_out = dict(_left_out(session, known, model)) if model and model.prompts else {}
    silent = [form for term in known.terms for form in term.forms if says_nothing(form)]
    if as_json:
        echo_json(
            {
                "path": str(file.path),
                "terms": len(known.terms),
                "clashes": [_clash_json(one) for one in found],
                "not_searched": silent,
                "model": model.name if model else None,
                "hotwords": model.prompts if model else None,
                "left_out": [{"collection": c, "terms": list(t)} for c, t in left_out.items()],
            }
        )
        return 1 if found else 0
    if not file.path.exists():
        session.say("glossary.check.none", path=str(file.path))
        return 0
    wrong = sum(len(term.wrong) for term in known.terms)
    synonyms = sum(len(term.synonyms) for term in known.terms)
    session.say(
        "glossary.check.terms",
        path=str(file.path),
        terms=len(known.terms),
        wrong=wrong,
        synonyms=synonyms,
    )
    for one in found:
        said = {"form": one.form, "term": one.term, "other": one.other}
        click.echo(text(f"cli.glossary.check.{one.kind}", session.language, **said))
    for form in silent:
        session.say("glossary.check.not_searched", form=form)
    _say_hotwords(session, model, left_out)
    return 1 if found else 0


def _speech_model(session: Session) -> ModelEntry | None:
    try:
        return session.context.speech[0]
    except Missing:
        return None


def _left_out(
    session: Session, known: Glossary, model: ModelEntry | None
) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """For recordings of each collection that has terms of its own, and for all others: the terms
    that the speech model is not told, for want of room."""
    if model is None:
        return
    named = dict.fromkeys(one for term in known.terms for one in term.collections)
    for collection in (None, *named):
        # Every term, not only as many as could ever fit, so that all that do not are named.
        wanted = hotwords(known, collection, len(known.terms))
        try:
            directory = directory_of(model, session.context.models_dir)
            told = set(fitting_for(model, directory, wanted[:MAX_TOKENS]))
        except ModelError:
            return
        if missing := tuple(one for one in wanted if one not in told):
            yield collection, missing


def _say_hotwords(
    session: Session, model: ModelEntry | None, left_out: dict[str | None, tuple[str, ...]]
) -> None:
    if model is None:
        session.say("glossary.check.no_model")
    elif not model.prompts:
        session.say("glossary.check.no_hotwords", model=model.name)
    elif not left_out:
        session.say("glossary.check.all_fit", model=model.name)
    for collection, terms in left_out.items():
        key = "some_left_out" if collection is None else "some_left_out_of"
        session.say(
            f"glossary.check.{key}",
            model=model.name if model else "",
            collection=collection,
            count=len(terms),
            terms=", ".join(terms),
        )


def _clash_json(one: Clash) -> dict[str, str]:
    return {"kind": one.kind, "form": one.form, "term": one.term, "other": one.other}


# --- suggest -----------------------------------------------------------------------------------


@glossary.command(cls=Localised)
@click.argument("ids", metavar="[ID…]", nargs=-1)
@click.option("--places", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True)
@pass_session
def suggest(session: Session, ids: tuple[str, ...], places: int, as_json: bool) -> None:
    """Shows and changes nothing."""
    known = session.context.glossary_file.read()
    with session.catalogue() as catalogue, catalogue.read() as db:
        chosen = [recordings.get(db, one).id for one in dict.fromkeys(ids)]
        found = list(suggestions(db, known, chosen, places))
        named = {place.recording_id for one in found for place in one.places}
        titles = {key: one.facts.title for key, one in recordings.get_many(db, named).items()}
    if as_json:
        echo_json({"suggestions": [_json(one, titles, chosen) for one in found]})
        return
    if not known.terms:
        session.say("glossary.check.none", path=str(session.context.glossary_file.path))
    elif not found:
        session.say("glossary.suggest.nothing")
    for one in found:
        _say(session, one, titles, chosen)
    if any(not one.sure for one in found):
        session.say("glossary.suggest.unsure")
    if any(not one.complete for one in found):
        session.say("glossary.suggest.incomplete")


def replace_command(one: Suggestion, ids: Sequence[str] = ()) -> str:
    """The command that would replace the spelling, in all recordings or in ``ids``."""
    only = ["--only", *ids] if ids else []
    # Two dashes end the list of ids, and keep a term that begins with one from being an option.
    end = ["--"] if ids or one.term.startswith("-") else []
    return shlex.join(["interviews", "replace", *only, *end, one.found, one.term])


def _say(session: Session, one: Suggestion, titles: dict[str, str], ids: Sequence[str]) -> None:
    kind = text(f"cli.glossary.suggest.{one.kind}", session.language)
    key = "sure" if one.sure else "perhaps"
    click.echo(
        text(
            f"cli.glossary.suggest.{key}",
            session.language,
            found=click.style(one.found, bold=True),
            term=one.term,
            kind=kind,
            count=one.count,
            recordings=one.recordings,
        )
    )
    for place in one.places:
        found = click.style(one.found, bold=True)
        where = (
            f"{place.recording_id} [{format_short(place.start_ms)}] {titles[place.recording_id]}"
        )
        click.echo(f"    {where}: …{place.before} {found} {place.after}…")
    click.echo(f"    {replace_command(one, ids)}")


def _json(one: Suggestion, titles: dict[str, str], ids: Sequence[str]) -> dict[str, object]:
    return {
        "term": one.term,
        "found": one.found,
        "kind": one.kind,
        "sure": one.sure,
        "count": one.count,
        "recordings": one.recordings,
        "complete": one.complete,
        "places": [_place_json(place, titles) for place in one.places],
        "command": replace_command(one, ids),
    }


def _place_json(place: Place, titles: dict[str, str]) -> dict[str, object]:
    return {
        "recording": place.recording_id,
        "title": titles[place.recording_id],
        "at": to_seconds(place.start_ms),
        "before": place.before,
        "after": place.after,
    }
