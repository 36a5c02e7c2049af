"""``make demo``: the sample interviews, taken in, recognised, indexed and searched, offline."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".demo"
SAMPLES = ROOT / "tests" / "samples"

LANGUAGES = {
    "fernwaerme.mp4": "de",
    "lorawan.mp4": "de",
    "data-sovereignty.mp4": "en",
    "buergerbeteiligung.mp4": "auto",
}
QUERIES = (
    ("Deutsch", "Wann wird das alte Kraftwerk am Rathaus ersetzt?"),
    ("English", "How fast can the city change its provider with an open standard?"),
    ("in other words than the speaker's", "Wo werden die abgelesenen Werte aufbewahrt?"),
)


def interviews(*arguments: str) -> str:
    """Run the command as a user would; what it writes on standard output."""
    command = [sys.executable, "-m", "pipeline.cli.main", "--home", str(HOME), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def show(kind: str, query: str) -> None:
    """The first moment found for a query, with how to play it from there."""
    found = json.loads(interviews("search", query, "--limit", "1", "--json"))
    say(f"\n[{kind}] {query}")
    for hit in found["hits"]:
        minutes, seconds = divmod(int(hit["jump"]), 60)
        play = shlex.join(["ffplay", "-ss", str(hit["jump"]), os.path.relpath(hit["media"])])
        say(f"  {hit['title']} at {minutes}:{seconds:02d}: “{sentence_at(hit)}”")
        say(f"  play: {play}   (mpv, VLC: --start={hit['jump']})")


def sentence_at(hit: dict[str, object]) -> str:
    """The sentence that is spoken where playing starts."""
    shown = json.loads(
        interviews("show", str(hit["recording"]), "--at", str(hit["jump"]), "--json")
    )
    return str(shown["segments"][0]["text"]) if shown["segments"] else ""


def main() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    for name, language in LANGUAGES.items():
        interviews("add", str(SAMPLES / name), "--language", language)
    interviews("run")
    for kind, query in QUERIES:
        show(kind, query)
    say(
        "\nTry next: make serve, then open http://127.0.0.1:8000"
        "\n      or: .venv/bin/interviews --home .demo search 'Was kostet der neue Zähler?'"
        "   (more: .venv/bin/interviews --help)"
    )


if __name__ == "__main__":
    main()
