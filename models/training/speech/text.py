"""What the synthetic voices say: written sentences, the grammar's, walks through the written ones,
and words without sense, so that the decoder learns to listen and not to guess.

Everything follows from the given `Random`. Sentences that share five words in a row with a
held-out one are never drawn; of the grammar's sentences every sixteenth is kept for the test.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

from models.training.items import (
    LANGUAGES,
    all_sentences,
    names,
    passage_sentences,
    terms,
    word_list,
)
from models.training.speech.spoken import spoken
from models.training.text.grammar import question, random_fact, statement
from models.training.text.lexicon import all_concepts, talk
from models.training.wording import five_grams, plain_words

KEPT_OUT = Path(__file__).with_name("kept_out")
HELD_OUT = KEPT_OUT / "held_out.txt"
HELD_BACK = 16
LONGEST_WORDS = 22
LONGEST_WALK = 14
_WALK_SHORTEST = 4

_PLAIN = re.compile(r"[^\W\d_][^\W\d_ ,'’-]*(?:[ ,'’-]+[^\W\d_]+)*[.?!]")

Draw = Callable[[Random, str], str]


def read_held_out(path: Path = HELD_OUT) -> dict[str, list[str]]:
    """The held-out sentences by language: lines `de: …` and `en: …`."""
    found: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            found[line[:2]].append(line[4:].strip())
    return found


@cache
def forbidden() -> frozenset[tuple[str, ...]]:
    """Five words in a row that no training sentence may hold: those of every file kept out."""
    kept = [read_held_out(path) for path in sorted(KEPT_OUT.glob("*.txt"))]
    texts = (text for found in kept for sentences in found.values() for text in sentences)
    return frozenset(gram for text in texts for gram in five_grams(text))


def is_held_back(sentence: str) -> bool:
    """Whether a sentence of the grammar belongs to the test."""
    return hashlib.sha256(sentence.encode()).digest()[0] % HELD_BACK == 0


@cache
def written(language: str) -> tuple[str, ...]:
    sentences = [*all_sentences(language), *(pair[language] for pair in talk())]
    return tuple(s for s in dict.fromkeys(sentences) if not five_grams(s) & forbidden())


@cache
def told(language: str) -> tuple[str, ...]:
    """Sentences of the passages as they are said; those that a voice would read out otherwise than
    they are written (abbreviations, signs) are left out."""
    sentences = dict.fromkeys(spoken(text, language) for text in passage_sentences(language))
    return tuple(s for s in sentences if _PLAIN.fullmatch(s) and not five_grams(s) & forbidden())


@cache
def vocabulary(language: str) -> tuple[str, ...]:
    """Every word as it is written inside a sentence, each once."""
    words = {word for text in written(language) for word in text.split()[1:]}
    words.update(word_list(language))
    for concept in all_concepts():
        for form in concept.words[language]:
            words.update(f"{form.text} {form.participle}".split())
    return tuple(sorted({clean for word in words if (clean := word.strip(".,?!;:"))}))


@cache
def followers(language: str) -> dict[str, list[str]]:
    """What follows each word in the written sentences; "" stands for a sentence's two ends."""
    table: dict[str, list[str]] = defaultdict(list)
    for sentence in written(language):
        words = ["", *sentence.split(), ""]
        for word, following in pairwise(words):
            table[word].append(following)
    return dict(table)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def draw_written(rng: Random, language: str) -> str:
    return rng.choice(written(language))


def draw_grammar(rng: Random, language: str) -> str:
    fact = random_fact(rng)
    say = question if rng.random() < 0.3 else statement
    return spoken(say(rng, fact, language), language)


def draw_walk(rng: Random, language: str) -> str:
    """A chain of pairs of words that follow each other somewhere: natural joints, no sense."""
    table = followers(language)
    words: list[str] = []
    word = ""
    while len(words) < LONGEST_WALK:
        word = rng.choice(table[word])
        if not word:
            break
        words.append(word)
    text = " ".join(words).rstrip(",")
    return text if text.endswith((".", "?", "!")) else f"{text}."


def draw_salad(rng: Random, language: str) -> str:
    words = [rng.choice(vocabulary(language)) for _ in range(rng.randint(3, 9))]
    if len(words) > 5 and rng.random() < 0.5:
        words[2] += ","
    return capital(" ".join(words)) + rng.choice("...?")


def draw_told(rng: Random, language: str) -> str:
    return rng.choice(told(language))


def draw_named(rng: Random, language: str) -> str:
    """A sentence of some kind in which a name or a term stands in place of a word."""
    words = rng.choice((written, told)[rng.random() < 0.5](language)).split()
    place = rng.randrange(1, len(words)) if len(words) > 1 else 0
    end = words[place][-1] if words[place][-1] in ".,?!" else ""
    words[place] = (rng.choice(terms()) if rng.random() < 0.5 else _name(rng)) + end
    return " ".join(words)


def _name(rng: Random) -> str:
    first, last = names()
    either = rng.random()
    if either < 0.5:
        return f"{rng.choice(first)} {rng.choice(last)}"
    return rng.choice(last if either < 0.75 else first)


KINDS: tuple[tuple[Draw, float], ...] = (
    (draw_written, 0.34),
    (draw_grammar, 0.22),
    (draw_walk, 0.24),
    (draw_salad, 0.20),
)


WIDER_KINDS: tuple[tuple[Draw, float], ...] = (
    (draw_told, 0.38),
    (draw_written, 0.16),
    (draw_grammar, 0.12),
    (draw_walk, 0.12),
    (draw_salad, 0.12),
    (draw_named, 0.10),
)


def training_sentence(rng: Random, language: str, *, wider: bool = False) -> str:
    """A sentence that training may hear; ``wider``: of the passages, with names and terms, too."""
    draws, shares = zip(*(WIDER_KINDS if wider else KINDS), strict=True)
    while True:
        draw: Draw = rng.choices(draws, shares)[0]
        text = draw(rng, language)
        count = len(text.split())
        too_short = draw is draw_walk and count < _WALK_SHORTEST
        held_back = draw is draw_grammar and is_held_back(text)
        if too_short or held_back or count > LONGEST_WORDS or five_grams(text) & forbidden():
            continue
        return text


def test_sentence(rng: Random, language: str) -> str:
    """A sentence of the grammar that training never draws."""
    while True:
        text = draw_grammar(rng, language)
        if is_held_back(text) and 4 <= len(text.split()) <= LONGEST_WORDS:
            return text


def word_types(sentences: Iterable[str]) -> set[str]:
    return {word for sentence in sentences for word in plain_words(sentence)}
