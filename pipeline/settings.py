"""Settings: one ``interviews.toml`` in the home directory, every key overridable by environment.

``chunk_size`` is ``INTERVIEWS_CHUNK_SIZE``, and so on. An unknown key in the file is an error that
names the nearest known one; an unknown ``INTERVIEWS_…`` variable is a warning, since other programs
may use such names.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from pipeline.errors import BadInput

FILE_NAME = "interviews.toml"
PREFIX = "INTERVIEWS_"
NOT_SETTINGS = frozenset({"INTERVIEWS_HOME", "INTERVIEWS_LANG"})
"""Variables that belong to the command line, not to the settings."""


ComputeType = Literal[
    "auto",
    "int8",
    "int8_float16",
    "int8_float32",
    "int8_bfloat16",
    "float16",
    "bfloat16",
    "float32",
]
"""CTranslate2's names (https://opennmt.net/CTranslate2/quantization.html)."""


RetentionDays = Annotated[int, Field(strict=True, ge=0, le=36_500)]


_BOUNDS = {
    "ge": "settings.too_small",
    "gt": "settings.not_above",
    "le": "settings.too_large",
}
_KINDS = {
    "int": "settings.no_integer",
    "float": "settings.no_number",
    "string_pattern": "settings.no_address",
    "string": "settings.no_text",
    "bool": "settings.no_switch",
}
"""Errors by what their context holds, then by how the name of their type begins
(https://docs.pydantic.dev/latest/errors/validation_errors/)."""


