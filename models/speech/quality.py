"""How good a decoding is: Whisper's own measures, and what they forbid.

The limits are those of the Whisper paper (Radford et al. 2022, section 4.5): a text that zlib
shrinks by more than 2.4 repeats itself, a mean log-probability below -1 is guessing, and a
no-speech probability above 0.6 beside such guessing is silence.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

COMPRESSION_LIMIT = 2.4
LOGPROB_LIMIT = -1.0
NO_SPEECH_LIMIT = 0.6
LONGEST_PHRASE = 8
ECHOED = 3
"""So many hotwords in their own order, with nothing between them, are read out, not heard."""

MS_PER_LETTER = 40
"""Nobody speaks faster than some 25 letters a second."""

_PHRASES = Path(__file__).with_name("silence_phrases.toml")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One decoding of one stretch. ``tokens`` are text tokens only; ``finished`` is False where
    the decoder ran out of tokens before it came to an end."""

    tokens: tuple[int, ...]
    text: str
    mean_logprob: float
    no_speech_probability: float
    finished: bool = True

    @property
    def compression_ratio(self) -> float:
        return compression_ratio(self.text)

    @property
    def loops(self) -> bool:
        return self.compression_ratio > COMPRESSION_LIMIT

    @property
    def silent(self) -> bool:
        """No text, or a guess where the model itself hears no speech."""
        guess = self.mean_logprob < LOGPROB_LIMIT
        return not self.text or (guess and self.no_speech_probability > NO_SPEECH_LIMIT)

    @property
    def good(self) -> bool:
        return self.silent or (
            self.finished and not self.loops and self.mean_logprob >= LOGPROB_LIMIT
        )


def compression_ratio(text: str) -> float:
    """Bytes of the text over bytes of its zlib form; 0 for no text."""
    raw = text.encode("utf-8")
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def likeliest(attempts: Sequence[Attempt]) -> Attempt | None:
    """The first good attempt, else the likeliest that does not repeat itself, else None."""
    for attempt in attempts:
        if attempt.good:
            return attempt
    sound = [attempt for attempt in attempts if not attempt.loops]
    return max(sound, key=lambda attempt: attempt.mean_logprob, default=None)


def echoes(text: str, hotwords: Sequence[str]) -> bool:
    """Whether a text reads hotwords out, as models do that hear nothing they understand. Fewer
    than ``ECHOED`` hotwords cannot be told from speech."""
    said = f" {_plain(text)} "
    terms = [plain for term in hotwords if (plain := _plain(term))]
    runs = (terms[begin : begin + ECHOED] for begin in range(len(terms) - ECHOED + 1))
    return any(f" {' '.join(run)} " in said for run in runs)


def silence_phrases(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges ``words[begin:end]`` that are a known invention of the model, longest first at each
    place, without overlap."""
    letters = [_plain(word) for word in words]
    begin = 0
    while begin < len(words):
        end = max(
            (
                e
                for e in range(begin + 1, min(begin + LONGEST_PHRASE, len(words)) + 1)
                if _known(letters[begin:e])
            ),
            default=None,
        )
        if end is None:
            begin += 1
        else:
            yield begin, end
            begin = end


def least_ms(words: Sequence[str]) -> int:
    """The least time it takes to say the words, in milliseconds."""
    return MS_PER_LETTER * sum(len(_plain(word).replace(" ", "")) for word in words)


def _known(letters: Sequence[str]) -> bool:
    return " ".join(part for part in letters if part) in _phrases()


@cache
def _phrases() -> frozenset[str]:
    table = tomllib.loads(_PHRASES.read_text(encoding="utf-8"))
    return frozenset(_plain(phrase) for phrase in table["phrases"])


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
