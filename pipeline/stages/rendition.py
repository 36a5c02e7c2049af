"""What it takes for a browser to play a recording: nothing, another container, or another coding.

Decided by what a probe says, and pure. What all browsers of today play is taken from
https://developer.mozilla.org/en-US/docs/Web/Media/Guides/Formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.stages.probe import choose_track
from pipeline.values import AudioTrack, MediaInfo, VideoTrack

VERSION = 2
"""Raise it when another version would make other files."""

EVERY_MS = 5_000
"""A picture of each recording is kept for every so many milliseconds."""

Kind = Literal["original", "copied", "encoded"]

_LATE_MS = 100
"""A start of time that players may count in or leave out must be less than this, so that nobody
hears the difference."""

_MOST_PIXELS = 3840 * 2160
_EVEN_RATES = (10.0, 30.0)
"""Frames per second of an encoded picture. Slides that change once a minute are repeated, so that
what is blank begins and ends on time."""

_BY_CONTAINER = {
    "mp3": ("audio/mpeg", {"mp3"}),
    "ogg": ("audio/ogg", {"opus", "vorbis"}),
    "flac": ("audio/flac", {"flac"}),
    "wav": ("audio/wav", {"pcm_s16le"}),
}
"""Media type and audio codecs of files without a picture that play as they are."""

_MP4_AUDIO = frozenset(("aac", "mp3"))
_WEBM_AUDIO = frozenset(("opus", "vorbis"))
_WEBM_VIDEO = frozenset(("vp8", "vp9", "av1"))


@dataclass(frozen=True, slots=True)
class Decision:
    """How a recording comes to play. ``video`` and ``audio`` are copied as they are if true, else
    encoded; ``track`` is the audio to be heard, ``picture`` what is to be seen, if anything."""

    kind: Kind
    media_type: str
    track: AudioTrack
    picture: VideoTrack | None
    copy_video: bool = False
    copy_audio: bool = False

    @property
    def deinterlaces(self) -> bool:
        """Whether the two moments of each frame are made one: browsers show both, as a comb."""
        return self._encodes and self.picture is not None and self.picture.interlaced

    @property
    def tones_from(self) -> str | None:
        """What brightness is brought down from to what every screen shows; None where it fits."""
        return self.picture.hdr if self._encodes and self.picture else None

    @property
    def _encodes(self) -> bool:
        return self.kind != "original" and not self.copy_video


def how(info: MediaInfo, track: int | None, *, withheld: bool) -> Decision:
    """What it takes to play ``info``'s file with the audio track ``track`` (None: the first).

    Where something is ``withheld`` both tracks are made anew: a copy would hold it.
    Raises MediaError and BadInput as ``choose_track`` does.
    """
    chosen, picture = choose_track(info, track), info.video
    media_type = "video/mp4" if picture else "audio/mp4"
    encoded = Decision("encoded", media_type, chosen, picture)
    if withheld:
        return encoded
    if played_as := _as_it_is(info, chosen):
        return Decision("original", played_as, chosen, picture)
    if min(chosen.start_ms, picture.start_ms if picture else chosen.start_ms) > _LATE_MS:
        return encoded  # what begins the file is left out, and with it the start of time
    video = picture is not None and _is_h264(picture)
    audio = chosen.codec in _MP4_AUDIO
    if not video and not audio:
        return encoded
    return Decision("copied", media_type, chosen, picture, copy_video=video, copy_audio=audio)


def original_type(info: MediaInfo) -> str:
    """The media type of a file as it is, whether browsers play it or not."""
    sort = "video" if info.has_video else "audio"
    if info.container in _BY_CONTAINER:
        return _BY_CONTAINER[info.container][0].replace("audio", sort)
    names = {"mov": "mp4", "matroska": "webm" if info.streamable else "x-matroska"}
    return f"{sort}/{names.get(info.container, 'x-' + info.container)}"


def even_rate(rate: float | None) -> float:
    """Frames per second to encode with: a film's own, or every second, fourth… frame of it."""
    least, most = _EVEN_RATES
    if rate is None or not least / 100 < rate < 1000:
        return 25.0
    while rate > most + 0.5:
        rate /= 2
    return max(rate, least)


def _as_it_is(info: MediaInfo, chosen: AudioTrack) -> str | None:
    """The media type under which the file plays as it is; None where it does not."""
    # Of several audio tracks browsers play the first.
    if not info.streamable or abs(info.start_ms) > _LATE_MS or chosen.number != 1:
        return None
    if info.container == "mov":
        plays = chosen.codec in _MP4_AUDIO and (info.video is None or _is_h264(info.video))
    elif info.container == "matroska":
        # Nobody can jump in a live stream that was written down: it does not say how long it is.
        plays = info.duration_ms is not None and chosen.codec in _WEBM_AUDIO
        plays = plays and (info.video is None or _is_of_the_web(info.video))
    else:
        codecs = _BY_CONTAINER.get(info.container, ("", set()))[1]
        plays = chosen.codec in codecs and not info.has_video
    return original_type(info) if plays else None


def _is_h264(video: VideoTrack) -> bool:
    """H.264 of 8 bits and 4:2:0, which every browser decodes."""
    fits = video.width * video.height <= _MOST_PIXELS
    return video.codec == "h264" and video.pixel_format in ("yuv420p", "yuvj420p") and fits


def _is_of_the_web(video: VideoTrack) -> bool:
    fits = video.width * video.height <= _MOST_PIXELS
    return video.codec in _WEBM_VIDEO and video.pixel_format == "yuv420p" and fits
