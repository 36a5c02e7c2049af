"""Speech with exact word times from libespeak-ng, called through ctypes.

Structures and constants follow espeak-ng's public header, speak_lib.h (version 1.51).
"""

import ctypes
import functools
import multiprocessing
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly  # type: ignore[import-untyped]

from .script import Voice

SAMPLE_RATE = 16_000
PEAK = 0.6

_RETRIEVAL_SYNCHRONOUS = 2
_WITH_PHONEME_EVENTS = 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
_CHARS_UTF8 = 1
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7


class _EventId(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as written, punctuation included, with its times in seconds."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence: float32 [n] at 16 kHz, peak 0.6, and its words."""

    samples: NDArray[np.float32]
    words: tuple[SpokenWord, ...]


class Speaker:
    """The synthesiser. Raises OSError where libespeak-ng is not installed."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._rate: int = self._library.espeak_Initialize(
            _RETRIEVAL_SYNCHRONOUS, 0, None, _WITH_PHONEME_EVENTS
        )
        if self._rate <= 0:
            raise OSError("espeak-ng could not be initialised")
        self._pieces: list[NDArray[np.int16]] = []
        self._word_starts: dict[int, float] = {}
        self._pauses: list[float] = []
        self._last_phoneme_is_pause = False
        # ctypes keeps no reference to a callback; losing ours would crash the library.
        self._callback: Callable[..., int] = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: Voice) -> Spoken:
        """Speaks one sentence. Raises ValueError on a voice espeak-ng does not have."""
        self._pieces, self._word_starts, self._pauses = [], {}, []
        if self._library.espeak_SetVoiceByName(voice.voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice.voice!r}")
        for parameter, value in ((_RATE, voice.rate), (_VOLUME, 100), (_PITCH, voice.pitch)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _CHARS_UTF8, None, None)
        self._library.espeak_Synchronize()
        raw = np.concatenate(self._pieces).astype(np.float32)
        end = self._pauses[-1] if self._last_phoneme_is_pause else len(raw) / self._rate
        samples = resample_poly(raw, SAMPLE_RATE // 50, self._rate // 50)
        # The tail after the last phoneme is silence; the script sets its own pauses.
        samples = samples[: int((end + 0.12) * SAMPLE_RATE)]
        samples = (samples * (PEAK / float(np.abs(samples).max()))).astype(np.float32)
        return Spoken(samples, tuple(self._words(text, end)))

    def _receive(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, events: object) -> int:
        if wave and count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while (event := events[index]).type != _EVENT_END:  # type: ignore[index]
            at = event.audio_position / 1000
            if event.type == _EVENT_WORD and event.length > 0:
                self._word_starts.setdefault(event.text_position - 1, at)
            elif event.type == _EVENT_PHONEME:
                self._last_phoneme_is_pause = event.id.string.startswith(b"_")
                if self._last_phoneme_is_pause:
                    self._pauses.append(at)
            index += 1
        return 0

    def _words(self, text: str, end: float) -> list[SpokenWord]:
        """Word times; a word ends where the next begins or where a pause comes first.

        espeak-ng sometimes speaks two words as one ("in der") and reports the first only: the
        time of such a run is then divided by the number of letters.
        """
        tokens = list(re.finditer(r"\S+", text))
        known = [self._word_starts.get(token.start()) for token in tokens]
        known[0] = known[0] or 0.0
        starts = _fill(known, [len(token.group()) for token in tokens], end)
        words = []
        for token, start, following in zip(tokens, starts, [*starts[1:], end], strict=True):
            stop = next((p for p in self._pauses if start + 0.05 < p < following), following)
            words.append(SpokenWord(token.group(), start, stop))
        return words


def _fill(known: list[float | None], lengths: list[int], end: float) -> list[float]:
    """Starts for words without one, by letters between their neighbours. known[0] must be set."""
    anchors = [i for i, start in enumerate(known) if start is not None]
    starts: list[float] = []
    for anchor, following in zip(anchors, [*anchors[1:], len(known)], strict=True):
        first = known[anchor] or 0.0
        last = end if following == len(known) else known[following] or 0.0
        letters = sum(lengths[anchor:following])
        done = 0
        for i in range(anchor, following):
            starts.append(first + (last - first) * done / letters)
            done += lengths[i]
    return starts


def say_each(lines: Sequence[tuple[str, Voice]]) -> list[Spoken]:
    """Speaks every line in a forked process that has said nothing before.

    espeak-ng carries random state from one sentence to the next; so a sentence sounds the same
    whatever was said before it, and changing one line leaves all others as they were.
    """
    _speaker()
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        return pool.map(_say, lines, chunksize=1)


@functools.cache
def _speaker() -> Speaker:
    return Speaker()


def _say(line: tuple[str, Voice]) -> Spoken:
    return _speaker().say(*line)
