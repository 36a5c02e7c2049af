"""The handbook says what is true: its commands, settings, messages and files are the program's."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from pipeline.cli.main import cli
from pipeline.evaluation.gold import read_gold
from pipeline.glossary import GlossaryFile
from pipeline.inbox.sidefile import parse_side
from pipeline.messages import LANGUAGES, catalogue
from pipeline.settings import NOT_SETTINGS, PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
HANDBOOK = ROOT / "pipeline" / "handbook"
DEPLOY = ROOT / "pipeline" / "deploy"
PAGES = sorted(HANDBOOK.glob("*/*.md"))
UNITS = sorted(path for path in DEPLOY.rglob("*") if path.suffix in (".service", ".timer"))

page = pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
unit = pytest.mark.parametrize("path", UNITS, ids=lambda path: str(path.relative_to(DEPLOY)))


@dataclass(frozen=True)
class Block:
    """A fenced block: what its fence says it is, and its lines."""

    kind: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(path: Path) -> list[Block]:
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [Block(kind, tuple(body.splitlines())) for kind, body in found]


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def headings(path: Path) -> list[str]:
    return re.findall(r"^(#+) ", prose(path), re.M)


# --- commands ----------------------------------------------------------------------------------


def words_of(line: str) -> list[str]:
    """The words of a line that calls ``interviews``, from there on; none where it does not."""
    words = shlex.split(line, comments=True)
    if words[:2] == ["sudo", "-u"]:
        words = words[3:]
    while words and (words[0] in ("env", "nice") or re.match(r"[A-Z_]+=", words[0])):
        words = words[1:]
    if not words or Path(words[0]).name != "interviews":
        return []
    end = next((n for n, word in enumerate(words) if re.match(r"[0-9]?[|>]", word)), len(words))
    return words[1:end]


def called(path: Path) -> list[list[str]]:
    """Every command line of a page's blocks."""
    lines = [
        line for block in blocks(path) if block.kind in ("", "sh") for line in joined(block.lines)
    ]
    return [words for line in lines if (words := words_of(line))]


def joined(lines: tuple[str, ...]) -> list[str]:
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def leaf_of(words: list[str]) -> tuple[str, click.Command, list[str]]:
    """The command that a line names, by its full name, and what is left for it. Fails with click's
    own words where a command or a global option does not exist."""
    name, command, rest = "interviews", cli, words
    while isinstance(command, click.Group):
        with click.Context(command, info_name=name) as context:
            _, rest, _ = command.make_parser(context).parse_args(args=list(rest))
            assert rest, f"{name}: no command"
            found = command.get_command(context, rest[0])
        assert found is not None, f"{name} {rest[0]}: no such command"
        name, command, rest = f"{name} {rest[0]}", found, rest[1:]
    return name, command, rest


def options_of(command: click.Command) -> set[str]:
    return {name for one in command.params if isinstance(one, click.Option) for name in one.opts}


def check_call(words: list[str]) -> None:
    """Parse a line as the program would, without running anything."""
    name, command, rest = leaf_of(words)
    try:
        command.make_context(name, list(rest))
    except click.UsageError as error:
        pytest.fail(f"{name} {' '.join(rest)}: {error.format_message()}")


@page
def test_every_command_line_is_one_the_program_takes(path: Path) -> None:
    for words in called(path):
        check_call(words)


@page
def test_commands_in_sentences_name_commands_and_options_that_exist(path: Path) -> None:
    for quoted in re.findall(r"`interviews ([^`]+)`", prose(path)):
        name, command, rest = leaf_of(quoted.split())
        for option in (word for word in rest if word.startswith("--")):
            assert option in options_of(command), f"{name}: {option}"


def signature(words: list[str]) -> tuple[str, frozenset[str]]:
    """A command line but for the values in it, which each language may choose."""
    name, _, rest = leaf_of(words)
    return name, frozenset(word for word in rest if word.startswith("--"))


@pytest.mark.parametrize("name", sorted(path.name for path in (HANDBOOK / "de").glob("*.md")))
def test_both_languages_have_the_same_headings_and_commands(name: str) -> None:
    german, english = HANDBOOK / "de" / name, HANDBOOK / "en" / name
    assert headings(german) == headings(english)
    assert [signature(one) for one in called(german)] == [signature(one) for one in called(english)]
    kinds = [[block.kind for block in blocks(one)] for one in (german, english)]
    assert kinds[0] == kinds[1]


