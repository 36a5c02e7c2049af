"""Which language is spoken where, judged from every stretch of speech and not from the first alone.

Pure arithmetic over the speech model's language probabilities.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CLEAR = 0.8
"""A stretch speaks for its own language from this probability on."""

ENOUGH_S = 2.0
ENOUGH_SHARE = 0.03
"""A language is a candidate with this much clearly spoken speech: seconds, and share of all."""

SURE_SHARE = 0.5
"""Below this mean probability the leading language counts as unsure."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Language probabilities of one stretch, and how long it speaks."""

    probabilities: Mapping[str, float]
    seconds: float

    @property
    def best(self) -> str:
        return max(self.probabilities, key=lambda language: self.probabilities[language])

    @property
    def clear(self) -> bool:
        return self.probabilities[self.best] >= CLEAR


def choose_languages(heard: Sequence[Heard], fallback: str) -> list[str]:
    """The language of each stretch.

    Candidates are the languages with a real share of clear speech; a stretch that is clear about
    one of them gets it, every other one gets the leading language, or ``fallback`` if that one is
    itself unsure.
    """
    candidates = candidate_languages(heard)
    leading = _leading(heard, candidates) or fallback
    return [h.best if h.clear and h.best in candidates else leading for h in heard]


def candidate_languages(heard: Sequence[Heard]) -> set[str]:
    """The languages with a real share of clear speech."""
    total = sum(h.seconds for h in heard)
    clearly: defaultdict[str, float] = defaultdict(float)
    for h in heard:
        if h.clear:
            clearly[h.best] += h.seconds
    enough = max(min(ENOUGH_S, total / 2), ENOUGH_SHARE * total)
    return {language for language, seconds in clearly.items() if seconds >= enough}


def _leading(heard: Sequence[Heard], candidates: set[str]) -> str | None:
    total = sum(h.seconds for h in heard)
    weight = {
        language: sum(h.seconds * h.probabilities.get(language, 0.0) for h in heard)
        for language in sorted(candidates)
    }
    if not weight or (len(candidates) == 1 and max(weight.values()) < SURE_SHARE * total):
        return None
    return max(weight, key=lambda language: weight[language])
