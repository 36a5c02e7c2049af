"""``interviews search``: the moment where a topic is discussed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import click

from pipeline.catalog import corrections
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.scope import Scope
from pipeline.cli.app import Session, echo_json, pass_session
from pipeline.cli.localise import Localised
from pipeline.search.analysis import MAX_QUERY_CHARACTERS
from pipeline.search.ranking import EACH
from pipeline.search.results import MODES, Mode, SearchResult, result_json
from pipeline.search.search import Searcher
from pipeline.timecode import format_short, to_seconds
from pipeline.values import Hit, Span


class _Asking(Localised):
    """The search has no short options: what begins with a single minus is part of the query."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        queries = [] if "--" in args else [arg for arg in args if re.match("-[^-]", arg)]
        others = [arg for arg in args if arg not in queries]
        return super().parse_args(ctx, [*others, "--", *queries] if queries else args)


@click.command(cls=_Asking)
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--each", type=click.IntRange(0, 1000), default=EACH, show_default=True)
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
    each: int,
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
            catalogue,
            context.home.index,
            context.embedder_for,
            context.glossary_file.read,
            reranking=context.reranking,
        )
        result = searcher.search(query, mode=mode, scope=scope, limit=limit, each=each or None)
        withheld = {} if as_json else _withheld(catalogue, result)
    if as_json:
        echo_json(result_json(result, session.language))
    else:
        _say(session, result, withheld, marking=context.settings.feedback)


def _withheld(catalogue: Catalogue, result: SearchResult) -> dict[str, list[Span]]:
    with catalogue.read() as db:
        return {
            one: [row.span for row in corrections.withheld(db, one)]
            for one in {hit.recording.id for hit in result.hits}
        }


def _say(
    session: Session, result: SearchResult, withheld: dict[str, list[Span]], *, marking: bool
) -> None:
    for notice in result.degraded:
        session.warn(notice.said(session.language))
    for word in result.corrected:
        session.say("search.corrected", was=word.was, now=word.now)
    for hit in result.hits:
        _say_hit(session, hit, withheld[hit.recording.id])
        if marking and len(result.query) <= MAX_QUERY_CHARACTERS:
            session.say("search.mark", command=mark_command(result.query, hit))
    if not result.hits:
        session.say("search.nothing")


def _say_hit(session: Session, hit: Hit, withheld: Sequence[Span]) -> None:
    colour = {"bold": True}
    where = click.style(f"{hit.rank}. {hit.recording.facts.title}", **colour)
    facts = [format_short(hit.jump_ms), hit.language, hit.recording.facts.collection, hit.speaker]
    click.echo(f"{where}  [{' · '.join(fact for fact in facts if fact)}]")
    click.echo(f"   {_marked(hit)}")
    if command := play_command(hit, withheld):
        session.say("search.play", command=command)


def play_command(hit: Hit, withheld: Sequence[Span]) -> str | None:
    """A shell command that plays the recording from the moment to the next withheld stretch, if
    there is one (ffplay comes with ffmpeg). None without a media file, and within a stretch."""
    if hit.recording.media is None:
        return None
    command = ["ffplay", "-autoexit", "-ss", str(to_seconds(hit.jump_ms))]
    ahead = [span.start_ms for span in withheld if span.end_ms > hit.jump_ms]
    if ahead:
        length_ms = min(ahead) - hit.jump_ms
        if length_ms <= 0:
            return None
        command += ["-t", str(to_seconds(length_ms))]
    return shlex.join([*command, hit.recording.media.path])


def mark_command(query: str, hit: Hit) -> str:
    """A shell command that marks the hit as right."""
    at = str(to_seconds(hit.jump_ms))
    asked = " ".join(query.split())
    return shlex.join(["interviews", "mark", asked, hit.recording.id, "--at", at, "--right"])


def _marked(hit: Hit) -> str:
    """The chunk's text on one line, the found words in bold."""
    pieces, position = [], 0
    for begin, end in hit.highlights:
        pieces.append(hit.text[position:begin])
        pieces.append(click.style(hit.text[begin:end], bold=True))
        position = end
    pieces.append(hit.text[position:])
    return " ".join("".join(pieces).split())
