"""Phrases: words looked for in running text, as people type them and recognisers write them.

Text is handled as tokens, which is what stands between white spaces. A phrase stands *exactly*
where its tokens do, other punctuation around them aside; it stands *loosely* where its words do,
whatever their case and the punctuation around each of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import chain

_MARKS = ".,;:!?…"
_WEAK_MARKS = ",;:"
_FINAL_MARKS = (".", "!", "?", "…")
_DASHES = "–—-"
_OPENERS = "\"'„“”‚‘’»«›‹([{¿¡…*–—"
_CLOSERS = "\"'”“„’‘‚»«›‹)]}*–—-" + _MARKS
# A hyphen before a digit is a sign, and ".NET" is a name; dots in numbers lead in as "…" does.
_LEAD = re.compile(rf"(?:[{re.escape(_OPENERS)}]|-(?!\d)|\.{{2,}})*")


def parts(token: str) -> tuple[str, str, str]:
    """The punctuation before, the word, the punctuation after; of mere punctuation all is before.

    Signs that belong to a word (``5%``, ``C++``, ``-3``, ``§``) stay with it.
    """
    lead = _lead_of(token)
    core = token[len(lead) :].rstrip(_CLOSERS)
    if not core:
        return token, "", ""
    return lead, core, token[len(lead) + len(core) :]


def _lead_of(token: str) -> str:
    found = _LEAD.match(token)
    return found[0] if found else ""


def key(token: str) -> str:
    """What two spellings of a word have in common: no case, no punctuation around it."""
    return unicodedata.normalize("NFC", parts(token)[1]).casefold() or token


def caseless(text: str) -> str:
    """A text without case, accents composed: what is found in another whatever its case is found
    in this way, too."""
    lower = text.casefold()
    return lower if lower.isascii() else unicodedata.normalize("NFC", lower).replace("ı", "i")


def is_word(token: str) -> bool:
    return bool(parts(token)[1])


# --- finding -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found in ``tokens[first:last + 1]``, with the punctuation around that is not its
    own. ``length`` is that of an exactly matched phrase in characters, 0 of a loose one."""

    first: int
    last: int
    before: str
    after: str
    length: int

    def surrounds(self, other: Match) -> bool:
        """Whether this match explains what stands there better than ``other`` does."""
        mine, others = (self.first, self.last), (other.first, other.last)
        if mine == others:
            return self.length > other.length
        return self.first <= other.first and other.last <= self.last


def exact_matches(tokens: Sequence[str], phrase: Sequence[str]) -> Iterator[Match]:
    """Wherever ``phrase`` (tokens, too) stands exactly."""
    size = len(phrase)
    length = sum(map(len, phrase)) + size - 1
    for first in range(len(tokens) - size + 1 if size else 0):
        around = _around(tokens[first : first + size], phrase)
        if around:
            yield Match(first, first + size - 1, *around, length)


def _around(tokens: Sequence[str], phrase: Sequence[str]) -> tuple[str, str] | None:
    """The punctuation around ``phrase`` in as many ``tokens``; None if it is not that phrase."""
    if len(phrase) == 1:
        before, found, after = tokens[0].partition(phrase[0])
    else:
        if list(tokens[1:-1]) != list(phrase[1:-1]) or not tokens[-1].startswith(phrase[-1]):
            return None
        before = tokens[0].removesuffix(phrase[0])
        found = tokens[0][len(before) :]
        after = tokens[-1][len(phrase[-1]) :]
    fitting = found and _lead_of(tokens[0]).startswith(before) and not after.strip(_CLOSERS)
    return (before, after) if fitting else None


def loose_matches(tokens: Sequence[str], phrase: Sequence[str]) -> Iterator[Match]:
    """Wherever the words of ``phrase`` stand in any spelling, mere punctuation between them or
    not. Punctuation around the whole that ``phrase`` has as well belongs to the match."""
    wanted = [key(token) for token in phrase if is_word(token)]
    places = [place for place, token in enumerate(tokens) if is_word(token)]
    keys = [key(tokens[place]) for place in places]
    for begin in range(len(keys) - len(wanted) + 1 if wanted else 0):
        if keys[begin : begin + len(wanted)] == wanted:
            first, last = places[begin], places[begin + len(wanted) - 1]
            before = parts(tokens[first])[0].removesuffix(parts(phrase[0])[0])
            after = parts(tokens[last])[2].removeprefix(parts(phrase[-1])[2])
            yield Match(first, last, before, after, 0)


def matches(tokens: Sequence[str], phrase: Sequence[str]) -> list[Match]:
    """Exact matches, and loose ones elsewhere; in order."""
    exact = list(exact_matches(tokens, phrase))
    loose = [
        match
        for match in loose_matches(tokens, phrase)
        if not any(other.first <= match.last and match.first <= other.last for other in exact)
    ]
    return sorted(chain(exact, loose), key=lambda match: match.first)


