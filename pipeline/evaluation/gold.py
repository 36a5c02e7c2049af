"""Questions with known answers: what search is measured against.

One JSON object a line. Either an answer in time: ``question`` (or ``query``), ``recording`` (id,
else title), ``start`` and ``end`` of the answer in seconds, optionally ``sent_start`` (start of
the very sentence), ``language`` (or ``lang``) of the question and ``grade``; or whole recordings:
``question`` and ``relevant``, a list of ids or titles. Lines with the same ``qid`` (without one:
the same question in the same language) are one question with several answers. A ``grade`` of 0
says that this is no answer; a question of which nothing else is known is not asked. Lines that
begin with ``#`` are remarks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.search.analysis import MAX_QUERY_CHARACTERS, guess_language, query_words
from pipeline.search.query import parse
from pipeline.values import Recording

_LONGEST_S = 10_000_000
"""No recording has a later second; beyond lie mistakes such as milliseconds since 1970."""

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """Where an answer lies, in milliseconds; without times, the whole recording answers.

    ``recording`` is as written in the file (id or title) until it is looked up: then it is
    the id, and ``language`` the recording's.
    """

    recording: str
    start_ms: int | None = None
    end_ms: int | None = None
    sentence_ms: int | None = None
    grade: float = 1.0
    language: str | None = None

    @property
    def place(self) -> tuple[str, int | None, int | None]:
        """What makes it another answer to the same question."""
        return self.recording, self.start_ms, self.end_ms

    @property
    def target_ms(self) -> int | None:
        """Where one would best start playing."""
        return self.start_ms if self.sentence_ms is None else self.sentence_ms


@dataclass(frozen=True, slots=True)
class Question:
    """A question with all its answers, and the line of the file it first stands in."""

    text: str
    language: str
    answers: tuple[Answer, ...]
    line: int

    @property
    def direction(self) -> str | None:
        """ "de→en", question's to recording's language; None where the latter is not known."""
        heard = self.answers[0].language
        return f"{self.language}→{heard}" if heard else None

    @property
    def right(self) -> tuple[Answer, ...]:
        """Those that are answers."""
        return tuple(answer for answer in self.answers if answer.grade)


def read_gold(path: Path, recordings: Iterable[Recording] | None = None) -> tuple[Question, ...]:
    """The questions of a gold file, in its order; with ``recordings``, each named by its id.

    Raises BadInput (``gold.*``) for the first mistake, naming file and line.
    """
    questions, mistakes = _read(path, None if recordings is None else _Names(recordings))
    if mistakes:
        raise mistakes[0]
    return questions


def read_usable(
    path: Path, recordings: Iterable[Recording] | None = None
) -> tuple[tuple[Question, ...], tuple[BadInput, ...]]:
    """The questions that can be asked, with ``recordings`` each named by its id, and what is wrong
    with each line that was left out: a gold file outlives some of the recordings it asks for."""
    return _read(path, None if recordings is None else _Names(recordings))


def _read(path: Path, names: _Names | None) -> tuple[tuple[Question, ...], tuple[BadInput, ...]]:
    try:
        lines = filled_lines(path)
    except BadInput as error:
        return (), (error,)
    questions: dict[tuple[str, str], Question] = {}
    mistakes: list[BadInput] = []
    for number, line in lines:
        try:
            row = _Row(path, number, line)
            question = row.question(names)
            key = row.key(question)
            questions[key] = row.joined(questions.get(key), question)
        except BadInput as error:
            mistakes.append(error)
    asked = [replace(one, answers=one.right) for one in questions.values() if one.right]
    if not asked and not mistakes:
        mistakes.append(BadInput("gold.no_answer", path=str(path)))
    return tuple(asked), tuple(mistakes)


def filled_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a file that hold anything but a remark, with their numbers. Raises BadInput:
    ``gold.unreadable``, ``gold.not_text``, ``gold.empty``."""
    try:
        content = path.read_bytes()
    except OSError as error:
        detail = error.strerror or str(error)
        raise BadInput("gold.unreadable", path=str(path), detail=detail) from error
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput("gold.not_text", path=str(path), line=line) from error
    # Only a line feed ends a line: JSON may carry the other separators Unicode knows as they are.
    lines = enumerate(written.split("\n"), start=1)
    filled = [(n, line) for n, line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not filled:
        raise BadInput("gold.empty", path=str(path))
    return filled


class _Names:
    """What recordings may be called in a gold file."""

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._by_id: dict[str, Recording] = {}
        self._by_title: dict[str, list[Recording]] = {}
        for recording in recordings:
            self._by_id[recording.id] = recording
            self._by_title.setdefault(recording.facts.title, []).append(recording)

    def matches(self, name: str) -> list[Recording]:
        """The recordings that are called so, by id before by title."""
        if name in self._by_id:
            return [self._by_id[name]]
        return self._by_title.get(name, [])


class _Row:
    """One line of a gold file."""

    def __init__(self, path: Path, number: int, line: str) -> None:
        self._path = path
        self._number = number
        self._fields: Mapping[str, object] = self._parsed(line)

    def _parsed(self, line: str) -> dict[str, object]:
        try:
            parsed = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._bad("bad_json") from error
        if not isinstance(parsed, dict):
            raise self._bad("bad_json")
        return parsed

    def _bad(self, kind: str, **values: str | float) -> BadInput:
        return BadInput(f"gold.{kind}", path=str(self._path), line=self._number, **values)

    def key(self, question: Question) -> tuple[str, str]:
        qid = self._fields.get("qid")
        return ("qid", str(qid)) if qid is not None else (question.language, question.text)

    def question(self, names: _Names | None) -> Question:
        """The question of this line; with ``names``, its recordings named by id.

        Raises BadInput (``gold.*``), also for what search would not take.
        """
        asked = self._text("question", "query")
        if len(asked) > MAX_QUERY_CHARACTERS:
            raise self._bad("too_long", limit=MAX_QUERY_CHARACTERS)
        said = parse(asked)
        if not query_words(said.asked):
            raise self._bad("only_exclusions" if said.without else "no_words")
        answers = self._answers()
        if names is not None:
            found = (self._resolved(answer, names) for answer in answers)
            answers = tuple(dict.fromkeys(found))
        return Question(asked, self._language(asked), answers, self._number)

    def joined(self, known: Question | None, question: Question) -> Question:
        """This line's question with the answers of the lines before it."""
        if known is None:
            return question
        given = {answer.place for answer in known.answers}
        if any(answer.place in given for answer in question.answers):
            raise self._bad("duplicate", first=known.line)
        return replace(known, answers=known.answers + question.answers)

    def _language(self, asked: str) -> str:
        for name in ("language", "lang"):
            if self._has(name):
                return self._text(name)
        return guess_language(asked)

    def _resolved(self, answer: Answer, names: _Names) -> Answer:
        matches = names.matches(answer.recording)
        if len(matches) != 1:
            kind = "ambiguous" if matches else "unknown"
            raise self._bad(f"{kind}_recording", recording=answer.recording)
        (found,) = matches
        length = found.duration_ms
        if length is not None and answer.start_ms is not None and answer.start_ms > length:
            raise self._bad("beyond", start=answer.start_ms / 1000, end=length / 1000)
        return replace(answer, recording=found.id, language=found.shown_language)

    def _answers(self) -> tuple[Answer, ...]:
        relevant = self._fields.get("relevant")
        if relevant is None:
            return (self._answer(),)
        names = relevant if isinstance(relevant, list) else []
        if not names or not all(_is_text(name) for name in names):
            raise self._bad("missing_field", field="relevant")
        return tuple(Answer(name) for name in dict.fromkeys(names))

    def _answer(self) -> Answer:
        recording = self._text("recording")
        start, end = self._number_of("start"), self._number_of("end")
        sentence = self._number_of("sent_start") if self._has("sent_start") else None
        grade = self._number_of("grade") if self._has("grade") else 1.0
        if end < start or (sentence is not None and sentence > end):
            raise self._bad("reversed_times", start=start, end=end)
        return Answer(
            recording,
            round(start * 1000),
            round(end * 1000),
            None if sentence is None else round(sentence * 1000),
            grade,
        )

    def _has(self, field: str) -> bool:
        return self._fields.get(field) is not None

    def _text(self, *names: str) -> str:
        for name in names:
            value = self._fields.get(name)
            if _is_text(value):
                return str(value)
        raise self._bad("missing_field", field=names[0])

    def _number_of(self, name: str) -> float:
        if not self._has(name):
            raise self._bad("missing_field", field=name)
        value = self._fields[name]
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._bad("bad_number", field=name)
        if not 0 <= value <= _LONGEST_S:  # nan is not, either
            raise self._bad("bad_number", field=name)
        return float(value)


def _is_text(value: object) -> bool:
    """Whether it says anything and can be written: JSON may carry halves of surrogate pairs."""
    return isinstance(value, str) and bool(value.strip()) and not _SURROGATE.search(value)