def test_both_languages_have_the_same_pages() -> None:
    names = [{path.name for path in (HANDBOOK / one).iterdir()} for one in LANGUAGES]
    assert (
        names[0]
        == names[1]
        == {
            f"{one}.md"
            for one in (
                "start staff accounts pages members night keep recover speed cluster".split()
            )
        }
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_shown_at_least_once(language: str) -> None:
    shown = {
        leaf_of(words)[0] for path in (HANDBOOK / language).iterdir() for words in called(path)
    }
    top = {name.split()[1] for name in shown}
    assert top == set(cli.commands)


# --- settings ----------------------------------------------------------------------------------

ROW = re.compile(r"^\| `([a-z_]+)`(?: \*)? \| (?:`([^`]*)`)? ?\| (.+) \|$", re.M)


def shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_is_explained_once_with_its_default(language: str) -> None:
    rows = [row for path in (HANDBOOK / language).iterdir() for row in ROW.findall(prose(path))]
    tables = {name: default for name, default, _ in rows if name in Settings.model_fields}
    defaults = Settings().model_dump()
    assert tables == {name: shown(value).replace("{}", "") for name, value in defaults.items()}
    assert len(rows) == len({name for name, _, _ in rows})


@page
def test_every_variable_named_is_a_setting(path: Path) -> None:
    for name in re.findall(rf"\b{PREFIX}[A-Z_]+\b", path.read_text(encoding="utf-8")):
        assert name in NOT_SETTINGS or name.removeprefix(PREFIX).lower() in Settings.model_fields


@page
def test_every_example_file_is_one_the_program_reads(path: Path, tmp_path: Path) -> None:
    """The first line of a TOML block says as a comment which file it is."""
    for block in blocks(path):
        example = tmp_path / "example"
        example.write_text(block.text, encoding="utf-8")
        if block.kind == "json":
            assert read_gold(example)
        elif block.kind == "toml":
            name = block.lines[0].removeprefix("# ")
            if name == "interviews.toml":
                assert Settings.model_validate(tomllib.loads(block.text))
            elif name == "glossary.toml":
                assert GlossaryFile(example, required=True).read().terms
            else:
                assert parse_side(block.text.encode(), name)


@page
def test_settings_in_sentences_exist(path: Path) -> None:
    """``name = value`` in a sentence is a setting's."""
    for name in re.findall(r"`([a-z_]+) = [^`]*`", prose(path)):
        assert name in Settings.model_fields, name


# --- messages ----------------------------------------------------------------------------------


def templates(language: str) -> Iterator[re.Pattern[str]]:
    """What the program can say, for those sentences that say something of their own."""
    for key, sentence in catalogue(language).items():
        fixed = re.sub(r"\{\w+\}", "", sentence)
        if key.startswith(("error.", "search.", "gate.", "cli.")) and len(fixed) > 12:
            pieces = re.split(r"\{\w+\}", sentence)
            yield re.compile(".+".join(map(re.escape, pieces)))


@page
def test_every_message_is_quoted_as_the_program_says_it(path: Path) -> None:
    """Blocks marked as text hold messages, each on one line, and nothing else."""
    language = path.parent.name
    known = list(templates(language))
    prefix = catalogue(language)["cli.error"].removesuffix("{message}")
    for block in blocks(path):
        if block.kind == "text":
            for line in block.lines:
                said = line.strip()
                forms = {said, said.removeprefix(prefix)}
                assert any(one.fullmatch(form) for one in known for form in forms), said


# --- links -------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Of each heading, as Git forges make them."""
    found = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


@page
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(path)):
        place, _, anchor = target.partition("#")
        assert "://" not in place, "the handbook is read offline"
        led = (path.parent / place).resolve() if place else path
        assert led.exists(), target
        assert not anchor or anchor in anchors(led), target


@page
def test_every_file_of_the_repository_that_is_named_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\bpipeline/deploy/[\w./-]*\w", text):
        assert (ROOT / name).exists(), name


# --- files to install --------------------------------------------------------------------------


