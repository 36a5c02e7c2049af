"""Who holds what, what counts as an attempt, and what a disturbed renewal must leave as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Interviews

from pipeline.catalog import queue, recordings
from pipeline.catalog.connection import Catalogue
from pipeline.errors import HomeUnusable
from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions, RunReport
from pipeline.settings import Settings
from pipeline.values import Failure, Recording

TALK = "WEBVTT\n\n00:00.000 --> 00:04.000\nDie Stadt plant ein neues Netz für die Fernwärme.\n"
PASSING = Failure("worker_died", "run.worker_died", {}, permanent=False)
PERMANENT = Failure("altered", "media.altered", {"path": "/a.wav"}, permanent=True)
INLINE = RunOptions(engine="inline")


@pytest.fixture
def talk(interviews: Interviews, tmp_path: Path) -> str:
    """The id of a transcript that is done."""
    path = tmp_path / "talk.vtt"
    path.write_text(TALK, encoding="utf-8")
    key = str(interviews("add", path, "--json").json["recordings"][0]["id"])
    interviews("run")
    return key


@pytest.fixture
def catalogue(interviews: Interviews, talk: str) -> Iterator[Catalogue]:
    with Context(open_home(interviews.home), Settings()).catalogue() as catalogue:
        yield catalogue


def found(catalogue: Catalogue, key: str) -> Recording:
    with catalogue.read() as db:
        assert not queue.owners(db)
        return recordings.get(db, key)


def taken(catalogue: Catalogue, key: str, owner: str, *, dead: tuple[str, ...] = ()) -> str | None:
    return queue.claim(catalogue, [key], owner, dead, lambda _db, _key: True)


class Disturbing(Silent):
    """Raises once the new chunks are under way."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def progressed(
        self, recording: Recording, stage: str, done_ms: int, total_ms: int | None
    ) -> None:
        if stage == "embed":
            raise self._error


def renewed(interviews: Interviews, error: BaseException | None = None) -> RunReport:
    """A run with another chunk size, disturbed by ``error``."""
    context = Context(open_home(interviews.home), Settings(chunk_size=90))
    return run(context, INLINE, Disturbing(error) if error else Silent())


# What is taken and given back


def test_only_what_failed_is_an_attempt_not_what_was_killed(
    catalogue: Catalogue, talk: str
) -> None:
    with catalogue.write() as db:
        recordings.set_state(db, talk, "queued")
    for number in range(5):
        assert taken(catalogue, talk, f"{number}-a", dead=[f"{number - 1}-a"]) == talk
    with catalogue.write() as db:
        queue.fail(db, talk, PASSING, "transcribe")
    assert found(catalogue, talk).attempts == 1


def test_a_passing_failure_is_tried_again_only_so_often(catalogue: Catalogue, talk: str) -> None:
    for attempt in range(1, queue.MOST_ATTEMPTS + 1):
        with catalogue.write() as db:
            queue.fail(db, talk, PASSING, "transcribe")
            assert not queue.retryable(db)  # its pause has only begun
            db.execute("UPDATE recordings SET not_before_ms = 0")
            assert (talk in queue.retryable(db)) == (attempt < queue.MOST_ATTEMPTS)


def test_a_permanent_failure_is_not_tried_again(catalogue: Catalogue, talk: str) -> None:
    with catalogue.write() as db:
        queue.fail(db, talk, PERMANENT, "transcribe")
        db.execute("UPDATE recordings SET not_before_ms = 0")
        assert not queue.retryable(db)


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_what_is_held_keeping_its_state_keeps_it_when_its_holder_is_killed(
    catalogue: Catalogue, talk: str, state: str
) -> None:
    with catalogue.write() as db:
        if state == "failed":
            queue.fail(db, talk, PERMANENT, "transcribe")
        else:
            recordings.set_state(db, talk, "queued")
            queue.cancel(db, talk)
        before = recordings.get(db, talk)
    queue.claim(catalogue, [talk], "1-a", (), lambda _db, _key: True, [talk])
    with catalogue.write() as db:
        queue.set_progress(db, talk, "embed", 0.5)
        assert recordings.get(db, talk) == before
        queue.give_back(db, talk)
    assert found(catalogue, talk) == before


