"""Who speaks, where captions say so in words: ``Anna:``, ``>> Anna:``, ``>>``.

A prefix is taken for a speaker only on the evidence of the whole file: it looks like a name, and
it recurs or stands among other names. Everything else with a colon (``http:``, ``12:30``,
``Ich sage mal: …``) is speech.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.formats.characters import clean_text
from pipeline.values import Span, Transcript

_TURN_MARK = r"(?:>>|&gt;&gt;)(?:>|&gt;)*"
_PREFIX = re.compile(rf"[ \t]*(?:{_TURN_MARK}[ \t]*)?(?P<who>[^\n:<>&]{{1,60}}):(?=\s)")
_TURN = re.compile(rf"[ \t]*{_TURN_MARK}[ \t]*")
_MARKED = re.compile(r"[ \t]*<b>(?P<who>[^<>\n]+):</b>[ \t]*")
_ROLE = re.compile(r" ?\([^()]{1,30}\)$")
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_NUMBERED = re.compile(r"(?:speaker|sprecher|sprecherin|person|spk)[ _-]?\d{1,3}", re.IGNORECASE)
_PARTICLE_WORDS = (
    "von van vom zu zur der den de da di do dos du del della la le ten ter bin ibn al el af av y e"
)
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_OPENERS = """
achtung hinweis beispiel zum wichtig frage fragen antwort antworten fazit ergebnis problem
lösung vorteil nachteil thema ziel idee stichwort motto erstens zweitens drittens punkt also und
oder aber das die der den dem ein eine es ich wir sie er ihr du man so dann da hier nun jetzt ja
nein genau nur noch wie was wer wo wann warum anmerkung quelle link kapitel teil musik intro
outro ps nb usw zitat
note warning example for important question questions answer answers conclusion result solution
topic goal idea first firstly second secondly third thirdly point and or but the a an it i we
they he she you this that these those here there now yes no just only like how what who where
when why source chapter part music quote remember my your our his her their its is are was
http https ftp file mailto
"""
"""What opens a sentence with a colon in speech, German and English."""

_NO_NAMES = frozenset(_OPENERS.split())
_LABELLED_SHARE = 0.03
_DENSE_SHARE = 0.2
_RECURS = 3


@dataclass(frozen=True, slots=True)
class Speakers:
    """The speakers of a transcript, and when they speak: what is known of an edited file of it."""

    names: frozenset[str]
    turns: tuple[Span, ...]

    @classmethod
    def of(cls, transcript: Transcript) -> Speakers:
        named = [one for one in transcript.segments if one.speaker]
        return cls(
            frozenset(clean_text(one.speaker or "") for one in named),
            tuple(Span(one.start_ms, one.end_ms) for one in named),
        )

    def names_in(self, text: str, start_ms: int, end_ms: int) -> frozenset[str]:
        """The prefixes of a cue that are speakers: those known, and what looks like a name where a
        known one was written. Everything else is speech."""
        found = _PREFIX.match(text + " ")
        if found is None or not _looks_like_name(found["who"].strip()):
            return self.names
        middle_ms = (start_ms + end_ms) // 2
        if any(turn.start_ms <= middle_ms < turn.end_ms for turn in self.turns):
            return self.names | {found["who"].strip()}
        return self.names


def split_speaker(line: str, names: frozenset[str]) -> tuple[str | None, str] | None:
    """(speaker, rest of the line) where ``line`` opens a turn; the speaker is None after a bare
    ``>>``. None where it opens none. ``line`` is raw caption text, tags and entities included."""
    if marked := _MARKED.match(line):
        return marked["who"], line[marked.end() :]
    prefix = _PREFIX.match(line)
    if prefix and prefix["who"].strip() in names:
        return prefix["who"].strip(), line[prefix.end() :]
    if turn := _TURN.match(line):
        return None, line[turn.end() :]
    return None


def opens_like_a_turn(text: str) -> bool:
    """Whether a reader might take the start of ``text`` for a speaker."""
    return any(form.match(text + " ") for form in (_PREFIX, _TURN, _MARKED))


def is_name_alone(name: str) -> bool:
    """Whether ``name:`` in front of a caption can be told from speech by its look."""
    prefix = _PREFIX.match(f"{name}: ")
    return prefix is not None and prefix[0] == f"{name}:" and _looks_like_name(name)


def learn_names(texts: Iterable[str]) -> frozenset[str]:
    """The prefixes that are speakers, from the raw texts of all cues of a file."""
    counts: Counter[str] = Counter()
    cues = 0
    for text in texts:
        cues += 1
        if ":" not in text:
            continue
        for line in text.split("\n"):
            if found := _MARKED.match(line) or _PREFIX.match(line + " "):
                counts[found["who"].strip()] += 1
    named = {name: count for name, count in counts.items() if _looks_like_name(name)}
    share = sum(named.values()) / max(cues, 1)
    if share >= _LABELLED_SHARE:
        for name, count in counts.items():
            if count >= _RECURS and _could_be_handle(name):
                named[name] = count
    sure = {name for name, count in named.items() if _is_sure(name, count, share)}
    first_names = {name.split()[0] for name in sure if " " in name}
    return frozenset(sure | (first_names & named.keys()))


def _is_sure(name: str, count: int, share: float) -> bool:
    if _NUMBERED.fullmatch(name):
        return True
    if count >= _RECURS or share >= _DENSE_SHARE:
        return True
    return share >= _LABELLED_SHARE and (count > 1 or " " in name)


def _looks_like_name(name: str) -> bool:
    if _NUMBERED.fullmatch(name):
        return True
    words = _ROLE.sub("", name).split(" ")
    if not 1 <= len(words) <= 4 or words[0].casefold().rstrip(".") in _NO_NAMES:
        return False
    return not _is_particle(words[0]) and all(_is_name_word(word) for word in words)


def _is_name_word(word: str) -> bool:
    if _is_particle(word):
        return True
    return _WORD.fullmatch(word) is not None and not word[0].islower()


def _is_particle(word: str) -> bool:
    return word in _PARTICLES


def _could_be_handle(name: str) -> bool:
    """A user name such as ``timpritlove``: one word, lower case allowed."""
    return _WORD.fullmatch(name) is not None and name.casefold() not in _NO_NAMES
