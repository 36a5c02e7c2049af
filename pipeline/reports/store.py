"""Reports on disk: each night as JSON, as text and as a page, in one folder."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import BadInput, HomeUnusable, NotFound
from pipeline.home import disk_error, sync_folder
from pipeline.reports.forgetting import (
    settled,
    traces,
    unquoted,
    without_recordings,
    without_traces,
)
from pipeline.reports.page import as_page
from pipeline.reports.shape import Damaged, from_json, to_json
from pipeline.reports.values import Night
from pipeline.reports.wording import local
from pipeline.reports.words import as_text

_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:-([1-9][0-9]{0,5}))?\.(json|txt|html)")
_KINDS = ("txt", "html", "json")
"""In order of writing: a report is there once its JSON is, and says no less than its siblings."""


def write(folder: Path, night: Night, language: str) -> Path:
    """Write the night's report, named by the day it began, and return the path of its JSON.

    Recordings that retention removed this night are named by their ids only. Raises HomeUnusable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(folder):
            path = _free(folder, f"{local(night.started_ms):%Y-%m-%d}")
            _put(path, settled(night), language)
    except OSError as error:
        raise disk_error(error, folder) from error
    return path


def read(path: Path) -> Night:
    """The night of a report's JSON.

    Raises NotFound (``report.missing``), BadInput (``report.damaged``), HomeUnusable where the
    disk refuses.
    """
    return _read(path)[0]


def every(folder: Path) -> list[Path]:
    """The JSON of every report, newest first. No folder, no reports."""
    try:
        found = [path for path in _ours(folder) if path.suffix == ".json"]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise disk_error(error, folder) from error
    return sorted(found, key=_order, reverse=True)


def forget(folder: Path, recording_ids: Collection[str]) -> int:
    """Take every entry about these recordings out of every report, and write its three files
    anew. How many reports were changed, or dropped since they could not be read.

    Killed at any moment, it does the rest when called again: names go first, and the entries that
    tell which names are the recordings' go last. Raises HomeUnusable.
    """
    return _cleaned(folder, frozenset(recording_ids), _forget)


def unquote(folder: Path, recording_ids: Collection[str]) -> int:
    """Take every word that was said in these recordings out of every report, and write its three
    files anew. How many reports were changed, or dropped since they could not be read.

    Killed at any moment, it does the rest when called again. Raises HomeUnusable.
    """
    return _cleaned(folder, frozenset(recording_ids), _unquote)


_Nights = dict[Path, tuple[Night, str]]


def _cleaned(
    folder: Path, ids: frozenset[str], clean: Callable[[_Nights, frozenset[str]], set[Path]]
) -> int:
    if not ids or not folder.is_dir():
        return 0
    try:
        with _alone(folder):
            nights, dropped = _readable(folder)
            touched = dropped | clean(nights, ids)
            sync_folder(folder)
    except OSError as error:
        raise disk_error(error, folder) from error
    return len(touched)


def _readable(folder: Path) -> tuple[_Nights, set[Path]]:
    """Every report, and those that were dropped: what cannot be read may hold anything."""
    nights: _Nights = {}
    dropped = _drop_orphans(folder)
    for path in every(folder):
        try:
            nights[path] = _read(path)
        except (BadInput, HomeUnusable):
            _drop(path)
            dropped.add(path)
    return nights, dropped


def _forget(nights: _Nights, ids: frozenset[str]) -> set[Path]:
    touched: set[Path] = set()
    theirs = traces((night for night, _ in nights.values()), ids)
    for path, (night, language) in nights.items():
        rest = without_traces(night, theirs)
        if rest != night:
            _put(path, rest, language)
            nights[path] = (rest, language)
            touched.add(path)
    for path, (night, language) in nights.items():
        rest = without_recordings(night, ids)
        if rest != night:
            _put(path, rest, language)
            touched.add(path)
    return touched


def _unquote(nights: _Nights, ids: frozenset[str]) -> set[Path]:
    touched: set[Path] = set()
    for path, (night, language) in nights.items():
        rest = unquoted(night, ids)
        if rest != night:
            _put(path, rest, language)
            touched.add(path)
    return touched


def _read(path: Path) -> tuple[Night, str]:
    try:
        return from_json(json.loads(path.read_bytes(), object_pairs_hook=_each_key_once))
    except FileNotFoundError as error:
        raise NotFound("report.missing", path=str(path)) from error
    except OSError as error:
        raise disk_error(error, path) from error
    except Damaged as error:
        raise BadInput("report.damaged", path=str(path), where=str(error)[:80]) from error
    except json.JSONDecodeError as error:
        where = f"{error.lineno}:{error.colno}"
        raise BadInput("report.damaged", path=str(path), where=where) from error
    except (ValueError, RecursionError) as error:  # no UTF-8, or nested beyond reason
        raise BadInput("report.damaged", path=str(path), where="1:1") from error


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise Damaged("{}")
    return table


def _put(path: Path, night: Night, language: str) -> None:
    """Write all three files, the JSON last, each whole or not at all."""
    table = json.dumps(to_json(night, language), ensure_ascii=False, indent=2, allow_nan=False)
    contents = {
        # A file name that is no UTF-8 comes as lone surrogates: JSON can escape them.
        "json": (table + "\n").encode("utf-8", "backslashreplace"),
        "txt": as_text(night, language).encode("utf-8", "replace"),
        "html": as_page(night, language).encode("utf-8", "replace"),
    }
    for kind in _KINDS:
        _replace(path.with_suffix(f".{kind}"), contents[kind])


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.unlink(missing_ok=True)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(partial, flags, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes in the folder meanwhile, so whatever is half written is nobody's."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for stray in folder.glob(".*.part"):
            if _NAME.fullmatch(stray.name[1:].removesuffix(".part")):
                stray.unlink(missing_ok=True)
        yield
    finally:
        os.close(lock)


def _free(folder: Path, day: str) -> Path:
    """The JSON's path for the next report of the day."""
    taken = {path.stem for path in _ours(folder)}
    stems = itertools.chain([day], (f"{day}-{number}" for number in itertools.count(2)))
    return folder / f"{next(stem for stem in stems if stem not in taken)}.json"


def _drop_orphans(folder: Path) -> set[Path]:
    """Drop text and pages whose JSON was never written: nobody could take anything out of them."""
    owners = {path.with_suffix(".json") for path in _ours(folder)}
    orphans = {path for path in owners if not path.exists()}
    for path in orphans:
        _drop(path)
    return orphans


def _drop(path: Path) -> None:
    for kind in _KINDS:
        path.with_suffix(f".{kind}").unlink(missing_ok=True)


def _ours(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]


def _order(path: Path) -> tuple[str, int]:
    found = _NAME.fullmatch(path.name)
    assert found
    return found[1], int(found[2] or 1)
