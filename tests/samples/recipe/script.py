"""The spoken scripts of the sample interviews, read from interviews.toml."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).with_name("interviews.toml")
MARKS = {"?": "interviewer", "!": "expert"}
VOICES = {"de": "gmw/de", "en": "gmw/en-US"}


@dataclass(frozen=True, slots=True)
class Voice:
    """One synthetic speaker: espeak-ng voice name, rate in words per minute, pitch 0 to 100."""

    name: str
    language: str
    voice: str
    rate: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence; `turn` counts changes of speaker, so equal turns belong together."""

    text: str
    speaker: Voice
    turn: int


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Interview:
    """One file to be made. Colours are six hexadecimal digits, red first."""

    stem: str
    title: str
    subtitle: str
    language: str
    colour: str
    glow: str
    chapters: tuple[Chapter, ...]

    def sentences(self) -> Iterator[Sentence]:
        for chapter in self.chapters:
            yield from chapter.sentences


def read_interviews(path: Path = SCRIPTS) -> list[Interview]:
    """All interviews in file order. Raises KeyError (missing field) and ValueError (bad line)."""
    return [_interview(entry) for entry in tomllib.loads(path.read_text("utf-8"))["interview"]]


def _interview(entry: dict[str, Any]) -> Interview:
    chapters: list[Chapter] = []
    turn, last = -1, ""
    for chapter in entry["chapter"]:
        language = chapter.get("language", entry["language"])
        voices = {mark: _voice(entry[role], language) for mark, role in MARKS.items()}
        sentences: list[Sentence] = []
        for line in chapter["lines"].strip().splitlines():
            mark, _, said = line.partition(" ")
            if mark not in voices:
                raise ValueError(f"a line begins with neither '?' nor '!': {line!r}")
            turn, last = (turn if mark == last else turn + 1), mark
            sentences += [Sentence(text.strip(), voices[mark], turn) for text in said.split(" | ")]
        chapters.append(Chapter(chapter["title"], tuple(sentences)))
    plain = {key: entry[key] for key in ("stem", "title", "subtitle", "language", "colour", "glow")}
    return Interview(**plain, chapters=tuple(chapters))


def _voice(role: dict[str, Any], language: str) -> Voice:
    voice = f"{VOICES[language]}+{role['variant']}"
    return Voice(role["name"], language, voice, role["rate"], role["pitch"])
