"""Invented words and word salad: they teach that unknown words match by their pieces."""

from functools import cache
from random import Random

from models.training.text.lexicon import all_concepts, all_frames, talk

ENDINGS = ("", "", "", "e", "en", "er", "s", "es", "n", "ung", "ing", "ed", "isch", "al", "ly")
START, END = "^", "$"


@cache
def transitions() -> dict[str, str]:
    """Letters that follow each three-letter history in the lexicon's own words."""
    table: dict[str, list[str]] = {}
    for concept in all_concepts():
        for forms in concept.words.values():
            for word in " ".join(form.text for form in forms).lower().split():
                padded = START * 3 + word + END
                for i in range(3, len(padded)):
                    table.setdefault(padded[i - 3 : i], []).append(padded[i])
    return {history: "".join(letters) for history, letters in table.items()}


@cache
def function_words() -> dict[str, tuple[str, ...]]:
    """Words of the templates and of subject-free talk, by language, as often as they occur."""
    words: dict[str, list[str]] = {"de": [], "en": []}
    for frame in all_frames():
        for key, templates in frame.templates.items():
            for template in templates:
                words[key[:2]] += [w for w in template.lower().split() if "{" not in w]
    for pair in talk():
        for language, text in pair.items():
            words[language] += text.lower().split()
    return {language: tuple(found) for language, found in words.items()}


def invent(rng: Random) -> str:
    """A pronounceable word of 3 to 12 letters, or sometimes a number or a code."""
    if rng.random() < 0.12:
        return str(rng.randrange(1, 3000))
    for _ in range(20):
        word = START * 3
        while not word.endswith(END) and len(word) < 16:
            word += rng.choice(transitions()[word[-3:]])
        word = word.strip(START + END)
        if 3 <= len(word) <= 12:
            break
    return word.capitalize() if rng.random() < 0.5 else word


def inflect(rng: Random, word: str) -> str:
    """Another form of the word: an ending, or a compound with another word."""
    if word.isdigit():
        return word
    if rng.random() < 0.12:
        return invent(rng).lower() + word.lower() if rng.random() < 0.5 else word + "s" + "werk"
    base = word[:-1] if len(word) > 5 and word[-1] in "en" else word
    return base + rng.choice(ENDINGS) if rng.random() < 0.35 else word


def known(rng: Random, language: str) -> str:
    return rng.choice(rng.choice(all_concepts()).words[language]).text


def salad(rng: Random, words: list[str], language: str, length: int) -> str:
    """The given words in order, among function words, some known and some invented words."""
    filler = function_words()[language]
    text = [inflect(rng, word) for word in words]
    while len(text) < length:
        chance = rng.random()
        extra = (
            rng.choice(filler)
            if chance < 0.55
            else known(rng, language)
            if chance < 0.75
            else invent(rng)
        )
        text.insert(rng.randrange(len(text) + 1), extra)
    return " ".join(text)
