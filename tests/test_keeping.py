"""Copies of the catalogue: one a night, one before each change of its schema, none too many."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.catalog import backup, connection, recordings
from pipeline.catalog.connection import Catalogue, migrations, open_catalogue, schema_version
from pipeline.errors import BadInput, HomeUnusable
from pipeline.home import Home, open_home
from pipeline.index import files
from pipeline.nights import keeping
from pipeline.run import copies, publish, removal
from pipeline.run.context import Context
from pipeline.settings import Settings
from pipeline.values import RecordingFacts
from tests.search_home import SearchHome, interview

TODAY = date(2026, 3, 14)
SECRET = "Streng vertraulich ueber Konzessionen"
DOOMED, OTHER = "doomed234567", "other2345672"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(open_home(tmp_path / "home"), Settings())


@pytest.fixture
def catalogue(context: Context) -> Iterator[Catalogue]:
    with context.catalogue() as catalogue:
        yield catalogue


def with_settings(context: Context, **changes: object) -> Context:
    return Context(context.home, context.settings.model_copy(update=changes))


def insert(catalogue: Catalogue, *ids: str) -> None:
    with catalogue.write() as db:
        for one in ids:
            recordings.insert(db, one, RecordingFacts(SECRET if one == DOOMED else one), None, 1)


def names(context: Context) -> list[str]:
    return sorted(path.name for path in context.home.backups.iterdir())


def make_copies(context: Context, *days_ago: int) -> None:
    context.home.backups.mkdir(exist_ok=True)
    for days in days_ago:
        day = TODAY - timedelta(days=days)
        (context.home.backups / f"catalogue-{day}.db").write_bytes(b"x")


def titles(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT title FROM recordings ORDER BY id")]


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


# --- the copy of each night --------------------------------------------------------------------


def test_the_night_leaves_a_whole_copy_that_only_the_owner_can_read(
    context: Context, catalogue: Catalogue
) -> None:
    insert(catalogue, OTHER)
    written = keeping.keep(context, catalogue, TODAY)
    assert written == context.home.backups / "catalogue-2026-03-14.db"
    assert names(context) == ["catalogue-2026-03-14.db"]
    assert written.stat().st_mode & 0o777 == 0o600
    assert context.home.backups.stat().st_mode & 0o077 == 0
    backup.check(written)
    assert titles(written) == [OTHER]


def test_a_second_night_of_a_day_takes_the_place_of_the_first(
    context: Context, catalogue: Catalogue
) -> None:
    keeping.keep(context, catalogue, TODAY)
    insert(catalogue, OTHER)
    written = keeping.keep(context, catalogue, TODAY)
    assert written is not None
    assert titles(written) == [OTHER]
    assert len(names(context)) == 1


def test_a_copy_brings_everything_back(context: Context) -> None:
    with context.catalogue() as catalogue:
        insert(catalogue, OTHER)
        written = keeping.keep(context, catalogue, TODAY)
        with catalogue.write() as db:
            db.execute("DELETE FROM recordings")
    assert written is not None
    copies.restore(context.home, written)
    assert titles(context.home.catalogue) == [OTHER]


def test_copies_older_than_the_settings_say_go(context: Context, catalogue: Catalogue) -> None:
    make_copies(context, 1, 14, 15, 400)
    keeping.keep(context, catalogue, TODAY)
    kept = [f"catalogue-{TODAY - timedelta(days=days)}.db" for days in (14, 1, 0)]
    assert names(context) == kept


def test_the_newest_copy_stays_however_old_it_is(context: Context, catalogue: Catalogue) -> None:
    make_copies(context, 100, 200)
    gone = keeping.prune(context, catalogue, TODAY)
    assert names(context) == [f"catalogue-{TODAY - timedelta(days=100)}.db"]
    assert [path.name for path in gone] == [f"catalogue-{TODAY - timedelta(days=200)}.db"]


def test_copies_that_people_made_are_never_pruned(context: Context, catalogue: Catalogue) -> None:
    make_copies(context, 100, 200)
    mine = ["monday.db", "catalogue-old.db", "catalogue-2020-99-99.db"]
    for name in mine:
        (context.home.backups / name).write_bytes(b"x")
        os.utime(context.home.backups / name, (1, 1))
    keeping.prune(context, catalogue, TODAY)
    assert set(mine) <= set(names(context))


def test_no_days_mean_no_copies_and_leave_those_there_are(
    context: Context, catalogue: Catalogue
) -> None:
    make_copies(context, 100, 200)
    assert keeping.keep(with_settings(context, backup_days=0), catalogue, TODAY) is None
    assert len(names(context)) == 2


def test_where_no_copy_can_be_written_the_old_ones_stay(
    context: Context, catalogue: Catalogue
) -> None:
    make_copies(context, 100, 200)
    (context.home.backups / f"catalogue-{TODAY}.db").mkdir()
    with pytest.raises(BadInput) as raised:
        keeping.keep(context, catalogue, TODAY)
    assert raised.value.key == "backup.unwritable"
    assert len(names(context)) == 3
    assert not [name for name in names(context) if "part" in name]


def test_a_half_written_copy_goes_once_it_is_abandoned(
    context: Context, catalogue: Catalogue
) -> None:
    context.home.backups.mkdir()
    old, fresh = (context.home.backups / f".catalogue-x.db.{n}.part" for n in (1, 2))
    for path in (old, old.with_name(old.name + "-journal"), fresh):
        path.write_bytes(b"x")
    for path in (old, old.with_name(old.name + "-journal")):
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    keeping.prune(context, catalogue, TODAY)
    assert names(context) == [fresh.name]


def test_index_files_that_no_generation_needs_go(tmp_path: Path) -> None:
    home = SearchHome(tmp_path)
    home.add("Wasser", interview("Das Trinkwasser ist gut."))
    published = home.publish()
    stray = files.vectors_of(home.index_dir, published.id + 7)
    shutil.copy(files.vectors_of(home.index_dir, published.id), stray)
    (home.index_dir / ".building-1-generation-000009.faiss").write_bytes(b"x")
    (home.index_dir / "notes.txt").write_bytes(b"mine")
    context = Context(open_home(tmp_path), Settings())
    with publish.candidate(context.home, home.catalogue, home.model) as built:
        assert built is not None
        keeping.prune(context, home.catalogue, TODAY)  # somebody is building: nothing is touched
        assert files.vectors_of(home.index_dir, built.id).exists()
    keeping.prune(context, home.catalogue, TODAY)
    left = {path.name for path in home.index_dir.iterdir()} - {".build.lock"}
    assert left == {files.vectors_of(home.index_dir, published.id).name, "notes.txt"}
    assert home.searcher().search("Trinkwasser").hits


# --- the copy before a change of the schema ----------------------------------------------------


def old_catalogue(path: Path, version: int) -> None:
    """A catalogue as the program of schema ``version`` left it, with two recordings."""
    with closing(sqlite3.connect(path)) as db:
        for number, sql in migrations():
            if number <= version:
                db.executescript(sql)
        db.execute(f"PRAGMA application_id = {connection.APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        for one in (DOOMED, OTHER):
            title = SECRET if one == DOOMED else one
            db.execute(
                "INSERT INTO recordings (id, title, language, added_ms) VALUES (?, ?, 'de', 1)",
                (one, title),
            )
            db.execute("INSERT INTO transcripts VALUES (?, 'de', 1, NULL, NULL, '[]')", (one,))
            db.execute(
                "INSERT INTO segments (recording_id, number, start_ms, end_ms, text)"
                " VALUES (?, 0, 0, 1, ?)",
                (one, title),
            )
            db.execute(
                "INSERT INTO chunk_sets (recording_id, model_hash, fingerprint, made_ms)"
                " VALUES (?, 'm', 'f', 1)",
                (one,),
            )
            db.execute(
                "INSERT INTO chunks (set_id, recording_id, model_hash, number, start_ms, end_ms,"
                " text, sentences, first_segment, last_segment, encoded)"
                " VALUES (last_insert_rowid(), ?, 'm', 0, 0, 1, ?, '[]', 0, 0, ?)",
                (one, title, one),
            )
            db.execute(
                "INSERT INTO chunk_words (rowid, words) VALUES (last_insert_rowid(), ?)",
                (title.lower(),),
            )
        db.commit()


OLDER = [number for number, _ in migrations()[:-1]]


@pytest.mark.parametrize("version", OLDER)
def test_a_change_of_the_schema_leaves_the_catalogue_as_it_was_beside_it(
    context: Context, version: int
) -> None:
    old_catalogue(context.home.catalogue, version)
    context.catalogue().close()
    assert version_of(context.home.catalogue) == schema_version()
    (copy,) = context.home.backups.iterdir()
    nearest = min(number for number, _ in migrations() if number > version)
    assert copy.name == f"before-schema-{nearest}.db"
    assert version_of(copy) == version
    assert titles(copy) == [SECRET, OTHER]
    assert copy.stat().st_mode & 0o777 == 0o600
    context.catalogue().close()
    assert len(names(context)) == 1


def test_a_new_catalogue_leaves_no_copy(context: Context) -> None:
    context.catalogue().close()
    assert not context.home.backups.exists()


def test_a_copy_that_cannot_be_written_holds_the_change_up(context: Context) -> None:
    old_catalogue(context.home.catalogue, OLDER[-1])
    context.home.backups.write_bytes(b"in the way")
    with pytest.raises(HomeUnusable):
        context.catalogue()
    assert version_of(context.home.catalogue) == OLDER[-1]


def test_whoever_finds_the_schema_changed_meanwhile_overwrites_no_copy(context: Context) -> None:
    """The second of two processes that met the old schema, a moment after the first."""
    old_catalogue(context.home.catalogue, OLDER[-1])
    context.catalogue().close()
    (copy,) = context.home.backups.iterdir()
    before = copy.read_bytes()
    with closing(sqlite3.connect(context.home.catalogue)) as late:
        connection._copy_before(late, OLDER[-1], copy)
    assert copy.read_bytes() == before


def test_the_catalogue_before_a_change_can_be_restored(context: Context) -> None:
    old_catalogue(context.home.catalogue, OLDER[-1])
    with context.catalogue() as catalogue, catalogue.write() as db:
        db.execute("DELETE FROM recordings WHERE id = ?", (OTHER,))
    (copy,) = context.home.backups.iterdir()
    copies.restore(context.home, copy)
    assert titles(context.home.catalogue) == [SECRET, OTHER]
    assert names(context) == [copy.name]  # a restore makes no copy of the copy
    assert version_of(copy) == OLDER[-1]


def test_copies_before_old_changes_go_but_for_the_last(
    context: Context, catalogue: Catalogue
) -> None:
    context.home.backups.mkdir()
    for number in (2, 3):
        path = context.home.backups / f"before-schema-{number}.db"
        path.write_bytes(b"x")
        os.utime(path, (number * 86_400,) * 2)
    keeping.prune(context, catalogue, TODAY)
    assert names(context) == ["before-schema-3.db"]


# --- removal reaches them all ------------------------------------------------------------------


def traces(home: Home) -> list[str]:
    words = re.compile(rb"vertraulich|konzession", re.IGNORECASE)
    return [
        path.name
        for path in home.root.rglob("*")
        if path.is_file() and words.search(path.read_bytes())
    ]


@pytest.mark.parametrize("version", OLDER)
def test_a_removal_reaches_copies_of_every_older_schema(context: Context, version: int) -> None:
    old_catalogue(context.home.catalogue, version)
    with context.catalogue() as catalogue:
        keeping.keep(context, catalogue, TODAY)
        assert len(traces(context.home)) >= 3
        (receipt,) = removal.remove(context.home, catalogue, [DOOMED])
        assert (receipt.backups_rewritten, receipt.complete) == (2, True)
        assert traces(context.home) == []
    assert len(names(context)) == 2
    for path in context.home.backups.iterdir():
        backup.check(path)
        assert titles(path) == [OTHER]


def test_a_copy_that_never_held_the_recording_is_left_as_it_is(context: Context) -> None:
    old_catalogue(context.home.catalogue, OLDER[0])
    with context.catalogue() as catalogue:
        (copy,) = context.home.backups.iterdir()
        insert(catalogue, "newcomer2345")
        before = copy.read_bytes()
        (receipt,) = removal.remove(context.home, catalogue, ["newcomer2345"])
    assert receipt.backups_rewritten == 0
    assert copy.read_bytes() == before


def test_a_half_written_copy_goes_with_any_removal(context: Context, catalogue: Catalogue) -> None:
    insert(catalogue, DOOMED)
    context.home.backups.mkdir()
    (context.home.backups / ".catalogue-x.db.1.part").write_bytes(b"half a page: vertraulich")
    removal.remove(context.home, catalogue, [DOOMED])
    assert traces(context.home) == []


def test_a_folder_of_copies_on_another_disk_is_reached(context: Context, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    context.home.backups.symlink_to(tmp_path / "disk")
    with context.catalogue() as catalogue:
        insert(catalogue, DOOMED)
        keeping.keep(context, catalogue, TODAY)
        removal.remove(context.home, catalogue, [DOOMED])
    (copy,) = (tmp_path / "disk").iterdir()
    assert b"vertraulich" not in copy.read_bytes()


def test_what_was_removed_stays_out_of_the_copy_of_a_catalogue_put_back_by_hand(
    context: Context,
) -> None:
    old_catalogue(context.home.root / "aside.db", OLDER[-1])
    stored = (context.home.root / "aside.db").read_bytes()
    (context.home.root / "aside.db").unlink()
    context.home.catalogue.write_bytes(stored)
    with context.catalogue() as catalogue:
        removal.remove(context.home, catalogue, [DOOMED])
    shutil.rmtree(context.home.backups)
    context.home.catalogue.write_bytes(stored)
    with context.catalogue() as catalogue:
        removal.settle(context.home, catalogue, thorough=False)
        removal.settle(context.home, catalogue)
    assert len(names(context)) == 1
    assert traces(context.home) == []


# --- the room it takes -------------------------------------------------------------------------


def test_the_disk_is_measured_by_its_parts(context: Context, catalogue: Catalogue) -> None:
    home = context.home
    for folder, size in (
        (home.index, 300),
        (home.media, 4_000),
        (home.renditions / "aaaa" / "key" / "frames", 70),
        (home.backups, 50),
    ):
        folder.mkdir(exist_ok=True, parents=True)
        (folder / "file").write_bytes(b"x" * size)
    found = keeping.disk(home)
    assert (found.index, found.media, found.backups) == (300, 4_000, 50)
    assert found.renditions == 70
    log = home.catalogue.with_name("catalogue.db-wal").stat().st_size
    assert found.catalogue >= home.catalogue.stat().st_size + log
    assert 0 < found.free <= shutil.disk_usage(home.root).total


def test_a_home_without_media_or_copies_is_measured_too(tmp_path: Path) -> None:
    found = keeping.disk(open_home(tmp_path / "fresh"))
    assert (found.catalogue, found.media, found.backups) == (0, 0, 0)


def test_cleaning_and_restoring_make_no_copies_of_copies(context: Context) -> None:
    context.home.backups.mkdir()
    old_catalogue(context.home.backups / "monday.db", OLDER[0])
    with context.catalogue() as catalogue:
        insert(catalogue, DOOMED)
        removal.remove(context.home, catalogue, [DOOMED])
    copies.restore(context.home, context.home.backups / "monday.db")
    assert names(context) == ["monday.db"]
    open_catalogue(context.home.backups / "monday.db").close()
    assert names(context) == ["monday.db"]
