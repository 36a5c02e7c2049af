"""What several tests share: the real command line in a process of its own, and a worked home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests import forks
from tests.forks import ROOT, Ran, surroundings

# Speed is measured by the benchmarks; a busy machine must not fail a property.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

SAMPLES = ROOT / "tests" / "samples"
SHARED = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True)
class Interviews:
    """The command ``interviews`` on one home, in a process of its own that is forked from one which
    has imported what commands import; ``alone`` starts from nothing, as people do."""

    home: Path
    alone: bool = False

    def __call__(self, *arguments: str | Path, check: bool = True, **environment: str) -> Ran:
        ran = self._ran(*arguments, environment=self.environment(**environment))
        if check:
            assert ran.code == 0, f"{arguments}: {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def _ran(self, *arguments: str | Path, environment: dict[str, str]) -> Ran:
        if not self.alone and surroundings(environment) == forks.commands().surroundings:
            return forks.commands().begin([*map(str, arguments)], environment).end()
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "pipeline.cli.main", *map(str, arguments)]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("INTERVIEWS_")}
        # What browsers play has tests of its own; all others are about texts.
        said = {"INTERVIEWS_LANG": "en", "INTERVIEWS_RENDITION": "off"}
        return kept | {"INTERVIEWS_HOME": str(self.home)} | said | more


@pytest.fixture
def interviews(tmp_path: Path) -> Interviews:
    """The command line on an empty home."""
    return Interviews(tmp_path / "home")


@pytest.fixture(scope="session")
def _worked_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home with the sample interviews added and run, made once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    # Under xdist each process has a folder of its own inside the session's.
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "worked"
    with FileLock(f"{place}.lock"):
        if not (place / "done").exists():
            command = Interviews(place, alone=True)
            command("add", *sorted(SAMPLES.glob("*.mp4")))
            command("run")
            (place / "done").touch()
    return place


@pytest.fixture
def worked(_worked_home: Path, tmp_path: Path) -> Interviews:
    """The command line on a copy of the worked home, to do with as one likes."""
    shutil.copytree(_worked_home, tmp_path / "worked")
    return Interviews(tmp_path / "worked")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The collection of real and nasty inputs, where it is at hand."""
    if not SHARED.is_dir():
        pytest.skip(f"the collection of real inputs is not at {SHARED}")
    return SHARED


@pytest.fixture
def ids(worked: Interviews) -> dict[str, str]:
    """Title to id of the sample interviews."""
    recordings = worked("status", "--json").json["recordings"]
    return {recording["title"]: recording["id"] for recording in recordings}


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Makes a small file system that is mounted read-only; skips where that is not allowed."""
    mounted: list[Path] = []

    def make() -> Path:
        place = tmp_path / "read-only"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(place)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("mounting a file system needs more rights than this test has")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


Mount = Callable[[str], Path]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a small file system, or mounts it anew with other options; skips where that is not
    allowed."""
    place = tmp_path / "small"
    place.mkdir()

    def mount(options: str) -> Path:
        again = f"remount,{options}" if place.is_mount() else options
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", again, "tmpfs", str(place)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("mounting a file system needs more rights than this test has")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", str(place)], check=True)
