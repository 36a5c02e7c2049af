"""``interviews search``: the moment where a topic is discussed."""

from __future__ import annotations

import shlex

import click

from pipeline.catalog.scope import Scope
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.search.results import MODES, Mode, SearchResult, result_json
from pipeline.search.search import Searcher
from pipeline.timecode import format_short
from pipeline.values import Hit


@click.command(cls=Localised)
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--mode", type=click.Choice(MODES), default="hybrid", show_default=True)
@click.option("--language", type=click.Choice(["de", "en"]))
@click.option("--collection")
@click.option("--person")
@click.option("--json", "as_json", is_flag=True)
@pass_session
def search(
    session: Session,
    query: str,
    limit: int,
    mode: Mode,
    language: str | None,
    collection: str | None,
    person: str | None,
    as_json: bool,
) -> None:
    scope = Scope(language=language, collection=collection, person=person)
    with session.catalogue() as catalogue:
        context = session.context
        searcher = Searcher(
            catalogue, context.home.index, context.embedder_for, context.glossary_file.read
        )
        result = searcher.search(query, mode=mode, scope=scope, limit=limit)
    if as_json:
        echo_json(result_json(result, session.language))
    else:
        _say(session, result)


def _say(session: Session, result: SearchResult) -> None:
    for notice in result.degraded:
        session.warn(notice.said(session.language))
    for hit in result.hits:
        _say_hit(session, hit)
    if not result.hits:
        session.say("search.nothing")


def _say_hit(session: Session, hit: Hit) -> None:
    colour = {"bold": True}
    where = click.style(f"{hit.rank}. {hit.recording.facts.title}", **colour)
    facts = [format_short(hit.jump_ms), hit.language, hit.recording.facts.collection, hit.speaker]
    click.echo(f"{where}  [{' · '.join(fact for fact in facts if fact)}]")
    click.echo(f"   {_marked(hit)}")
    if hit.recording.media:
        session.say("search.play", command=play_command(hit))


def play_command(hit: Hit) -> str:
    """A shell command that plays the recording from the moment (ffplay comes with ffmpeg)."""
    path = hit.recording.media.path if hit.recording.media else ""
    return shlex.join(["ffplay", "-autoexit", "-ss", f"{hit.jump_ms / 1000:.1f}", path])


def _marked(hit: Hit) -> str:
    """The chunk's text on one line, the found words in bold."""
    pieces, position = [], 0
    for begin, end in hit.highlights:
        pieces.append(hit.text[position:begin])
        pieces.append(click.style(hit.text[begin:end], bold=True))
        position = end
    pieces.append(hit.text[position:])
    return " ".join("".join(pieces).split())
