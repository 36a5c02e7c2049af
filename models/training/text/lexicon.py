"""The lexicon: concepts with their German and English words, read from `lexicon/*.txt`.

One line of a noun file is `German; German | English; English | related`, German nouns carry their
gender (`/m /f /n /p`), irregular participles follow `>`. All of it is written by us.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lexicon"
NOUN_FILES = ("nouns_utilities", "nouns_city", "nouns_people", "general")
SEPARABLE = [
    "zurück",
    "zusammen",
    "bereit",
    "herunter",
    "runter",
    "weiter",
    "wieder",
    "nach",
    "fest",
    "frei",
    "hoch",
    "los",
    "mit",
    "vor",
    "aus",
    "auf",
    "ein",
    "an",
    "ab",
    "um",
    "zu",
    "teil",
    "still",
    "offen",
]
INSEPARABLE = ("be", "er", "ver", "ent", "zer", "ge", "emp", "unter", "über", "wider")


@dataclass(frozen=True, slots=True)
class Form:
    """One word or short phrase; `gender` only for German nouns, `participle` only for verbs."""

    text: str
    gender: str = ""
    participle: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """A meaning with its words in both languages, most usual word first."""

    index: int
    kind: str
    topic: str
    words: dict[str, tuple[Form, ...]]
    related: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """Something that can be said or asked about a thing; keys are language + `s` or `q`."""

    name: str
    templates: dict[str, tuple[str, ...]]


def german_participle(infinitive: str) -> str:
    """Regular past participle: `reparieren` -> `repariert`, `ausbauen` -> `ausgebaut`."""
    stem = infinitive.removesuffix("n").removesuffix("e")
    if infinitive.endswith("ieren"):
        return stem + "t"
    for prefix in SEPARABLE:
        rest = infinitive.removeprefix(prefix)
        if rest != infinitive and len(rest) > 4:
            return prefix + german_participle(rest)
    ending = "et" if stem.endswith(("t", "d")) else "t"
    return stem + ending if infinitive.startswith(INSEPARABLE) else f"ge{stem}{ending}"


def english_participle(base: str) -> str:
    """Regular past participle of the first word: `switch off` -> `switched off`."""
    verb, _, rest = base.partition(" ")
    if verb.endswith("e"):
        verb += "d"
    elif verb.endswith("y") and verb[-2:-1] not in "aeiou":
        verb = verb[:-1] + "ied"
    else:
        verb += "ed"
    return f"{verb} {rest}".strip()


def parse_form(raw: str, kind: str, language: str) -> Form:
    text, _, participle = raw.strip().partition(">")
    if kind == "verb":
        regular = german_participle if language == "de" else english_participle
        return Form(text, participle=participle or regular(text))
    text, _, gender = text.partition("/")
    return Form(text, gender=gender)


def read_concepts(name: str, kind: str, first_index: int) -> list[Concept]:
    concepts: list[Concept] = []
    topic = name
    for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("@"):
            topic = line[1:]
        if not line.strip() or line[0] in "#@":
            continue
        german, english, *related = (part.strip() for part in line.split("|"))
        words = {
            "de": tuple(parse_form(raw, kind, "de") for raw in german.split(";")),
            "en": tuple(parse_form(raw, kind, "en") for raw in english.split(";")),
        }
        keys = tuple(key.strip() for key in related[0].split(",")) if related else ()
        concepts.append(Concept(first_index + len(concepts), kind, topic, words, keys))
    return concepts


@cache
def all_concepts() -> tuple[Concept, ...]:
    """Every concept, in file order; `index` is the position."""
    found: list[Concept] = []
    for name in NOUN_FILES:
        found += read_concepts(name, "noun", len(found))
    found += read_concepts("verbs", "verb", len(found))
    found += read_concepts("adjectives", "adjective", len(found))
    return tuple(found)


@cache
def neighbours() -> dict[int, tuple[Concept, ...]]:
    """Related concepts by index: those named in the file, both ways."""
    concepts = all_concepts()
    by_word = {form.text: c for c in reversed(concepts) for form in c.words["en"]}
    links: dict[int, set[int]] = {c.index: set() for c in concepts}
    for concept in concepts:
        for other in (by_word[key] for key in concept.related):
            if other.index != concept.index:
                links[concept.index].add(other.index)
                links[other.index].add(concept.index)
    return {i: tuple(concepts[j] for j in sorted(found)) for i, found in links.items()}


@cache
def all_frames() -> tuple[Frame, ...]:
    frames: list[tuple[str, dict[str, list[str]]]] = []
    for line in (FOLDER / "templates.txt").read_text("utf-8").splitlines():
        if line.startswith("="):
            frames.append((line[1:], {}))
        elif line.strip() and not line.startswith("#"):
            language, kind, text = line.split(" ", 2)
            frames[-1][1].setdefault(language + kind, []).append(text)
    return tuple(Frame(name, {k: tuple(v) for k, v in t.items()}) for name, t in frames)


@cache
def talk() -> tuple[dict[str, str], ...]:
    """Sentences of talk without a subject, as `{"de": …, "en": …}`."""
    lines = (FOLDER / "talk.txt").read_text("utf-8").splitlines()
    pairs = (line.split("|") for line in lines if line.strip() and not line.startswith("#"))
    return tuple({"de": german, "en": english} for german, english in pairs)
