"""``models pull`` against a stand-in on this machine that speaks the hub's protocol."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from conftest import Interviews
from filelock import FileLock
from full_disk import full_disk, startup

from models.contracts import ModelError
from models.download.hub import Progress, addresses, online_environment, pull
from models.load import verify
from models.registry import ModelEntry, entry
from pipeline.messages import catalogue

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
LARGE = frozenset({"model.bin"})


@dataclass
class Hub:
    """What the stand-in serves, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    status: int = 200
    code: str = ""
    instead: dict[str, bytes] = field(default_factory=dict)
    break_once_at: int | None = None
    ranges: bool = True
    ends_at: int | None = None
    busy: int = 0
    wait: dict[str, str] = field(default_factory=dict)
    busy_at: str = "/cdn/model.bin"
    storage: str = ""
    storage_status: int = 200
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    tokens: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""
    repo: str = REPO
    commit: str = COMMIT
    large: frozenset[str] = LARGE

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
        self.hub.tokens.append((str(self.headers["Host"]), self.headers.get("Authorization")))
        if self.hub.busy and path.startswith(self.hub.busy_at):
            self.hub.busy -= 1
            self.answer(429, b"", self.hub.wait)
        elif path.startswith("/cdn/") and self.hub.storage_status != 200:
            self.answer(self.hub.storage_status, b"")
        elif self.hub.status != 200:
            self.answer(self.hub.status, b"", {"X-Error-Code": self.hub.code})
        elif path == f"/api/models/{self.hub.repo}/revision/{self.hub.commit}":
            self.answer(200, json.dumps(self.listing()).encode())
        elif path.startswith(home := f"/{self.hub.repo}/resolve/{self.hub.commit}/"):
            name = path.removeprefix(home)
            self.answer(
                302,
                b"",
                {
                    "Location": f"{self.hub.storage}/cdn/{name}",
                    "X-Repo-Commit": COMMIT,
                    "ETag": '"the-hubs"',
                },
            )
        elif path.startswith("/cdn/") and path[5:] in self.hub.files:
            self.content(path[5:])
        else:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    def listing(self) -> dict[str, object]:
        siblings = []
        for name, data in self.hub.files.items():
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            row: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": blob}
            if name in self.hub.large:
                sha256 = hashlib.sha256(data).hexdigest()
                row["lfs"] = {"size": len(data), "sha256": sha256, "pointerSize": 134}
            siblings.append(row)
        return {"id": self.hub.repo, "sha": self.hub.commit, "siblings": siblings}

    def content(self, name: str) -> None:
        data = self.hub.instead.get(name, self.hub.files[name])
        begin = 0
        wanted = self.headers.get("Range")
        if wanted and self.hub.ranges:
            begin = int(wanted.removeprefix("bytes=").split("-")[0])
        if self.hub.ends_at is not None and begin >= self.hub.ends_at:
            self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
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


