"""espeak-ng through its C library: speech with the exact time of every word and phoneme.

Only the recipe needs it (Debian: `apt-get install espeak-ng`); nothing of it is shipped.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

SAMPLE_RATE = 16_000
_UP, _DOWN = 320, 441  # espeak-ng's 22,050 Hz to 16,000 Hz.
_RATE, _PITCH, _RANGE, _VOLUME = 1, 3, 4, 2
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_WORD, _PHONEME = 1, 7
_TAIL_S = 0.12
_PAUSES = ("_:", "_")


class _Id(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", _Id),
    )


@dataclass(frozen=True, slots=True)
class Manner:
    """A voice and how it speaks: words a minute, pitch and its range from 0 to 100."""

    voice: str
    rate: int = 160
    pitch: int = 50
    range: int = 50


@dataclass(frozen=True, slots=True)
class Spoken:
    """``samples`` int16 at 16 kHz; ``words`` (text, start, end) and ``phonemes`` (start, symbol)
    in seconds; ``end_s`` is where the last sound ends."""

    samples: NDArray[np.int16]
    words: tuple[tuple[str, float, float], ...]
    phonemes: tuple[tuple[float, str], ...]
    end_s: float


@dataclass(frozen=True, slots=True)
class _Heard:
    kind: int
    position: int
    length: int
    seconds: float
    symbol: str


class _Library:
    """The C library, started once a process; it is not made for threads."""

    def __init__(self) -> None:
        self.lib = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.lib.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
        self.sound: list[NDArray[np.int16]] = []
        self.heard: list[_Heard] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_short),
            ctypes.c_int,
            ctypes.POINTER(_Event),
        )
        self.callback = kind(self._take)  # Held, or it would be collected while in use.
        self.lib.espeak_SetSynthCallback(self.callback)

    def _take(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self.sound.append(np.ctypeslib.as_array(wave, (count,)).copy())
        number = 0
        while events[number].type:
            event = events[number]
            symbol = event.id.string.decode("utf-8", "ignore") if event.type == _PHONEME else ""
            self.heard.append(
                _Heard(event.type, event.text_position, event.length, event.audio_ms / 1000, symbol)
            )
            number += 1
        return 0


@cache
def _library() -> _Library:
    return _Library()


def check() -> None:
    """Raises OSError, in words, where the synthesiser is not installed."""
    try:
        _library()
    except OSError as error:
        raise OSError(
            "espeak-ng is needed to make the voices: install it (Debian: espeak-ng)"
        ) from error


def say(text: str, manner: Manner) -> Spoken:
    """The text spoken; raises ValueError for a voice espeak-ng does not have, OSError where the
    library is not installed."""
    library = _library()
    library.sound.clear()
    library.heard.clear()
    if library.lib.espeak_SetVoiceByName(manner.voice.encode()):
        raise ValueError(f"espeak-ng has no voice {manner.voice}")
    for parameter, value in (
        (_RATE, manner.rate),
        (_PITCH, manner.pitch),
        (_RANGE, manner.range),
        (_VOLUME, 100),
    ):
        library.lib.espeak_SetParameter(parameter, value, 0)
    raw = text.encode()
    library.lib.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, _UTF8, None, None)
    library.lib.espeak_Synchronize()
    wave = np.concatenate(library.sound) if library.sound else np.zeros(0, np.int16)
    heard = tuple(library.heard)
    samples = resample_poly(wave.astype(np.float32), _UP, _DOWN)
    phonemes = tuple((h.seconds, h.symbol) for h in heard if h.kind == _PHONEME)
    end_s = _end_of_sound(phonemes, len(samples) / SAMPLE_RATE)
    cut = samples[: int((end_s + _TAIL_S) * SAMPLE_RATE)]
    return Spoken(
        np.clip(cut, -32768, 32767).astype(np.int16),
        _words(text, heard, phonemes, end_s),
        phonemes,
        end_s,
    )


def _end_of_sound(phonemes: tuple[tuple[float, str], ...], otherwise: float) -> float:
    end = phonemes[-1][0] if phonemes else otherwise
    for seconds, symbol in reversed(phonemes):
        if symbol not in _PAUSES:
            break
        end = seconds
    return end


def _words(
    text: str, heard: tuple[_Heard, ...], phonemes: tuple[tuple[float, str], ...], end_s: float
) -> tuple[tuple[str, float, float], ...]:
    """Every written word with its times; words the synthesiser says in one breath (`in the`)
    share its time by their letters."""
    written = [(match.start(), match.group()) for match in re.finditer(r"\S+", text)]
    begun: dict[int, float] = {}
    for event in heard:
        if event.kind == _WORD and event.length > 0:
            begun.setdefault(event.position - 1, event.seconds)
    starts: list[float | None] = [begun.get(position) for position, _ in written]
    if starts[0] is None:
        starts[0] = 0.0
    filled = _fill([*starts, end_s], [len(word) for _, word in written])
    pauses = [seconds for seconds, symbol in phonemes if symbol in _PAUSES]
    words = []
    for number, (_, word) in enumerate(written):
        start, following = filled[number], filled[number + 1]
        end = next((pause for pause in pauses if start + 0.05 < pause < following), following)
        words.append((word, start, end))
    return tuple(words)


def _fill(starts: list[float | None], letters: list[int]) -> list[float]:
    known = [number for number, start in enumerate(starts) if start is not None]
    filled = [0.0 if start is None else start for start in starts]
    for left, right in pairwise(known):
        total = sum(letters[left:right]) or 1
        passed = 0
        for number in range(left + 1, right):
            passed += letters[number - 1]
            filled[number] = filled[left] + (filled[right] - filled[left]) * passed / total
    return filled
