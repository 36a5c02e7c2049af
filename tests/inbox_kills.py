"""Kill a scan of the inbox before each of its file operations in turn, scan again, and compare.

    python -m tests.inbox_kills FOLDER

Python tells of every file that is opened, renamed or deleted and of every database that is opened
(``sys.addaudithook``); the nth of them under the home directory ends the process by ``kill -9``.
The processes are forked, so that the imports are paid for once.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import wave
from contextlib import closing
from pathlib import Path

from pipeline.catalog.connection import now_ms
from pipeline.home import open_home
from pipeline.inbox.scan import scan
from pipeline.run.context import Context
from pipeline.settings import Settings

CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:01.000\nGuten Tag.\n"
STEPS = ("open", "os.rename", "os.remove", "sqlite3.connect")


def fresh(home: Path) -> Context:
    """A home whose inbox holds a recording with side files, and a transcript alone."""
    inbox = home / "inbox"
    inbox.mkdir(parents=True)
    with wave.open(str(inbox / "talk.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(b"\x01\x00\x00\x01" * 4_000)
    (inbox / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
    (inbox / "talk.toml").write_text('title = "Talk"\npeople = ["Anna"]\n', encoding="utf-8")
    (inbox / "words.vtt").write_text(CAPTIONS.replace("Tag", "Abend"), encoding="utf-8")
    return Context(open_home(home), Settings(inbox_settle_seconds=0))


def scanned(context: Context, last: int | None) -> bool:
    """Scan in a process of its own that is killed before its step ``last``. Whether it lived."""
    child = os.fork()
    if not child:
        if last is not None:
            sys.addaudithook(_Executioner(str(context.home.root), last))
        report = scan(context, now_ms())
        os._exit(1 if report.refused or report.left else 0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError(f"a scan failed: {last}")
    return os.WIFEXITED(status)


class _Executioner:
    """Counts what happens under ``root``."""

    def __init__(self, root: str, last: int) -> None:
        self._root = root
        self._left = last

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS and str(arguments[0]).startswith(self._root):
            self._left -= 1
            if self._left < 0:
                os.kill(os.getpid(), signal.SIGKILL)


def content(home: Path) -> object:
    """All that must be the same whatever was killed."""
    with closing(sqlite3.connect(home / "catalogue.db")) as db:
        stored = db.execute(
            "SELECT id, title, imported, state, media_copied FROM recordings ORDER BY id"
        ).fetchall()
        said = db.execute("SELECT recording_id, text FROM segments ORDER BY 1, number").fetchall()
        people = db.execute("SELECT recording_id, name FROM people ORDER BY 1").fetchall()
        rows = db.execute("SELECT path FROM inbox").fetchall()
        media = db.execute(
            "SELECT media_path FROM recordings WHERE media_path NOTNULL ORDER BY 1"
        ).fetchall()
    return {
        "stored": stored,
        "said": said,
        "people": people,
        "rows": rows,
        "media": [Path(path).read_bytes() for (path,) in media],
        "copies": sorted(path.name for path in (home / "media").iterdir()),
        "inbox": sorted(path.name for path in (home / "inbox").iterdir()),
    }


def main() -> int:
    place = Path(sys.argv[1])
    peace = fresh(place / "peace")
    scanned(peace, None)
    expected = content(peace.home.root)
    step, lived = 0, False
    while not lived:
        home = place / f"killed-{step}"
        context = fresh(home)
        lived = scanned(context, step)
        scanned(context, None)
        found = content(home)
        if found != expected:
            print(f"killed before step {step}:\n{found}\ninstead of\n{expected}")
            return 1
        shutil.rmtree(home)
        step += 1
    print(f"{step - 1} kills, nothing lost, nothing twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
