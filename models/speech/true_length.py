"""True-length encoding: whether a speech model may hear stretches at their own length.

Whisper was trained on thirty seconds, and pads all that is shorter: a twenty-second clip costs half
as much again as it has to, and a single sentence ten times. CTranslate2's encoder takes shorter
input; what a model makes of sound without the padding it knows is another question, and some go on
writing where the speech has ended. So a model is heard so only where somebody measured that its
words stay as right as they were: on recordings of the user's own (``interviews models verify
--speed-accuracy``), kept here, or by whoever wrote the registry (``spare_s`` there). The user's own
measurement overrules the registry's, either way.

All verdicts of a models folder lie in one file in it, by the hash of the model's files and by what
it computed with: a model fetched anew, converted anew or replaced is another one, and so is one
that computes in eight bits instead of sixteen. Bundled models and folders of one's own, which may
well be read-only, need nothing written beside them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from models.contracts import ModelError, ModelInfo
from models.digest import write_json
from models.reasons import first_line
from models.registry import ModelEntry

NOTE_NAME = ".true-length.json"
"""Hidden, and so neither a model nor part of one."""

Outcome = Literal["harmless", "harmful", "no_gain", "too_little", "not_understood"]
"""``no_gain``: harmless, but not faster. The last two tell nothing: too few words, or hardly any
that the model understood even when padded."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a model computes with, as far as its words depend on it. ``device`` is "cpu" or "cuda",
    ``compute_type`` as the settings have it."""

    device: str
    compute_type: str
    beam_size: int

    def __str__(self) -> str:
        return f"{self.device} {self.compute_type} {self.beam_size}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a measurement said. ``spare_s`` is the silence after each stretch at which it holds;
    error rates are per word, ``speed`` is padded time over time at true length."""

    outcome: Outcome
    spare_s: float
    words: int
    padded: float
    true_length: float
    speed: float

    @property
    def on(self) -> bool:
        return self.outcome == "harmless"

    @property
    def tells(self) -> bool:
        return self.outcome not in ("too_little", "not_understood")


def spare_of(entry: ModelEntry, info: ModelInfo, means: Means, models_dir: Path) -> float | None:
    """Seconds of silence after each stretch, where ``entry`` may be heard at true length by these
    means; None: padded, as always. ``info`` is what its files are now."""
    verdict = verdict_of(info, means, models_dir)
    if verdict is not None:
        return verdict.spare_s if verdict.on else None
    # What the registry says was measured with the very files that it lists.
    return entry.spare_s if entry.files else None


def verdict_of(info: ModelInfo, means: Means, models_dir: Path) -> Verdict | None:
    """What was measured here of exactly these files by these means; None where nothing was, or
    where the note cannot be read."""
    row = _noted(models_dir).get(_key(info, means))
    try:
        return Verdict(**row) if isinstance(row, dict) else None
    except TypeError:
        return None


def keep(verdict: Verdict, info: ModelInfo, means: Means, models_dir: Path) -> None:
    """Remember a verdict. Raises ModelError ("disk")."""
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        row = {_key(info, means): asdict(verdict)}
        write_json(models_dir / NOTE_NAME, _noted(models_dir) | row)
    except OSError as error:
        raise ModelError("disk", info.name, first_line(error)) from error


def _key(info: ModelInfo, means: Means) -> str:
    return f"{info.hash} {means}"


def _noted(models_dir: Path) -> dict[str, Any]:
    try:
        notes = json.loads((models_dir / NOTE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}
