"""Every sentence exists in German and in English, and every one that is asked for exists."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline import errors
from pipeline.cli.localise import localise
from pipeline.cli.main import cli
from pipeline.messages import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parent.parent
RAISED = re.compile(r"[a-z_]+(\.[a-z_]+)+")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    assert catalogue("de").keys() == catalogue("en").keys()
    for key, german in catalogue("de").items():
        assert placeholders(german) == placeholders(catalogue("en")[key]), key


def test_nothing_is_left_untranslated() -> None:
    same = {
        key
        for key, german in catalogue("de").items()
        if german == catalogue("en")[key] and _words(german) > 3
    }
    assert not same


def _words(message: str) -> int:
    """Words of three letters and more, names of values aside."""
    return len(re.findall(r"[^\W\d_]{3,}", re.sub(r"{.*?}", "", message)))


def raised_keys() -> Iterator[tuple[str, set[str] | None, str]]:
    """Each error raised by name: (key, names of its values, where)."""
    classes = {name for name in vars(errors) if name[0].isupper()} - {"Failure"} | {
        "LeaseLost",
        "WorkerDied",
        "AlreadyBuilding",
        "AlreadyNight",
    }
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            first = node.args[0]
            if name in classes and isinstance(first, ast.Constant) and isinstance(first.value, str):
                named = {keyword.arg for keyword in node.keywords}
                values = None if None in named else {one for one in named if one}
                yield first.value, values, f"{path.name}:{node.lineno}"


def test_every_error_has_a_sentence_and_advice_and_fills_them() -> None:
    found = list(raised_keys())
    assert len(found) > 40
    for key, values, where in found:
        for part in ("message", "advice"):
            text = catalogue("de").get(f"error.{key}.{part}")
            assert text is not None, f"{where}: error.{key}.{part}"
            if values is not None:
                assert placeholders(text) <= values, f"{where}: {key}"


def test_every_model_trouble_has_a_sentence() -> None:
    for reason in ("unknown", "absent", "damaged", "unloadable", "unreachable", "refused", "disk"):
        assert f"error.model.{reason}.message" in catalogue("de")


def commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from commands(child)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_option_is_documented(language: str) -> None:
    localise(cli, language)
    for command in commands(cli):
        assert command.help
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{command.name} {option.name}"
