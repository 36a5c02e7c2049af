"""Titles of chapters: the two to four words that tell each from the others, as they were said.

A word tells by how often it is said in the chapter and in how few others (tf-idf), and more so in
what opens it, mostly a question. Nouns are preferred, known in German by their capital within a
sentence and in English by the little words around them; names of those who talk are left out.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.stages.sentences import TimedSentence

MOST = 4
"""Words of a title."""

NOTHING = "…"
"""The title of a chapter that has no telling word."""

_FEWEST = 2
_OPENING, _OPENING_WEIGHT = 2, 1.5
_PLAIN = 0.3
"""What another word is worth beside a noun."""

_NAME = 1.5
"""What an English name is worth beside another noun."""

_ADDRESSED = re.compile(
    r"\b(?:(?:herrn?|frau|mr|mrs|ms|dr|doktor|doctor|professor)\.? )+([^\W\d_][\w-]*)",
    re.IGNORECASE,
)
"""The name of a person, who mostly is there: it does not tell a chapter from the others."""

_REPEATED = 0.8
"""How much saying a word again counts: with 1 as much as the first time."""

_ALIKE = 0.5
"""Beyond the second, words worth less than this share of the best are left out."""


class Found(Protocol):
    """A telling word of a text: its stem, its place, and how surely (0 to 1) it is, by the words
    around it, an English noun."""

    @property
    def term(self) -> str: ...
    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def noun(self) -> float: ...


Words = Callable[[str, str | None], Sequence[Found]]
"""The telling words of a text in a language, in order."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A word where it is said: a compound with hyphens is one word."""

    term: str
    form: str
    sentence: int
    begin: int
    end: int
    noun: float


@dataclass(slots=True)
class _Word:
    """All that is known of a word of a chapter. ``weight`` counts how often it is said."""

    first: _Said
    forms: Counter[str] = field(default_factory=Counter)
    within: Counter[str] = field(default_factory=Counter)
    weight: float = 0.0
    noun: float = 0.0

    @property
    def form(self) -> str:
        """The spelling it has most often, of equals the first; a sentence's first word has its
        capital for another reason."""
        return (self.within or self.forms).most_common(1)[0][0]

    @property
    def capital(self) -> bool:
        return bool(self.within) and self.form[:1].isupper()


def titles(
    chapters: Sequence[Sequence[TimedSentence]], people: Sequence[str], words: Words
) -> list[str]:
    """A title for each chapter, of words that are said in it, in order of first appearance; none
    is a name of ``people`` nor of those who speak or are spoken to."""
    everything = [sentence for chapter in chapters for sentence in chapter]
    cased = any(sentence.text != sentence.text.lower() for sentence in everything)
    left_out = _names(everything, people, words, cased)
    found = [_words_of(chapter, words, left_out) for chapter in chapters]
    spread = Counter(term for own in found for term in own)
    return [
        _title(chapter, own, _telling(chapter, own, spread, len(chapters), cased))
        for chapter, own in zip(chapters, found, strict=True)
    ]


def _names(
    sentences: Sequence[TimedSentence], people: Sequence[str], words: Words, cased: bool
) -> set[str]:
    """The names of all who take part, as terms and in lower case."""
    whole = {*people, *(s.speaker for s in sentences if s.speaker)}
    names = {part for name in whole for part in name.split()}
    for sentence in sentences:
        called = _ADDRESSED.findall(sentence.text)
        names |= {name for name in called if not cased or name[0].isupper()}
    terms = {found.term for name in sorted(names) for found in words(name, None)}
    return terms | {name.lower() for name in names}


def _words_of(
    chapter: Sequence[TimedSentence], words: Words, left_out: set[str]
) -> dict[str, _Word]:
    found: dict[str, _Word] = {}
    for number, sentence in enumerate(chapter):
        opening = number < _OPENING
        for said in _said(number, sentence, words):
            if said.term in left_out or said.form.lower() in left_out:
                continue
            word = found.setdefault(said.term, _Word(said))
            word.forms[said.form] += 1
            if said.begin and sentence.text[: said.begin].strip(" \"'„“«»(–-"):
                word.within[said.form] += 1
            word.weight += _OPENING_WEIGHT if opening else 1.0
            word.noun = max(word.noun, said.noun)
    return found


def _said(number: int, sentence: TimedSentence, words: Words) -> Iterator[_Said]:
    text = sentence.text
    groups: list[list[Found]] = []
    for one in words(text, sentence.language):
        if groups and text[groups[-1][-1].end : one.begin] in ("-", ""):
            groups[-1].append(one)
        else:
            groups.append([one])
    for group in groups:
        begin, end = group[0].begin, max(one.end for one in group)
        form = text[begin:end]
        if _is_word(form):
            term = " ".join(one.term for one in group)
            yield _Said(term, form, number, begin, end, group[-1].noun)


def _is_word(form: str) -> bool:
    """Whether it is no bare number and no stray letter."""
    letters = sum(character.isalpha() for character in form)
    return letters > 2 or (letters > 1 and form.isupper())


def _telling(
    chapter: Sequence[TimedSentence],
    own: dict[str, _Word],
    spread: Counter[str],
    count: int,
    cased: bool,
) -> list[str]:
    """The terms of the title, the most telling first."""

    def worth(term: str) -> float:
        word = own[term]
        rarity = math.log(1 + count / spread[term])
        return math.pow(word.weight, _REPEATED) * rarity * _kind(chapter, word, cased)

    worths = {term: worth(term) for term in own}
    ranked = sorted(own, key=lambda t: (-worths[t], own[t].first.sentence, own[t].first.begin))
    least = worths[ranked[0]] * _ALIKE if ranked else 0.0
    return [t for place, t in enumerate(ranked[:MOST]) if place < _FEWEST or worths[t] >= least]


def _kind(chapter: Sequence[TimedSentence], word: _Word, cased: bool) -> float:
    if chapter[word.first.sentence].language == "en":
        return _NAME if word.capital else max(word.noun, _PLAIN)
    return 1.0 if word.capital or not cased else _PLAIN


def _title(chapter: Sequence[TimedSentence], own: dict[str, _Word], chosen: Sequence[str]) -> str:
    """The words, those said in one breath side by side and as there, the others after a comma."""
    order = sorted(chosen, key=lambda term: (own[term].first.sentence, own[term].first.begin))
    breaths: list[list[str]] = []
    for term in order:
        if breaths and _follows(chapter, own, breaths[-1][-1], term):
            breaths[-1].append(term)
        else:
            breaths.append([term])
    title = ", ".join(_spelt(own, breath) for breath in breaths)
    said = {sentence.text.strip(" .?!…") for sentence in chapter}
    if len(order) > 1 and title in said:
        return _title(chapter, own, chosen[:-1])
    first = re.split(r"[ ,]", title, maxsplit=1)[0]
    return title[:1].upper() + title[1:] if first.islower() else title or NOTHING


def _spelt(own: dict[str, _Word], breath: Sequence[str]) -> str:
    if len(breath) == 1:
        return own[breath[0]].form
    return " ".join(own[term].first.form for term in breath)


def _follows(
    chapter: Sequence[TimedSentence], own: dict[str, _Word], before: str, term: str
) -> bool:
    one, other = own[before].first, own[term].first
    text = chapter[one.sentence].text
    return one.sentence == other.sentence and text[one.end : other.begin] == " "
