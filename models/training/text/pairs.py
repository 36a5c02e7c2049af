"""Training triples: a text, one of the same meaning or its answer, and a near miss.

Kinds: the written items and clouds; of the lexicon question and passage, paraphrase or translation
and keywords; and invented words. Every draw comes from the given `Random`, so equal seeds give
equal triples.
"""

from collections.abc import Callable, Iterator
from random import Random

from models.training.text.grammar import (
    DRAWN_NOUNS,
    QUALITIES,
    VERBS,
    Fact,
    near_miss,
    question,
    random_fact,
    statement,
)
from models.training.text.lexicon import Concept, all_concepts, neighbours, talk
from models.training.text.pseudo import function_words, invent, salad
from models.training.text.triple import Triple, languages
from models.training.text.written import ItemWalk, Near, cloud_triple, forbidden, item_triple
from models.training.wording import five_grams


def surround(rng: Random, core: str, fact: Fact, language: str, extra: int) -> str:
    """The core sentence among `extra` others: talk, and facts about related things."""
    sentences = [core]
    near = [c for c in neighbours()[fact.thing.index] if c.kind == "noun"]
    for _ in range(extra):
        if rng.random() < 0.4:
            sentence = rng.choice(talk())[language]
        else:
            thing = rng.choice(near) if near and rng.random() < 0.6 else None
            sentence = statement(rng, random_fact(rng, thing), language)
        sentences.insert(rng.randrange(len(sentences) + 1), sentence)
    return " ".join(sentences)


def question_triple(rng: Random, longest: int) -> Triple:
    fact = random_fact(rng)
    asked, said = languages(rng)
    extra = rng.randrange(longest + 1)
    query = question(rng, fact, asked)
    if rng.random() < 0.15:
        query = statement(rng, fact, asked)
    core = statement(rng, fact, said)
    wrong = statement(rng, near_miss(rng, fact), said)
    return Triple(
        query,
        surround(rng, core, fact, said, extra),
        surround(rng, wrong, fact, said, extra),
        fact.thing.index,
    )


def paraphrase_triple(rng: Random, _longest: int) -> Triple:
    fact = random_fact(rng)
    first, second = languages(rng)
    say = question if rng.random() < 0.3 else statement
    return Triple(
        say(rng, fact, first),
        say(rng, fact, second),
        say(rng, near_miss(rng, fact), second),
        fact.thing.index,
    )


def keywords(rng: Random, concepts: list[Concept], language: str) -> str:
    """One word of each concept in any order, with some function words between."""
    filler = function_words()[language]
    words: list[str] = []
    for concept in rng.sample(concepts, len(concepts)):
        form = rng.choice(concept.words[language])
        words.append(form.participle if form.participle and rng.random() < 0.3 else form.text)
        while rng.random() < 0.4:
            words.append(rng.choice(filler))
    return " ".join(words)


def keyword_triple(rng: Random, _longest: int) -> Triple:
    first, second = languages(rng)
    main = rng.choice(DRAWN_NOUNS if rng.random() < 0.6 else all_concepts())
    others = [rng.choice(VERBS), rng.choice(QUALITIES), rng.choice(all_concepts())]
    shared = [main, *rng.sample(others, rng.randrange(3))]
    # What stands beside the shared words in a passage is mostly what belongs to them.
    near = list(neighbours()[main.index]) or [rng.choice(all_concepts())]
    beside = [rng.choice(near) for _ in range(rng.randrange(3))]
    wrong = [rng.choice(all_concepts()), *shared[1:], *beside]
    return Triple(
        keywords(rng, shared, first),
        keywords(rng, [*shared, *beside], second),
        keywords(rng, wrong, second),
        main.index,
    )


def related_triple(rng: Random, longest: int) -> Triple:
    """A thing and what belongs to it: passages often answer without naming what was asked for."""
    first, second = languages(rng)
    main = rng.choice(DRAWN_NOUNS)
    near = list(neighbours()[main.index])
    if len(near) < 2:
        return keyword_triple(rng, longest)
    told = rng.sample(near, min(len(near), rng.randrange(2, 5)))
    wrong = [rng.choice(all_concepts()) for _ in told]
    asked = [main, *([told[0]] if rng.random() < 0.4 else [])]
    return Triple(
        keywords(rng, asked, first),
        keywords(rng, told, second),
        keywords(rng, wrong, second),
        main.index,
    )


def invented_triple(rng: Random, longest: int) -> Triple:
    """Unknown words in both texts; the near miss shares some of them, not all."""
    first, second = languages(rng)
    words = [invent(rng) for _ in range(rng.randrange(1, 6))]
    length = len(words) + rng.randrange(4, 8 + 12 * longest)
    kept = rng.sample(words, len(words) // 2)
    return Triple(
        salad(rng, words, first, len(words) + rng.randrange(6)),
        salad(rng, rng.sample(words, len(words)), second, length),
        salad(rng, kept, second, length),
        -1 - rng.randrange(1 << 30),
    )


MAKERS: tuple[tuple[Callable[[Random, int], Triple] | None, float], ...] = (
    (None, 0.42),  # The written items: drawn by a walk, not each on its own.
    (cloud_triple, 0.16),
    (question_triple, 0.10),
    (paraphrase_triple, 0.04),
    (keyword_triple, 0.10),
    (related_triple, 0.03),
    (invented_triple, 0.15),
)


def triples(seed: int, longest: int, near: Near = ()) -> Iterator[Triple]:
    """An endless stream; `longest` is the most sentences that stand around an answer, `near` what
    `ItemWalk` walks along. None holds five words in a row of a held-out text."""
    rng = Random(seed)
    walk = ItemWalk(near)
    makers, shares = zip(*MAKERS, strict=True)
    while True:
        make: Callable[[Random, int], Triple] | None = rng.choices(makers, shares)[0]
        triple = item_triple(rng, longest, walk) if make is None else make(rng, longest)
        if not any(five_grams(text) & forbidden() for text in triple.texts):
            yield triple