@contextmanager
def served(state: Hub) -> Iterator[int]:
    """The port of a server that answers as ``state`` says."""
    handler = type("Handler", (_Handler,), {"hub": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    state = Hub()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with served(state) as port:
        state.address = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("HF_ENDPOINT", state.address)
        yield state


@pytest.fixture
def storage(hub: Hub) -> Iterator[Hub]:
    """Another machine, by another name, to which the hub sends us for the files."""
    state = Hub()
    with served(state) as port:
        state.address = hub.storage = f"http://localhost:{port}"
        yield state


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


def test_a_damaged_lock_file_is_repaired(hub: Hub, tmp_path: Path) -> None:
    place = pull(TOY, tmp_path)
    (place / "model.lock.json").write_text("{")
    pull(TOY, tmp_path)
    assert verify(TOY, tmp_path).good


def test_a_file_of_ones_own_beside_a_good_model_stays(hub: Hub, tmp_path: Path) -> None:
    place = pull(TOY, tmp_path)
    (place / "notes.txt").write_text("mine")
    hub.asked.clear()
    pull(TOY, tmp_path)
    assert hub.asked == [] and (place / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("dangling", [False, True])
def test_what_is_no_folder_is_left_in_its_place(hub: Hub, tmp_path: Path, dangling: bool) -> None:
    place = tmp_path / "toy"
    place.symlink_to(tmp_path / "nowhere") if dangling else place.write_text("mine")
    with pytest.raises(ModelError) as caught:
        pull(TOY, tmp_path)
    assert (caught.value.reason, caught.value.detail) == ("occupied", str(place))
    assert place.is_symlink() if dangling else place.read_text() == "mine"
    assert hub.asked == []


def test_a_model_set_aside_by_a_killed_pull_comes_back(hub: Hub, tmp_path: Path) -> None:
    place = pull(TOY, tmp_path)
    place.rename(tmp_path / ".former-toy")
    hub.asked.clear()
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]
    assert hub.asked == [] and not (tmp_path / ".former-toy").exists()


# ------------------------------------------------------------------ a fetching process that dies

DIES = """
import sys
if "-c" in sys.orig_argv:
    sys.modules["{module}"] = None
"""
EXITS = """
import os, sys
if "-c" in sys.orig_argv:
    os._exit({code})
"""


@pytest.mark.parametrize(
    ("code", "named"),
    [
        (DIES.format(module="huggingface_hub"), "huggingface_hub"),
        (DIES.format(module="models.download.fetch"), "models.download.fetch"),
        (EXITS.format(code=0), "fetch ended with 0"),
        (EXITS.format(code=1), "fetch ended with 1"),
        (EXITS.format(code=9), "fetch ended with 9"),
        ('import sys\nif "-c" in sys.orig_argv: print("[1, 2]", flush=True)', "fetch ended"),
    ],
    ids=["library", "module", "exit 0", "exit 1", "exit 9", "noise"],
)
def test_a_fetching_process_that_dies_costs_nothing_that_was_there(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, named: str
) -> None:
    models = tmp_path / "models"
    place = pull(LISTED, models)
    (place / "config.json").write_text("damaged")
    begun(models, b"x" * 1000)
    with monkeypatch.context() as dying:
        for name, value in startup(tmp_path / "startup", code).items():
            dying.setenv(name, value)
        with pytest.raises(ModelError) as caught:
            pull(LISTED, models)
    assert caught.value.reason == "unreachable" and named in caught.value.detail
    assert (place / "model.bin").read_bytes() == FILES["model.bin"]
    assert (partial_of(models) / "model.bin.part").stat().st_size == 1000


@pytest.mark.parametrize(
    ("name", "value"), [("HF_HUB_DOWNLOAD_TIMEOUT", "abc"), ("HF_ENDPOINT", "http://[bad")]
)
def test_settings_that_the_library_cannot_read_are_said(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    reason, detail = failure(TOY, tmp_path)
    assert reason == "unreachable" and detail


def test_what_a_library_prints_does_not_mix_with_the_reports(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talks = (
        "import json, os\nreally = json.load\n"
        "def load(*a):\n    print('hello')\n    os.write(1, b'hello')\n    return really(*a)\n"
        "json.load = load\n"
    )
    for name, value in startup(tmp_path / "startup", talks).items():
        monkeypatch.setenv(name, value)
    assert verify(TOY, pull(TOY, tmp_path / "models").parent).good


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
        (401, "GatedRepo", "gated"),
        (401, "RepoNotFound", "gated"),
        (401, "", "gated"),
        (403, "GatedRepo", "gated"),
        (403, "", "gated"),
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


def test_a_beginning_longer_than_what_there_is_does_not_stand_in_the_way(
    hub: Hub, tmp_path: Path
) -> None:
    begun(tmp_path, FILES["model.bin"][:200_000])
    hub.ends_at = 100_000
    assert failure(TOY, tmp_path) == ("unreachable", "HTTP 416")
    hub.ends_at = None
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]


def test_what_is_begun_of_a_model_with_a_longer_name_is_left_alone(
    hub: Hub, tmp_path: Path
) -> None:
    longer = tmp_path / f".partial-toy-turbo-{COMMIT[:12]}"
    longer.mkdir()
    pull(TOY, tmp_path)
    assert longer.exists()


def test_a_file_the_hub_no_longer_has_is_named(hub: Hub, tmp_path: Path) -> None:
    del hub.files["vocabulary.json"]
    assert failure(LISTED, tmp_path) == ("refused", "vocabulary.json")


def test_names_that_leave_the_folder_are_not_fetched(hub: Hub, tmp_path: Path) -> None:
    hub.files["../vocabulary.json"] = b"[]"
    pull(TOY, tmp_path / "models")
    assert not any(".." in path for _, path, _ in hub.asked)


def test_two_pulls_of_one_model_do_not_mix(hub: Hub, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".partial-toy.lock"):
        assert failure(TOY, tmp_path) == ("locked", "")


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


# ------------------------------------------------------------------ a hub that is asked too much


def test_a_short_pause_is_made_without_a_word(hub: Hub, tmp_path: Path) -> None:
    hub.busy, hub.wait = 2, {"Retry-After": "0"}
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]
    assert len(hub.ranges_of("/cdn/model.bin")) == 3


@pytest.mark.parametrize("busy_at", ["/cdn/model.bin", f"/{REPO}/resolve", "/api"])
@pytest.mark.parametrize(
    ("wait", "named"),
    [
        ({"Retry-After": "3600"}, ", 60 min"),
        ({"Retry-After": "30"}, ", 30 s"),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, ""),
        ({"RateLimit": '"resolvers";r=0;t=250', "Retry-After": "1"}, ", 5 min"),
    ],
)
def test_a_long_pause_is_told_with_its_length(
    hub: Hub, tmp_path: Path, wait: dict[str, str], named: str, busy_at: str
) -> None:
    hub.busy, hub.wait, hub.busy_at = 99, wait, busy_at
    begun(tmp_path, FILES["model.bin"][:200_000])
    assert failure(TOY, tmp_path) == ("throttled", f"HTTP 429{named}")
    hub.busy = 0
    hub.asked.clear()
    pull(TOY, tmp_path)
    assert set(hub.ranges_of("/cdn/model.bin")) == {"bytes=200000-"}


def test_a_pause_of_unknown_length_is_not_waited_for_long(hub: Hub, tmp_path: Path) -> None:
    hub.busy = 99
    assert failure(TOY, tmp_path) == ("throttled", "HTTP 429")
    assert len(hub.ranges_of("/cdn/model.bin")) == 3
    hub.busy = 0
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]


