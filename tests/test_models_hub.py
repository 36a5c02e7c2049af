"""``models pull`` against a stand-in on this machine that speaks the hub's protocol."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock

from models.contracts import ModelError
from models.hub import Progress, addresses, online_environment, pull
from models.load import verify
from models.registry import ModelEntry

REPO = "acme/toy"
COMMIT = "c0ffee" + "0" * 34
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "vocabulary.json": b"[]",
    "model.bin": bytes(range(256)) * 12_288,
    "README.md": b"not needed",
    "onnx/config.json": b"{}",
}
LARGE = {"model.bin"}


@dataclass
class Hub:
    """What the stand-in serves, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    status: int = 200
    code: str = ""
    instead: dict[str, bytes] = field(default_factory=dict)
    break_once_at: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    address: str = ""

    def ranges_of(self, name: str) -> list[str | None]:
        return [r for method, path, r in self.asked if method == "GET" and path.endswith(name)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range")))
        if self.hub.status != 200:
            self.answer(self.hub.status, b"", {"X-Error-Code": self.hub.code})
        elif path == f"/api/models/{REPO}/revision/{COMMIT}":
            self.answer(200, json.dumps(self.listing()).encode())
        elif path.startswith(f"/{REPO}/resolve/{COMMIT}/"):
            name = path.removeprefix(f"/{REPO}/resolve/{COMMIT}/")
            self.answer(302, b"", {"Location": f"/cdn/{name}", "X-Repo-Commit": COMMIT})
        elif path.startswith("/cdn/") and path[5:] in self.hub.files:
            self.content(path[5:])
        else:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    def listing(self) -> dict[str, object]:
        siblings = []
        for name, data in self.hub.files.items():
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            row: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": blob}
            if name in LARGE:
                sha256 = hashlib.sha256(data).hexdigest()
                row["lfs"] = {"size": len(data), "sha256": sha256, "pointerSize": 134}
            siblings.append(row)
        return {"id": REPO, "sha": COMMIT, "siblings": siblings}

    def content(self, name: str) -> None:
        data = self.hub.instead.get(name, self.hub.files[name])
        begin = 0
        wanted = self.headers.get("Range")
        if wanted and self.hub.ranges:
            begin = int(wanted.removeprefix("bytes=").split("-")[0])
        headers = {"ETag": '"x"', "Accept-Ranges": "bytes"}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        stop = None
        if name in LARGE:
            stop, self.hub.break_once_at = self.hub.break_once_at, None
        self.answer(206 if begin else 200, data[begin:], headers, stop)

    def answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        stop: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:stop])
        if stop is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    state = Hub()
    handler = type("Handler", (_Handler,), {"hub": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", state.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


TOY = ModelEntry(name="toy", kind="speech", repo=REPO, revision=COMMIT, licence="MIT")
NEEDED = ("config.json", "model.bin", "tokenizer.json", "vocabulary.json")
LISTED = replace(
    TOY, files=tuple((name, hashlib.sha256(FILES[name]).hexdigest()) for name in NEEDED)
)


def failure(entry: ModelEntry, models_dir: Path) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        pull(entry, models_dir)
    assert caught.value.name == entry.name
    assert not (models_dir / entry.name).exists()
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize("entry", [TOY, LISTED], ids=["by pattern", "by list"])
def test_a_model_is_fetched_through_the_hubs_redirects(
    hub: Hub, tmp_path: Path, entry: ModelEntry
) -> None:
    seen: list[Progress] = []
    place = pull(entry, tmp_path / "models", seen.append)
    assert place == tmp_path / "models" / "toy"
    for name in NEEDED:
        assert (place / name).read_bytes() == FILES[name]
    assert not (place / "README.md").exists() and not (place / "onnx").exists()
    assert verify(entry, tmp_path / "models").good
    total = sum(len(FILES[name]) for name in NEEDED)
    assert seen[-1].done_bytes == seen[-1].total_bytes == total
    assert [p.done_bytes for p in seen] == sorted(p.done_bytes for p in seen)


def test_the_lock_keeps_commit_and_sums(hub: Hub, tmp_path: Path) -> None:
    place = pull(TOY, tmp_path)
    lock = json.loads((place / "model.lock.json").read_text())
    assert lock["commit"] == COMMIT and lock["repo"] == REPO
    assert lock["files"]["model.bin"] == hashlib.sha256(FILES["model.bin"]).hexdigest()
    (place / "config.json").write_text("{ }")
    assert verify(TOY, tmp_path).changed == ("config.json",)


def test_a_good_model_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    pull(TOY, tmp_path)
    hub.asked.clear()
    pull(TOY, tmp_path)
    assert hub.asked == []


def test_a_damaged_model_is_replaced(hub: Hub, tmp_path: Path) -> None:
    place = pull(LISTED, tmp_path)
    (place / "model.bin").write_bytes(b"rubbish")
    pull(LISTED, tmp_path)
    assert (place / "model.bin").read_bytes() == FILES["model.bin"]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["toy"]


def test_a_broken_connection_is_resumed_within_a_pull(hub: Hub, tmp_path: Path) -> None:
    hub.break_once_at = 2_500_000
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]
    assert hub.ranges_of("/cdn/model.bin") == [None, f"bytes={2 << 20}-"]


def partial_of(models_dir: Path) -> Path:
    return models_dir / f".partial-toy-{COMMIT[:12]}"


def begun(models_dir: Path, data: bytes) -> None:
    """As a pull leaves it that was killed in the middle of the weights."""
    partial_of(models_dir).mkdir(parents=True)
    (partial_of(models_dir) / "model.bin.part").write_bytes(data)


def test_a_killed_pull_is_resumed_by_the_next(hub: Hub, tmp_path: Path) -> None:
    begun(tmp_path, FILES["model.bin"][:200_000])
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]
    assert set(hub.ranges_of("model.bin")) == {"bytes=200000-"}


