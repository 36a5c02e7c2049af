"""The file of the members' judgements: ``feedback.jsonl``, lines of a gold file.

Staff may edit it by hand, so whatever cannot be read in it stays as it is, byte for byte. It is
changed only inside a write transaction of the catalogue, so that one change follows another and no
line comes back for a recording that is being removed.
"""

from __future__ import annotations

import json
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from pipeline.catalog import recordings
from pipeline.errors import BadInput
from pipeline.home import Home, disk_error, sync_folder
from pipeline.timecode import to_ms, to_seconds

Names = Mapping[str, Collection[str]]
"""What recordings may be called in the file besides their ids, by id."""

_NOBODY_S = frozenset({"query", "question", "language", "lang", "relevant"})
"""Fields that name no recording; ``relevant`` is a list of such names."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A sentence, from ``start_ms`` to ``end_ms``, is a right answer to a query or a wrong one.
    Neither who says so nor when is kept."""

    query: str
    language: str
    recording: str
    start_ms: int
    end_ms: int
    right: bool

    def fields(self) -> dict[str, object]:
        """The line of the gold file."""
        start = to_seconds(self.start_ms)
        return {
            "query": self.query,
            "language": self.language,
            "recording": self.recording,
            "start": start,
            "end": to_seconds(self.end_ms),
            "sent_start": start,
            "grade": int(self.right),
        }


def read(home: Home) -> str:
    """The whole file, bytes that are no UTF-8 as lone surrogates; empty where there is none.
    Raises HomeUnusable."""
    try:
        return home.feedback.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise disk_error(error, home.feedback) from error


def read_text(home: Home) -> str:
    """The same, of a file that can be added to. Raises BadInput (``gold.not_text``)."""
    content = read(home)
    if found := re.search("[\ud800-\udfff]", content):
        line = content.count("\n", 0, found.start()) + 1
        raise BadInput("gold.not_text", path=str(home.feedback), line=line)
    return content


def write(home: Home, content: str) -> None:
    """The whole file or nothing of it; it goes where nothing is left. Only inside a write
    transaction. Raises HomeUnusable."""
    place = home.feedback
    try:
        if not content.strip("\n"):
            place.unlink(missing_ok=True)
        else:
            _replace(home, content.encode("utf-8", "surrogateescape"))
        sync_folder(home.root)
    except OSError as error:
        raise disk_error(error, place) from error


def _replace(home: Home, content: bytes) -> None:
    place, partial = home.feedback, _partial(home)
    partial.unlink(missing_ok=True)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(partial, flags, 0o600), "wb") as stream:
            if place.exists():  # staff may have let others read it
                os.fchmod(stream.fileno(), stat.S_IMODE(place.stat().st_mode))
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


def _partial(home: Home) -> Path:
    return home.feedback.with_name(f".{home.feedback.name}.part")


# --- judging -----------------------------------------------------------------------------------


def judged(content: str, one: Judgement, names: Collection[str]) -> tuple[str, bool]:
    """The file with a judgement, and whether it takes the place of an earlier one; of that only
    the grade changes, since staff may have set its times right. ``names`` are the recording's."""
    lines: list[str] = []
    replaced = False
    for line in _lines(content):
        fields = _fields(line)
        if fields is None or not _same(fields, one, names):
            lines.append(line)
        elif not replaced:
            lines.append(_line({**fields, "grade": int(one.right)}))
            replaced = True
    if not replaced:
        lines.append(_line(one.fields()))
    return _joined(lines), replaced


def unjudged(content: str, one: Judgement, names: Collection[str]) -> tuple[str, bool]:
    """The file without what was judged of that moment for that query, and whether anything was."""
    lines = _lines(content)
    read = ((line, _fields(line)) for line in lines)
    kept = [line for line, own in read if own is None or not _same(own, one, names)]
    return _joined(kept), len(kept) < len(lines)


def _same(fields: Mapping[str, object], one: Judgement, names: Collection[str]) -> bool:
    """Whether a line is about the same query and moment."""
    if _plain(_asked(fields)) != _plain(one.query):
        return False
    if _plain(fields.get("recording")) not in {one.recording, *map(_plain, names)}:
        return False
    start, end = _ms(fields.get("start")), _ms(fields.get("end"))
    sentence = _ms(fields.get("sent_start"))
    begins = start if sentence is None else sentence
    return begins == one.start_ms or (start, end) == (one.start_ms, one.end_ms)


def merged(content: str, earlier: str) -> tuple[str, int]:
    """The file with those lines of an earlier one that it does not hold, and how many they are. A
    moment that was judged anew since stays so."""
    lines = _lines(content)
    known = {_key(line) for line in lines}
    back = [line for line in _lines(earlier) if line.strip() and _key(line) not in known]
    return _joined([*lines, *back]), len(back)


