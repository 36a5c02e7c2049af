"""Files of the inbox that belong together: a recording's bundle.

A media file or a transcript leads; what has its name goes with it (``talk.mp4`` with ``talk.vtt``
and ``talk.toml`` or ``talk.mp4.toml``). Names are compared without regard to case and to how
accents are composed, since they come from all kinds of systems.
"""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.errors import BadInput, InterviewsError
from pipeline.run.intake import MEDIA, TRANSCRIPTS
from pipeline.stages.probe import shown

SIDE = ".toml"
PASSING = frozenset(
    ".part .partial .crdownload .download .opdownload .filepart .tmp .temp .aria2 .!ut .bc!".split()
)
"""How programs call a file while they write it (browsers, WinSCP, KDE, aria2, torrents)."""

Kind = Literal["media", "transcript", "side", "unknown"]


@dataclass(frozen=True, slots=True)
class Part:
    """A file and how it looked. ``changed_ms``: when anything about it last changed, where the file
    system can be trusted to know."""

    path: Path
    size: int
    mtime_ns: int
    changed_ms: int | None = field(default=None, compare=False)

    @property
    def kind(self) -> Kind:
        suffix = self.path.suffix.lower()
        if suffix in MEDIA:
            return "media"
        if suffix in TRANSCRIPTS:
            return "transcript"
        return "side" if suffix == SIDE else "unknown"

    def unchanged(self) -> bool:
        """Whether it still looks as it did. Raises FileNotFoundError, OSError."""
        found = self.path.lstat()
        return (found.st_size, found.st_mtime_ns) == (self.size, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A recording's files. They are taken together or not at all.

    ``beside``: files that are not taken, but may tell that the bundle will be another; those of a
    bundle with ``trouble``, and with ``unfinished`` temporary files that will belong to it.
    """

    lead: Part
    transcript: Part | None = None
    side: Part | None = None
    beside: tuple[Part, ...] = ()
    unfinished: bool = False
    trouble: InterviewsError | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is taken, the leading file last: as long as it is there, so is the bundle."""
        return tuple(one for one in (self.side, self.transcript, self.lead) if one is not None)

    @property
    def stamp(self) -> str:
        """How all of it looks. Another stamp: something came, went or changed."""
        every = sorted((*self.parts, *self.beside), key=lambda part: part.path.name)
        return json.dumps([[part.path.name, part.size, part.mtime_ns] for part in every])

    @property
    def changed_ms(self) -> int | None:
        """When anything about any of it last changed, where that is known."""
        moments = [part.changed_ms for part in (*self.parts, *self.beside)]
        known = [moment for moment in moments if moment is not None]
        return max(known) if len(known) == len(moments) else None


def composed(text: str) -> str:
    """Letters with accents as one character each: macOS writes file names the other way."""
    return unicodedata.normalize("NFC", text)


def bundles(files: Iterable[Part], passing: Iterable[Part]) -> Iterator[Bundle]:
    """The bundles that the ``files`` of one folder make. ``passing`` are its temporary files."""
    kinds: dict[Kind, list[Part]] = defaultdict(list)
    for part in files:
        kinds[part.kind].append(part)
    media = _Leads(kinds["media"])
    owners = {part: media.of(part.path.stem) for part in kinds["transcript"]}
    texts = _Leads([part for part, found in owners.items() if not found])
    for part in kinds["side"]:
        owners[part] = media.of(part.path.stem) or texts.of(part.path.stem)
    lonely = [part for part in kinds["side"] if not owners[part]]

    mine: dict[Part, list[Part]] = defaultdict(list)
    disputed = {part for part, found in owners.items() if len(found) > 1}
    for part, found in owners.items():
        for owner in found:
            mine[owner].append(part)
    for text in texts.parts:
        # Two transcripts of one name and no media: two recordings, or one twice?
        twins = [one for one in texts.of(text.path.stem) if one != text]
        mine[text] += twins
        disputed.update(twins)
    coming = _coming(passing, (media, texts, _Leads(lonely)))
    for lead in (*media.parts, *texts.parts, *lonely, *kinds["unknown"]):
        yield _bundle(lead, mine[lead], disputed, tuple(coming[lead]))


class _Leads:
    """Files that others may go with, found by their names."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self._by_name: dict[str, list[Part]] = defaultdict(list)
        self._by_stem: dict[str, list[Part]] = defaultdict(list)
        for part in parts:
            self._by_name[_key(part.path.name)].append(part)
            self._by_stem[_key(part.path.stem)].append(part)

    def of(self, stem: str) -> list[Part]:
        """Those that a file ``stem`` + suffix goes with: called so in full, else but for their own
        suffix."""
        return self._by_name.get(_key(stem)) or self._by_stem.get(_key(stem)) or []


def _key(name: str) -> str:
    return composed(name).casefold()


def _coming(passing: Iterable[Part], leads: Iterable[_Leads]) -> dict[Part, list[Part]]:
    """Temporary files by what they will belong to: ``talk.mp4.part`` and rsync's
    ``.talk.mp4.Xa3f5c`` to whatever is called ``talk``."""
    coming: dict[Part, list[Part]] = defaultdict(list)
    for part in passing:
        final = Path(part.path.name.lstrip(".~$")).with_suffix("")
        if Part(final, 0, 0).kind == "unknown":
            continue
        for one in leads:
            for lead in one.of(final.stem):
                coming[lead].append(part)
    return coming


def _bundle(lead: Part, mine: list[Part], disputed: set[Part], coming: tuple[Part, ...]) -> Bundle:
    transcripts = [part for part in mine if part.kind == "transcript"]
    sides = [part for part in mine if part.kind == "side"]
    if len(transcripts) > 1 or len(sides) > 1 or disputed.intersection(mine):
        names = ", ".join(part.path.name for part in mine)
        trouble = BadInput("inbox.ambiguous", path=shown(lead.path), names=names)
        return Bundle(lead, beside=(*mine, *coming), unfinished=bool(coming), trouble=trouble)
    return Bundle(
        lead,
        transcript=transcripts[0] if transcripts else None,
        side=sides[0] if sides else None,
        beside=coming,
        unfinished=bool(coming),
        trouble=BadInput("inbox.unknown_kind", path=shown(lead.path))
        if lead.kind == "unknown"
        else None,
    )