def test_a_server_without_ranges_sends_the_file_anew(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    begun(tmp_path, b"x" * 200_000)
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]


def test_a_rotten_beginning_is_found_out_and_dropped(hub: Hub, tmp_path: Path) -> None:
    begun(tmp_path, b"x" * 200_000)
    assert failure(TOY, tmp_path) == ("damaged", "model.bin")
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]


def test_what_an_older_revision_left_is_dropped(hub: Hub, tmp_path: Path) -> None:
    older = tmp_path / ".partial-toy-000000000000"
    older.mkdir()
    pull(TOY, tmp_path)
    assert not older.exists()


@pytest.mark.parametrize("name", ["model.bin", "config.json"])
def test_other_bytes_than_the_hub_declares_are_refused(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.instead[name] = b"?" * len(FILES[name])
    assert failure(TOY, tmp_path) == ("damaged", name)


def test_other_bytes_than_the_registry_names_are_refused_before_they_are_fetched(
    hub: Hub, tmp_path: Path
) -> None:
    hub.files["model.bin"] = b"?" * 1000
    assert failure(LISTED, tmp_path) == ("damaged", "model.bin")
    assert hub.ranges_of("/cdn/model.bin") == []


def test_small_files_are_held_against_the_registry_too(hub: Hub, tmp_path: Path) -> None:
    hub.files["config.json"] = b"{ }"
    assert failure(LISTED, tmp_path) == ("damaged", "config.json")


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (401, "GatedRepo", "refused"),
        (403, "", "refused"),
        (404, "RepoNotFound", "refused"),
        (404, "RevisionNotFound", "refused"),
    ],
)
def test_a_hub_that_says_no_is_told_apart(
    hub: Hub, tmp_path: Path, status: int, code: str, reason: str
) -> None:
    hub.status, hub.code = status, code
    assert failure(TOY, tmp_path) == (reason, f"HTTP {status}")


def test_a_broken_hub_is_unreachable(hub: Hub, tmp_path: Path) -> None:
    hub.status = 500
    assert failure(TOY, tmp_path) == ("unreachable", "HTTP 500")


def test_no_hub_is_unreachable(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    assert failure(TOY, tmp_path)[0] == "unreachable"


def test_a_file_the_hub_no_longer_has_is_named(hub: Hub, tmp_path: Path) -> None:
    del hub.files["vocabulary.json"]
    assert failure(LISTED, tmp_path) == ("refused", "vocabulary.json")


def test_names_that_leave_the_folder_are_not_fetched(hub: Hub, tmp_path: Path) -> None:
    hub.files["../vocabulary.json"] = b"[]"
    pull(TOY, tmp_path / "models")
    assert not any(".." in path for _, path, _ in hub.asked)


def test_two_pulls_of_one_model_do_not_mix(hub: Hub, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".partial-toy.lock"):
        assert failure(TOY, tmp_path)[0] == "disk"


def test_a_models_folder_that_cannot_be_made_is_said(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelError) as caught:
        pull(TOY, tmp_path / "models")
    assert caught.value.reason == "disk"


def test_addresses_for_fetching_by_hand_name_revision_and_file() -> None:
    home = f"https://huggingface.co/{REPO}"
    assert addresses(LISTED) == tuple(f"{home}/resolve/{COMMIT}/{name}" for name in NEEDED)
    assert addresses(TOY) == (f"{home}/tree/{COMMIT}",)


def test_bundled_models_are_not_fetched(tmp_path: Path) -> None:
    assert failure(replace(TOY, repo=None, bundled=True), tmp_path) == ("refused", "bundled")


def test_the_network_is_allowed_to_the_fetching_process_alone(hub: Hub, tmp_path: Path) -> None:
    pull(TOY, tmp_path)
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    environment = online_environment()
    assert "HF_HUB_OFFLINE" not in environment
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_nothing_is_asked_but_the_list_and_the_files(hub: Hub, tmp_path: Path) -> None:
    pull(TOY, tmp_path)
    resolve = f"/{REPO}/resolve/{COMMIT}/"
    expected = {f"/api/models/{REPO}/revision/{COMMIT}"}
    expected |= {resolve + name for name in NEEDED} | {"/cdn/" + name for name in NEEDED}
    assert {path for _, path, _ in hub.asked} == expected
