"""The values that flow through the pipeline.

Everything here is frozen. Times are integer milliseconds from the start of the recording as a
player shows it; they become seconds at the JSON edge and ``hh:mm:ss.mmm`` in captions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
"""Mono audio at 16 kHz, float32 in [-1, 1], shape [n]."""

SAMPLE_RATE = 16_000
"""Samples per second of every ``Audio`` value; what Whisper's feature extractor expects."""

State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time, ``start_ms <= t < end_ms``."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word, without surrounding white space, punctuation attached as written."""

    start_ms: int
    end_ms: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of transcript: what one cue or one recogniser segment holds.

    ``words`` may be empty (imported captions carry none). ``text`` is authoritative for display;
    ``speaker`` is None unless known, never guessed.
    """

    start_ms: int
    end_ms: int
    text: str
    language: str | None = None
    speaker: str | None = None
    confidence: float | None = None
    corrected: bool = False
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model by name and by the hash of its files."""

    name: str
    hash: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that was said in a recording, in order of time.

    ``gaps`` are stretches where speech was heard but no text came out. ``model`` is None for an
    imported transcript that does not name one.
    """

    language: str | None
    duration_ms: int
    segments: tuple[Segment, ...]
    model: ModelRef | None = None
    gaps: tuple[Span, ...] = ()
    recording_id: str | None = None

    def words(self) -> Iterator[Word]:
        """Every word of every segment, in order."""
        for segment in self.segments:
            yield from segment.words


@dataclass(frozen=True, slots=True)
class Correction:
    """Human text: ``now`` in place of ``was`` over a stretch of a recording or, where ``span`` is
    None, wherever the term ``was`` stands as whole words."""

    id: int
    span: Span | None
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One audio track of a media file; ``number`` counts audio tracks from 1."""

    number: int
    codec: str
    channels: int
    sample_rate: int
    language: str | None
    title: str | None
    default: bool
    start_ms: int = 0


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The moving picture of a media file; a cover is none. ``rate`` is frames per second, None
    where nothing tells; ``interlaced``: each frame holds two moments, line by line; ``hdr`` is how
    brightness is written where a screen needs to know (smpte2084, arib-std-b67)."""

    codec: str
    pixel_format: str | None
    width: int
    height: int
    rate: float | None
    start_ms: int = 0
    interlaced: bool = False
    hdr: str | None = None


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a probe says of a media file. Header claims, to be checked against what decodes.

    ``duration_ms`` is None where the container does not tell. ``start_ms`` is the container's own
    start of time; that of a track counts from there. ``video`` is None also where its codec is
    unknown. ``streamable``: laid out so that a browser can begin to play at once.
    """

    container: str
    duration_ms: int | None
    start_ms: int
    tracks: tuple[AudioTrack, ...]
    has_video: bool
    title: str | None = None
    video: VideoTrack | None = None
    streamable: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of decoded audio: the unit of progress and of resuming.

    ``audio`` is float32 [n] at 16 kHz; ``start_ms`` is where it lies in the recording.
    ``last`` marks the final window.
    """

    number: int
    start_ms: int
    end_ms: int
    audio: Audio = field(repr=False, compare=False)
    last: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence inside a chunk: its time and its place ``text[begin:end]`` in the chunk's text."""

    start_ms: int
    end_ms: int
    begin: int
    end: int
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a transcript, small enough for the text model: what is embedded and found.

    ``first_segment..last_segment`` (inclusive) index the transcript's segments and
    ``first_word..last_word`` its flat word sequence; the word range is None without word times.
    """

    number: int
    start_ms: int
    end_ms: int
    text: str
    language: str | None
    sentences: tuple[Sentence, ...]
    first_segment: int
    last_segment: int
    first_word: int | None = None
    last_word: int | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of a recording with one topic; ``title`` is a few words of what is said in it."""

    start_ms: int
    end_ms: int
    title: str


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """What staff may say and change about a recording."""

    title: str
    language: str = "auto"
    collection: str | None = None
    people: tuple[str, ...] = ()
    recorded: str | None = None
    visibility: tuple[str, ...] = ("members",)
    priority: int = 0


Role = Literal["member", "staff", "admin"]
ROLES: tuple[Role, ...] = ("member", "staff", "admin")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page. ``name`` is None where nobody signs in."""

    role: Role
    organisation: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """Where a recording's media file lies and how it looked when it was last seen."""

    path: str
    size: int
    mtime_ns: int
    track: int | None
    copied: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a recording failed: a message key of the catalogue with its values."""

    kind: str
    key: str
    values: dict[str, str | int | float]
    permanent: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """A row of the catalogue."""

    id: str
    facts: RecordingFacts
    media: Media | None
    state: State
    stage: str | None
    progress: float
    attempts: int
    duration_ms: int | None
    spoken_language: str | None
    failure: Failure | None
    added_ms: int
    warning: Failure | None = None
    imported: bool = False

    @property
    def shown_language(self) -> str | None:
        """The language heard, else the one set, else None."""
        if self.spoken_language:
            return self.spoken_language
        return None if self.facts.language == "auto" else self.facts.language


@dataclass(frozen=True, slots=True)
class Hit:
    """A found moment. ``jump_ms`` is where to start playing; highlights are offsets in ``text``, as
    is ``sentence``, the one that is jumped to."""

    rank: int
    recording: Recording
    start_ms: int
    end_ms: int
    jump_ms: int
    text: str
    speaker: str | None
    language: str | None
    highlights: tuple[tuple[int, int], ...]
    score: float
    chunk_id: int
    sentence: tuple[int, int] = (0, 0)

    @property
    def sentence_text(self) -> str:
        begin, end = self.sentence
        return self.text[begin:end]
