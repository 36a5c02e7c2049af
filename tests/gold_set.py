"""Our own gold set: written interviews of the domain, and questions with known answers.

    python -m tests.gold_set --home DIR

``gold/interviews/*.txt`` are the texts (a header, then one spoken sentence a line, turns begin with
"Name: "), ``gold/*.jsonl`` the questions; they were written from the texts alone. Half of them,
``final``, is not looked at while search is tuned. Nobody has recorded these interviews: each line
is taken to last as long as it takes to say at ``WORDS_PER_S``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from pipeline.home import open_home
from pipeline.run.context import Context
from pipeline.run.execute import run
from pipeline.run.intake import Wishes, add
from pipeline.run.observer import Silent
from pipeline.run.options import RunOptions
from pipeline.settings import Settings
from pipeline.timecode import to_seconds

PLACE = Path(__file__).resolve().parent / "gold"
HALVES = ("development", "final")
WORDS_PER_S = 2.5
"""A calm talking speed, the one the shared pseudo-interviews are laid out at, too."""

_PAUSE_MS, _TURN_MS = 300, 700
"""Silence after a line, and after the last one of a turn."""

_TURN = re.compile(r"(?P<speaker>[^:]{2,40}): (?P<text>.+)")


@dataclass(frozen=True, slots=True)
class Line:
    speaker: str
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Interview:
    """A written interview; ``slug`` is the name of its file."""

    slug: str
    facts: dict[str, str]
    turns: tuple[tuple[str, str], ...]
    """Speaker and text of each line."""

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """With times, as if it had been said."""
        lines: list[Line] = []
        now = 0
        for (speaker, text), following in pairwise((*self.turns, ("", ""))):
            end = now + round(len(text.split()) / WORDS_PER_S * 1000)
            lines.append(Line(speaker, text, now, end))
            now = end + (_PAUSE_MS if following[0] == speaker else _TURN_MS)
        return tuple(lines)

    def place(self, texts: list[str]) -> range:
        """Where these lines stand, one after the other. Raises ValueError where they do not."""
        own = [text for _, text in self.turns]
        places = [at for at in range(len(own)) if own[at : at + len(texts)] == texts]
        if len(places) != 1:
            raise ValueError(f"{self.slug}: {len(places)} places for {texts[0]!r}")
        return range(places[0], places[0] + len(texts))

    @property
    def captions(self) -> str:
        """As WebVTT."""
        cues = (
            f"{_clock(one.start_ms)} --> {_clock(one.end_ms)}\n<v {one.speaker}>{one.text}\n"
            for one in self.lines
        )
        return "\n".join(("WEBVTT\n", *cues))

    @property
    def wishes(self) -> Wishes:
        return Wishes(
            title=self.facts["title"],
            language=self.facts["language"],
            people=tuple(self.facts["people"].split("; ")),
            collection=self.facts["collection"],
            recorded=self.facts["recorded"],
        )


def interviews() -> dict[str, Interview]:
    """Every interview by its slug."""
    return {path.stem: _interview(path) for path in sorted((PLACE / "interviews").glob("*.txt"))}


def _interview(path: Path) -> Interview:
    head, _, talk = path.read_text(encoding="utf-8").partition("\n\n")
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    turns: list[tuple[str, str]] = []
    people = facts["people"].split("; ")
    for line in talk.strip().splitlines():
        turn = _TURN.fullmatch(line)
        if turn and turn["speaker"] in people:
            turns.append((turn["speaker"], turn["text"]))
        else:
            turns.append((turns[-1][0], line))
    return Interview(path.stem, facts, tuple(turns))


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def rows(half: str) -> list[dict[str, object]]:
    """The questions as they were written."""
    written = (PLACE / f"{half}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in written.splitlines()]


def questions(half: str) -> list[dict[str, object]]:
    """The questions in the form that ``interviews evaluate`` reads: the answer from its first line
    to its last, with the line at which one would best begin to listen."""
    known = interviews()
    return [_question(known[str(row["recording"])], row) for row in rows(half)]


def _question(interview: Interview, row: dict[str, object]) -> dict[str, object]:
    texts = row["answer"]
    assert isinstance(texts, list)
    place = interview.place(texts)
    best = place[texts.index(row["best"])]
    return {
        "question": row["question"],
        "language": row["language"],
        "recording": interview.facts["title"],
        "start": to_seconds(interview.lines[place[0]].start_ms),
        "end": to_seconds(interview.lines[place[-1]].end_ms),
        "sent_start": to_seconds(interview.lines[best].start_ms),
    }


def build(home: Path, settings: Settings | None = None) -> Context:
    """A home with all the interviews, worked off, and the questions of each half beside them."""
    context = Context(open_home(home), settings or Settings())
    captions = home / "captions"
    captions.mkdir()
    for interview in interviews().values():
        path = captions / f"{interview.slug}.vtt"
        path.write_text(interview.captions, encoding="utf-8")
        add(context, [path], interview.wishes)
    for half in HALVES:
        lines = (json.dumps(one, ensure_ascii=False) for one in questions(half))
        (home / f"{half}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(context, RunOptions(engine="inline"), Silent())
    return context


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    build(options.home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
