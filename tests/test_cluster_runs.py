"""Runs on a cluster of real processes: what comes of them is what comes of a run in one process,
whoever is killed when."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pipeline.run.cluster.access import Access
from pipeline.run.cluster.fleet import Fleet, places
from pipeline.run.cluster.holder import Means
from pipeline.run.cluster.slot import Place, Said
from tests.certificates import Authority
from tests.conftest import SAMPLES, Interviews
from tests.content import content
from tests.crash import fresh
from tests.machines import Machine, Machines, machines, own_address

pytest.importorskip("distributed")

FILMS = [SAMPLES / "lorawan.mp4", SAMPLES / "fernwaerme.mp4"]
SHORT = {"INTERVIEWS_WINDOW_SECONDS": "30"}
FIRST_WINDOW = r"recognise .* of "


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with recordings to work on."""
    home = tmp_path_factory.mktemp("waiting") / "home"
    fresh(home, FILMS)
    return home


@pytest.fixture(scope="module")
def peace(waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a run in one process makes of it."""
    home = tmp_path_factory.mktemp("peace") / "home"
    shutil.copytree(waiting, home)
    Interviews(home)("run", "--engine", "inline", **SHORT)
    return made(home)


@pytest.fixture
def interviews(waiting: Path, tmp_path: Path) -> Interviews:
    shutil.copytree(waiting, tmp_path / "home")
    return Interviews(tmp_path / "home")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Machines]:
    with machines(tmp_path) as found:
        yield found


def made(home: Path) -> dict[str, object]:
    """Everything that was made, without how sure the model is: with another number of threads or
    windows in a batch its last digits may differ."""
    found: dict[str, object] = dict(content(home))
    segments = content(home)["segments"]
    found["segments"] = [(row[0], row[1], row[4], row[5]) for row in segments]
    found.pop("results")
    found.pop("transcripts")
    return found


def run(interviews: Interviews, url: str, **environment: str) -> Machine:
    line = ("run", "--engine", "dask", "--scheduler", url)
    return Machine(interviews, *line, **SHORT | environment)


def test_a_killed_worker_costs_nothing(
    interviews: Interviews, cluster: Machines, peace: dict[str, object]
) -> None:
    cluster.scheduler()
    first = cluster.worker("first")
    cluster.worker("second")
    running = run(interviews, cluster.url)
    running.until(FIRST_WINDOW)
    os.kill(first.children()[0], signal.SIGKILL)
    first.until("is started again")
    assert running.end() == 0, running.said
    assert "Traceback" not in running.said
    assert made(interviews.home) == peace
    assert not cluster.nowhere.exists()  # workers need no home and make none


def test_a_restarted_scheduler_costs_nothing(
    interviews: Interviews, cluster: Machines, peace: dict[str, object]
) -> None:
    scheduler = cluster.scheduler()
    worker = cluster.worker("only")
    running = run(interviews, cluster.url)
    running.until(FIRST_WINDOW)
    scheduler.kill()
    running.until("cannot be reached any more")
    cluster.scheduler()
    worker.until("has joined")
    running.until("is back")
    assert running.end() == 0, running.said
    assert made(interviews.home) == peace
    assert "Traceback" not in running.said + worker.said


def test_a_killed_run_is_finished_by_the_next_one(
    interviews: Interviews, cluster: Machines, peace: dict[str, object]
) -> None:
    cluster.scheduler()
    cluster.worker("only")
    running = run(interviews, cluster.url)
    running.until(FIRST_WINDOW)
    running.kill()
    again = run(interviews, cluster.url)
    assert again.end() == 0, again.said
    assert made(interviews.home) == peace


def test_two_runs_share_a_cluster(
    interviews: Interviews, cluster: Machines, peace: dict[str, object]
) -> None:
    cluster.scheduler()
    cluster.worker("only")
    both = [run(interviews, cluster.url) for _ in range(2)]
    assert [one.end() for one in both] == [0, 0]
    assert made(interviews.home) == peace


def test_without_a_worker_a_run_ends_and_everything_waits(
    interviews: Interviews, cluster: Machines
) -> None:
    cluster.scheduler()
    running = run(interviews, cluster.url, INTERVIEWS_CLUSTER_WAIT_SECONDS="0")
    assert running.end() == 4
    assert "has no worker that can take the work" in running.said
    assert "Traceback" not in running.said
    counts = interviews("status", "--json").json["counts"]
    assert (counts["failed"], counts["running"], counts["queued"]) == (0, 0, 2)


def test_doctor_counts_the_workers_that_fit(interviews: Interviews, cluster: Machines) -> None:
    named = {"INTERVIEWS_CLUSTER_SCHEDULER": cluster.url}
    cluster.scheduler()
    cluster.worker("only")
    said = interviews("doctor", check=False, **named).out
    assert f"{cluster.url}, 1 workers that fit" in said
    away = interviews("doctor", check=False, INTERVIEWS_CLUSTER_SCHEDULER="tcp://127.0.0.1:9")
    assert away.code == 4
    assert "tcp://127.0.0.1:9 does not answer" in away.out


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
def test_certificates_let_in_whoever_has_one_and_nobody_else(
    interviews: Interviews, tmp_path: Path, peace: dict[str, object]
) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    with machines(tmp_path, own_address(), **variables(ours, "scheduler")) as cluster:
        cluster.scheduler()
        cluster.worker("worker")
        stranger = run(interviews, cluster.url, **variables(theirs, "driver"))
        assert stranger.end() == 4
        assert "certificate" in stranger.said
        assert "Traceback" not in stranger.said
        plain = run(interviews, cluster.url.replace("tls:", "tcp:"), **UNPROTECTED)
        assert plain.end() == 4
        foreign = cluster.start(
            "worker", "--scheduler", cluster.url, "--name", "foreign",
            **variables(theirs, "worker"),
        )  # fmt: skip
        foreign.until("does not accept our certificate")
        running = run(interviews, cluster.url, **variables(ours, "driver"))
        assert running.end() == 0, running.said
    assert made(interviews.home) == peace


UNPROTECTED = {"INTERVIEWS_CLUSTER_INSECURE": "true"}


def variables(authority: Authority, name: str) -> dict[str, str]:
    return {f"INTERVIEWS_{key.upper()}": value for key, value in authority.settings(name).items()}


@pytest.mark.parametrize("command", ["run", "nightly", "worker", "scheduler"])
def test_beyond_this_machine_nothing_goes_in_the_clear(
    interviews: Interviews, command: str
) -> None:
    where = {
        "scheduler": ("--host", "0.0.0.0"),
        "worker": ("--scheduler", "tcp://192.0.2.1:8786"),
    }.get(command, ("--engine", "dask", "--scheduler", "tcp://192.0.2.1:8786"))
    ran = interviews(command, *where, check=False)
    assert ran.code == 2
    assert "cluster_ca" in ran.err
    assert interviews("status", "--json").json["counts"]["queued"] == 5


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_models_end_with_their_worker(cluster: Machines, blow: signal.Signals) -> None:
    scheduler = cluster.scheduler()
    worker = cluster.worker("only")
    children = worker.children()
    assert len(children) == 1
    worker.signal(blow)
    assert worker.end() == (-blow if blow is signal.SIGKILL else 130)
    while any(Path(f"/proc/{child}").exists() for child in children):
        time.sleep(0.05)  # the kernel's own time; the test's ends what never ends
    scheduler.signal(signal.SIGTERM)
    assert scheduler.end() == 130
    assert "Traceback" not in worker.said + scheduler.said


def hang(place: Place, line: Connection) -> None:
    """A worker that begins what should long be done, and never answers; its next life does."""
    mark = Path(place.folder) / "hung"
    if mark.exists():
        line.send(Said("joined"))
    else:
        mark.touch()
        line.send(Said("begun", deadline_s=-60.0))
    signal.pause()


class Enough(Exception):
    """The test has seen what it waited for."""


def test_a_model_that_hangs_is_ended_and_started_again(tmp_path: Path) -> None:
    told = []

    def tell(what: str, name: str) -> None:
        told.append((what, name))
        if what == "joined":
            raise Enough

    place = Place(
        Access("tcp", "127.0.0.1", 9), "w", {}, Means("", "cpu", "auto", 1, 1), "", None, False
    )
    [alone] = places(place, 1, [None])
    assert [one.name for one in places(place, 2, [None])] == ["w-1", "w-2"]
    with pytest.raises(Enough):
        Fleet([alone], tell, hang).attend()
    assert told == [("silent", "w"), ("ended", "w"), ("joined", "w")]
