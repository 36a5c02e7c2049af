"""Taking recordings in: media files, folders of them, transcripts alone or beside their media."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.catalog import queue, recordings, transcripts
from pipeline.catalog.connection import Catalogue
from pipeline.catalog.transcripts import StageResult
from pipeline.errors import BadInput, InterviewsError, MediaError
from pipeline.fingerprint import file_sha256, recording_id, transcript_digest
from pipeline.formats.characters import clean_text
from pipeline.formats.transcripts import read_transcript
from pipeline.run import reading
from pipeline.run.context import Context
from pipeline.run.keys import IMPORTED
from pipeline.run.safekeeping import still_there, take_copy
from pipeline.stages import probe
from pipeline.values import Media, Recording, RecordingFacts, Transcript

TRANSCRIPTS = frozenset({".vtt", ".srt", ".json"})
MEDIA = frozenset(
    (
        ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .m2ts .mts .flv .wmv .asf .3gp .3g2 .ogv"
        " .mxf .mp3 .m4a .aac .wav .flac .ogg .oga .opus .wma .aif .aiff .amr .ac3 .mka .mp2 .au"
        " .w64 .tta .caf .rm .ra"
    ).split()
)
"""What is taken from a folder. A file that is named itself is judged by its content alone."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller says of the recordings it adds. None: not said."""

    title: str | None = None
    language: str | None = None
    collection: str | None = None
    people: tuple[str, ...] | None = None
    recorded: str | None = None
    visibility: tuple[str, ...] | None = None
    priority: int | None = None
    track: int | None = None
    copy: bool = False

    def facts(self, base: RecordingFacts) -> RecordingFacts:
        """``base`` with everything that was said."""
        said = {
            name: value
            for name in (
                "title",
                "language",
                "collection",
                "people",
                "recorded",
                "visibility",
                "priority",
            )
            if (value := getattr(self, name)) is not None
        }
        return replace(base, **said)

    def checked(self) -> Wishes:
        """The same with every text on one line and without control characters, which would reach
        terminals and pages. Raises BadInput (``add.empty_title``)."""
        if self.title is not None and not clean_text(self.title):
            raise BadInput("add.empty_title")
        people = self.people and tuple(name for one in self.people if (name := clean_text(one)))
        return replace(
            self,
            title=self.title and clean_text(self.title),
            collection=self.collection and clean_text(self.collection),
            people=people,
            visibility=self.visibility and tuple(clean_text(one) for one in self.visibility),
        )


