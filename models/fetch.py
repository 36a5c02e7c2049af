"""The one part of the program that speaks to a model hub. Runs in a process of its own.

``models.hub`` starts it with an environment in which the network is allowed; huggingface_hub reads
that when it is imported, so no other process is ever allowed anything. It takes one request (JSON)
on standard input and reports, a JSON object a line, on standard output:

    {"event": "plan", "commit": …, "files": [{"name", "size", "sha256" | null, "blob" | null}]}
    {"event": "bytes", "file": …, "done": …}
    {"event": "done"}  or  {"event": "error", "reason": …, "detail": …}

huggingface_hub (2.4) itself begins an interrupted file anew in each process, so its lower-level
``http_get``, which can resume, is used on files that keep their name.
"""

from __future__ import annotations

import errno
import fnmatch
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils._headers import build_hf_headers

PART = ".part"
BLOCK_BYTES = 1 << 20
"""Written and reported at once: what a broken connection costs at most, before it is resumed."""

_OTHER_FORMATS = ("onnx", "openvino")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub declares it: LFS files by sha256, others by git blob id."""

    name: str
    size: int
    sha256: str | None
    blob: str | None


class _Progress:
    """What http_get takes for a progress bar: adds up bytes and reports them, a line per block."""

    def __init__(self, name: str, done: int) -> None:
        self.name = name
        self.done = done

    def update(self, count: float | None = 1) -> None:
        self.done += int(count or 0)
        report(event="bytes", file=self.name, done=self.done)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


def report(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def plan(repo: str, revision: str, names: list[str], patterns: list[str]) -> list[HubFile]:
    """The files to fetch, as the hub declares them: ``names``, or what fits ``patterns``."""
    info = HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=20)
    if not info.sha:
        raise ValueError("commit")
    listed = {
        sibling.rfilename: sibling for sibling in info.siblings or [] if _usable(sibling.rfilename)
    }
    wanted = names or [n for n in listed if any(fnmatch.fnmatchcase(n, p) for p in patterns)]
    if "model.safetensors" in wanted:
        wanted = [n for n in wanted if not n.startswith("pytorch_model")]
    absent = [name for name in wanted if name not in listed]
    if absent or not wanted:
        raise FileNotFoundError(absent[0] if absent else repo)
    files = [_declared(listed[name]) for name in wanted]
    report(event="plan", commit=info.sha, files=[asdict(file) for file in files])
    return files


def _usable(name: str) -> bool:
    """A name that stays inside the folder, and no copy of the weights in another format."""
    parts = name.split("/")
    return not ({"", ".", ".."} & set(parts) or "\\" in name or parts[0] in _OTHER_FORMATS)


def _declared(sibling: RepoSibling) -> HubFile:
    size = int(sibling.size or 0)
    if sibling.lfs is not None:
        return HubFile(sibling.rfilename, size, sibling.lfs.sha256, None)
    return HubFile(sibling.rfilename, size, None, sibling.blob_id)


def fetch(repo: str, revision: str, file: HubFile, directory: Path) -> None:
    """Bring one file into ``directory``, going on where an earlier attempt stopped."""
    target = directory / file.name
    if target.is_file() and target.stat().st_size == file.size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    begun = part.stat().st_size if part.is_file() else 0
    with part.open("r+b" if 0 < begun <= file.size else "wb") as stream:
        begun = stream.seek(0, 2)
        http_get(
            hf_hub_url(repo, file.name, revision=revision),
            stream,
            resume_size=begun,
            headers=build_hf_headers(),
            expected_size=file.size,
            displayed_filename=file.name,
            _tqdm_bar=_Progress(file.name, begun),
        )
    part.replace(target)


def run(request: dict[str, Any]) -> None:
    """Fetch all files of a request, or report the first error."""
    directory = Path(request["directory"])
    repo, revision = request["repo"], request["revision"]
    for file in plan(repo, revision, request["names"], request["patterns"]):
        fetch(repo, revision, file, directory)
    report(event="done")


def reason_of(error: Exception) -> tuple[str, str]:
    """(reason, detail) of ModelError for what went wrong."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return ("refused" if 400 <= status < 429 else "unreachable", f"HTTP {status}")
    if isinstance(error, httpx2.HTTPError):
        return "unreachable", type(error).__name__
    if isinstance(error, FileNotFoundError) and error.errno is None:
        return "refused", str(error)
    if isinstance(error, OSError) and error.errno is not None:
        room = "no room" if error.errno in _NO_ROOM else str(error.strerror)
        return "disk", room
    if isinstance(error, OSError):
        return "unreachable", "incomplete"
    return "unreachable", "not a hub's answer"


def main() -> int:
    constants.DOWNLOAD_CHUNK_SIZE = BLOCK_BYTES
    request = json.load(sys.stdin)
    try:
        run(request)
    except (httpx2.HTTPError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason, detail = reason_of(error)
        report(event="error", reason=reason, detail=detail)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
