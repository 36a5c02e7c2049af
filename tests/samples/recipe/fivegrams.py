"""Shows that the scripts repeat no five words in a row of the speech model's training text.

The training text is made again from the grammar that made it, seeds and all, without the audio.
What is committed is small: `training_words.json`, the words that text can hold in each language,
and `training_fivegrams.u64`, one 64-bit number for each distinct five-word sequence of the
training text that consists of words of the scripts alone (any other cannot occur in them), and
for each of the set phrases, by which a test can tell that the list is what it says: the
eight bytes of BLAKE2b (digest size 8) of the lower-cased words joined by one space, as
little-endian integers in ascending order. The recipe also holds the scripts against 400,000
further sentences of the same grammar, so that another seed would hardly change the answer.
"""

import hashlib
import importlib
import json
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from .script import Interview, spoken_words

SALAD_SHARE = 0.25
TRAINING_SEEDS = (13_000, 13_001)
CLIPS_PER_SEED = 9_000
FRESH_SENTENCES = 400_000
TRAINING_VOICES = 28
BASE_VOICES = {"de": 1, "en": 4}

FIVEGRAMS = "training_fivegrams.u64"
WORDS = "training_words.json"


def load_grammar(folder: Path) -> ModuleType:
    """The module `textgen` of the folder that made the speech model's training text."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("textgen")
    finally:
        sys.path.remove(str(folder))


def training_sentences(grammar: ModuleType) -> Iterator[str]:
    """Every sentence the model was trained on, in order.

    Voice, rate, pitch and range were drawn from the same generator after each sentence, so they
    are drawn here too and thrown away.
    """
    for seed in TRAINING_SEEDS:
        chance = random.Random(seed)
        for language, sentence in _sentences(grammar, chance, CLIPS_PER_SEED):
            yield sentence
            chance.choice(range(TRAINING_VOICES))
            chance.choice(range(BASE_VOICES[language]))
            for low, high in ((120, 190), (20, 80), (30, 70)):
                chance.randint(low, high)
    yield from (*grammar.FIX, *grammar.EFIX)


def fresh_sentences(grammar: ModuleType) -> Iterator[str]:
    """What the same grammar says with another seed."""
    for _, sentence in _sentences(grammar, random.Random(99), FRESH_SENTENCES):
        yield sentence


def _sentences(grammar: ModuleType, chance: random.Random, count: int) -> Iterator[tuple[str, str]]:
    for index in range(count):
        language = "de" if index % 2 == 0 else "en"
        yield language, grammar.sent(chance, language, SALAD_SHARE, False)


def fivegrams(words: list[str]) -> Iterator[str]:
    for start in range(len(words) - 4):
        yield " ".join(words[start : start + 5])


def fivegram_hash(fivegram: str) -> int:
    return int.from_bytes(hashlib.blake2b(fivegram.encode(), digest_size=8).digest(), "little")


def script_fivegrams(interviews: Iterable[Interview]) -> set[str]:
    """Across sentences too: the script as one running text."""
    found: set[str] = set()
    for interview in interviews:
        text = " ".join(sentence.text for sentence in interview.sentences())
        found.update(fivegrams(spoken_words(text)))
    return found


def check_and_write(interviews: list[Interview], grammar: ModuleType, folder: Path) -> list[str]:
    """Writes both artefacts into `folder`; returns what is wrong with the scripts, in words."""
    ours = {word for interview in interviews for word in _words_of(interview)}
    problems: list[str] = []
    seen: set[str] = set()
    known: dict[str, set[str]] = {
        language: {word.lower() for word in grammar.vocab(language)} for language in BASE_VOICES
    }
    for sentence in training_sentences(grammar):
        seen.update(g for g in fivegrams(spoken_words(sentence)) if ours.issuperset(g.split()))
    seen.update(
        g for phrase in (*grammar.FIX, *grammar.EFIX) for g in fivegrams(spoken_words(phrase))
    )
    scripts = script_fivegrams(interviews)
    problems += [f"in the training text: {gram}" for gram in sorted(scripts & seen)]
    fresh = {g for s in fresh_sentences(grammar) for g in fivegrams(spoken_words(s))}
    problems += [f"in the grammar: {gram}" for gram in sorted(scripts & fresh - seen)]
    for interview in interviews:
        for line in interview.sentences():
            unknown = set(spoken_words(line.text)) - known[line.speaker.language]
            problems += [f"unknown word: {word}" for word in sorted(unknown)]
    hashes = np.array(sorted(fivegram_hash(gram) for gram in seen), dtype="<u8")
    hashes.tofile(folder / FIVEGRAMS)
    lists = {language: sorted(words) for language, words in known.items()}
    (folder / WORDS).write_text(json.dumps(lists, ensure_ascii=False) + "\n", "utf-8")
    return problems


def _words_of(interview: Interview) -> Iterator[str]:
    for sentence in interview.sentences():
        yield from spoken_words(sentence.text)
