"""Stretches of speech: what the speech model hears in one go.

The voice activity detector finds pieces of speech; neighbouring pieces are laid end to end up to
the length the model takes at once. A stretch remembers where its pieces came from, so that every
word finds its way back to its own time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from models.contracts import Audio

SAMPLE_RATE = 16_000
SAMPLES_PER_MS = SAMPLE_RATE // 1000
WIDEST_JOIN_S = 3.0
"""Pieces further apart are never joined: after a long pause somebody else may speak, in another
language, and words near the join would be timed badly."""

SHORTEST_HALF = SAMPLE_RATE
_QUIET_LENGTH = SAMPLE_RATE // 20

Piece = tuple[int, int]
"""Begin and end of a piece of speech, in samples from the window's start."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pieces of speech, in order and without overlap, heard as if they followed directly."""

    pieces: tuple[Piece, ...]

    @property
    def samples(self) -> int:
        return sum(end - begin for begin, end in self.pieces)

    @property
    def seconds(self) -> float:
        return self.samples / SAMPLE_RATE

    @property
    def bounds_ms(self) -> tuple[int, int]:
        return self.pieces[0][0] // SAMPLES_PER_MS, self.pieces[-1][1] // SAMPLES_PER_MS

    def cut(self, audio: Audio) -> Audio:
        """The stretch's samples, float32 [samples]."""
        return np.concatenate([audio[begin:end] for begin, end in self.pieces])

    def place_ms(self, start_s: float, end_s: float) -> tuple[int, int]:
        """Where a word timed in seconds within the stretch lies in the window, in milliseconds.

        The word belongs to the piece that holds its middle and is cut to it.
        """
        middle = (start_s + end_s) / 2 * SAMPLE_RATE
        ends = list(accumulate(end - begin for begin, end in self.pieces))
        number = next((i for i, end in enumerate(ends) if middle < end), len(ends) - 1)
        begin, end = self.pieces[number]
        shift = end - ends[number]
        start, stop = (
            min(max(round(s * SAMPLE_RATE) + shift, begin), end) for s in (start_s, end_s)
        )
        return start // SAMPLES_PER_MS, stop // SAMPLES_PER_MS

    def halves(self, audio: Audio) -> tuple[Stretch, ...]:
        """The stretch in two, neither below a quarter, parted where least is lost: at the widest
        pause between its pieces, else at the quietest moment of its longest. Too short: itself."""
        least = max(SHORTEST_HALF, self.samples // 4)
        pauses = [
            (self.pieces[n][0] - self.pieces[n - 1][1], min(left, self.samples - left), n)
            for n, left in enumerate(accumulate(b - a for a, b in self.pieces), start=1)
            if least <= left <= self.samples - least
        ]
        if pauses:
            *_, number = max(pauses)
            return Stretch(self.pieces[:number]), Stretch(self.pieces[number:])
        longest = max(range(len(self.pieces)), key=lambda i: self.pieces[i][1] - self.pieces[i][0])
        begin, end = self.pieces[longest]
        if end - begin < 2 * SHORTEST_HALF:
            return (self,)
        cut = quietest(audio, begin + (end - begin) // 3, end - (end - begin) // 3)
        return (
            Stretch((*self.pieces[:longest], (begin, cut))),
            Stretch(((cut, end), *self.pieces[longest + 1 :])),
        )


def quietest(audio: Audio, begin: int, end: int) -> int:
    """The sample in ``begin..end`` around which 50 ms hold the least energy."""
    energy = np.cumsum(np.square(audio[begin:end], dtype=np.float64))
    if energy.size <= _QUIET_LENGTH:
        return (begin + end) // 2
    return (
        begin
        + int(np.argmin(energy[_QUIET_LENGTH:] - energy[:-_QUIET_LENGTH]))
        + (_QUIET_LENGTH // 2)
    )


@dataclass(frozen=True, slots=True)
class Speech:
    """Where in a window is speech: pieces with some room around them, in order, without overlap,
    and for each the sample at which its speech is first heard."""

    pieces: tuple[Piece, ...]
    onsets: tuple[int, ...]

    def onset_ms(self, moment_ms: float) -> int:
        """Where the speech begins in the piece that holds a moment (0 before the first piece)."""
        number = bisect_right(self.pieces, moment_ms * SAMPLES_PER_MS, key=lambda piece: piece[0])
        return self.onsets[number - 1] // SAMPLES_PER_MS if number else 0


def find_speech(audio: Audio, options: VadOptions, longest_s: float) -> Speech:
    """Pieces of speech of at most ``longest_s`` seconds.

    The detector is asked for bare speech; the room around it (``options.speech_pad_ms``, or half of
    a shorter pause) is added here, so that it stays known where the speech itself begins.
    """
    room = options.speech_pad_ms * SAMPLES_PER_MS
    shorter = replace(
        options, speech_pad_ms=0, max_speech_duration_s=longest_s - 2 * room / SAMPLE_RATE
    )
    found = [(int(s["start"]), int(s["end"])) for s in get_speech_timestamps(audio, shorter)]
    longest = int(longest_s * SAMPLE_RATE)
    pieces: list[Piece] = []
    onsets: list[int] = []
    for number, (start, stop) in enumerate(found):
        before = found[number - 1][1] if number else -2 * room
        after = found[number + 1][0] if number + 1 < len(found) else len(audio) + 2 * room
        begin = max(start - min(room, (start - before) // 2), pieces[-1][1] if pieces else 0)
        end = min(stop + min(room, (after - stop) // 2), len(audio))
        # The detector keeps to the limit only by and large; the rest must not be lost.
        marks = [*range(begin, end, longest), end]
        for a, b in pairwise(marks):
            if b > a:
                pieces.append((a, b))
                onsets.append(max(start, a))
    return Speech(tuple(pieces), tuple(onsets))


def pack(
    pieces: Sequence[Piece], longest_s: float, *, enough_s: float, pause_s: float
) -> list[Stretch]:
    """Pieces gathered, in order, into stretches of at most ``longest_s`` seconds of speech.

    A stretch that holds ``enough_s`` of speech ends at the next pause of ``pause_s``: there another
    may begin to speak, in another language.
    """
    stretches: list[Stretch] = []
    gathered: list[Piece] = []
    for piece in pieces:
        if gathered:
            held_s = Stretch(tuple(gathered)).seconds
            pause = (piece[0] - gathered[-1][1]) / SAMPLE_RATE
            too_long = held_s + (piece[1] - piece[0]) / SAMPLE_RATE > longest_s
            if too_long or pause > WIDEST_JOIN_S or (held_s >= enough_s and pause >= pause_s):
                stretches.append(Stretch(tuple(gathered)))
                gathered = []
        gathered.append(piece)
    if gathered:
        stretches.append(Stretch(tuple(gathered)))
    return stretches


def confirmed_speech_ms(audio: Audio) -> int:
    """Milliseconds in which a strict detector (probability 0.85, no padding) hears speech."""
    strict = VadOptions(threshold=0.85, min_silence_duration_ms=100, speech_pad_ms=0)
    found = get_speech_timestamps(audio, strict)
    return sum(int(s["end"]) - int(s["start"]) for s in found) // SAMPLES_PER_MS
