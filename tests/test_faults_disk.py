"""After any fault of the disk nothing is lost and nothing is double, and the next night repairs it
or says what to do: full, read-only, a damaged index, a torn log."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.conftest import Mount
from tests.content import everything
from tests.fault_home import copied
from tests.forks import Forks
from tests.test_faults import NIGHT, RUN, Peace, Repaired, base, forks, peace, repaired

__all__ = ["base", "forks", "peace", "repaired"]


def kibibytes(folder: Path) -> int:
    """What a folder takes, in whole pages."""
    return sum(-(-path.stat().st_size // 4096) * 4 + 4 for path in folder.rglob("*"))


# Full


@pytest.mark.parametrize("room", [40, 200, 700])
def test_a_disk_that_is_full_is_said_and_made_good_once_there_is_room(
    room: int,
    forks: Forks,
    base: Path,
    peace: Peace,
    small: Mount,
    repaired: Repaired,
) -> None:
    place = small(f"size={kibibytes(base) + room}k")
    home = copied(base, place / "home")
    night = forks(home, *NIGHT)
    assert night.code != 0
    assert "is full" in night.out + night.err
    assert "Make room" in night.out + night.err
    assert "Traceback" not in night.out + night.err
    small("size=64m")
    assert repaired(home) == peace[0]


@pytest.mark.parametrize("point", ["write", "fsync", "rename", "before-commit"])
@pytest.mark.parametrize("when", ["1+", "4", "6+"])
def test_a_disk_that_fills_up_at_a_point_is_said_and_made_good(
    point: str,
    when: str,
    forks: Forks,
    base: Path,
    peace: Peace,
    tmp_path: Path,
    repaired: Repaired,
) -> None:
    home = copied(base, tmp_path / "home")
    night = forks(home, "--raise-at", f"{point}:{when}", *NIGHT)
    assert night.code != 0
    assert "full" in night.out + night.err
    assert "Traceback" not in night.out + night.err
    assert repaired(home) == peace[0]


def test_a_disk_that_is_full_before_anything_begins_is_said(
    forks: Forks, base: Path, small: Mount
) -> None:
    place = small(f"size={kibibytes(base) + 200}k")
    home = copied(base, place / "home")
    with suppress(OSError), (place / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"\0" * 4096)
    for command in (("status",), NIGHT[1:]):
        ended = forks(home, "--", *command)
        assert ended.code == 5 and "is full" in ended.err, ended


@pytest.mark.parametrize("limit", [16, 300])
def test_a_quota_is_said_and_made_good(
    limit: int, forks: Forks, base: Path, peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    night = forks(home, "--file-size", str(limit << 10), *NIGHT)
    assert night.code != 0
    assert str(home) in night.out + night.err
    assert "Traceback" not in night.out + night.err
    assert repaired(home) == peace[0]


# Read-only


def test_a_file_system_that_is_read_only_is_said_and_loses_nothing(
    forks: Forks, base: Path, peace: Peace, small: Mount, repaired: Repaired
) -> None:
    home = copied(base, small("size=64m") / "home")
    small("ro")
    night = forks(home, *NIGHT)
    assert night.code == 5
    assert "cannot be written" in night.err
    assert "Check its permissions and its mount" in night.err
    small("rw")
    assert repaired(home) == peace[0]


def test_a_file_system_that_becomes_read_only_at_night_is_said_and_made_good(
    forks: Forks, base: Path, peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    failed = forks(home, "--raise-at", "write:3+", "--error", "EROFS", *NIGHT)
    assert failed.code != 0
    assert "cannot be written" in failed.out + failed.err
    assert repaired(home) == peace[0]


# A damaged index


def flip(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b"") and None,
    "cut short": lambda path: (
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]) and None
    ),
    "other bytes": lambda path: path.write_bytes(b"\x5a" * path.stat().st_size) and None,
    "a bit in its head": lambda path: flip(path, 0.01),
    "a bit in a vector": lambda path: flip(path, 0.5),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_index_is_searched_around_and_built_anew(
    how: str, forks: Forks, base: Path, peace: Peace, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    repaired(home)
    [index] = (home / "index").glob("*.faiss")
    DAMAGES[how](index)
    found = forks(home, "--", "search", "Fernwärme", "--json")
    assert found.code == 0, found.err
    assert len(json.loads(found.out)["hits"]) >= 3
    night = forks(home, *NIGHT)
    assert "Traceback" not in night.out + night.err
    assert repaired(home) == peace[0]
    back = forks(home, "--", "index", "rollback")  # nothing leads back to the damaged file
    assert back.code == 3, back.out + back.err


# A torn log


@pytest.mark.parametrize("how", ["cut in a page", "cut to half", "a bit", "zeros at its end"])
def test_a_torn_log_keeps_every_whole_transaction_before_the_tear(
    how: str, forks: Forks, base: Path, tmp_path: Path, repaired: Repaired
) -> None:
    home, other = copied(base, tmp_path / "home"), copied(base, tmp_path / "other")
    assert forks(other, *RUN).code == 0
    expected = repaired(other)
    killed = forks(home, "--kill-at", "after-commit:12", *RUN)
    assert killed.code == -signal.SIGKILL
    whole = copied(home, tmp_path / "whole")
    log = home / "catalogue.db-wal"
    content = log.read_bytes()
    assert len(content) > 3 * 4096
    torn = {
        "cut in a page": content[:-1000],
        "cut to half": content[: len(content) // 2],
        "a bit": content[:-2000] + bytes([content[-2000] ^ 1]) + content[-1999:],
        "zeros at its end": content[:-4096] + bytes(4096),
    }
    log.write_bytes(torn[how])
    shutil.rmtree(home / "runners")
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert steps(home) <= steps(whole)
    if how != "cut to half":
        assert len(steps(whole) - steps(home)) <= 1
    assert repaired(home) == expected


def steps(home: Path) -> set[tuple[object, ...]]:
    """What stages had stored, one for each transaction: chunks come with the stage that embedded
    them, and what is read with what was recognised."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        return set(
            db.execute(
                "SELECT recording_id, stage FROM results WHERE stage NOT IN ('embed', 'correct')"
                " UNION SELECT recording_id, 'chunks' FROM chunk_sets"
                " UNION SELECT id, title FROM recordings"
            ).fetchall()
        )


def test_damage_in_the_catalogue_itself_is_said_with_the_way_back(
    forks: Forks, base: Path, tmp_path: Path, repaired: Repaired
) -> None:
    home = copied(base, tmp_path / "home")
    expected = repaired(home)
    flipped = bytearray((home / "catalogue.db").read_bytes())
    flipped[:64] = bytes(64)
    (home / "catalogue.db").write_bytes(flipped)
    night = forks(home, *NIGHT)
    assert night.code == 5
    assert "restore" in night.err
    [copy] = (home / "backups").glob("catalogue-*.db")
    (home / "catalogue.db").unlink()
    assert forks(home, "--", "restore", copy).code == 0
    assert everything(home)["segments"] == expected["segments"]
    assert repaired(home) == expected
