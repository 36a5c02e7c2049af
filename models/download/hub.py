"""``models pull``: bring a model's files from the hub, verified, whole or not at all.

Files arrive in ``models_dir/.partial-<name>-<revision>``, are checked there against the registry
and against what the hub declares, and are put in place by renaming the folder. An interrupted pull
goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from filelock import FileLock, Timeout

from models.contracts import ModelError
from models.digest import file_sha256, git_blob_id
from models.download.placing import NO_ROOM, megabytes_lacking, place, recover
from models.registry import ModelEntry
from models.verify import check, record

_PATTERNS = {
    "speech": ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json",
               "vocabulary.*"),
    "text": ("*.json", "model*.safetensors", "pytorch_model*.bin", "*.model", "vocab.txt",
             "merges.txt", "[0-9]_*/*.safetensors", "[0-9]_*/*.bin"),
    "reranker": ("*.json", "model*.safetensors", "*.model", "vocab.txt", "merges.txt"),
}  # fmt: skip
"""What to fetch of a model whose files the registry does not list."""

_START = """
import os, sys
channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
from models.download.fetch import main
sys.exit(main(channel))
"""
"""The fetching process keeps its standard output for reports, before a library is imported: what
libraries print goes where they complain."""

_DETAIL_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is: bytes of all files, and the file under way."""

    file: str
    done_bytes: int
    total_bytes: int


def pull(
    entry: ModelEntry, models_dir: Path, progress: Callable[[Progress], None] | None = None
) -> Path:
    """Fetch ``entry`` into ``models_dir`` and return its folder; nothing to do if it is there.

    Raises ModelError: "unreachable" (no hub, broken off), "throttled" (the hub wants fewer
    questions), "gated" (the hub wants to know who asks), "refused" (the hub says no: no such
    revision or file; or the model is not the hub's), "damaged" (a file is not what it should be; it
    is dropped), "full" (no room), "disk" (not writable), "occupied" (in its place lies something
    that is no folder), "locked" (another pull of it is running). Whatever has arrived stays for the
    next pull, and a former model stays until another is whole.
    """
    target = models_dir / entry.name
    if entry.repo is None or entry.revision is None:
        raise ModelError("refused", entry.name, "bundled" if entry.bundled else "local")
    if _is_there(entry, target):
        return target
    partial = models_dir / f".partial-{entry.name}-{entry.revision[:12]}"
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(models_dir / f".partial-{entry.name}.lock", timeout=0):
            if recover(target) and _is_there(entry, target):
                return target
            _drop_other_partials(partial, entry)
            partial.mkdir(exist_ok=True)
            commit = _fetch(entry, partial, progress or (lambda _: None))
            record(entry, partial, commit)
            place(partial, target)
    except Timeout as error:
        raise ModelError("locked", entry.name) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise ModelError("full", entry.name) from error
        raise ModelError("disk", entry.name, str(error.strerror or error)) from error
    return target


def _is_there(entry: ModelEntry, target: Path) -> bool:
    """Whether all files are, as they should be; others beside them do no harm."""
    if os.path.lexists(target) and not target.is_dir():
        raise ModelError("occupied", entry.name, str(target))
    if not target.is_dir():
        return False
    try:
        report = check(entry, target)
    except ModelError:
        return False
    return report.usable and not report.unrecorded


def addresses(entry: ModelEntry) -> tuple[str, ...]:
    """Where the files can be fetched by hand, to be put into ``models_dir/<name>`` with the part
    after the revision as their name; the page that lists them where the registry does not."""
    home = f"https://huggingface.co/{entry.repo}"
    if not entry.files:
        return (f"{home}/tree/{entry.revision}",)
    return tuple(f"{home}/resolve/{entry.revision}/{name}" for name, _ in entry.files)


