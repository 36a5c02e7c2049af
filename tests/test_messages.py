"""Every sentence exists in German and in English, and every one that is asked for exists."""

from __future__ import annotations

import ast
import json
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
from pipeline.settings import Settings, load_settings

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


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"threads": -1}, "der Wert muss mindestens 0 sein"),
        ({"media_hours_limit": 0}, "der Wert muss größer als 0 sein"),
        ({"inbox_settle_seconds": 90_000}, "der Wert darf höchstens 86400 sein"),
        ({"gold_tolerance": 2}, "der Wert darf höchstens 1 sein"),
        ({"threads": "vier"}, "der Wert muss eine ganze Zahl sein"),
        ({"threads": 1.5}, "der Wert muss eine ganze Zahl sein"),
        ({"gold_tolerance": "wenig"}, "der Wert muss eine Zahl sein"),
        ({"speech_model": 3}, "der Wert muss ein Text sein"),
        ({"compute_type": "int9"}, "möglich sind auto, int8, int8_float16"),
        ({"language": "fr"}, "möglich sind de, en."),
        ({"public_url": "interviews.example"}, "der Wert muss eine Adresse sein"),
        ({"retention": 3}, "der Wert muss eine Tabelle sein"),
        ({"retention": {"*": "730"}}, "der Wert muss eine ganze Zahl sein"),
        ({"retention": {"*": -1}}, "der Wert muss mindestens 0 sein"),
        ({"chunk_overlap": 150}, "höchstens halb so groß wie chunk_size"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_in_german(
    tmp_path: Path, given: dict[str, object], rule: str
) -> None:
    ((key, value),) = given.items()
    written = (
        f"{{ '*' = {json.dumps(value['*'])} }}" if isinstance(value, dict) else json.dumps(value)
    )
    (tmp_path / "interviews.toml").write_text(f"{key} = {written}\n", encoding="utf-8")
    with pytest.raises(errors.BadInput) as raised:
        load_settings(tmp_path, {})
    said = raised.value.message("de")
    assert said.startswith(f"Die Einstellung „{key}“ kann nicht „") and rule in said


@pytest.mark.parametrize("given", ["", "x", "-1", "1e30", "nan", "[]", "9" * 5000])
def test_no_setting_is_refused_in_the_library_s_words(tmp_path: Path, given: str) -> None:
    refused = []
    for key in Settings.model_fields:
        try:
            load_settings(tmp_path, {f"INTERVIEWS_{key.upper()}": given})
        except errors.BadInput as error:
            refused.append(error.key)
    assert refused and "settings.bad_value" not in refused
