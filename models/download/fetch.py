"""The one part of the program that speaks to a model hub. Runs in a process of its own.

``hub`` starts it with an environment in which the network is allowed; huggingface_hub reads that
when it is imported, so no other process is ever allowed anything. It takes one request (JSON) on
standard input and reports, a JSON object a line, on the stream that ``main`` is given:

    {"event": "plan", "commit": …, "files": [{"name", "size", "sha256" | null, "blob" | null}]}
    {"event": "bytes", "file": …, "done": …}
    {"event": "done"}  or  {"event": "error", "reason": …, "detail": …}

huggingface_hub (2.4) itself begins an interrupted file anew in each process, so its lower-level
``http_get``, which can resume, is used on files that keep their name.
"""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url, set_client_factory
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import default_client_factory, parse_ratelimit_headers

from models.download.placing import NO_ROOM

PART = ".part"
BLOCK_BYTES = 1 << 20
"""Written and reported at once: what a broken connection costs at most, before it is resumed."""

LONGEST_WAIT_S = 10
"""What a hub that is asked too much may have us wait without a word. huggingface_hub itself waits
silently for as long as it is told, an hour say, and does so five times over."""

PATIENCE = 2
"""So many times in a row we wait and ask again; after that the one who pulls is told."""

_OTHER_FORMATS = ("onnx", "openvino")
_SIGN_IN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub declares it: LFS files by sha256, others by git blob id."""

    name: str
    size: int
    sha256: str | None
    blob: str | None


class Throttled(Exception):
    """The hub wants fewer questions, and a longer pause than is made without a word."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class _Patience:
    """Sees every answer before huggingface_hub does, and ends its waiting where it gets long."""

    def __init__(self) -> None:
        self._refusals = 0

    def __call__(self, response: httpx2.Response) -> None:
        if response.is_success:
            self._refusals = 0
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self._refusals += 1
            if self._refusals > PATIENCE or (named_wait(response.headers) or 0) > LONGEST_WAIT_S:
                raise Throttled(_pause(response.headers))


def named_wait(headers: Mapping[str, str]) -> int | None:
    """Seconds to wait as the answer names them: its rate limit, a number or a date; else None."""
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds
    told = headers.get("Retry-After", "").strip()
    if told.isdigit():
        return int(told)
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0, round((until - datetime.now(UTC)).total_seconds()))


def _pause(headers: Mapping[str, str]) -> str:
    seconds = named_wait(headers)
    if not seconds:
        return "HTTP 429"
    return f"HTTP 429, {seconds} s" if seconds < 120 else f"HTTP 429, {-(-seconds // 60)} min"


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


class _Channel:
    """Where reports go: not to standard output, which the libraries may write to."""

    stream: TextIO = sys.stdout


def report(**fields: Any) -> None:
    _Channel.stream.write(json.dumps(fields) + "\n")
    _Channel.stream.flush()


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
        try:
            _go_on(repo, revision, file, stream)
        except HfHubHTTPError as error:
            if error.response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                stream.truncate(0)  # What is begun fits nothing there: the next attempt is anew.
            raise
    part.replace(target)


def _go_on(repo: str, revision: str, file: HubFile, stream: BinaryIO) -> None:
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


def run(request: dict[str, Any]) -> None:
    """Fetch all files of a request, or report the first error."""
    directory = Path(request["directory"])
    repo, revision = request["repo"], request["revision"]
    for file in plan(repo, revision, request["names"], request["patterns"]):
        fetch(repo, revision, file, directory)
    report(event="done")


def reason_of(error: Exception) -> tuple[str, str]:
    """(reason, detail) of ModelError for what went wrong."""
    if isinstance(error, Throttled):
        return "throttled", error.detail
    if isinstance(error, HfHubHTTPError):
        return _reason_of_status(error.response)
    if isinstance(error, httpx2.HTTPError):
        return "unreachable", f"{type(error).__name__}{_elsewhere(error)}"
    if isinstance(error, FileNotFoundError) and error.errno is None:
        return "refused", str(error)
    if isinstance(error, OSError):
        return _reason_of_disk(error)
    return "unreachable", "not a hub's answer"


def _reason_of_disk(error: OSError) -> tuple[str, str]:
    if error.errno is None:
        return "unreachable", "incomplete"
    return ("full", "") if error.errno in NO_ROOM else ("disk", str(error.strerror))


def _reason_of_status(response: httpx2.Response) -> tuple[str, str]:
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "throttled", _pause(response.headers)
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return "unreachable", f"HTTP {status}"
    if not _is_hub(response.url):
        # The storage that the hub sends us to knows no accounts: a firewall, or a link gone stale.
        return "unreachable", f"HTTP {status}, {response.url.host}"
    if status in _SIGN_IN:
        return "gated", f"HTTP {status}"
    return ("refused" if 400 <= status < 500 else "unreachable"), f"HTTP {status}"


def _is_hub(url: httpx2.URL) -> bool:
    hub = httpx2.URL(constants.ENDPOINT)
    return (url.host, url.port) == (hub.host, hub.port)


def _elsewhere(error: httpx2.HTTPError) -> str:
    """The host that failed, where it is not the hub itself: one more for the firewall to let by."""
    try:
        url = error.request.url
    except RuntimeError:
        return ""
    return "" if _is_hub(url) else f", {url.host}"


def _client() -> httpx2.Client:
    client = default_client_factory()
    client.event_hooks["response"].append(_Patience())
    return client


def main(channel: TextIO) -> int:
    """Do what standard input asks for; 1 where an error was reported."""
    _Channel.stream = channel
    constants.DOWNLOAD_CHUNK_SIZE = BLOCK_BYTES
    set_client_factory(_client)
    request = json.load(sys.stdin)
    try:
        run(request)
    except (
        Throttled, httpx2.HTTPError, OSError, ValueError, KeyError, TypeError, AttributeError
    ) as error:  # fmt: skip
        reason, detail = reason_of(error)
        report(event="error", reason=reason, detail=detail)
        return 1
    return 0
