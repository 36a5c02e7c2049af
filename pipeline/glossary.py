"""The glossary: one TOML file of names and terms that recognition and search should know.

    [[term]]
    term = "LoRaWAN"                           # as it is to be written; needed
    wrong = ["Lora Wan", "Laura Wahn"]         # how it has been misspelt in transcripts
    synonyms = ["Funknetz für Zähler"]         # other words for it, in any language;
    de = ["Weitverkehrsfunk"]                  # … or by language, which means the same
    en = ["long-range radio network"]
    collection = "Digitalisierung"             # a collection, or a list of them; without: all

What becomes of an entry:

- ``term`` is told to the speech model before it listens (a hint), first for recordings of the
  term's collection. Terms of other collections are left out.
- Whoever searches for ``term``, a synonym or a wrong spelling finds the others as well.
- ``interviews glossary suggest`` lists where ``wrong`` and similar spellings stand, with the
  command that would replace them. Nothing is ever replaced unasked.

Where ``synonyms``, ``de``, ``en``, ``wrong`` and ``collection`` hold a single value, the brackets
may be left out. Every mistake is BadInput with the line, the key and the nearest known key. A bad
glossary loses no recording and hides none: ``interviews run`` says so before it recognises
anything (a nightly run goes on without hints), and search goes on without synonyms and says that.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pipeline.errors import BadInput

FILE_NAME = "glossary.toml"
"""Looked for in the home directory where the settings name no other."""

LARGEST_FILE = 1_000_000
"""Bytes; some ten thousand terms. The file is read before every search that follows a change."""

LONGEST_NAME = 100
"""Characters of a term, synonym or spelling."""

_LISTS = ("wrong", "synonyms", "de", "en", "collection")
_KEYS = ("term", *_LISTS)
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*\"?term\"?[ \t]*\]\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Term:
    """A term, its misspellings and its synonyms in any language. No ``collections``: for all."""

    name: str
    wrong: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()

    @property
    def forms(self) -> tuple[str, ...]:
        """Everything that stands for the term, the term first."""
        return (self.name, *self.synonyms, *self.wrong)


@dataclass(frozen=True, slots=True)
class Glossary:
    """The terms in the order of the file."""

    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Clash:
    """Two entries that do not go together: ``form`` of ``term`` is also a form of ``other``.

    ``kind``: "double" (one term twice), "corrects_term" (a wrong spelling that is a term or a
    synonym elsewhere), "two_ways" (one wrong spelling of two terms).
    """

    kind: str
    form: str
    term: str
    other: str


def hotwords(glossary: Glossary, collection: str | None, budget: int) -> tuple[str, ...]:
    """What to tell the speech model before a recording of ``collection``: that collection's terms
    first, then those of no collection. At most ``budget``, the tokens that a prompt can have:
    each term takes one at least, and the model itself leaves out what does not fit."""
    own = [term.name for term in glossary.terms if _belongs(term, collection)]
    general = [term.name for term in glossary.terms if not term.collections]
    return tuple(dict.fromkeys([*own, *general]))[:budget]


def _belongs(term: Term, collection: str | None) -> bool:
    return collection is not None and fold(collection) in map(fold, term.collections)


def fold(text: str) -> str:
    """A form by which spellings are held against each other: compatible characters, lower case,
    single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def clashes(glossary: Glossary) -> Iterator[Clash]:
    """Doubles and contradictions, in the order of the file."""
    terms: dict[str, str] = {}
    spellings: dict[str, str] = {}
    right = {fold(form): t.name for t in glossary.terms for form in (*t.synonyms, t.name)}
    for term in glossary.terms:
        if fold(term.name) in terms:
            yield Clash("double", term.name, term.name, terms[fold(term.name)])
        terms.setdefault(fold(term.name), term.name)
        for form in term.wrong:
            # The same letters in other cases are a spelling of their own: Lorawan, LoRaWAN.
            meant = right.get(fold(form))
            if meant is not None and (meant != term.name or form in (term.name, *term.synonyms)):
                yield Clash("corrects_term", form, term.name, meant)
            if spellings.setdefault(fold(form), term.name) != term.name:
                yield Clash("two_ways", form, term.name, spellings[fold(form)])


def example() -> str:
    """A glossary to begin with."""
    return files("pipeline").joinpath("glossary_example.toml").read_text(encoding="utf-8")


