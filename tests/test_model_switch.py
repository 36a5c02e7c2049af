"""The text model changes under a reader's eyes: every answer is whole, and there is a way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.search.results import MODES
from pipeline.settings import load_settings
from tests.conftest import Interviews
from tests.scale import fill
from tests.search_home import interview
from tests.switch import Switched, other_model, published, switch

RECORDINGS = 60
QUERIES = ("Was kostet der Ausbau der Leitung?", "Wer baut das Netz?")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("switch") / "home"
    context = Context(open_home(root), load_settings(root, {})[0])
    talks = [
        interview(
            f"Der Ausbau der Leitung {number} kostet {number + 2} Millionen Euro.",
            "Das Netz baut die Stadt selbst, mit drei Firmen aus der Gegend.",
            "Die Wärme kommt aus dem Wasser der Kläranlage.",
            *(f"Im Jahr {2024 + year} folgt der Abschnitt {year}." for year in range(number)),
        )
        for number in range(20)
    ]
    fill(context, talks, RECORDINGS, context.embedder_for(context.text[1]))
    return root


@pytest.fixture(scope="module")
def seen(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Switched:
    return switch(home, other_model(tmp_path_factory.mktemp("models") / "other"), QUERIES)


def test_no_answer_is_empty_mixed_or_failed(seen: Switched) -> None:
    assert {one.mode for one in seen.answers} == set(MODES)
    assert seen.bad() == []


def test_the_old_model_answers_until_the_new_one_does(seen: Switched) -> None:
    assert seen.old != seen.new
    models = seen.models()
    flip = models.index(seen.new)
    assert flip > 0
    assert set(models[:flip]) == {seen.old}
    assert set(models[flip:]) == {seen.new}


def test_everything_is_done_and_nothing_is_behind(seen: Switched, home: Path) -> None:
    told = Interviews(home)("status", "--json").json
    assert told["counts"]["done"] == RECORDINGS
    assert told["index"]["behind"] == 0
    assert list(seen.owners.values()).count(seen.new) == told["index"]["chunks"]


def test_a_rollback_answers_from_the_old_model_again(seen: Switched, home: Path) -> None:
    interviews = Interviews(home)
    interviews("index", "rollback")
    try:
        assert published(home) == seen.old
        for mode in MODES:
            told = interviews("search", QUERIES[0], "--mode", mode, "--json").json
            assert told["hits"]
            assert told["degraded"] is None
        interviews("run")
        assert published(home) == seen.old
    finally:
        interviews("index", "rollback")
    assert published(home) == seen.new
