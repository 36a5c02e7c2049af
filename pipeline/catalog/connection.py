"""Opening the catalogue: SQLite in WAL mode, migrated, with every error said plainly.

One writer at a time (``write`` takes the write lock at once), many readers. No transaction stays
open while a model runs.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path

from pipeline.catalog import copying
from pipeline.errors import HomeUnusable
from pipeline.home import disk_error

APPLICATION_ID = 0x494E5456
"""Marks a SQLite file as a catalogue of ours ("INTV")."""

_BUSY_MS = 30_000
_CACHE_KIB = 64 * 1024
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")


class Catalogue:
    """An open catalogue. Use ``read`` and ``write`` for consistent work; close it when done."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A snapshot: everything read inside belongs to one moment."""
        with said_plainly(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. Raises HomeUnusable where the disk refuses."""
        with said_plainly(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def bare(self) -> Iterator[sqlite3.Connection]:
        """Outside any transaction, for checkpoints, vacuum and backup."""
        with said_plainly(self.path):
            yield self._connection

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_catalogue(path: Path, *, keep_in: Path | None = None) -> Catalogue:
    """Open (or create) the catalogue at ``path`` and bring its schema up to date; before that, a
    copy of it as it was goes into the folder ``keep_in``, where one is given.

    Raises HomeUnusable: ``home.corrupt``, ``home.too_new``, ``home.read_only``, ``home.full``,
    ``home.locked`` or ``home.unusable``.
    """
    with said_plainly(path):
        connection = _connect(path)
        try:
            _configure(connection)
            _migrate(connection, path, keep_in)
        except BaseException:
            connection.close()
            raise
    return Catalogue(path, connection)


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        # Interviews are personal data: only the owner reads them, whatever the folder allows.
        with suppress(OSError):
            path.touch(mode=0o600)
    return sqlite3.connect(
        path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
    )


def _configure(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    # Enough for the inner pages of all tables at a million chunks: a look-up is one read then.
    connection.execute(f"PRAGMA cache_size = {-_CACHE_KIB}")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError("attempt to write a readonly database")


def migrations() -> list[tuple[int, str]]:
    """The numbered migrations, in order: (number, SQL)."""
    found = []
    for source in files("pipeline.catalog").joinpath("schema").iterdir():
        if match := _MIGRATION.fullmatch(source.name):
            found.append((int(match[1]), source.read_text(encoding="utf-8")))
    return sorted(found)


def schema_version() -> int:
    """The newest version this program knows."""
    return migrations()[-1][0]


def _migrate(connection: sqlite3.Connection, path: Path, keep_in: Path | None) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > schema_version():
        raise HomeUnusable("home.too_new", path=str(path), version=version)
    if version == 0:
        _refuse_foreign(connection, path)
    waiting = [(number, sql) for number, sql in migrations() if number > version]
    if version and waiting and keep_in is not None:
        _copy_before(connection, version, keep_in / f"before-schema-{waiting[0][0]}.db")
    for number, sql in waiting:
        _apply(connection, number, sql)


def _copy_before(connection: sqlite3.Connection, version: int, target: Path) -> None:
    """The catalogue as it is before the first statement of a migration; where another process has
    migrated in the meantime, that one has made the copy."""
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        copying.write_whole(connection, target, version)
    except OSError as error:
        raise disk_error(error, target) from error


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if tables and application != APPLICATION_ID:
        raise HomeUnusable("home.foreign", path=str(path))


def _apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    """One migration in one transaction; a second process that raced us finds it done."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        current = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if current < number:
            for statement in _statements(sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _statements(sql: str) -> Iterator[str]:
    """The statements of a script, one by one, since ``executescript`` would commit in between."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def integrity(path: Path) -> list[str]:
    """What SQLite finds wrong with the file at ``path``; empty when it is sound."""
    with said_plainly(path), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute("PRAGMA integrity_check(10)").fetchall()
        broken = db.execute("PRAGMA foreign_key_check").fetchall()
    found = [str(row[0]) for row in rows if row[0] != "ok"]
    return found + [f"foreign key: {row[0]}" for row in broken[:10]]


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """What SQLite says about the file at ``path``, as HomeUnusable."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # our own mistake, not the disk's
    except sqlite3.DatabaseError as error:
        raise HomeUnusable(_cause(error, path), path=str(path), detail=str(error)) from error


_LEAST_BYTES = 1_000_000
"""With less free than this, an error of input or output is one of a full disk: not even the log
that every reader needs can be written."""


def _cause(error: sqlite3.DatabaseError, path: Path) -> str:
    said = str(error).lower()
    if "disk is full" in said or ("disk i/o" in said and _is_full(path)):
        return "home.full"
    if "readonly" in said or "unable to open" in said:
        return "home.read_only"
    if "locked" in said or "busy" in said:
        return "home.locked"
    if "malformed" in said or "not a database" in said or "corrupt" in said:
        return "home.corrupt"
    return "home.unusable"


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_BYTES
    except OSError:
        return False


def now_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
