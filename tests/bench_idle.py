"""``make bench-idle``: what ``run`` costs where there is nothing to do.

    python -m tests.bench_idle [--recordings 10000] [--home DIR] [--rounds 5] [--json FILE]

The home holds recordings with media files of their own, recognised, corrected, cut, embedded and
ready to be played, half of them in a copy of ours. Each round is a process of its own that imports
the program and then calls its command, as the installed script does; what is measured is the call,
so libraries that it loads on the way count. A home of a tenth as many is measured in turn with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.catalog import recordings, renditions, transcripts
from pipeline.catalog.recordings import Database
from pipeline.catalog.renditions import Made
from pipeline.catalog.transcripts import StageResult
from pipeline.home import open_home
from pipeline.run import shelf
from pipeline.run.context import Context
from pipeline.run.keys import transcribe_key
from pipeline.run.shown import keys, shows
from pipeline.settings import Settings
from pipeline.stages.rendering import FRAMES
from pipeline.values import Media, Segment, Transcript
from tests.benching import ROOT, Result, Results, judged, parser, ratios, spread
from tests.conftest import SHARED
from tests.scale import CUES, TALKS, fill, identity, stretches

AIM_S = 1.0

CALL = """
import sys, time
import pipeline.cli.commands.run
from pipeline.cli.main import main
began = time.perf_counter()
try:
    main(["--home", sys.argv[1], "--lang", "en", "run", "--json"])
except SystemExit as end:
    assert not end.code, end.code
print(time.perf_counter() - began)
"""


def build(root: Path, count: int) -> Context:
    """A home of ``count`` recordings with media, all done."""
    context = Context(open_home(root), Settings())
    talks = stretches(SHARED / "transcripts", CUES, TALKS) or _made_up()
    fill(context, talks, count, context.embedder_for(context.text[1]))
    folder = root / "elsewhere"
    folder.mkdir()
    with context.catalogue() as catalogue, catalogue.write() as db:
        for number in range(count):
            _give_media(context, db, identity(number), folder / f"{number:06}.mp4", number)
    return context


def _made_up() -> list[Transcript]:
    """Where no real transcripts are at hand: what they say does not matter to an idle run."""
    said = (f"Der Ausbau der Leitung {talk} kostet {talk + 3} Millionen Euro." for talk in range(9))
    return [Transcript("de", 60_000, (Segment(0, 60_000, text),)) for text in said]


def _give_media(context: Context, db: Database, own: str, path: Path, number: int) -> None:
    """A file of its own, a transcript recognised from it and what is played of it."""
    path.write_bytes(own.encode())
    found = path.stat()
    recordings.set_media(db, own, Media(str(path), found.st_size, found.st_mtime_ns, None, False))
    db.execute("UPDATE recordings SET imported = 0 WHERE id = ?", (own,))
    recording = recordings.get(db, own)
    digest = transcripts.results(db, (own,))[own, "transcribe"].digest
    key = transcribe_key(recording, context.settings, context.speech[1])
    transcripts.record_result(db, own, "transcribe", StageResult(key, digest), took_ms=60_000)
    shown = shows(own, None, ())
    result = StageResult(keys(context.settings)(shown), shown)
    made = Made("original", media_type="video/mp4", has_video=True)
    if number % 2:
        folder = shelf.place(context.home, own, result.fingerprint)
        (folder / FRAMES).mkdir(parents=True)
        (folder / "copy.mp4").write_bytes(b"-")
        made = Made("copied", result.fingerprint, "copy.mp4", "video/mp4", True, 1, 0)
    renditions.store(db, own, result, made, took_ms=1_000)


def call(home: Path) -> float:
    """Seconds of one call in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(home)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert '"done": []' in done.stdout, done.stdout
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    options = parser(__doc__, rounds=5)
    options.add_argument("--recordings", type=int, default=10_000)
    options.add_argument("--home", type=Path, help="where they lie, kept for the next time")
    given = options.parse_args()
    results = Results(given.json)
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        root = given.home or Path(folder)
        homes = [root / str(count) for count in (given.recordings, given.recordings // 10)]
        for home in homes:
            if not home.exists():
                build(home, int(home.name))
            call(home)
        took = [[call(home) for home in homes] for _ in range(given.rounds)]
    many, few = ([one[place] for one in took] for place in (0, 1))
    results.add(
        Result(
            f"a run with nothing to do, {given.recordings} recordings against a tenth of them",
            ratios(many, few),
            given.rounds,
            {"all": spread(many).median, "a tenth": spread(few).median},
            {"slowest, s": max(many)},
            f"at most {AIM_S:g} s",
            judged(spread(many).median, most=AIM_S),
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