class GlossaryFile:
    """A glossary on disk, read again whenever it has changed.

    ``required`` says that a person named the file: then it must be there. Otherwise a missing
    file is a glossary without terms.
    """

    def __init__(self, path: Path, *, required: bool) -> None:
        self.path = path
        self._required = required
        self._known: tuple[object, Glossary] | None = None

    def read(self) -> Glossary:
        """What the file says now; the very same value while the file stays as it is.

        Raises BadInput (``glossary.*``).
        """
        try:
            found = self.path.stat()
            state = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
            if self._known is None or self._known[0] != state:
                self._known = (state, read_glossary(self.path))
            return self._known[1]
        except FileNotFoundError as error:
            if self._required:
                raise BadInput("glossary.missing", path=str(self.path)) from error
            return Glossary()
        except OSError as error:
            raise _unreadable(self.path, error) from error


def read_glossary(path: Path) -> Glossary:
    """The glossary in ``path``. Raises FileNotFoundError, and BadInput (``glossary.*``) for all
    that is wrong with it."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise BadInput("glossary.too_large", path=str(path), limit=LARGEST_FILE)
        written = content.decode("utf-8-sig").replace("\r\n", "\n")
        table = tomllib.loads(written)
    except FileNotFoundError:
        raise
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, error) from error
    return _Reader(path, written).glossary(table)


def _unreadable(path: Path, error: Exception) -> BadInput:
    detail = error.strerror if isinstance(error, OSError) else str(error)
    return BadInput("glossary.unreadable", path=str(path), detail=detail or type(error).__name__)


class _Reader:
    """Turns the parsed file into terms, and knows the lines for what is wrong."""

    def __init__(self, path: Path, written: str) -> None:
        self._path = path
        self._written = written
        self._headers = [found.span() for found in _HEADER.finditer(written)]

    def glossary(self, table: dict[str, object]) -> Glossary:
        for key in table:
            if key != "term":
                raise self._unknown(key, "term", self._line(key, 0, len(self._written)))
        rows = table.get("term", [])
        if not isinstance(rows, list):
            line = self._line("term", 0, len(self._written))
            raise BadInput("glossary.not_terms", path=str(self._path), line=line)
        return Glossary(tuple(self._term(number, row) for number, row in enumerate(rows)))

    def _term(self, number: int, row: object) -> Term:
        if not isinstance(row, dict):
            line = self._line_of(number, "term")
            raise BadInput("glossary.not_terms", path=str(self._path), line=line)
        for key in row:
            if key not in _KEYS:
                near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.0)[0]
                raise self._unknown(key, near, self._line_of(number, key))
        if "term" not in row:
            line = self._line_of(number, "term")
            raise BadInput("glossary.no_term", path=str(self._path), line=line)
        names = self._names(number, "term", row["term"])
        if isinstance(row["term"], list) or not names:
            raise self._bad_value(number, "term")
        lists = {key: self._names(number, key, row.get(key, [])) for key in _LISTS}
        synonyms = dict.fromkeys((*lists["synonyms"], *lists["de"], *lists["en"]))
        return Term(names[0], lists["wrong"], tuple(synonyms), lists["collection"])

    def _names(self, number: int, key: str, value: object) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise self._bad_value(number, key)
        composed = (unicodedata.normalize("NFC", one) for one in given)
        names = dict.fromkeys(" ".join(one.split()) for one in composed)
        for name in names:
            if not _usable(name):
                line = self._line_of(number, key)
                shown = "".join(sign for sign in name[:40] if sign.isprintable())
                raise BadInput(
                    "glossary.bad_name",
                    path=str(self._path),
                    line=line,
                    key=key,
                    name=shown,
                    limit=LONGEST_NAME,
                )
        return tuple(names)

    def _bad_value(self, number: int, key: str) -> BadInput:
        line = self._line_of(number, key)
        return BadInput("glossary.bad_value", path=str(self._path), line=line, key=key)

    def _unknown(self, key: str, near: str, line: int) -> BadInput:
        shown = key[:40]
        path = str(self._path)
        return BadInput("glossary.unknown_key", path=path, line=line, key=shown, nearest=near)

    def _line_of(self, number: int, key: str) -> int:
        """The line of a key in the entry of that number; the entry's first where it is not seen."""
        if number >= len(self._headers):  # written as a list of tables in one line, say
            return self._line("term", 0, len(self._written))
        begin, inside = self._headers[number]
        ends = [*(header[0] for header in self._headers[number + 1 :]), len(self._written)]
        return self._line(key, inside, ends[0]) or self._line("term", begin, ends[0])

    def _line(self, key: str, begin: int, end: int) -> int:
        """The first line that sets a key or opens a table of that name; 0 without one."""
        pattern = rf"^[ \t]*\[{{0,2}}[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[=.\]]"
        found = re.compile(pattern, re.MULTILINE).search(self._written, begin, end)
        return self._written.count("\n", 0, found.start()) + 1 if found else 0


def _usable(name: str) -> bool:
    """Something to write and to look for: not too long, nothing unprintable, a letter or digit."""
    return len(name) <= LONGEST_NAME and name.isprintable() and any(sign.isalnum() for sign in name)