def _key(line: str) -> tuple[object, ...]:
    """What makes it another line: all of it, where it is no judgement."""
    fields = _fields(line)
    start = _ms(fields.get("start")) if fields else None
    if fields is None or start is None:
        return (line.strip(),)
    return _plain(_asked(fields)), _plain(fields.get("recording")), start, _ms(fields.get("end"))


# --- removing ----------------------------------------------------------------------------------


def names_of(db: Connection, ids: Iterable[str]) -> dict[str, set[str]]:
    """What these recordings may be called in the file, known or not."""
    chosen = list(ids)
    known = recordings.get_many(db, chosen)
    return {one: {known[one].facts.title} if one in known else set() for one in chosen}


def forget(home: Home, names: Names) -> Counter[str]:
    """Take every line about these recordings out of the file: how many of each. Only inside the
    write transaction that deletes their rows. Raises HomeUnusable."""
    try:
        _partial(home).unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(error, home.feedback) from error
    rest, gone = without(read(home), names)
    if gone:
        write(home, rest)
    return gone


def mentioned(home: Home, ids: Collection[str]) -> set[str]:
    """Those of the recordings that a line of the file names by id. Raises HomeUnusable."""
    content = read(home) if ids else ""
    return set(re.findall(r"\w+", content)).intersection(ids)


def without(content: str, names: Names) -> tuple[str, Counter[str]]:
    """The file without the lines about these recordings, and how many they were of each. A line
    that cannot be read, or a remark, goes where an id or a name stands in it: safe is safe."""
    whose = {_plain(name): one for one, own in names.items() for name in (one, *own)}
    whose.pop("", None)
    gone: Counter[str] = Counter()
    lines: list[str] = []
    for line in _lines(content):
        rest, about = _apart(line, names, whose)
        gone.update(about)
        if rest is not None:
            lines.append(rest)
    return _joined(lines), gone


def _apart(line: str, names: Names, whose: Mapping[str, str]) -> tuple[str | None, set[str]]:
    """What is left of a line, and whose it was."""
    fields = _fields(line)
    if fields is None:
        about = _told(line, whose)
        return (None if about else line), about
    said = [value for key, value in fields.items() if key not in _NOBODY_S]
    about = {whose[name] for value in said if (name := _plain(value)) in whose}
    relevant = fields.get("relevant")
    several = relevant if isinstance(relevant, list) else []
    theirs = {whose[_plain(name)] for name in several if _plain(name) in whose}
    others = [name for name in several if _plain(name) not in whose]
    rest = _line({**fields, "relevant": others}) if theirs else line
    about |= _ids(rest, names)
    kept = not about and (others or not theirs)
    return (rest if kept else None), about | theirs


def _told(line: str, whose: Mapping[str, str]) -> set[str]:
    """Whose id or name stands in a line that is no JSON: as whole words, in whatever case. What is
    no UTF-8 may be another eight-bit alphabet, or sixteen bits a letter."""
    if not line.strip():
        return set()
    raw = line.encode("utf-8", "surrogateescape")
    try:
        written = raw.decode("utf-8")
    except UnicodeDecodeError:
        written = raw.decode("latin-1")
    spaced = f" {_words(written.replace(chr(0), ''))} "
    return {one for name, one in whose.items() if (said := _words(name)) and f" {said} " in spaced}


def _ids(line: str, names: Names) -> set[str]:
    return set(re.findall(r"\w+", line)).intersection(names)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold()))


# --- lines -------------------------------------------------------------------------------------


def _lines(content: str) -> list[str]:
    """Only a line feed ends a line, as in every gold file."""
    lines = content.split("\n")
    return lines if lines[-1] else lines[:-1]


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _fields(line: str) -> dict[str, object] | None:
    """The fields of a line; None where it is no JSON object."""
    try:
        found = json.loads(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _line(fields: Mapping[str, object]) -> str:
    written = json.dumps(fields, ensure_ascii=False)
    return json.dumps(fields) if re.search("[\ud800-\udfff]", written) else written


def _asked(fields: Mapping[str, object]) -> object:
    return fields.get("question") or fields.get("query")


def _plain(value: object) -> str:
    """A text as it is compared; empty for all else."""
    return " ".join(unicodedata.normalize("NFC", value).split()) if isinstance(value, str) else ""


def _ms(seconds: object) -> int | None:
    """Milliseconds; None for what is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return to_ms(seconds)
    except (OverflowError, ValueError):
        return None
