"""Training triples of what was written: items (said, reworded, asked) and clouds.

Some passages are kept back: they tell how well a recipe does, and it may be tuned on them. No item
is used that shares five words in a row with a held-out text.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

from models.training.clouds import Cloud, all_clouds
from models.training.items import FOLDER as SENTENCES
from models.training.items import LANGUAGES, PASSAGES, Item, read_items
from models.training.text.lexicon import talk
from models.training.text.pseudo import function_words
from models.training.text.triple import Triple, languages
from models.training.wording import five_grams

HELD_OUT = Path(__file__).with_name("heldout.jsonl")
KEPT_BACK = 8
FIRST_GROUP = 1_000_000
"""Above the lexicon's concepts: groups of items and clouds are their own."""
Near = Sequence[Sequence[int]]
STAYING = 0.75
DROPPED = 0.12
EXCHANGED = 0.25


@cache
def forbidden() -> frozenset[tuple[str, ...]]:
    rows = [json.loads(line) for line in HELD_OUT.read_text("utf-8").splitlines()]
    texts = [str(row[key]) for row in rows for key in row if key[:8] in ("question", "passage_")]
    return frozenset(gram for text in texts for gram in five_grams(text))


@cache
def all_written() -> tuple[Item, ...]:
    """Items of both folders that keep clear of the held-out texts."""
    found = [
        item
        for folder in (PASSAGES, SENTENCES)
        for path in sorted(folder.glob("*.txt"))
        for item in read_items(path)
    ]
    return tuple(
        item
        for item in found
        if not any(
            five_grams(text) & forbidden()
            for language in LANGUAGES
            for text in item.sentences(language)
        )
    )


@cache
def passage_topics() -> frozenset[str]:
    return frozenset(path.stem for path in PASSAGES.glob("*.txt"))


def is_kept_back(item: Item) -> bool:
    """One passage in eight."""
    chance = hashlib.sha256(item.said["de"].encode()).digest()[0]
    return item.topic in passage_topics() and chance % KEPT_BACK == 0


@cache
def kept_back() -> tuple[Item, ...]:
    return tuple(item for item in all_written() if is_kept_back(item))


@cache
def used() -> tuple[Item, ...]:
    return tuple(item for item in all_written() if not is_kept_back(item))


@cache
def of_topic() -> dict[str, tuple[Item, ...]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in used():
        found[item.topic].append(item)
    return {topic: tuple(items) for topic, items in found.items()}


@cache
def clouds_of() -> dict[str, tuple[int, ...]]:
    """Single words, lower-cased, and the clouds they stand in."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, cloud in enumerate(all_clouds()):
        for words in cloud.words.values():
            for word in words:
                if " " not in word:
                    found[word.lower()].append(number)
    return {word: tuple(numbers) for word, numbers in found.items()}


def vary(rng: Random, text: str, language: str) -> str:
    """The text with some words left out and some exchanged for others of their cloud."""
    kept = [word for word in text.split() if rng.random() >= DROPPED]
    return " ".join(exchange(rng, word, language) for word in kept) or text


def exchange(rng: Random, word: str, language: str) -> str:
    """The word itself or, one in four, another of its cloud."""
    numbers = clouds_of().get(word.strip(".,?!").lower(), ())
    if not numbers or rng.random() >= EXCHANGED:
        return word
    return rng.choice(all_clouds()[rng.choice(numbers)].words[language])


class ItemWalk:
    """Draws items, mostly one near the last: texts of one batch are then hard to tell apart.

    ``near`` names for each item of `used()` those that the model so far takes for its likes; empty
    in the beginning.
    """

    def __init__(self, near: Near) -> None:
        self.near = near
        self.last: int | None = None

    def draw(self, rng: Random) -> tuple[Item, Item]:
        """An item and a near miss."""
        if self.last is not None and self.near and rng.random() < STAYING:
            number = rng.choice(self.near[self.last])
        else:
            number = rng.randrange(len(used()))
        self.last = number
        item = used()[number]
        if self.near and rng.random() < STAYING:
            return item, used()[rng.choice(self.near[number])]
        return item, rng.choice(of_topic()[item.topic])


def item_triple(rng: Random, longest: int, walk: ItemWalk) -> Triple:
    """A question or the same in other words, and what is said; another item as near miss."""
    item, other = walk.draw(rng)
    asked, said = languages(rng)
    draw = rng.random()
    kind = "said" if rng.random() < 0.6 else "reworded"
    query = item.asked if draw < 0.6 else item.said if kind == "reworded" else item.reworded
    if draw > 0.9:
        query, kind = item.asked, "asked"
        asked, said = rng.sample(LANGUAGES, 2)
    positive, negative = getattr(item, kind)[said], getattr(other, kind)[said]
    extra = rng.randrange(longest + 1) if kind != "asked" else 0
    return Triple(
        vary(rng, query[asked], asked),
        among(rng, vary(rng, positive, said), item, said, extra),
        among(rng, vary(rng, negative, said), item, said, extra),
        FIRST_GROUP + all_numbers()[item.said["de"]],
    )


@cache
def all_numbers() -> dict[str, int]:
    return {item.said["de"]: number for number, item in enumerate(all_written())}


def among(rng: Random, core: str, item: Item, language: str, extra: int) -> str:
    """The core among other sentences: talk, and what else is said of the topic."""
    sentences = [core]
    for _ in range(extra):
        near = rng.choice(of_topic()[item.topic])
        other = rng.choice(talk())[language] if rng.random() < 0.7 else near.said[language]
        sentences.insert(rng.randrange(len(sentences) + 1), other)
    return " ".join(sentences)


def cloud_triple(rng: Random, _longest: int) -> Triple:
    """Words of one to three clouds in both texts; the near miss has only the others."""
    first, second = languages(rng)
    numbers = rng.sample(range(len(all_clouds())), rng.choice((1, 1, 2, 3)))
    clouds = [all_clouds()[number] for number in numbers]
    stranger = rng.choice(all_clouds())
    return Triple(
        said_of(rng, clouds, first),
        said_of(rng, clouds, second),
        said_of(rng, [stranger, *clouds[1:]], second),
        FIRST_GROUP * 2 + numbers[0],
    )


def said_of(rng: Random, clouds: list[Cloud], language: str) -> str:
    """A few words of each cloud in any order, function words between them."""
    words = [
        word
        for cloud in clouds
        for word in rng.sample(
            cloud.words[language], min(len(cloud.words[language]), rng.choice((1, 1, 2, 3)))
        )
    ]
    rng.shuffle(words)
    filler = function_words()[language]
    text: list[str] = []
    for word in words:
        text.append(word)
        while rng.random() < 0.35:
            text.append(rng.choice(filler))
    return " ".join(text)
