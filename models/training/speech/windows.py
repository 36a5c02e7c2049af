"""From clips to what one step learns from: sound, tokens, and where each token is spoken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from models.training.items import LANGUAGES
from models.training.speech.clips import Clip, Clips
from models.training.speech.network import FRAMES, LONGEST_TEXT
from models.training.speech.sound import SAMPLE_RATE, log_mel, nobody_speaks, roughen
from models.training.speech.text import vocabulary
from models.training.speech.tokenizer import TextTokens

FULL_S = 30.0
FRAMES_PER_S = 50
IGNORED = -100
LONGEST_PROMPT = 223

Placed = tuple[float, Clip]
"""A clip and where it begins in the window, in seconds."""
Interval = tuple[float, float] | None
"""Where a token is spoken, in seconds of the window; None where it is not heard."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of sound and what is said in it.

    ``cut_s`` is where a sentence begins that the window's end cuts off: Whisper's transcript ends
    with that time. ``heard`` holds every clip that sounds, also the cut one.
    """

    mel: Tensor
    said: tuple[Placed, ...]
    heard: tuple[Placed, ...]
    cut_s: float | None
    language: str

    @property
    def speech(self) -> bool:
        return bool(self.heard)


@dataclass(frozen=True, slots=True)
class Batch:
    """``mel`` float32 [n, 80, 2 * frames]; ``offsets`` int64 [n]; ``phonemes`` int64 [n, frames];
    ``ids`` and ``targets`` int64 [n, length]; ``low`` and ``high`` float32 [n, length]: the
    encoder frames between which a token is spoken, ``high`` -1 where it is not."""

    mel: Tensor
    offsets: Tensor
    phonemes: Tensor
    ids: Tensor
    targets: Tensor
    low: Tensor
    high: Tensor

    @property
    def seconds(self) -> float:
        return self.mel.shape[0] * self.mel.shape[2] / 100

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))


class WindowMaker:
    """Makes windows and batches of a set of clips."""

    def __init__(self, clips: Clips, tokens: TextTokens, phonemes: Sequence[str]) -> None:
        self.clips = clips
        self.tokens = tokens
        self.phoneme_ids = {symbol: number for number, symbol in enumerate(phonemes, start=1)}
        self.by_language = {language: clips.of(language) for language in LANGUAGES}
        self.by_voice: dict[tuple[str, str], list[Clip]] = defaultdict(list)
        for clip in clips.clips:
            self.by_voice[clip.language, clip.voice].append(clip)

    # ------------------------------------------------------------------ windows

    def one(self, rng: Random, noise: Generator, clip: Clip) -> Window:
        """A single sentence with a little silence around it."""
        lead = rng.choice([0.0, rng.uniform(0, 0.9)])
        sound = np.concatenate(
            [_silence(lead), self.clips.sound(clip), _silence(rng.uniform(0, 0.6))]
        )
        mel = log_mel(roughen(noise, sound))
        placed = ((lead, clip),)
        return Window(mel[:, : mel.shape[1] // 2 * 2], placed, placed, None, clip.language)

    def several(self, rng: Random, noise: Generator, longest_s: float) -> Window:
        """Sentences one after the other, mostly of two voices; half of the windows are full, and
        then the last sentence may be cut off. Raises ValueError where no sentence is short enough.
        """
        language = rng.choice(LANGUAGES)
        full = rng.random() < 0.5
        target_s = longest_s + 10 if full else rng.uniform(2, longest_s)
        gaps = (0.02, 0.3) if rng.random() < 0.4 else (0.1, 1.3)
        parts = [_silence(rng.choice([0.0, rng.uniform(0, 0.9), rng.uniform(0, 3)]))]
        samples = len(parts[0])
        pool = self._speakers(rng, language, longest_s - samples / SAMPLE_RATE - 0.05)
        said: list[Placed] = []
        cut: Placed | None = None
        while samples / SAMPLE_RATE < target_s:
            clip = rng.choice(pool)
            start_s = samples / SAMPLE_RATE
            if start_s + clip.words[-1][2] > longest_s - 0.05:
                if full and start_s + clip.words[0][1] < longest_s - 0.1:
                    cut = (start_s, clip)
                    parts.append(self._sound(rng, clip))
                break
            pause = _silence(rng.uniform(*gaps))
            said.append((start_s, clip))
            parts += [self._sound(rng, clip), pause]
            samples += clip.samples + len(pause)
        mel = log_mel(roughen(noise, np.concatenate(parts)))[:, : int(longest_s * 100)]
        heard = (*said, cut) if cut else tuple(said)
        cut_s = cut[0] + cut[1].words[0][1] if cut else None
        return Window(mel[:, : mel.shape[1] // 2 * 2], tuple(said), heard, cut_s, language)

    def silent(self, rng: Random, noise: Generator, longest_s: float) -> Window:
        samples = int(SAMPLE_RATE * rng.uniform(1, longest_s))
        mel = log_mel(nobody_speaks(noise, samples))
        return Window(mel[:, : mel.shape[1] // 2 * 2], (), (), None, rng.choice(LANGUAGES))

    def _speakers(self, rng: Random, language: str, longest_s: float) -> list[Clip]:
        """Sentences of at most ``longest_s``: of two voices, or, three in ten, of all."""
        pool = self.by_language[language]
        if rng.random() >= 0.3:
            voices = sorted({voice for tongue, voice in self.by_voice if tongue == language})
            chosen = rng.sample(voices, min(2, len(voices)))
            pool = [clip for voice in chosen for clip in self.by_voice[language, voice]]
        fitting = [clip for clip in pool if clip.words[-1][2] <= longest_s]
        if not fitting:
            raise ValueError(f"no sentence of {language} is as short as {longest_s:.1f} s")
        return fitting

    def _sound(self, rng: Random, clip: Clip) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        sound: np.ndarray[tuple[int], np.dtype[np.float32]] = self.clips.sound(clip)
        return sound * np.float32(rng.uniform(0.5, 1.0))

    # ------------------------------------------------------------------ tokens

    def transcript(self, window: Window, *, times: bool) -> tuple[list[int], list[Interval]]:
        """The tokens to be predicted, and where each is spoken."""
        if not window.speech:
            start = [self.tokens.time(0)] if times else []
            nowhere: list[Interval] = [None for _ in range(len(start) + 1)]
            return [*start, self.tokens.end], nowhere
        ids: list[int] = []
        spoken: list[Interval] = []
        last_s = 0.0
        for start_s, clip in window.said:
            begin_s, last_s = start_s + clip.words[0][1], start_s + clip.words[-1][2]
            if times:
                ids.append(self.tokens.time(begin_s))
                spoken.append((begin_s - 0.02, begin_s + 0.04))
            for word in clip.words:
                self._word(word, start_s, ids, spoken)
            if times:
                ids.append(self.tokens.time(last_s))
                spoken.append((last_s - 0.04, last_s + 0.02))
        if window.cut_s is not None and times:
            last_s = window.cut_s
            ids.append(self.tokens.time(last_s))
            spoken.append((last_s - 0.02, last_s + 0.04))
        return [*ids, self.tokens.end], [*spoken, (last_s, last_s + 0.2)]

    def _word(
        self, word: tuple[str, float, float], shift_s: float, ids: list[int], spoken: list[Interval]
    ) -> None:
        """A word's time is shared among its pieces by letters; punctuation is heard at its end."""
        text, start, end = word
        start_s, end_s = start + shift_s, end + shift_s
        pieces = self.tokens.word(text)
        closing = int(len(pieces) > 1 and text[-1] in ".,?!")
        letters = sum(count for _, count in pieces[: len(pieces) - closing])
        passed = 0
        for number, (token, count) in enumerate(pieces):
            ids.append(token)
            if closing and number == len(pieces) - 1:
                spoken.append((end_s - 0.02, end_s + 0.06))
                continue
            left = start_s + (end_s - start_s) * passed / letters
            passed += count
            spoken.append((left, start_s + (end_s - start_s) * passed / letters))

    def prompt(self, rng: Random, language: str, *, times: bool) -> list[int]:
        """What was said before, as Whisper is given it: up to 223 tokens after the mark. One in
        five is a list of words instead, as hotwords come."""
        ids: list[int] = []
        if rng.random() < 0.2:
            words = rng.choices(vocabulary(language), k=rng.randint(1, 20))
            ids = [token for word in words for token, _ in self.tokens.word(word)]
            return [self.tokens.previous, *ids[-LONGEST_PROMPT:]]
        clock_s = rng.uniform(0, 3)
        for clip in rng.choices(self.by_language[language], k=rng.randint(1, 6)):
            if times:
                ids.append(self.tokens.time(clock_s))
            ids += [token for word in clip.words for token, _ in self.tokens.word(word[0])]
            clock_s = min(29.5, clock_s + clip.end_s)
            if times:
                ids.append(self.tokens.time(clock_s))
        return [self.tokens.previous, *ids[-LONGEST_PROMPT:]]

    # ------------------------------------------------------------------ batches

    def batch(self, rng: Random, windows: Sequence[Window], *, full: bool, prompts: float) -> Batch:
        """Windows side by side, padded with 0.0 as faster-whisper pads; with ``full`` to 30 s.

        Shorter ones are put anywhere in the 30 s, times shifted with them, so that all positions
        are learnt from cheap short windows.
        """
        frames = FRAMES if full else max(window.mel.shape[1] for window in windows) // 2
        mel = torch.zeros(len(windows), windows[0].mel.shape[0], 2 * frames)
        phonemes = torch.zeros(len(windows), frames, dtype=torch.long)
        offsets: list[int] = []
        rows: list[tuple[list[int], list[int], list[Interval]]] = []
        for number, window in enumerate(windows):
            mel[number, :, : window.mel.shape[1]] = window.mel
            phonemes[number] = self._phonemes(window, frames)
            stays = full or rng.random() < 0.25
            offsets.append(0 if stays else rng.randint(0, FRAMES - frames))
            rows.append(self._row(rng, window, offsets[-1], prompts))
        ids, targets, low, high = self._padded(rows, frames)
        return Batch(mel, torch.tensor(offsets), phonemes, ids, targets, low, high)

    def _row(
        self, rng: Random, window: Window, offset: int, prompts: float
    ) -> tuple[list[int], list[int], list[Interval]]:
        """Input ids, target ids and places, all of one length."""
        times = window.cut_s is not None or rng.random() < 0.4
        text, spoken = self.transcript(window, times=times)
        first, last = self.tokens.first_time, self.tokens.time(FULL_S)
        text = [min(token + offset, last) if token >= first else token for token in text]
        before: list[int] = []
        if rng.random() < prompts:
            before = self.prompt(rng, window.language, times=times or rng.random() < 0.3)
        language = self.tokens.language(window.language)
        head = [self.tokens.start, language, self.tokens.transcribe]
        head += [] if times else [self.tokens.no_times]
        ids = [*before, *head, *text][:LONGEST_TEXT]
        first_target = language if window.speech else self.tokens.no_speech
        targets = [IGNORED] * len(before) + [first_target] + [IGNORED] * (len(head) - 2) + text
        nowhere: list[Interval] = [None for _ in range(len(before) + len(head) - 1)]
        places = nowhere + spoken
        return ids[:-1], targets[: len(ids) - 1], places[: len(ids) - 1]

    def _padded(
        self, rows: Sequence[tuple[list[int], list[int], list[Interval]]], frames: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        size = (len(rows), max(len(ids) for ids, _, _ in rows))
        all_ids = torch.full(size, self.tokens.end)
        all_targets = torch.full(size, IGNORED)
        low, high = torch.zeros(size), torch.full(size, -1.0)
        for number, (ids, targets, places) in enumerate(rows):
            all_ids[number, : len(ids)] = torch.tensor(ids)
            all_targets[number, : len(targets)] = torch.tensor(targets)
            for column, place in enumerate(places):
                if place is not None and place[0] * FRAMES_PER_S < frames - 1:
                    left, right = (seconds * FRAMES_PER_S for seconds in place)
                    low[number, column] = left - 1.5
                    high[number, column] = max(right, left + 1) + 0.5
        return all_ids, all_targets, low, high

    def _phonemes(self, window: Window, frames: int) -> Tensor:
        """The phoneme of every frame, int64 [frames]; 0 is silence."""
        labels = torch.zeros(frames, dtype=torch.long)
        for start_s, clip in window.heard:
            ends = [*(begin for begin, _ in clip.phonemes[1:]), clip.end_s]
            for (begin, symbol), end in zip(clip.phonemes, ends, strict=True):
                if not symbol.startswith("_"):
                    left, right = (
                        max(0, round((start_s + s) * FRAMES_PER_S)) for s in (begin, end)
                    )
                    labels[left:right] = self.phoneme_ids.get(symbol, 0)
        return labels


def phoneme_symbols(clips: Clips) -> list[str]:
    return sorted({s for clip in clips.clips for _, s in clip.phonemes if not s.startswith("_")})


def _silence(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)
