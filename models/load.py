"""From a model's name to a loaded model, from local and verified files alone.

Importing this module loads no machine-learning library; the ``load_…`` functions do, after they
have told every library that there is no network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.contracts import Embedder, ModelError, ModelInfo, Recogniser, Reranker
from models.folder import Kind
from models.registry import ModelEntry, describe, entries, entry
from models.text.quick_form import State, quick_state, tried_form
from models.text.tokens import TokenCounter
from models.verify import Report, check

if TYPE_CHECKING:
    from models.speech.whisper import WhisperRecogniser

AUTO = "auto"

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    # The tokenizers library warns on stderr when a process forks after it used threads.
    "TOKENIZERS_PARALLELISM": "false",
}


def locate(name: str, models_dir: Path) -> Path:
    """The folder of a model: fixed (bundled, or ``name`` is a path) or ``models_dir/name``.

    Raises ModelError: "absent" if nothing is there, "unknown" for a name nobody knows.
    """
    return directory_of(_named(name, models_dir), models_dir)


def directory_of(known: ModelEntry, models_dir: Path) -> Path:
    """The folder of an entry's files. Raises ModelError ("absent")."""
    directory = known.directory or models_dir / known.name
    if not is_present(known, models_dir):
        raise ModelError("absent", known.name, str(directory))
    return directory


def is_present(known: ModelEntry, models_dir: Path) -> bool:
    """Whether a folder with files is there, good or not: what a list of models shows."""
    directory = known.directory or models_dir / known.name
    return directory.is_dir() and any(directory.iterdir())


def resolve(kind: Kind, name: str, models_dir: Path) -> ModelEntry:
    """The entry that a setting means.

    ``auto``: the recommended model of the kind if it lies in ``models_dir``, else the bundled one
    where there is one. Otherwise a name of the registry, a folder of that name in ``models_dir``,
    or the path of a local folder. Raises ModelError: "unknown" (also for a model of another kind),
    "unloadable".
    """
    if name == AUTO:
        return _automatic(kind, models_dir)
    found = _named(name, models_dir)
    if found.kind != kind:
        raise ModelError("unknown", name, _automatic(kind, models_dir).name)
    return found


def _automatic(kind: Kind, models_dir: Path) -> ModelEntry:
    recommended = next(one for one in entries() if one.kind == kind and one.recommended)
    bundled = next((one for one in entries() if one.kind == kind and one.bundled), recommended)
    return recommended if (models_dir / recommended.name).is_dir() else bundled


def _named(name: str, models_dir: Path) -> ModelEntry:
    if any(known.name == name for known in entries()):
        return entry(name)
    # A bare name never means a folder that happens to lie in the working directory, and a hidden
    # one no model at all: unfinished downloads are hidden.
    is_path = "/" in name or os.sep in name or name.startswith("~")
    directory = Path(name).expanduser().absolute() if is_path else models_dir / name
    if directory.is_dir() and not directory.name.startswith("."):
        return describe(directory, directory.name)
    return entry(name)


def model_info(known: ModelEntry, models_dir: Path) -> ModelInfo:
    """Name and hash of a model whose files are what they should be; no library is imported.

    Sums of large files are remembered beside them, so that this costs milliseconds on each start
    but the first. Raises ModelError: "absent", "damaged" (detail: the file).
    """
    directory = directory_of(known, models_dir)
    return ModelInfo(known.name, _checked(known, directory).hash)


def _checked(known: ModelEntry, directory: Path) -> Report:
    report = check(known, directory, cached=not known.bundled)
    if not report.usable:
        raise ModelError("damaged", known.name, (report.missing + report.changed)[0])
    return report


def verify(known: ModelEntry, models_dir: Path) -> Report:
    """Read every byte of a model's files and say what is wrong. Raises ModelError ("absent")."""
    return check(known, directory_of(known, models_dir), cached=False)


def state_of(known: ModelEntry, models_dir: Path) -> State:
    """How a text model is used. Raises ModelError: "absent", "damaged", "unloadable"."""
    return quick_state(known, directory_of(known, models_dir), model_info(known, models_dir))


def load_tokens(known: ModelEntry, models_dir: Path) -> TokenCounter:
    """The text model's token counter, without the model. Raises ModelError."""
    return TokenCounter(directory_of(known, models_dir), known)


def load_recogniser(
    known: ModelEntry,
    models_dir: Path,
    *,
    device: str,
    compute_type: str,
    threads: int,
    batch_size: int,
    spare_s: float | None = None,
) -> WhisperRecogniser:
    """Load a speech model; ``spare_s`` as ``models.speech.true_length.spare_of`` tells.

    Raises ModelError: "absent", "damaged", "unloadable".
    """
    go_offline()
    info = model_info(known, models_dir)
    from models.speech.whisper import WhisperRecogniser

    return WhisperRecogniser(
        directory_of(known, models_dir),
        info,
        device=device,
        compute_type=compute_type,
        threads=threads,
        batch_size=batch_size,
        prompts=known.prompts,
        spare_s=spare_s,
    )


def load_ways(
    known: ModelEntry,
    models_dir: Path,
    spares: Sequence[float],
    *,
    device: str,
    compute_type: str,
    threads: int,
    batch_size: int,
) -> dict[float | None, Recogniser]:
    """A speech model loaded once, hearing in several ways: padded (None) and at true length with
    each of ``spares`` seconds of silence. Raises ModelError as ``load_recogniser`` does."""
    padded = load_recogniser(
        known,
        models_dir,
        device=device,
        compute_type=compute_type,
        threads=threads,
        batch_size=batch_size,
    )
    return {None: padded} | {spare_s: padded.with_spare(spare_s) for spare_s in spares}


def load_embedder(
    known: ModelEntry, models_dir: Path, *, device: str, threads: int, quick: bool = True
) -> Embedder:
    """Load a text model: in its quick form where that was tried out and no graphics card is asked
    for, else with sentence-transformers, and in any case so without ``quick``.

    Raises ModelError: "absent", "damaged", "unloadable".
    """
    go_offline()
    directory, info = directory_of(known, models_dir), model_info(known, models_dir)
    form = tried_form(known, directory, info) if quick and device != "cuda" else None
    if form is not None:
        from models.text.quick_embedder import QuickEmbedder

        return QuickEmbedder(directory, known, info, form, threads=threads)
    from models.text.embedder import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(directory, known, info, device=device, threads=threads)


def load_reranker(known: ModelEntry, models_dir: Path, *, device: str, threads: int) -> Reranker:
    """Load a cross-encoder. Raises ModelError: "absent", "damaged", "unloadable"."""
    go_offline()
    info = model_info(known, models_dir)
    from models.text.reranker import CrossEncoderReranker

    return CrossEncoderReranker(
        directory_of(known, models_dir), known, info, device=device, threads=threads
    )


def go_offline() -> None:
    """Tell every library that there is no network and nothing to report, before it is imported."""
    os.environ.update(_OFFLINE)