def _fetch(entry: ModelEntry, partial: Path, progress: Callable[[Progress], None]) -> str:
    """Run the fetching process, relay its progress, check what it brought; the commit fetched."""
    request = {
        "repo": entry.repo,
        "revision": entry.revision,
        "names": [name for name, _ in entry.files],
        "patterns": list(_PATTERNS[entry.kind]),
        "directory": str(partial.absolute()),
    }
    commit, files = "", []
    done: dict[str, int] = {}
    with closing(_events(entry.name, request)) as events:
        for event in events:
            if event["event"] == "plan":
                commit, files = str(event["commit"]), list(event["files"])
                done = {file["name"]: _present(partial, file["name"]) for file in files}
                _check_plan(entry, partial, files, sum(done.values()))
            elif event["event"] == "bytes":
                done[event["file"]] = int(event["done"])
                total = sum(file["size"] for file in files)
                progress(Progress(event["file"], sum(done.values()), total))
            elif event["event"] == "error":
                raise ModelError(event["reason"], entry.name, event["detail"])
    _check_arrived(entry, partial, files)
    return commit


def _events(name: str, request: dict[str, Any]) -> Generator[dict[str, Any]]:
    """What the fetching process reports, up to its last word. Raises ModelError ("unreachable")
    where that is missing: the process has died, and what it brought is not all."""
    last = ""
    with TemporaryFile() as complaints:
        with subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=online_environment(),
        ) as process:
            try:
                for event in _talk(process.stdin, process.stdout, request):
                    last = event["event"]
                    yield event
            finally:
                if process.poll() is None:
                    process.terminate()
        if last not in ("done", "error"):
            detail = _last_line(complaints) or f"fetch ended with {process.returncode}"
            raise ModelError("unreachable", name, detail)


def _talk(
    stdin: IO[str] | None, stdout: IO[str] | None, request: dict[str, Any]
) -> Generator[dict[str, Any]]:
    """Reports as they come; anything else is the end of them."""
    assert stdin is not None and stdout is not None
    with suppress(BrokenPipeError), stdin:  # missing reports tell what happened to the process
        stdin.write(json.dumps(request))
    for line in stdout:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if not isinstance(event, dict) or "event" not in event:
            return
        yield event


def _last_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:_DETAIL_LENGTH]


def online_environment() -> dict[str, str]:
    """The environment of the fetching process, the only one that is let onto the network."""
    environment = dict(os.environ)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    environment |= {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DO_NOT_TRACK": "1",
    }
    here = str(Path(__file__).resolve().parents[2])
    path = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([here, path] if path else [here])
    return environment


def _present(partial: Path, name: str) -> int:
    for path in (partial / name, partial / f"{name}.part"):
        if path.is_file():
            return path.stat().st_size
    return 0


def _check_plan(
    entry: ModelEntry, partial: Path, files: list[dict[str, Any]], present_bytes: int
) -> None:
    """Refuse before a byte is fetched what cannot end well."""
    known = dict(entry.files)
    for file in files:
        if file["sha256"] and known.get(file["name"]) and file["sha256"] != known[file["name"]]:
            raise ModelError("damaged", entry.name, file["name"])
    missing_bytes = sum(file["size"] for file in files) - present_bytes
    if lacking := megabytes_lacking(partial, missing_bytes):
        raise ModelError("full", entry.name, f"{lacking} MB")


def _check_arrived(entry: ModelEntry, partial: Path, files: list[dict[str, Any]]) -> None:
    """Drop what is not what the registry or the hub says, and raise for the first such file."""
    known = dict(entry.files)
    wrong = []
    for file in files:
        path = partial / file["name"]
        expected = known.get(file["name"]) or file["sha256"]
        good = (
            path.is_file()
            and path.stat().st_size == file["size"]
            and (expected is None or file_sha256(path) == expected)
            and (file["blob"] is None or git_blob_id(path) == file["blob"])
        )
        if not good:
            path.unlink(missing_ok=True)
            wrong.append(file["name"])
    if wrong:
        raise ModelError("damaged", entry.name, wrong[0])
    _drop_strangers(partial, {file["name"] for file in files})


def _drop_other_partials(partial: Path, entry: ModelEntry) -> None:
    # The revision's length keeps "large-v3" away from what is begun of "large-v3-turbo".
    for other in partial.parent.glob(f".partial-{entry.name}-{'[0-9a-f]' * 12}"):
        if other != partial and other.is_dir():
            shutil.rmtree(other)


def _drop_strangers(partial: Path, wanted: set[str]) -> None:
    for path in partial.rglob("*"):
        if path.is_file() and path.relative_to(partial).as_posix() not in wanted:
            path.unlink()