class Settings(BaseModel):
    """All settings with their defaults. Every field's description is its documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speech_model: str = Field(
        "auto",
        description="name in the model registry; auto: the recommended one if it is there,"
        " else the bundled one",
    )
    text_model: str = Field(
        "auto",
        description="name in the model registry; auto: the recommended one if it is there,"
        " else the bundled one",
    )
    reranker: str = Field(
        "",
        description="cross-encoder that reads the best hits again: name in the model registry or"
        " path of a folder; empty: none does",
    )
    rerank_seconds: float = Field(
        1.0, gt=0, le=60, description="time it has for one search; then the rest stays as found"
    )
    language: Literal["de", "en"] = Field(
        "de", description="spoken language assumed where detection stays unsure"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where models run")
    compute_type: ComputeType = Field(
        "auto",
        description="arithmetic of the speech model; auto: int8 on CPU, float16 on GPU",
    )
    threads: int = Field(
        0,
        ge=0,
        le=512,
        description="processor threads per worker; 0: as measured, else all cores shared out",
    )
    batch_size: int = Field(4, ge=1, le=256, description="stretches of speech decoded together")
    beam_size: int = Field(
        5, ge=1, le=20, description="width of the beam search; 1 is about 1.5 times as fast"
    )
    window_seconds: int = Field(
        600, ge=30, le=1800, description="length of a window: unit of progress and of resuming"
    )
    chunk_size: int = Field(
        80, ge=16, le=8192, description="most tokens of a chunk, in the text model's own tokens"
    )
    chunk_overlap: int = Field(
        20, ge=0, le=4096, description="tokens shared by neighbouring chunks"
    )
    models_dir: str = Field(
        "", description="folder of fetched models; empty: models/ in the home directory"
    )
    glossary: str = Field(
        "",
        description="file of names and terms, from the home directory if not a full path; empty:"
        " glossary.toml there, if it is there",
    )
    inbox: str = Field(
        "",
        description="watched folder, from the home directory if not a full path; empty: inbox/"
        " there",
    )
    inbox_settle_seconds: int = Field(
        60, ge=0, le=86400, description="how long a file must stand still before it is taken"
    )
    gold: str = Field(
        "",
        description="file of questions with known answers that a new index must pass at night, from"
        " the home directory if not a full path; empty: gold.jsonl there, if it is there",
    )
    gold_tolerance: float = Field(
        0.02, ge=0, le=1, description="by how much nDCG@10 of the gold questions may fall"
    )
    downloads: bool = Field(
        True, description="whether members may take transcripts and captions away as files"
    )
    feedback: bool = Field(
        False,
        description="whether members may mark hits as right or wrong, which keeps the query in"
        " feedback.jsonl; without it no query is kept",
    )
    backup_days: int = Field(
        14,
        ge=0,
        le=3650,
        description="days that nightly copies of the catalogue are kept in backups/; 0: none are"
        " made, and those that are there stay",
    )
    retention: dict[str, RetentionDays] = Field(
        default_factory=dict,
        description='days after its date that a recording is kept, by collection; "*": all other'
        " recordings; 0: for ever. As a variable, a JSON object. Without it nothing goes",
    )
    retention_warn_days: int = Field(
        30,
        ge=1,
        le=365,
        description='days that a recording is on the list of "interviews retention" before it is'
        " removed at night",
    )
    public_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="address under which people reach the pages, https://… say; it stands before"
        " the invitations that commands print",
    )
    rendition: Literal["on", "off"] = Field(
        "on",
        description="whether files are made for browsers where they cannot play a recording, or"
        " part of it is withheld; off: where something is withheld, nothing plays",
    )
    rendition_height: int = Field(
        720, ge=144, le=2160, description="most lines of a picture that is made for browsers"
    )
    media_hours_limit: float = Field(
        24.0, gt=0, le=240, description="a file that decodes to more than this is refused"
    )
    cluster_scheduler: str = Field(
        "", description="address of the cluster's scheduler, tls://HOST:8786, where none is given"
    )
    cluster_ca: str = Field(
        "", description="certificate (PEM) of the authority that signed all of the cluster's"
    )
    cluster_cert: str = Field("", description="this machine's certificate (PEM) in the cluster")
    cluster_key: str = Field("", description="the key (PEM) to cluster_cert, without a password")
    cluster_insecure: bool = Field(
        False,
        description="whether recordings may cross a network unencrypted, between machines that"
        " nobody else reaches",
    )
    cluster_wait_seconds: int = Field(
        120,
        ge=0,
        le=86400,
        description="how long a run waits for a scheduler that went away or a worker that fits",
    )

    @field_validator("retention", mode="before")
    @classmethod
    def _table_in_a_variable(cls, given: object) -> object:
        return json.loads(given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _overlap_below_size(self) -> Settings:
        if self.chunk_overlap * 2 > self.chunk_size:
            raise ValueError("chunk_overlap must be at most half of chunk_size")
        return self


def load_settings(
    home: Path, environment: Mapping[str, str] | None = None
) -> tuple[Settings, list[str]]:
    """Settings of ``home`` under ``environment`` and the names of unknown variables met.

    Raises BadInput (``settings.*``) for a file or value that cannot be used.
    """
    variables = os.environ if environment is None else environment
    merged = _read_file(home / FILE_NAME)
    unknown: list[str] = []
    for name, value in variables.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        key = name.removeprefix(PREFIX).lower()
        if key in Settings.model_fields:
            merged[key] = value
        else:
            unknown.append(name)
    return _validated(merged), sorted(unknown)


def _read_file(path: Path) -> dict[str, object]:
    try:
        table: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("settings.unreadable", path=str(path), detail=str(error)) from error
    for key in table:
        if key not in Settings.model_fields:
            raise BadInput("settings.unknown_key", path=str(path), key=key, nearest=nearest(key))
    return table


def nearest(key: str) -> str:
    """The known setting most like ``key``."""
    close = difflib.get_close_matches(key, Settings.model_fields, n=1, cutoff=0.0)
    return close[0]


def _validated(merged: dict[str, object]) -> Settings:
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise _refusal(error.errors()[0], merged) from error


def _refusal(found: ErrorDetails, merged: Mapping[str, object]) -> BadInput:
    """What is wrong with a value, in our words where we have some."""
    key = str(found["loc"][0]) if found["loc"] else "chunk_overlap"
    given = str(merged.get(key, Settings.model_fields[key].default))[:60]
    if not found["loc"]:
        return BadInput("settings.overlap", key=key, value=given)
    if key == "retention" and len(found["loc"]) == 1:
        return BadInput("settings.no_table", key=key, value=given)
    if found["type"] == "literal_error":
        allowed = ", ".join(str(one) for one in get_args(Settings.model_fields[key].annotation))
        return BadInput("settings.no_choice", key=key, value=given, allowed=allowed)
    limits = found.get("ctx", {})
    for bound, said in _BOUNDS.items():
        if bound in limits:
            return BadInput(said, key=key, value=given, limit=f"{limits[bound]:g}")
    for kind, said in _KINDS.items():
        if found["type"].startswith(kind):
            return BadInput(said, key=key, value=given)
    return BadInput("settings.bad_value", key=key, value=given, detail=found["msg"])
