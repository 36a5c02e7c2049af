"""One ranking from two legs: a sum of scores that can be compared.

A passage's score by words is a share of what a sentence could reach that held every word of the
query; its score by meaning is a cosine, set right for its model. So both lie mostly between 0 and
1, and neither is spread out where the leg has nothing to say, as ranks would be: a leg of equally
bad passages drags nothing (Bruch, Gai, Ingber: An Analysis of Fusion Functions for Hybrid
Retrieval, TOIS 2023).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

_EVEN, _STEEP = 0.38, 4.0
_LEAST, _MOST = 0.1, 1.5
_IN_THEIR_STEAD = 0.7


def meaning_weight(best: float) -> float:
    """What a likeness in meaning counts against a share by words, when the best passage by words
    has the share ``best``: the less of the query words can find, the more.

    Measured with the bundled model on spoken encyclopedia paragraphs, where words find most (their
    best share is 0.6 on average), and on written interviews, where people ask in other words (0.3;
    0.2 in another language): any fixed weight loses first hits on the former or a tenth of the
    first five on the latter. Names and numbers are the same in every language, so that the little
    that words find there is never to be drowned.
    """
    return float(min((_EVEN / max(best, _LEAST)) ** _STEEP, _MOST))


def imputed(
    words: Mapping[int, float], meaning: Mapping[int, float], foreign: Collection[int]
) -> dict[int, float]:
    """Shares by words, where those passages that are not in the query's language (``foreign``) have
    at least what their likeness lets expect: words cannot speak for them, which is no reason to
    speak against them. (Measured on written interviews with the bundled model: of questions that
    are answered in the other language a twentieth more come among the first five; from half the
    likeness on, any factor does.)"""
    return {
        i: max(share, _IN_THEIR_STEAD * meaning.get(i, 0.0)) if i in foreign else share
        for i, share in words.items()
    }


def blend(
    words: Mapping[int, float], meaning: Mapping[int, float], weight: float
) -> dict[int, float]:
    """The score of every passage. ``words`` are shares (0: no word at all), ``meaning`` likenesses;
    what a leg does not know counts 0."""
    found = words.keys() | meaning.keys()
    return {i: words.get(i, 0.0) + weight * meaning.get(i, 0.0) for i in found}


def best_first(scored: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """Larger scores first, equal ones in order of id."""
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))
