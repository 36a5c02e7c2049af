"""What keeps ten thousand recordings fast, as facts that hold for any number: how much is read."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.catalog import (
    chunks,
    generations,
    overview,
    purge,
    queue,
    recordings,
    transcripts,
)
from pipeline.catalog.connection import Catalogue, open_catalogue
from pipeline.catalog.recordings import Database
from pipeline.catalog.standing import Standing, about, standings
from pipeline.cli.commands.status import SHOWN
from pipeline.fingerprint import digest, fingerprints
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.run.plan import Work, plan
from pipeline.settings import Settings
from pipeline.values import ModelRef
from tests.conftest import Interviews
from tests.scale import fill, identity
from tests.search_home import BagOfStems, interview

FEW, MANY = 30, 300

TEXTS = {"transcripts", "segments", "windows", "chunks", "chunk_words", "vectors", "chapters"}
"""Tables that hold what was said: they grow with the length of recordings."""


def home_of(root: Path, count: int) -> Context:
    context = Context(open_home(root), Settings())
    talks = [
        interview(*(f"Der Ausbau der Leitung {talk} kostet {step} Euro." for step in range(12)))
        for talk in range(10)
    ]
    fill(context, talks, count, BagOfStems())
    return context


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return home_of(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return home_of(tmp_path_factory.mktemp("many"), MANY)


@pytest.fixture
def own(many: Context, tmp_path: Path) -> Context:
    """A copy of the larger home, to do with as one likes."""
    shutil.copytree(many.home.root, tmp_path / "own")
    return Context(open_home(tmp_path / "own"), Settings())


@pytest.fixture
def catalogue(own: Context) -> Iterator[Catalogue]:
    with own.catalogue() as opened:
        yield opened


Look = Callable[[Context, Database], object]


def statements(context: Context, look: Look) -> list[str]:
    """The statements that ``look`` runs."""
    told: list[str] = []
    with context.catalogue() as catalogue, catalogue.read() as db:
        db.set_trace_callback(told.append)
        look(context, db)
        db.set_trace_callback(None)
    return told


def tables(context: Context, look: Look) -> set[str]:
    """The tables that ``look`` reads."""
    read: set[str] = set()

    def note(action: int, table: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table:
            read.add(table)
        return sqlite3.SQLITE_OK

    with context.catalogue() as catalogue, catalogue.read() as db:
        db.set_authorizer(note)
        look(context, db)
        db.set_authorizer(None)
    return read


def steps(context: Context, look: Look) -> int:
    """How many steps SQLite takes for ``look``: a measure of work without a clock."""
    taken = [0]

    def step() -> int:
        taken[0] += 1
        return 0

    with context.catalogue() as catalogue, catalogue.read() as db:
        db.set_progress_handler(step, 1)
        look(context, db)
        db.set_progress_handler(None, 1)
    return taken[0]


def whole_plan(context: Context, db: Database) -> object:
    return plan(context, db)


def queue_at_a_glance(_: Context, db: Database) -> object:
    return [overview.next_in_turn(db, state, SHOWN) for state in ("running", "queued", "failed")]


def index_at_a_glance(_: Context, db: Database) -> object:
    return generations.index_state(db)


def test_the_home_is_done(many: Context) -> None:
    with many.catalogue() as catalogue, catalogue.read() as db:
        assert queue.counts(db)["done"] == MANY
        assert plan(many, db) == []
        state = generations.index_state(db)
        assert (state.behind, state.dead) == (0, 0)
        assert state.chunks > MANY


def test_a_plan_reads_no_transcript_and_no_chunk(many: Context) -> None:
    assert tables(many, whole_plan) & TEXTS == set()


def test_a_plan_takes_as_many_statements_for_many_as_for_few(few: Context, many: Context) -> None:
    assert len(statements(many, whole_plan)) == len(statements(few, whole_plan))


def test_titles_and_people_are_read_of_what_is_work_alone(own: Context) -> None:
    with own.catalogue() as catalogue:
        with catalogue.write() as db:
            transcripts.forget_results(db, identity(7), ["chunk"])
        with catalogue.read() as db:
            (work,) = plan(own, db)
    assert work.recording.id == identity(7)
    assert work.recording.facts.people
    assert work.stages == ("chunk", "embed")
    asked = [
        one
        for one in statements(own, whole_plan)
        if re.search(r"recording_id, name FROM people\b", one)
    ]
    assert len(asked) == 1
    assert f'["{identity(7)}"]' in asked[0]


@pytest.mark.parametrize("look", [queue_at_a_glance, index_at_a_glance])
def test_a_glance_costs_the_same_however_many_are_done(
    few: Context, many: Context, look: Look
) -> None:
    assert steps(many, look) <= steps(few, look) * 1.1 + 10


def test_a_run_with_nothing_to_do_plans_once(own: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def counted(db: Database, ids: Collection[str] = ()) -> list[Standing]:
        asked.append(ids)
        return standings(db, ids)

    monkeypatch.setattr("pipeline.run.plan.standings", counted)
    told: list[Sequence[Work]] = []
    report = run(own, RunOptions(engine="inline", planned=told.append), Silent())
    assert (report.done, told, len(asked)) == ([], [[]], 1)


def test_a_plan_knows_of_people_what_the_stages_write(own: Context) -> None:
    with own.catalogue() as catalogue:
        with catalogue.write() as db:
            for number, people in enumerate([(), ("",), ("Ä; B", "C\nD"), ("", "", "E")]):
                facts = recordings.get(db, identity(number)).facts
                recordings.set_facts(db, identity(number), replace(facts, people=people))
        with catalogue.read() as db:
            known = {one.id: one.about for one in standings(db)}
            assert known == {one.id: about(one.facts) for one in recordings.every(db)}


def test_chunks_are_counted_as_they_come_and_go(own: Context, catalogue: Catalogue) -> None:
    model = own.text[1].hash

    def counted() -> tuple[int, int]:
        with catalogue.read() as db:
            rows = db.execute("SELECT count(*) FROM chunks WHERE model_hash = ?", (model,))
            return chunks.count(db, model), rows.fetchone()[0]

    stages: list[Callable[[Database], object]] = [
        lambda db: purge.delete_rows(db, [identity(1), identity(2)]),
        lambda db: chunks.drop_sets(db, identity(3)),
        lambda db: chunks.drop_within(db, identity(4), 0, 30_000),
        lambda db: chunks.drop_other_models(db, ["another"]),
    ]
    before, _ = counted()
    for stage in stages:
        with catalogue.write() as db:
            stage(db)
        said, true = counted()
        assert said == true < before
        before = said
    assert before == 0


def test_an_older_catalogue_is_counted_when_it_is_opened(own: Context) -> None:
    with own.catalogue() as catalogue, catalogue.write() as db:
        for trigger in ("chunks_stored", "chunks_deleted"):
            db.execute(f"DROP TRIGGER {trigger}")
        later = ("chunk_counts", "chapters", "attempts", "sessions", "invitations", "users")
        for table in later:
            db.execute(f"DROP TABLE {table}")
        for column in ("words_sha256", "recall"):
            db.execute(f"ALTER TABLE generations DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 4")
        total = db.execute("SELECT count(*) FROM chunks").fetchone()[0]
    with open_catalogue(own.home.catalogue) as catalogue, catalogue.read() as db:
        assert chunks.count(db, own.text[1].hash) == total > 0


def test_fingerprints_of_many_inputs_are_those_of_each() -> None:
    parameters = {"chunk_size": 160, "odd": '[] "ü"', "none": None}
    model = ModelRef("m[]", "h")
    of = fingerprints("chunk", 3, parameters, model)
    for inputs in ([], ["a"], ['b"ß', "[]"]):
        whole = {
            "stage": "chunk",
            "version": 3,
            "parameters": parameters,
            "model": ["m[]", "h"],
            "inputs": inputs,
        }
        assert of(inputs) == digest(whole)


def test_a_status_for_people_names_the_latest_and_counts_the_rest(own: Context) -> None:
    with own.catalogue() as catalogue, catalogue.write() as db:
        for number in range(SHOWN + 5):
            queued = "UPDATE recordings SET state = 'queued', added_ms = ? WHERE id = ?"
            db.execute(queued, (number, identity(number)))
        last = "UPDATE chunk_sets SET made_ms = made_ms + 60000 WHERE recording_id = ?"
        db.execute(last, (identity(99),))
    lines = Interviews(own.home.root)("status").out.splitlines()
    named = [line.split()[0] for line in lines if re.match(r"[a-z2-7]{12} ", line)]
    assert named[:SHOWN] == [identity(number) for number in range(SHOWN)]
    assert named[SHOWN] == identity(99)
    assert len(named) == 2 * SHOWN
    (rest,) = [line for line in lines if "--all" in line]
    assert "5 queued" in rest
    assert f"{MANY - SHOWN - 5 - SHOWN} done" in rest


def test_a_status_for_programs_or_on_request_names_every_one(own: Context) -> None:
    interviews = Interviews(own.home.root)
    told = interviews("status", "--json").json
    assert {one["id"] for one in told["recordings"]} == {identity(n) for n in range(MANY)}
    assert told["counts"]["done"] == MANY
    everyone = interviews("status", "--all").out
    assert all(identity(number) in everyone for number in range(MANY))
    assert "--all" not in everyone


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        ("status", {"torch", "sentence_transformers", "transformers", "ctranslate2", "faiss"}),
        ("run", {"torch", "sentence_transformers", "transformers", "ctranslate2"}),
    ],
)
def test_nothing_heavy_is_loaded_where_nothing_is_done(
    own: Context, command: str, spared: set[str]
) -> None:
    ask = (
        "import sys\nfrom pipeline.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules)"
    )
    interviews = Interviews(own.home.root)
    done = subprocess.run(
        [sys.executable, "-c", ask, command],
        env=interviews.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "sqlite3" in loaded
    assert loaded & spared == set()