def unit_of(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=("#",), strict=False, interpolation=None
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


@unit
def test_units_are_ini_files_with_the_sections_systemd_expects(path: Path) -> None:
    own = {".service": "Service", ".timer": "Timer"}[path.suffix]
    assert {"Unit", own} <= set(unit_of(path).sections()) <= {"Unit", own, "Install"}


def test_each_timer_has_its_service() -> None:
    for timer in (one for one in UNITS if one.suffix == ".timer"):
        assert timer.with_suffix(".service") in UNITS
        assert unit_of(timer)["Install"]["WantedBy"] == "timers.target"


@unit
def test_systemd_understands_every_line(path: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on this machine")
    for sibling in path.parent.glob("interviews-nightly.*"):
        # Whether the program is installed where the unit expects it is not the question here.
        there = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", sibling.read_text("utf-8"))
        (tmp_path / sibling.name).write_text(there, encoding="utf-8")
    whose = ["--user"] if path.parent.name == "user" else []
    done = subprocess.run(
        [program, *whose, "verify", str(tmp_path / path.name)],
        capture_output=True,
        text=True,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        check=False,
        timeout=60,
    )
    about_ours = [line for line in done.stderr.splitlines() if path.name in line]
    assert not about_ours
    assert done.returncode == 0, done.stderr


def calls_to_install() -> Iterator[tuple[str, list[str]]]:
    for path in UNITS:
        if path.suffix == ".service":
            yield path.name, words_of(unit_of(path)["Service"]["ExecStart"])
    for line in (DEPLOY / "interviews.cron").read_text(encoding="utf-8").splitlines():
        if found := re.search(r"\S*/interviews (?:--quiet )?[a-z].*", line):
            yield "interviews.cron", words_of(found[0].split(" >>")[0])


def test_what_timers_start_is_a_command_the_program_takes() -> None:
    found = list(calls_to_install())
    assert [leaf_of(words)[0] for _, words in found].count("interviews nightly") == 3
    for _, words in found:
        check_call(words)
        assert "--quiet" in words, "titles must not reach logs that removal cannot clean"


def test_the_cron_table_has_five_times_an_account_and_a_command() -> None:
    lines = (DEPLOY / "interviews.cron").read_text(encoding="utf-8").splitlines()
    jobs = [line for line in lines if re.match(r"[0-9*]", line)]
    assert len(jobs) == 1
    minute, hour, *days, account, _ = jobs[0].split(maxsplit=6)
    assert minute.isdecimal() and hour.isdecimal() and days == ["*", "*", "*"]
    assert account == unit_of(DEPLOY / "interviews-nightly.service")["Service"]["User"]
    assert "%" not in jobs[0], "cron makes line ends of it"


def test_what_cron_writes_is_turned_over() -> None:
    turned = (DEPLOY / "interviews.logrotate").read_text(encoding="utf-8")
    folders = re.findall(r"^(\S+)/\*\.log \{$", turned, re.M)
    written = re.findall(r">>(\S+)/\w+\.log", (DEPLOY / "interviews.cron").read_text("utf-8"))
    assert written and set(written) == set(folders)
    assert turned.count("{") == turned.count("}")


def test_files_to_install_name_no_place_of_this_machine() -> None:
    usual = ("/opt/interviews", "/var/lib/interviews", "/var/log/interviews", "/srv/interviews")
    system = ("/bin/sh", "/usr/sbin/nologin", "/etc/cron.d", "/etc/logrotate.d", "/home")
    for path in (one for one in DEPLOY.rglob("*") if one.is_file()):
        text = path.read_text(encoding="utf-8")
        for place in re.findall(r"(?<![\w.~%*/}])/[a-z](?:[\w./*-]*\w)?", text):
            known = any(place == one or place.startswith(f"{one}/") for one in (*usual, *system))
            assert known, f"{path.name}: {place}"


def test_every_file_to_install_is_in_the_handbook() -> None:
    for language in LANGUAGES:
        text = (HANDBOOK / language / "night.md").read_text(encoding="utf-8")
        for path in (one for one in DEPLOY.rglob("*") if one.is_file()):
            assert f"pipeline/deploy/{path.relative_to(DEPLOY)}" in text, path.name
