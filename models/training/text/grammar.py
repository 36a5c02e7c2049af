"""From concepts to sentences: one `Fact` can be said and asked in both languages in many ways."""

from dataclasses import dataclass, replace
from random import Random

from models.training.text.lexicon import Concept, Form, Frame, all_concepts, all_frames, neighbours

ARTICLES = {
    "": {"m": "der", "f": "die", "n": "das", "p": "die"},
    "4": {"m": "den", "f": "die", "n": "das", "p": "die"},
    "3": {"m": "dem", "f": "der", "n": "dem", "p": "den"},
}
NUMBERS_DE = [
    "drei",
    "acht",
    "fünfzehn",
    "zwanzig",
    "dreißig",
    "vierzig",
    "siebzig",
    "hundert",
    "tausend",
]
NUMBERS_EN = [
    "three",
    "eight",
    "fifteen",
    "twenty",
    "thirty",
    "forty",
    "seventy",
    "hundred",
    "thousand",
]
FIRST_NAMES = [
    "Anna",
    "Jonas",
    "Sabine",
    "Mehmet",
    "Petra",
    "Lukas",
    "Claire",
    "Oliver",
    "Fatima",
    "Peter",
    "Ines",
    "Tom",
]
LAST_NAMES = [
    "Krüger",
    "Weber",
    "Yılmaz",
    "Smith",
    "Hoffmann",
    "Novak",
    "Brandt",
    "Taylor",
    "Petersen",
    "Lang",
]
PLACE_STARTS = [
    "Alt",
    "Neu",
    "Ober",
    "Unter",
    "Linden",
    "Eichen",
    "Wester",
    "Kirch",
    "Wald",
    "Birken",
    "Sonn",
    "Mühl",
]
PLACE_ENDS = ["stadt", "dorf", "hausen", "berg", "heim", "bach", "furt", "tal", "feld", "kirchen"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What is meant, without words: a frame, the thing, and what fills the other places."""

    frame: Frame
    thing: Concept
    other: Concept
    verb: Concept
    quality: Concept
    number: int
    year: int
    person: str
    place: str


def of_kind(kind: str) -> tuple[Concept, ...]:
    return tuple(c for c in all_concepts() if c.kind == kind)


NOUNS = tuple(c for c in of_kind("noun") if c.words["de"][0].gender)
# Things of the trade are drawn three times as often as everyday words.
DRAWN_NOUNS = NOUNS + tuple(c for c in NOUNS if c.related) * 2
VERBS, QUALITIES = of_kind("verb"), of_kind("adjective")


def random_fact(rng: Random, thing: Concept | None = None) -> Fact:
    thing = thing or rng.choice(DRAWN_NOUNS)
    near = tuple(c for c in neighbours()[thing.index] if c.kind == "noun")
    return Fact(
        frame=rng.choice(all_frames()),
        thing=thing,
        other=rng.choice(near if near and rng.random() < 0.8 else NOUNS),
        verb=rng.choice(VERBS),
        quality=rng.choice(QUALITIES),
        number=rng.randrange(len(NUMBERS_DE)) if rng.random() < 0.3 else rng.randrange(2, 900),
        year=rng.randrange(1900, 2060),
        person=f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}",
        place=rng.choice(PLACE_STARTS) + rng.choice(PLACE_ENDS),
    )


def near_miss(rng: Random, fact: Fact) -> Fact:
    """The same frame about another thing: of the same topic where there is one."""
    same = [c for c in NOUNS if c.topic == fact.thing.topic and c.index != fact.thing.index]
    thing = rng.choice(same if same and rng.random() < 0.7 else NOUNS)
    return replace(fact, thing=thing, verb=rng.choice(VERBS))


def pick(rng: Random, concept: Concept, language: str) -> Form:
    return rng.choice(concept.words[language])


def noun(rng: Random, concept: Concept, language: str, case: str) -> str:
    form = pick(rng, concept, language)
    style = rng.random()
    if style < 0.25 or (language == "de" and not form.gender):
        return form.text
    if language == "en":
        return f"{rng.choice(('the', 'the', 'our', 'this'))} {form.text}"
    ending = {"": ("", "e", "", "e"), "4": ("en", "e", "", "e"), "3": ("em", "er", "em", "en")}
    if style < 0.5:
        return (
            f"{rng.choice(('unser', 'ihr'))}{ending[case]['mfnp'.index(form.gender)]} {form.text}"
        )
    return f"{ARTICLES[case][form.gender]} {form.text}"


def number_word(rng: Random, number: int, language: str) -> str:
    words = NUMBERS_DE if language == "de" else NUMBERS_EN
    return words[number] if number < len(words) and rng.random() < 0.8 else str(number)


def fill(rng: Random, template: str, fact: Fact, language: str) -> str:
    verb = pick(rng, fact.verb, language)
    text = template
    for case in ("", "3", "4"):
        text = text.replace(f"{{A{case}}}", noun(rng, fact.thing, language, case))
        text = text.replace(f"{{B{case}}}", noun(rng, fact.other, language, case))
    for slot, value in (
        ("{V}", verb.participle),
        ("{W}", verb.text),
        ("{J}", pick(rng, fact.quality, language).text),
        ("{N}", number_word(rng, fact.number, language)),
        ("{Y}", str(fact.year)),
        ("{P}", fact.person),
        ("{O}", fact.place),
    ):
        text = text.replace(slot, value)
    return text[0].upper() + text[1:]


def statement(rng: Random, fact: Fact, language: str) -> str:
    return fill(rng, rng.choice(fact.frame.templates[language + "s"]), fact, language)


def question(rng: Random, fact: Fact, language: str) -> str:
    return fill(rng, rng.choice(fact.frame.templates[language + "q"]), fact, language)