def letters(tokens: Sequence[str]) -> str:
    """The words run together, to compare what was cut into words otherwise."""
    return "".join(key(token) for token in tokens if is_word(token))


def likeness(one: str, other: str, least: float) -> float:
    """How alike two runs of letters are, 0 to 1 (Ratcliff and Obershelp); 0 below ``least``."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= least else 0.0


# --- writing -----------------------------------------------------------------------------------


def put_together(before: str, now: str, after: str) -> str:
    """Human text between the punctuation that stood around the machine's. Marks that it brings
    along stand in place of those that follow."""
    if now.endswith(tuple(_MARKS)):
        after = after.lstrip(_MARKS)
    return f"{before}{now}{after}"


def stays_of(before: str, after: str) -> tuple[str, str]:
    """Of the punctuation around a word that goes: what the following word gets in front, what the
    preceding one gets behind. Quotation marks and brackets that enclose the word go with it, and
    so does a dash."""
    after = after.strip(_DASHES)
    marks = "".join(mark for mark in after if mark in _MARKS)
    return ("", marks) if before and marks != after else (before, after)


def closed(token: str, after: str) -> str:
    """A token with the punctuation of a word that stood behind it and is gone."""
    if not after.strip(_WEAK_MARKS):
        return token + after if token[-1:].isalnum() else token
    if token.endswith(_FINAL_MARKS):
        return token + after.lstrip(_MARKS)
    return token.rstrip(_WEAK_MARKS) + after


def trimmed(was: str, now: str) -> tuple[str, str]:
    """Both texts without the punctuation around them that they have in common. A mark alone that
    is to stay is a text, not nothing: what goes would take it along."""
    if not was or not now:
        return was, now
    before, core, after = parts(was)
    # A mark that stands by itself is a word like others here.
    before, after = "" if core[:1].isspace() else before, "" if core[-1:].isspace() else after
    if not core:
        return was, now
    rest = now.removeprefix(before)
    lead = _lead_of(rest)
    if (
        rest
        and now.startswith(before)
        and not (rest[:1].isspace() or (lead and before.endswith(lead)))
    ):
        was, now = was.removeprefix(before), rest
    rest = now.removesuffix(after)
    if rest and now.endswith(after) and not (rest[-1:].isspace() or rest.endswith(tuple(_CLOSERS))):
        was, now = was.removesuffix(after), rest
    return was, now


# --- terms replaced everywhere -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A term in ``text[begin:end]`` and what is to stand there."""

    begin: int
    end: int
    now: str


def occurrences(text: str, was: str, now: str) -> list[Occurrence]:
    """Where the term ``was`` stands in ``text`` as whole words and is to become ``now``.

    Words end where letters and digits do. A hyphen is such an end, so that "Werke" is found in
    "Werke-Verbund", not in "Stadtwerke"; a hyphen of the term itself must stand there. Any white
    space parts the words of a term.

    Case as in editors (Emacs): a term with a capital is found in exactly that spelling, one in
    lower case in any. ``now`` is written exactly as typed, unless both are in lower case: then
    "Term" becomes "Name" and "TERM" becomes "NAME". Where ``now`` stands already nothing is found.
    """
    was, now = " ".join(was.split()), " ".join(now.split())
    if not was:
        return []
    any_case = was == was.lower()
    carried = any_case and now == now.lower()
    standing = [m.span() for m in _term(now, carried).finditer(text)] if now else []
    return [
        Occurrence(match.start(), match.end(), _cased(match[0], now) if carried else now)
        for match in _term(was, any_case).finditer(text)
        if not any(first <= match.start() and match.end() <= last for first, last in standing)
    ]


@lru_cache(maxsize=1024)
def _term(term: str, any_case: bool) -> re.Pattern[str]:
    letter = "[\\w\u0300-\u036f]"
    words = r"\s+".join(_spelt(word, any_case) for word in term.split())
    left = f"(?<!{letter})" if _is_letter(term[0]) else ""
    right = f"(?!{letter})" if _is_letter(term[-1]) else ""
    return re.compile(left + words + right, re.IGNORECASE if any_case else 0)


def _spelt(word: str, any_case: bool) -> str:
    """A pattern for a word, accents composed or not."""
    forms = {unicodedata.normalize(form, word): None for form in ("NFC", "NFD")}
    patterns = [re.escape(form) for form in forms]
    if any_case:
        # In capitals "ß" is two letters; "ss" in lower case is another spelling.
        patterns += [f"(?-i:{re.escape(form.upper())})" for form in forms if "ß" in form]
    return f"(?:{'|'.join(patterns)})"


def _is_letter(character: str) -> bool:
    return character.isalnum() or bool(unicodedata.combining(character))


def _cased(found: str, now: str) -> str:
    if found.isupper() and sum(map(str.isalpha, found)) > 1:
        return now.upper()
    return now[:1].upper() + now[1:] if found[:1].isupper() else now
