"""A command forked for a test does what one does that starts from nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Interviews
from tests.faults import warm
from tests.forks import commands, surroundings

CALLS = {
    "done": (["status", "--json"], 0),
    "not found": (["show", "nothing"], 3),
    "used wrongly": (["search"], 2),
    "a folder beside": (["add", "nothing.vtt"], 2),
}


@pytest.mark.parametrize(("call", "code"), CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_forked_command_says_the_same(
    interviews: Interviews,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: list[str],
    code: int,
    language: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    forked = interviews(*call, check=False, INTERVIEWS_LANG=language)
    alone = replace(interviews, alone=True)(*call, check=False, INTERVIEWS_LANG=language)
    assert forked == alone and forked.code == code


def test_a_killed_command_is_told_by_its_signal(interviews: Interviews) -> None:
    child = commands().begin(["inbox", "--watch", "60"], interviews.environment())
    child.signal(9)
    assert child.end().code == -9


def test_models_loaded_by_a_test_do_not_keep_commands_from_being_forked() -> None:
    warm()
    assert surroundings(os.environ) == commands().surroundings


def test_another_environment_is_given_from_the_start(interviews: Interviews) -> None:
    wanted = interviews.environment(LC_ALL="C")
    assert surroundings(wanted) != commands().surroundings
    assert interviews("status", "--json", LC_ALL="C").json["recordings"] == []
