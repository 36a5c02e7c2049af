"""Click commands whose help comes from the message catalogue, in German or English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import click

from pipeline.messages import text


class Localised(click.Command):
    """A command that prints its headings in the chosen language.

    ``many`` names options that take several values in a row (``--only A B C``), which click does
    not know; they are rewritten to one value each before click parses.
    """

    language = "de"

    def __init__(self, *args: Any, many: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.many = many

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_one_value_each(args, self.many)))

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, text("cli.heading.usage", self.language))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = [
            record for option in self.get_params(ctx) if (record := option.get_help_record(ctx))
        ]
        if records:
            with formatter.section(text("cli.heading.options", self.language)):
                formatter.write_dl(records)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = text("cli.option.help", self.language)
        return option


class LocalisedGroup(Localised, click.Group):
    """A group of localised commands."""

    command_class = Localised
    group_class = type

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        rows = [
            (name, command.get_short_help_str(70))
            for name, command in self.commands.items()
            if not command.hidden
        ]
        with formatter.section(text("cli.heading.commands", self.language)):
            formatter.write_dl(rows)


class Commands(MutableMapping[str, click.Command]):
    """Commands by name, each imported when it is asked for: a look at the queue need not load what
    transcribing takes.

    ``places`` says where each is: ``module:attribute`` in ``pipeline.cli.commands``.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._loaded: dict[str, click.Command] = {}
        self._language: str | None = None

    def speak(self, language: str) -> None:
        """Let every command, loaded or not, print its help in this language."""
        self._language = language
        for command in self._loaded.values():
            localise(command, language)

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, attribute = self._places[name].split(":")
            command: click.Command = getattr(
                import_module(f"pipeline.cli.commands.{module}"), attribute
            )
            if self._language is not None:
                localise(command, self._language)
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._places[name] = ""
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _one_value_each(args: list[str], many: tuple[str, ...]) -> Iterator[str]:
    current: str | None = None
    fresh = False
    for position, argument in enumerate(args):
        if argument == "--":
            yield from args[position:]
            return
        if argument in many:
            current, fresh = argument, True
            yield argument
        elif argument.startswith("-"):
            current = None
            yield argument
        else:
            if current and not fresh:
                yield current
            fresh = False
            yield argument


def localise(command: click.Command, language: str, path: str = "") -> None:
    """Give ``command`` and all below it their help texts, those not loaded yet when they are. A
    text that is missing is a KeyError; a test walks the whole tree in both languages."""
    if isinstance(command, Localised):
        command.language = language
    name = f"{path}.{command.name}" if path else (command.name or "")
    command.help = text(f"cli.{name}.help", language)
    for option in command.params:
        if isinstance(option, click.Option):
            option.help = text(option_key(name, option), language)
    if isinstance(command, click.Group) and isinstance(command.commands, Commands):
        command.commands.speak(language)
    elif isinstance(command, click.Group):
        for child in command.commands.values():
            localise(child, language, name)


def option_key(command: str, option: click.Option) -> str:
    """Where an option's text lies: with its command, or among the common ones."""
    own = f"cli.{command}.option.{option.name}"
    return own if _known(own) else f"cli.option.{option.name}"


def _known(key: str) -> bool:
    try:
        text(key, "de")
    except (KeyError, IndexError):
        return False
    return True