# ------------------------------------------------------------------ files that lie elsewhere


def test_files_are_fetched_from_where_the_hub_sends_us(
    hub: Hub, storage: Hub, tmp_path: Path
) -> None:
    storage.break_once_at = 2_500_000
    assert (pull(TOY, tmp_path) / "model.bin").read_bytes() == FILES["model.bin"]
    assert storage.ranges_of("/cdn/model.bin") == [None, f"bytes={2 << 20}-"]
    assert not hub.ranges_of("/cdn/model.bin")
    assert verify(TOY, tmp_path).good


def test_the_token_goes_to_the_hub_and_to_no_other_host(
    hub: Hub, storage: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    storage.break_once_at = 2_500_000
    pull(TOY, tmp_path)
    assert {token for _, token in hub.tokens} == {"Bearer hf_secret"}
    assert len(storage.tokens) == len(NEEDED) + 1
    assert {token for _, token in storage.tokens} == {None}
    assert all(host.startswith("localhost:") for host, _ in storage.tokens)


def test_without_a_token_nobody_is_told_who_asks(hub: Hub, storage: Hub, tmp_path: Path) -> None:
    pull(TOY, tmp_path)
    assert {token for _, token in hub.tokens + storage.tokens} == {None}


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_storage_that_says_no_is_named_and_asks_nobody_to_sign_in(
    hub: Hub, storage: Hub, tmp_path: Path, status: int
) -> None:
    storage.storage_status = status
    assert failure(TOY, tmp_path) == ("unreachable", f"HTTP {status}, localhost")


def test_a_storage_out_of_reach_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.storage = "http://nowhere.invalid"
    reason, detail = failure(TOY, tmp_path)
    assert reason == "unreachable" and detail.endswith(", nowhere.invalid")


# ------------------------------------------------------------------ a disk that fills up


def test_a_disk_that_fills_up_keeps_what_has_arrived(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 1_500_000
    with monkeypatch.context() as full:
        for name, value in full_disk(tmp_path / "startup", "model.bin.part", room).items():
            full.setenv(name, value)
        assert failure(TOY, tmp_path / "models") == ("full", "")
    part = partial_of(tmp_path / "models") / "model.bin.part"
    assert part.read_bytes() == FILES["model.bin"][:room]
    hub.asked.clear()
    assert (pull(TOY, tmp_path / "models") / "model.bin").read_bytes() == FILES["model.bin"]
    assert set(hub.ranges_of("/cdn/model.bin")) == {f"bytes={room}-"}


def test_too_little_room_is_said_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "models.download.placing.shutil.disk_usage", lambda _: SimpleNamespace(free=65 << 20)
    )
    assert failure(TOY, tmp_path) == ("full", "4 MB")
    assert hub.ranges_of("/cdn/model.bin") == []


# ------------------------------------------------------------------ what the command says


@dataclass(frozen=True)
class Said:
    code: int
    lines: list[str]


def pulled(interviews: Interviews, hub: Hub, **environment: str) -> Said:
    """``models pull tiny`` at the stand-in: what it says on standard error."""
    ran = interviews("models", "pull", "tiny", check=False, **environment)
    return Said(ran.code, ran.err.splitlines())


@pytest.mark.parametrize(
    ("status", "wait", "sentence", "advice"),
    [
        (401, "", "signed-in users", "HF_TOKEN"),
        (403, "", "signed-in users", "accept its terms"),
        (404, "", "not handed out (HTTP 404)", "no longer there"),
        (429, "", "asks for a pause", "what has arrived is kept"),
        (429, "900", "(HTTP 429, 15 min)", "HF_TOKEN raises the limit"),
    ],
)
def test_one_sentence_and_what_to_do(
    interviews: Interviews, hub: Hub, status: int, wait: str, sentence: str, advice: str
) -> None:
    if status == 429:
        hub.busy, hub.busy_at = 99, "/api"
        hub.wait = {"Retry-After": wait} if wait else {}
    else:
        hub.status = status
    said = pulled(interviews, hub)
    assert said.code == 4 and len(said.lines) == 2
    assert sentence in said.lines[0] and "tiny" in said.lines[0]
    assert advice in said.lines[1]


def test_a_full_disk_is_the_data_directorys_trouble(
    interviews: Interviews, hub: Hub, tmp_path: Path
) -> None:
    known = entry("tiny")
    hub.repo, hub.commit = str(known.repo), str(known.revision)
    hub.files |= {"vocabulary.txt": b"a"}
    hub.large = frozenset()
    environment = full_disk(tmp_path / "startup", "tokenizer.json.part", 5)
    said = pulled(interviews, hub, **environment)
    assert said.code == 5 and "no room left" in said.lines[-2]


def test_names_are_all_looked_up_before_anything_is_fetched(
    interviews: Interviews, hub: Hub
) -> None:
    ran = interviews("models", "pull", "tiny", "tinny", check=False)
    assert ran.code == 4 and "tinny" in ran.err and hub.asked == []


def test_one_model_that_fails_does_not_keep_the_others_back(
    interviews: Interviews, hub: Hub
) -> None:
    hub.status = 404
    ran = interviews("models", "pull", "tiny", "base", "tiny", check=False)
    assert ran.code == 1
    said = [line for line in ran.err.splitlines() if "not handed out" in line]
    assert len(said) == 2 and "tiny" in said[0] and "base" in said[1]


def test_a_reranker_is_fetched_unasked_only_where_it_is_to_be_used(
    interviews: Interviews, hub: Hub
) -> None:
    hub.status = 404
    assert "bge-reranker" not in interviews("models", "pull", check=False).err
    (interviews.home / "interviews.toml").write_text('reranker = "bge-reranker-v2-m3"\n')
    assert "bge-reranker" in interviews("models", "pull", check=False).err


def test_a_model_of_ones_own_is_converted_anew_not_pulled(interviews: Interviews, hub: Hub) -> None:
    place = interviews.home / "models" / "mine"
    place.mkdir(parents=True)
    for name in ("model.bin", "config.json"):
        (place / name).write_text("{}")
    ran = interviews("models", "pull", "mine", check=False)
    assert ran.code == 2 and "convert" in ran.err and "mine --force" in ran.err
    assert hub.asked == []


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_trouble_of_a_pull_has_its_sentences(language: str) -> None:
    for reason in ("gated", "throttled", "full", "locked", "disk", "refused", "unreachable",
                   "occupied", "own"):  # fmt: skip
        for part in ("message", "advice"):
            assert f"error.model.{reason}.{part}" in catalogue(language)
