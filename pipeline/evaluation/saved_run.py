"""A run of the gold questions as a file, to compare a later one with.

JSON, one question a line: what was asked, what it was worth in each mode (null where a measure
does not apply) and which moment was found first. No word of any transcript.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import BadInput
from pipeline.evaluation.evaluate import Asked, Run
from pipeline.evaluation.outcomes import MEANS, MEASURES
from pipeline.timecode import to_seconds
from pipeline.values import Hit


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Found(_Strict):
    """The first hit: the recording's title, and the second to start at."""

    title: str
    jump: Annotated[float, Field(ge=0)]


class Outcome(_Strict):
    """What a question was worth in a mode."""

    values: dict[str, Annotated[float, Field(ge=0)] | None]
    first: Found | None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.values.keys() != set(MEASURES):
            raise ValueError("measures")
        if any((self.values[measure] or 0) > 1 for measure in MEANS):
            raise ValueError("above 1")
        return self


class SavedQuestion(_Strict):
    question: str
    language: str
    direction: str | None
    modes: dict[str, Outcome]


class SavedRun(_Strict):
    """A whole run. Each question was asked in each of ``modes``."""

    format: Literal["interviews-evaluation"]
    version: Literal[1]
    """Raised whenever older files would be read wrongly."""

    modes: list[str]
    questions: list[SavedQuestion]

    @model_validator(mode="after")
    def _even(self) -> Self:
        if any(one.modes.keys() != set(self.modes) for one in self.questions):
            raise ValueError("modes")
        return self


def to_saved(run: Run) -> SavedRun:
    """The run in the form in which it is kept."""
    questions = [
        SavedQuestion(
            question=asked[0].question.text,
            language=asked[0].question.language,
            direction=asked[0].question.direction,
            modes={mode: _outcome(one) for mode, one in zip(run, asked, strict=True)},
        )
        for asked in zip(*run.values(), strict=True)
    ]
    return SavedRun(format="interviews-evaluation", version=1, modes=list(run), questions=questions)


def _outcome(asked: Asked) -> Outcome:
    values = {
        measure: None if math.isnan(value) else value
        for measure, value in zip(MEASURES, asked.values, strict=True)
    }
    hit = asked.first
    first = Found(title=_title(hit), jump=to_seconds(hit.jump_ms)) if hit else None
    return Outcome(values=values, first=first)


def _title(hit: Hit) -> str:
    """A title taken from a file name that is no UTF-8 has its odd bytes as question marks."""
    return hit.recording.facts.title.encode("utf-8", "replace").decode("utf-8")


def written(run: SavedRun) -> str:
    """The text of the file."""
    head = run.model_dump(exclude={"questions"})
    lines = ",\n".join(_json(one.model_dump()) for one in run.questions)
    return f'{_json(head)[:-1]}, "questions": [\n{lines}\n]}}\n'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def read_run(path: Path) -> SavedRun:
    """Raises BadInput: ``evaluation.unreadable``, ``evaluation.not_a_run`` naming the place."""
    try:
        return SavedRun.model_validate_json(path.read_bytes())
    except OSError as error:
        detail = error.strerror or str(error)
        raise BadInput("evaluation.unreadable", path=str(path), detail=detail) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "JSON"
        raise BadInput("evaluation.not_a_run", path=str(path), where=where) from error


def check_place(path: Path) -> None:
    """Nothing but a saved run is ever overwritten with one.

    Raises BadInput: ``evaluation.occupied``, ``evaluation.no_folder``.
    """
    if not path.absolute().parent.is_dir():
        raise BadInput("evaluation.no_folder", path=str(path))
    if path.exists():
        try:
            read_run(path)
        except BadInput as error:
            raise BadInput("evaluation.occupied", path=str(path)) from error