# Renewing the chunks of what failed or was cancelled


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), HomeUnusable("home.full", path="/", detail=""), OSError("?")]
)
def test_a_disturbed_renewal_leaves_a_cancelled_recording_cancelled(
    interviews: Interviews, catalogue: Catalogue, talk: str, error: BaseException
) -> None:
    with catalogue.write() as db:
        recordings.set_state(db, talk, "queued")
        queue.cancel(db, talk)
    if isinstance(error, OSError):
        assert set(renewed(interviews, error).failed) == {talk}
    else:
        with pytest.raises(type(error)):
            renewed(interviews, error)
    assert found(catalogue, talk).state == "cancelled"
    assert renewed(interviews).done == [talk]
    assert found(catalogue, talk).state == "cancelled"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), HomeUnusable("home.full", path="/")])
def test_a_disturbed_renewal_leaves_a_failure_as_it_was(
    interviews: Interviews, catalogue: Catalogue, talk: str, error: BaseException
) -> None:
    with catalogue.write() as db:
        queue.fail(db, talk, PERMANENT, "transcribe")
    with pytest.raises(type(error)):
        renewed(interviews, error)
    kept = found(catalogue, talk)
    assert (kept.state, kept.failure, kept.attempts) == ("failed", PERMANENT, 1)


def test_chunks_that_cannot_be_made_are_tried_again_after_a_pause_only(
    interviews: Interviews, catalogue: Catalogue, talk: str
) -> None:
    assert set(renewed(interviews, RuntimeError("?")).failed) == {talk}
    kept = found(catalogue, talk)
    assert (kept.state, kept.stage, kept.attempts) == ("failed", "embed", 1)
    again = renewed(interviews, RuntimeError("?"))
    assert (again.failed, again.done) == ({}, [])
    with catalogue.write() as db:
        db.execute("UPDATE recordings SET not_before_ms = 0")
    assert renewed(interviews).done == [talk]
    assert found(catalogue, talk).state == "done"


# What is told of it


def test_a_recording_whose_run_was_killed_is_said_to_wait(
    interviews: Interviews, catalogue: Catalogue, talk: str
) -> None:
    with catalogue.write() as db:
        recordings.set_state(db, talk, "queued")
    assert taken(catalogue, talk, "1-000000000000") == talk
    told = interviews("status", "--json").json
    assert told["recordings"][0]["state"] == "queued"
    assert (told["counts"]["queued"], told["counts"]["running"]) == (1, 0)
    assert "running" not in interviews("status").out


def test_a_plan_is_no_longer_than_its_limit_and_says_how_long_it_takes(
    interviews: Interviews, talk: str, tmp_path: Path
) -> None:
    for number in range(3):
        path = tmp_path / f"more-{number}.vtt"
        path.write_text(TALK.replace("Netz", f"Netz {number}"), encoding="utf-8")
        interviews("add", path)
    whole = interviews("run", "--dry-run", "--json").json
    assert len(whole["work"]) == 3 and whole["expected"] > 0 and whole["audio"] == 0
    assert len(interviews("run", "--dry-run", "--limit", "2", "--json").json["work"]) == 2
    assert "3 recordings" in interviews("run", "--dry-run").out
    interviews("run")
    again = interviews("run", "--dry-run", "--again", "chunk", talk, "--json").json
    made_of_it = ["chunk", "embed", "chapters"]
    assert [(one["id"], one["stages"]) for one in again["work"]] == [(talk, made_of_it)]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_transcript_that_was_brought_along_is_not_recognised_again(
    interviews: Interviews, talk: str, more: tuple[str, ...]
) -> None:
    ended = interviews("run", *more, "--again", "transcribe", talk, check=False)
    assert ended.code == 2 and talk in ended.err and "--again chunk" in ended.err