@dataclass(frozen=True, slots=True)
class Added:
    """One recording taken in: ``known`` says that it was there before."""

    recording: Recording
    path: Path
    known: bool
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """One path that could not be taken in, and why."""

    path: Path
    error: InterviewsError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to take in, with the transcript that goes with it."""

    path: Path
    transcript: Path | None = None


def add(
    context: Context,
    paths: Sequence[Path],
    wishes: Wishes,
    transcript: Path | None = None,
    told: Callable[[Added | Refused], None] = lambda _: None,
) -> list[Added | Refused]:
    """Take in every file of ``paths``; a bad one costs itself and nothing else.

    Raises HomeUnusable where nothing can be stored at all.
    """
    outcomes: list[Added | Refused] = []
    with context.catalogue() as catalogue:
        for candidate in candidates(paths, transcript):
            outcome = _add_one(context, catalogue, candidate, wishes)
            told(outcome)
            outcomes.append(outcome)
    return outcomes


def candidates(paths: Sequence[Path], transcript: Path | None) -> Iterator[Candidate]:
    """The files that ``paths`` name, folders walked in order of name. In a folder, a transcript
    of the same name goes with its media file."""
    if transcript is not None and len(paths) != 1:
        raise BadInput("add.transcript_for_one", count=len(paths))
    for path in paths:
        if path.is_dir():
            if transcript is not None:
                raise BadInput("add.transcript_for_one", count=2)
            yield from _walk(path)
        else:
            yield Candidate(path, transcript)


def _walk(folder: Path) -> Iterator[Candidate]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from _pairs(Path(parent), sorted(n for n in names if not n.startswith(".")))


def _pairs(folder: Path, names: Iterable[str]) -> Iterator[Candidate]:
    files = [folder / name for name in names]
    media = [path for path in files if path.suffix.lower() in MEDIA]
    texts = {path for path in files if path.suffix.lower() in TRANSCRIPTS}
    taken: set[Path] = set()
    for path in media:
        beside = [path.with_suffix(suffix) for suffix in (".vtt", ".srt", ".json")]
        side = next((text for text in beside if text in texts), None)
        taken.update(text for text in beside if text in texts)
        yield Candidate(path, side)
    for path in sorted(texts - taken):
        yield Candidate(path)


def _add_one(
    context: Context, catalogue: Catalogue, candidate: Candidate, wishes: Wishes
) -> Added | Refused:
    try:
        if candidate.transcript is None and candidate.path.suffix.lower() in TRANSCRIPTS:
            return _add_transcript(catalogue, candidate.path, wishes)
        return _add_media(context, catalogue, candidate, wishes)
    except (BadInput, MediaError) as error:
        return Refused(candidate.path, error)
    except OSError as error:
        return Refused(candidate.path, unreadable(candidate.path, error))


def unreadable(path: Path, error: OSError) -> InterviewsError:
    if not path.exists():
        return BadInput("add.missing", path=str(path))
    return BadInput("add.unreadable", path=str(path), detail=error.strerror or str(error))


def _add_transcript(catalogue: Catalogue, path: Path, wishes: Wishes) -> Added:
    known_id = recording_id(file_sha256(path))
    transcript = read_transcript(path)
    facts = wishes.facts(transcript_facts(path, transcript))
    with catalogue.write() as db:
        known = enter_transcript(db, known_id, facts, transcript)
        return Added(recordings.get(db, known_id), path, known)


def enter_transcript(
    db: recordings.Database, known_id: str, facts: RecordingFacts, transcript: Transcript
) -> bool:
    """Store a recording that is a transcript alone; whether it was known and so left as it is."""
    known = recordings.exists(db, known_id)
    if not known:
        recordings.insert(db, known_id, facts, None, transcript.duration_ms)
        store_imported(db, known_id, transcript)
    return known


def _add_media(
    context: Context, catalogue: Catalogue, candidate: Candidate, wishes: Wishes
) -> Added:
    path = candidate.path
    before = path.stat()
    refuse_odd_name(path)
    info = probe.probe(path)
    probe.choose_track(info, wishes.track)
    imported = read_transcript(candidate.transcript) if candidate.transcript else None
    new_id = recording_id(file_sha256(path))
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise MediaError("add.still_written", path=str(path))
    place = take_copy(context.home, path, new_id) if wishes.copy else path
    media = media_at(place, wishes.track, copied=wishes.copy)
    facts = wishes.facts(RecordingFacts(title=title_of(path)))
    with catalogue.write() as db:
        known, notice = enter_media(db, new_id, facts, media, info.duration_ms, imported)
        return Added(recordings.get(db, new_id), path, known, notice)


def enter_media(
    db: recordings.Database,
    new_id: str,
    facts: RecordingFacts,
    media: Media,
    duration_ms: int | None,
    imported: Transcript | None,
) -> tuple[bool, str | None]:
    """Store a recording and its media, or renew what is known of it, in the caller's transaction:
    whether it was known, and what else there is to say."""
    known = recordings.exists(db, new_id)
    notice = None
    if not known:
        recordings.insert(db, new_id, facts, media, duration_ms)
    else:
        recording = recordings.get(db, new_id)
        notice = _settle_place(db, recording, media)
        if recording.failure and recording.failure.kind in ("gone", "altered"):
            queue.retry(db, new_id)
    if imported is not None:
        recordings.set_imported(db, new_id)
        store_imported(db, new_id, _stretched(imported, duration_ms))
        queue.release(db, new_id)
    return known, notice


def _settle_place(db: recordings.Database, known: Recording, media: Media) -> str | None:
    """A known file at a new path replaces a path that is gone, or that holds something else now."""
    if known.media is None or media.copied or not still_there(known.media):
        track = known.media.track if known.media else media.track
        recordings.set_media(db, known.id, replace(media, track=track))
        return "moved" if known.media is None or known.media.path != media.path else None
    return None


def media_at(path: Path, track: int | None, *, copied: bool) -> Media:
    found = path.stat()
    return Media(os.path.abspath(path), found.st_size, found.st_mtime_ns, track, copied)


def store_imported(db: recordings.Database, known_id: str, transcript: Transcript) -> None:
    """Store a transcript that came from a file as a recording's own."""
    transcripts.store(db, known_id, replace(transcript, recording_id=known_id))
    recordings.set_heard(db, known_id, transcript.duration_ms, transcript.language)
    result = StageResult(IMPORTED, transcript_digest(transcript))
    transcripts.record_result(db, known_id, "transcribe", result, took_ms=0)
    reading.settle(db, known_id)


def _stretched(transcript: Transcript, media_ms: int | None) -> Transcript:
    """A transcript as long as the media it belongs to."""
    return replace(transcript, duration_ms=max(transcript.duration_ms, media_ms or 0))


def transcript_facts(path: Path, transcript: Transcript) -> RecordingFacts:
    """What the file of a transcript alone says of its recording."""
    return RecordingFacts(title=title_of(path), language=transcript.language or "auto")


def refuse_odd_name(path: Path) -> None:
    """The catalogue stores text; a name in another encoding could not be found again."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        shown = os.fsencode(path.name).decode("utf-8", "replace")
        raise BadInput("add.odd_name", name=shown) from error


def title_of(path: Path) -> str:
    """The file's name without its suffix, its letters composed as people type them."""
    return unicodedata.normalize("NFC", clean_text(path.stem) or clean_text(path.name))
