"""Chapters: where the talk turns to something else.

A chapter begins between two sentences. What speaks for it: that the topic changes there (the depth
score of Hearst, "TextTiling", 1997, over what the sentences before and after the gap mean), a
question and how much is asked and answered with it, and a pause. Of all ways to part the recording
that keep the bounds, the one with the highest sum is taken.

What a sentence means is told by the passages it stands in, which have vectors for search anyway.
(Measured with the bundled text model: vectors of the sentences themselves part no better, and all
of them would be made again for every corrected word.)

The weights are a logistic regression's over the questions of ten of our own written interviews,
each marked as opening a topic or following up on one, rounded; on seven others 20 of 24 chapters,
18 where no speaker is named, begin where a topic opens with the bundled text model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.sentences import TimedSentence, split_sentences
from pipeline.stages.titles import Words, titles
from pipeline.values import Chapter, Span, Transcript

VERSION = 1
"""Raised whenever the same transcript would yield other chapters."""

Passage = tuple[Span, NDArray[np.float32]]
"""When something is said, and its vector, float32 [dimension]."""

Scores = NDArray[np.float64]
"""float64 [n]: entry i belongs to the gap before sentence i."""

_QUESTION, _ASKED, _ANSWERED = -1.1, 1.3, 1.5
"""A question, one of many words, one with a long answer."""

_MANY_WORDS, _LONG_ANSWER_MS = 15, 60_000
_LONG_TURN = 4
"""Sentences; who says more is not merely asking, even if a question is among them."""

_NO_QUESTION = -3.0
_PAUSE_MS, _LONGEST_PAUSE_MS = 1_500, 3_000
"""A pause as long as the first weighs 1, however much longer than the second it is."""

_DEPTH = 0.5
_READINESS = 1.0
"""What every further chapter is worth: with more of it, more questions open one."""

_UNEVEN = 0.6
"""What a chapter loses by being e times as long, or as short, as would be handy."""

_OVERLONG = 1_000.0
"""What a second beyond the bound costs: more than anything can be worth."""


@dataclass(frozen=True, slots=True)
class ChapterParameters:
    """Bounds and handy lengths. A recording under ``least_ms`` has no chapters; none is shorter
    than ``shortest_ms``, and none longer than ``longest_ms`` that can be parted. ``parts`` of a
    recording are handy as long as they are between ``handy_ms`` and ``ample_ms``. ``window``
    sentences on each side are compared."""

    least_ms: int = 90_000
    shortest_ms: int = 40_000
    longest_ms: int = 480_000
    handy_ms: int = 50_000
    ample_ms: int = 480_000
    parts: int = 6
    window: int = 12


def chapters(
    transcript: Transcript,
    passages: Sequence[Passage],
    people: Sequence[str],
    words: Words,
    parameters: ChapterParameters,
) -> tuple[Chapter, ...]:
    """The chapters of the whole recording, in order, each from where the one before it ends.
    ``passages`` are those it is searched by, all of one text model; no title names ``people``."""
    sentences = split_sentences(transcript)
    end_ms = max([transcript.duration_ms, *(s.end_ms for s in sentences)])
    if not sentences or end_ms < parameters.least_ms:
        return ()
    similar = _likeness(sentences, passages, parameters.window)
    worth = _worth(sentences, end_ms) + _DEPTH * _depths(similar)
    begins = [0, *(s.start_ms for s in sentences[1:]), end_ms]
    cuts = _parted(begins, worth, parameters)
    groups = [sentences[i:j] for i, j in pairwise(cuts)]
    return tuple(
        Chapter(begins[i], begins[j], title)
        for (i, j), title in zip(pairwise(cuts), titles(groups, people, words), strict=True)
    )


# --- change of topic -------------------------------------------------------------------------


def _likeness(
    sentences: Sequence[TimedSentence], passages: Sequence[Passage], window: int
) -> Scores:
    """Cosines of the mean vectors before and after each gap; 1 before the first sentence."""
    likeness = np.ones(len(sentences))
    if not passages:
        return likeness
    meant = _meant(sentences, passages)
    sums = np.vstack([np.zeros((1, meant.shape[1])), np.cumsum(meant, axis=0)])
    for at in range(1, len(sentences)):
        before = sums[at] - sums[max(at - window, 0)]
        after = sums[min(at + window, len(sentences))] - sums[at]
        scale = float(np.linalg.norm(before) * np.linalg.norm(after))
        likeness[at] = float(before @ after) / scale if scale > 0 else 0.0
    return likeness


def _meant(sentences: Sequence[TimedSentence], passages: Sequence[Passage]) -> Scores:
    """float64 [n, dimension]: of each sentence the mean vector of the passages it begins in."""
    starts = np.array([sentence.start_ms for sentence in sentences])[:, np.newaxis]
    begins = np.array([span.start_ms for span, _ in passages])
    ends = np.array([span.end_ms for span, _ in passages])
    within = ((begins <= starts) & (starts < ends)).astype(float)
    vectors = np.array([vector for _, vector in passages], dtype=float)
    means: Scores = within @ vectors / np.maximum(within.sum(axis=1, keepdims=True), 1.0)
    return means


def _depths(likeness: Scores) -> Scores:
    """How deep each gap lies below the peaks beside it, in standard deviations from the mean."""
    count = len(likeness)
    left, right = likeness.copy(), likeness.copy()
    for at in range(2, count):
        if likeness[at - 1] >= likeness[at]:
            left[at] = left[at - 1]
    for at in range(count - 2, 0, -1):
        if likeness[at + 1] >= likeness[at]:
            right[at] = right[at + 1]
    depths: Scores = left + right - 2 * likeness
    spread = float(depths[1:].std()) if count > 1 else 0.0
    return (depths - depths[1:].mean()) / spread if spread > 1e-9 else np.zeros(count)


# --- questions and pauses --------------------------------------------------------------------


def _worth(sentences: Sequence[TimedSentence], end_ms: int) -> Scores:
    """What speaks for a chapter before each sentence, topics aside."""
    worth = np.full(len(sentences), _NO_QUESTION + _READINESS)
    for at in range(1, len(sentences)):
        pause_ms = max(sentences[at].start_ms - sentences[at - 1].end_ms, 0)
        worth[at] += min(pause_ms, _LONGEST_PAUSE_MS) / _PAUSE_MS
    asked = [(at, end) for at, end in _turns(sentences) if at and _asks(sentences[at:end])]
    answered = [sentences[at].start_ms for at, _ in asked[1:]] + [end_ms]
    for (at, end), until_ms in zip(asked, answered, strict=False):
        spoken = sum(len(s.tokens) for s in sentences[at:end])
        answer_ms = until_ms - sentences[at].start_ms
        worth[at] = (
            _QUESTION
            + _READINESS
            + _ASKED * min(spoken, _MANY_WORDS) / _MANY_WORDS
            + _ANSWERED * min(answer_ms, _LONG_ANSWER_MS) / _LONG_ANSWER_MS
        )
    return worth


def _turns(sentences: Sequence[TimedSentence]) -> list[tuple[int, int]]:
    """Ranges of sentences that one person says. Where nobody is named, questions in a row are
    taken for a turn, and so is what lies between them."""

    def parts(at: int) -> bool:
        last, following = sentences[at - 1], sentences[at]
        if last.speaker is not None or following.speaker is not None:
            return last.speaker != following.speaker
        return _is_question(last) != _is_question(following)

    cuts = [0, *(at for at in range(1, len(sentences)) if parts(at)), len(sentences)]
    return list(pairwise(cuts))


def _asks(turn: Sequence[TimedSentence]) -> bool:
    return len(turn) <= _LONG_TURN and any(_is_question(sentence) for sentence in turn)


def _is_question(sentence: TimedSentence) -> bool:
    return "?" in sentence.text[-3:]


# --- the best way to part --------------------------------------------------------------------


def _parted(begins: Sequence[int], worth: Scores, parameters: ChapterParameters) -> list[int]:
    """Where chapters begin, as places in ``begins``, and the last place, by dynamic programming.
    ``begins`` are the starts of the sentences and the end of the recording."""
    last = len(begins) - 1
    handy_ms = min(max(begins[-1] // parameters.parts, parameters.handy_ms), parameters.ample_ms)
    best = [0.0] + [-math.inf] * last
    before = [0] * (last + 1)
    for end in range(1, last + 1):
        for begin in range(end - 1, -1, -1):
            length_ms = begins[end] - begins[begin]
            if length_ms < parameters.shortest_ms or best[begin] == -math.inf:
                continue
            value = best[begin] - _loss(length_ms, handy_ms, parameters)
            if value > best[end]:
                best[end], before[end] = value, begin
            if length_ms > 2 * parameters.longest_ms:
                break
        if end < last:
            best[end] += float(worth[end])
    cuts = [last]
    while cuts[-1]:
        cuts.append(before[cuts[-1]])
    return cuts[::-1]


def _loss(length_ms: int, handy_ms: int, parameters: ChapterParameters) -> float:
    beyond_ms = max(length_ms - parameters.longest_ms, 0)
    return _UNEVEN * math.log(length_ms / handy_ms) ** 2 + _OVERLONG * beyond_ms / 1000
