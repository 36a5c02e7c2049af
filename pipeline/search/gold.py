"""Questions with known answers: what search is measured against.

One JSON object a line. Either an answer in time: ``question`` (or ``query``), ``recording`` (id,
else title), ``start`` and ``end`` of the answer in seconds, optionally ``sent_start`` (start of
the very sentence), ``language`` (or ``lang``) of the question and ``grade``; or whole recordings:
``question`` and ``relevant``, a list of ids or titles. Lines with the same ``qid`` (without one:
the same question in the same language) are one question with several answers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.search.analysis import guess_language, query_words
from pipeline.values import Recording


@dataclass(frozen=True, slots=True)
class Answer:
    """Where an answer lies, in milliseconds; without times, the whole recording answers.

    ``recording`` is as written in the file (id or title) until ``resolve`` makes it an id and
    fills ``language`` with the recording's.
    """

    recording: str
    start_ms: int | None = None
    end_ms: int | None = None
    sentence_ms: int | None = None
    grade: float = 1.0
    language: str | None = None

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


def read_gold(path: Path) -> tuple[Question, ...]:
    """The questions of a gold file, in its order.

    Raises BadInput (``gold.*``) naming file and line.
    """
    rows = (_Row(path, number, line) for number, line in _lines(path))
    return _joined((row, row.question()) for row in rows)


def resolve(
    questions: Sequence[Question], recordings: Iterable[Recording], path: Path
) -> tuple[Question, ...]:
    """The questions with every recording named by its id.

    Raises BadInput: ``gold.unknown_recording``, ``gold.ambiguous_recording``.
    """
    names = _Names(recordings, path)
    return tuple(names.resolved(question) for question in questions)


def read_usable(
    path: Path, recordings: Iterable[Recording]
) -> tuple[tuple[Question, ...], tuple[BadInput, ...]]:
    """The questions that can be asked, their recordings named by id, and what is wrong with each
    line that was left out: a gold file outlives some of the recordings it asks for."""
    names = _Names(recordings, path)
    good: list[tuple[_Row, Question]] = []
    mistakes: list[BadInput] = []
    try:
        lines = _lines(path)
    except BadInput as error:
        return (), (error,)
    for number, line in lines:
        try:
            row = _Row(path, number, line)
            good.append((row, names.resolved(row.askable())))
        except BadInput as error:
            mistakes.append(error)
    return _joined(good), tuple(mistakes)


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that hold anything, with their numbers. Raises BadInput: ``gold.unreadable``,
    ``gold.empty``."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or "UTF-8"
        raise BadInput("gold.unreadable", path=str(path), detail=detail) from error
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        raise BadInput("gold.empty", path=str(path))
    return filled


def _joined(rows: Iterable[tuple[_Row, Question]]) -> tuple[Question, ...]:
    """Lines of one question made one question with several answers."""
    questions: dict[tuple[str, str], Question] = {}
    for row, question in rows:
        key = row.key(question)
        known = questions.get(key)
        whole = replace(known, answers=known.answers + question.answers) if known else question
        questions[key] = whole
    return tuple(questions.values())


class _Names:
    """What recordings may be called in a gold file."""

    def __init__(self, recordings: Iterable[Recording], path: Path) -> None:
        self._path = path
        self._by_id: dict[str, Recording] = {}
        self._by_title: dict[str, list[Recording]] = {}
        for recording in recordings:
            self._by_id[recording.id] = recording
            self._by_title.setdefault(recording.facts.title, []).append(recording)

    def resolved(self, question: Question) -> Question:
        """Raises BadInput: ``gold.unknown_recording``, ``gold.ambiguous_recording``."""
        answers = tuple(self._found(answer, question.line) for answer in question.answers)
        return replace(question, answers=answers)

    def _found(self, answer: Answer, line: int) -> Answer:
        if answer.recording in self._by_id:
            matches = [self._by_id[answer.recording]]
        else:
            matches = self._by_title.get(answer.recording, [])
        if len(matches) != 1:
            kind = "ambiguous" if matches else "unknown"
            raise BadInput(
                f"gold.{kind}_recording",
                path=str(self._path),
                line=line,
                recording=answer.recording,
            )
        return replace(answer, recording=matches[0].id, language=matches[0].shown_language)


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

    def question(self) -> Question:
        asked = self._text("question", "query")
        language = self._fields.get("language") or self._fields.get("lang")
        known = language if isinstance(language, str) else guess_language(asked)
        return Question(asked, known, self._answers(), self._number)

    def askable(self) -> Question:
        """The question, if search would take it."""
        question = self.question()
        if not query_words(question.text):
            raise self._bad("no_words")
        return question

    def _answers(self) -> tuple[Answer, ...]:
        relevant = self._fields.get("relevant")
        if relevant is None:
            return (self._answer(),)
        names = [str(name) for name in relevant] if isinstance(relevant, list) else []
        if not names:
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
            if isinstance(value, str) and value.strip():
                return value
        raise self._bad("missing_field", field=names[0])

    def _number_of(self, name: str) -> float:
        if not self._has(name):
            raise self._bad("missing_field", field=name)
        value = self._fields[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
            raise self._bad("bad_number", field=name)
        return float(value)  # type: ignore[arg-type]
