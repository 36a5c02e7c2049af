"""Puts the spoken sentences of an interview on one time line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .script import Interview, Sentence
from .speech import SAMPLE_RATE, SpokenWord, say_each

TITLE_CARD_S = 3.0
SENTENCE_PAUSE_S = 0.7
TURN_PAUSE_S = 1.2
CLOSING_S = 2.0


@dataclass(frozen=True, slots=True)
class TimedSentence:
    """A sentence with its times in seconds from the start of the file."""

    sentence: Sentence
    start: float
    end: float
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, slots=True)
class TimedChapter:
    title: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Take:
    """A whole interview: float32 [n] at 16 kHz, sentences and gapless chapters, in seconds."""

    interview: Interview
    samples: NDArray[np.float32]
    sentences: tuple[TimedSentence, ...]
    chapters: tuple[TimedChapter, ...]

    @property
    def duration(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def record(interview: Interview) -> Take:
    """Speaks all sentences with 0.7 s between sentences and 1.2 s between turns."""
    said = iter(say_each([(s.text, s.speaker) for s in interview.sentences()]))
    pieces = [np.zeros(int(TITLE_CARD_S * SAMPLE_RATE), np.float32)]
    at, turn = len(pieces[0]), 0
    sentences: list[TimedSentence] = []
    starts: list[float] = []
    for chapter in interview.chapters:
        for index, sentence in enumerate(chapter.sentences):
            if sentences:
                pause = SENTENCE_PAUSE_S if sentence.turn == turn else TURN_PAUSE_S
                pieces.append(np.zeros(int(pause * SAMPLE_RATE), np.float32))
                at += len(pieces[-1])
            spoken = next(said)
            begin, turn = at / SAMPLE_RATE, sentence.turn
            words = tuple(
                SpokenWord(w.word, round(begin + w.start, 3), round(begin + w.end, 3))
                for w in spoken.words
            )
            sentences.append(TimedSentence(sentence, words[0].start, words[-1].end, words))
            if index == 0:
                # A little before the first word, so that a jump to the chapter clips nothing.
                starts.append(round(begin - 0.4, 3) if starts else 0.0)
            pieces.append(spoken.samples)
            at += len(spoken.samples)
    pieces.append(np.zeros(int(CLOSING_S * SAMPLE_RATE), np.float32))
    samples = np.concatenate(pieces)
    ends = [*starts[1:], round(len(samples) / SAMPLE_RATE, 3)]
    titles = [chapter.title for chapter in interview.chapters]
    chapters = tuple(TimedChapter(*row) for row in zip(titles, starts, ends, strict=True))
    return Take(interview, samples, tuple(sentences), chapters)
