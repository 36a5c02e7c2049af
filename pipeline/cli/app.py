"""The command ``interviews``: global options, and one place where errors become sentences."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

import click

from pipeline import home as home_room
from pipeline.catalog.connection import Catalogue
from pipeline.cli.localise import LocalisedGroup
from pipeline.errors import InterviewsError
from pipeline.home import open_home
from pipeline.messages import LANGUAGES, language_of_environment, text
from pipeline.reports.wording import Wording
from pipeline.run import removal
from pipeline.run.context import Context
from pipeline.settings import load_settings


@dataclass
class Session:
    """What the global options say."""

    root: Path
    language: str
    quiet: bool = False
    verbose: bool = False
    _warned: set[str] = field(default_factory=set)

    @cached_property
    def context(self) -> Context:
        """The home, opened, with its settings. Unknown variables are warned of once."""
        home = open_home(self.root)
        settings, unknown = load_settings(home.root)
        for name in unknown:
            self.warn(text("warning.settings.unknown_variable", self.language, name=name))
        return Context(home, settings)

    def catalogue(self, *, thorough: bool = False) -> Catalogue:
        """The catalogue, in which nothing removed is to be seen. ``thorough`` finishes removals
        that were cut short to their last byte."""
        catalogue = self.context.catalogue()
        try:
            removal.settle(self.context.home, catalogue, thorough=thorough)
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    def say(self, key: str, **values: object) -> None:
        """A line for people on standard output, unless ``--quiet``."""
        if not self.quiet:
            click.echo(text(f"cli.{key}", self.language, **values))

    def note(self, key: str, **values: object) -> None:
        """A line beside the result, on standard error, unless ``--quiet``."""
        if not self.quiet:
            click.echo(text(f"cli.{key}", self.language, **values), err=True)

    def size(self, count: int) -> str:
        """Bytes as people read them."""
        return Wording(self.language).size(count)

    def confirm(self, key: str) -> None:
        """Ask; anything but yes ends the command."""
        yes = text("cli.yes_letters", self.language)
        answer: str = click.prompt(
            text(f"cli.{key}", self.language), default="", show_default=False
        )
        if not answer or answer.strip().lower() not in yes.split():
            raise click.Abort

    def warn(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            click.echo(sentence, err=True)

    def complain(self, error: InterviewsError, about: str | None = None) -> None:
        """What went wrong and what to do, on standard error."""
        where = f"{about}: " if about else ""
        click.echo(f"{where}{error.message(self.language)}", err=True)
        click.echo(f"  {error.advice(self.language)}", err=True)


def echo_json(value: object) -> None:
    """A value as JSON on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


pass_session = click.make_pass_decorator(Session)


@click.group(cls=LocalisedGroup, name="interviews", context_settings={"max_content_width": 100})
@click.option("--home", "root", type=str, metavar="PATH", envvar="INTERVIEWS_HOME")
@click.option("--lang", "language", type=click.Choice(LANGUAGES), envvar="INTERVIEWS_LANG")
@click.option("--quiet", "-q", is_flag=True)
@click.option("--verbose", "-v", is_flag=True)
@click.version_option(package_name="interviews", prog_name="interviews")
@click.pass_context
def cli(
    ctx: click.Context, root: str | None, language: str | None, quiet: bool, verbose: bool
) -> None:
    logging.basicConfig(level=logging.DEBUG if verbose else logging.CRITICAL, stream=sys.stderr)
    for noisy in ("numba", "urllib3", "filelock", "matplotlib", "faster_whisper"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    ctx.obj = Session(
        root=Path(root) if root else home_room.default_root(),
        language=language or language_of_environment(),
        quiet=quiet,
        verbose=verbose,
    )


def language_of(arguments: Sequence[str]) -> str:
    """The language asked for, known before anything is parsed: ``--lang``, the environment."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return _known_language(argument.removeprefix("--lang="))
        if argument == "--lang" and position + 1 < len(arguments):
            return _known_language(arguments[position + 1])
    return _known_language(os.environ.get("INTERVIEWS_LANG", ""))


def _known_language(value: str) -> str:
    return value if value in LANGUAGES else language_of_environment()


def run_cli(group: click.Group, arguments: Sequence[str]) -> int:  # noqa: PLR0911
    """Run the command line and say every error as one sentence; the exit code."""
    language = language_of(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        result: Any = group.main(list(arguments), prog_name="interviews", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except InterviewsError as error:
        return _said(error, language)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return 2
    except click.UsageError as error:
        return _misused(error, language)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(text("cli.interrupted", language), err=True)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; keep Python from complaining while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        logging.getLogger(__name__).debug("unexpected", exc_info=error)
        click.echo(text("cli.unexpected", language, what=type(error).__name__), err=True)
        return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _said(error: InterviewsError, language: str) -> int:
    click.echo(text("cli.error", language, message=error.message(language)), err=True)
    click.echo(f"  {error.advice(language)}", err=True)
    return error.exit_code


def _misused(error: click.UsageError, language: str) -> int:
    click.echo(text("cli.error", language, message=_usage_sentence(error, language)), err=True)
    if error.ctx is not None:
        path = error.ctx.command_path
        click.echo(f"  {text('cli.usage.see_help', language, command=path)}", err=True)
    return 2


def _usage_sentence(error: click.UsageError, language: str) -> str:
    if isinstance(error, click.NoSuchOption):
        return text("cli.usage.no_such_option", language, option=error.option_name)
    if isinstance(error, click.MissingParameter):
        name = error.param.human_readable_name if error.param else ""
        return text("cli.usage.missing", language, name=name)
    if isinstance(error, click.BadParameter):
        return _bad_value_sentence(error, language)
    if isinstance(error, click.exceptions.NoSuchCommand):
        return text("cli.usage.no_such_command", language, command=error.command_name)
    return text("cli.usage.other", language, detail=error.format_message())


def _bad_value_sentence(error: click.BadParameter, language: str) -> str:
    """What may stand there, in our own words where the type tells."""
    parameter = error.param
    name = parameter.opts[0] if parameter and parameter.opts else ""
    kind = parameter.type if parameter else None
    if isinstance(kind, click.Choice):
        allowed = ", ".join(str(one) for one in kind.choices)
        return text("cli.usage.choose", language, name=name, allowed=allowed)
    if isinstance(kind, click.IntRange):
        least = "–" if kind.min is None else kind.min
        most = "–" if kind.max is None else kind.max
        return text("cli.usage.number", language, name=name, least=least, most=most)
    return text("cli.usage.bad_value", language, name=name, detail=error.message)
