"""The real server: what cannot be seen without sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.catalog import recordings, renditions
from pipeline.catalog.renditions import Made
from pipeline.catalog.transcripts import StageResult
from pipeline.run.shown import shows
from pipeline.run.yielding import LOW
from pipeline.values import Media
from tests.conftest import Interviews
from tests.forks import ROOT
from tests.test_web_walk import OPEN, STAFFS
from tests.web_client import Browser
from tests.web_home import WebHome, person, served
from tests.web_server import Server, received, running

HUGE = 5 << 30
HEAD_S, BODY_S = 0.5, 1.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a film of 5 GB that is played as it is; it takes no room on the disk."""
    root = tmp_path_factory.mktemp("server")
    home = WebHome(root / "home", (OPEN, STAFFS))
    film = root / "film.mp4"
    with film.open("wb") as file:
        file.truncate(HUGE)
        file.seek(HUGE - 4)
        file.write(b"ENDE")
    _played(home, OPEN.id, film)
    home.close()
    return root / "home"


def _played(home: WebHome, recording_id: str, film: Path) -> None:
    stat = film.stat()
    media = Media(str(film), stat.st_size, stat.st_mtime_ns, None, False)
    made = Made("original", media_type="video/mp4", has_video=True)
    with home.catalogue.write() as db:
        recordings.set_media(db, recording_id, media)
        shown = StageResult("f", shows(recording_id, None, ()))
        renditions.store(db, recording_id, shown, made, took_ms=0)


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    log = place.parent / "log"
    with running(place, log, "--open", "--head", str(HEAD_S), "--body", str(BODY_S)) as one:
        yield one


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    head = (f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", "")
    return "\r\n".join(head).encode("latin-1")


def asked(
    server: Server, path: str, *lines: str, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    answer = server.ask(request(path, "Connection: close", *lines, method=method))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split()[1]), headers, body


# --- bytes of a film -----------------------------------------------------------------------------

FILM = f"/r/{OPEN.id}/media"

RANGES = [
    ("bytes=0-3", 206, f"bytes 0-3/{HUGE}", 4),
    ("bytes=-4", 206, f"bytes {HUGE - 4}-{HUGE - 1}/{HUGE}", 4),
    (f"bytes={HUGE - 4}-", 206, f"bytes {HUGE - 4}-{HUGE - 1}/{HUGE}", 4),
    (f"bytes={HUGE - 4}-{HUGE + 100}", 206, f"bytes {HUGE - 4}-{HUGE - 1}/{HUGE}", 4),
    ("BYTES=5-5", 206, f"bytes 5-5/{HUGE}", 1),
    (f"bytes={HUGE}-", 416, f"bytes */{HUGE}", 0),
    ("bytes=-0", 416, f"bytes */{HUGE}", 0),
]


@pytest.mark.parametrize(("asked_for", "status", "said", "length"), RANGES)
def test_a_film_is_given_in_ranges(
    server: Server, asked_for: str, status: int, said: str, length: int
) -> None:
    got, headers, body = asked(server, FILM, f"Range: {asked_for}")
    assert (got, headers["content-range"], len(body)) == (status, said, length)
    if said.startswith(f"bytes {HUGE - 4}"):
        assert body == b"ENDE"


@pytest.mark.parametrize(
    "asked_for",
    [
        "items=0-3",
        "bytes=x",
        "bytes=",
        "0-3",
        "bytes=1_0-2_0",
        "bytes=٣-",
        "bytes=+1-2",
        "bytes=" + "9" * 4000 + "-",
        "bytes=5-2",
        f"bytes={HUGE}-2",
        "bytes=0-3,5-2",
    ],
)
def test_what_is_no_range_is_as_if_it_were_not_there(server: Server, asked_for: str) -> None:
    got, headers, _ = asked(
        server, FILM, f"Range: {asked_for.encode().decode('latin-1')}", method="HEAD"
    )
    assert (got, headers["content-length"]) == (200, str(HUGE))


def test_several_ranges_come_in_parts(server: Server) -> None:
    got, headers, body = asked(server, FILM, f"Range: bytes=0-1,{HUGE - 4}-")
    assert got == 206 and headers["content-type"].startswith("multipart/byteranges")
    assert len(body) == int(headers["content-length"])
    assert f"Content-Range: bytes {HUGE - 4}-{HUGE - 1}/{HUGE}\r\n\r\nENDE".encode() in body
    many = ",".join(f"{n}-{n}" for n in range(0, 300, 2))
    assert asked(server, FILM, f"Range: bytes={many}", method="HEAD")[0] == 200


def test_a_range_of_a_file_that_is_another_by_now_is_the_whole(server: Server) -> None:
    _, headers, _ = asked(server, FILM, method="HEAD")
    assert headers["accept-ranges"] == "bytes" and headers["content-length"] == str(HUGE)
    for same in (f"If-Range: {headers['etag']}",):
        assert asked(server, FILM, "Range: bytes=0-3", same, method="HEAD")[0] == 206
    for other in (
        'If-Range: "x"',
        f"If-Range: W/{headers['etag']}",
        "If-Range: Mon, 01 Jan 2001 00:00:00 GMT",
    ):
        assert asked(server, FILM, "Range: bytes=0-3", other, method="HEAD")[0] == 200


def test_who_has_a_film_already_gets_none_of_it_again(server: Server) -> None:
    _, has, _ = asked(server, FILM, method="HEAD")
    for same in (f"If-None-Match: {has['etag']}", f"If-Modified-Since: {has['last-modified']}"):
        for more in ((), ("Range: bytes=0-3",)):
            got, headers, body = asked(server, FILM, same, *more)
            assert (got, body) == (304, b"") and "content-length" not in headers
    part = ("Range: bytes=0-3", f"If-Range: {has['etag']}")
    assert asked(server, FILM, *part, 'If-None-Match: "x"')[0] == 206


def test_memory_stays_flat_and_who_leaves_leaves_nothing_open(server: Server) -> None:
    asked(server, FILM, "Range: bytes=0-99999999")
    before = server.resident_bytes
    asked(server, FILM, "Range: bytes=1000000000-1400000000")
    for _ in range(20):
        with server.connected() as connection:
            connection.sendall(request(FILM))
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert server.resident_bytes - before < 30 << 20
    while any("film.mp4" in one for one in server.open_files):
        assert server.is_alive


def test_who_does_not_read_what_comes_takes_no_memory(server: Server) -> None:
    before = server.resident_bytes
    connections = [server.connected() for _ in range(10)]
    for connection in connections:
        connection.sendall(request(FILM))
    assert server.is_alive and server.is_alive
    assert server.resident_bytes - before < 30 << 20
    for connection in connections:
        connection.close()


def test_a_film_that_vanishes_is_a_clean_answer(tmp_path: Path) -> None:
    with served(tmp_path, (OPEN, STAFFS)) as (home, nobody):
        member = person(home, nobody, "member")
        for folder in home.context.home.renditions.glob(f"{OPEN.id}/*"):
            _between(home, member, folder / "play.mp4", f"/r/{OPEN.id}/media")
            _between(home, member, folder / "frames" / "000000.jpg", f"/r/{OPEN.id}/picture/0")


def _between(home: WebHome, member: Browser, file: Path, path: str) -> None:
    """There when it is looked for, gone or not to be read when it is opened."""
    answers = [member.get(path).status]
    content = file.read_bytes()
    file.unlink()
    answers.append(member.get(path).status)
    file.symlink_to("/proc/self/mem")  # it is there, and no byte of it can be read
    answers.append(member.get(path).status)
    file.unlink()
    file.write_bytes(content)
    assert answers[0] == 200 and set(answers[1:]) <= {404}


# --- connections ---------------------------------------------------------------------------------


def test_who_dawdles_over_a_request_is_let_go_of(server: Server) -> None:
    with server.connected() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
        assert received(connection) == b""


def test_who_sends_a_byte_now_and_then_is_let_go_of_too(server: Server) -> None:
    with server.connected() as connection:
        try:
            for _ in range(1000):
                connection.sendall(b"X")
                connection.settimeout(HEAD_S / 10)
                try:
                    if connection.recv(1) == b"":
                        return
                except TimeoutError:
                    continue
        except (ConnectionResetError, BrokenPipeError):
            return
    raise AssertionError("never let go of")


def test_who_dawdles_over_the_second_request_is_let_go_of_too(server: Server) -> None:
    with server.connected() as connection:
        connection.sendall(request("/help") + b"GET / HTTP/1.1\r\nX-")
        assert received(connection).startswith(b"HTTP/1.1 200")


def test_a_form_that_never_ends_is_let_go_of(server: Server) -> None:
    with server.connected() as connection:
        connection.sendall(request("/sign-in", "Content-Length: 1000", method="POST"))
        try:
            for _ in range(1000):
                connection.sendall(b"a")
                connection.settimeout(BODY_S / 10)
                try:
                    piece = connection.recv(1 << 16)
                    break
                except TimeoutError:
                    continue
        except (ConnectionResetError, BrokenPipeError):
            return
        assert piece.startswith(b"HTTP/1.1 408")


def test_what_is_no_http_is_refused(server: Server) -> None:
    long = "x" * 100_000
    for sent, status in (
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (request("/", "Host: evil.example"), 400),
        (request("/", "X: a\x00b"), 400),
        (request("/", " folded: a"), 421),
        (request("/", "Content-Length: 1", "Content-Length: 2", method="POST"), 400),
        (request("/", "Transfer-Encoding: gzip, chunked", method="POST"), 501),
        (
            request("/sign-in", "Content-Length: 5", "Transfer-Encoding: chunked", method="POST"),
            400,
        ),
        (request(f"/?q={long}"), 431),
        (request("/", f"Cookie: a={long}"), 431),
        (request("/sign-in", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n", 400),
    ):
        answer = server.ask(sent)
        assert answer.split(b" ")[1:2] in ([str(status).encode()], [b"400"]), (
            sent[:60],
            answer[:200],
        )
    assert server.is_alive


def test_nothing_rides_along_behind_a_request(server: Server) -> None:
    """One request to whoever reads one length, two to whoever reads the other: here it is none."""
    hidden = request("/help/hidden")
    for lines in (
        (f"Content-Length: {len(hidden) + 5}", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: \x0bchunked", f"Content-Length: {len(hidden)}"),
    ):
        answer = server.ask(request("/sign-in", *lines, method="POST") + b"0\r\n\r\n" + hidden)
        assert answer.count(b"HTTP/1.1 ") == 1 and not answer.startswith(b"HTTP/1.1 200")


def test_no_upgrade_leads_past_the_pages(server: Server) -> None:
    for to in ("websocket", "h2c"):
        lines = ("Connection: close, Upgrade", f"Upgrade: {to}", "Sec-WebSocket-Key: eA==")
        assert server.ask(request("/help", *lines)).startswith(b"HTTP/1.1 200")


def test_more_connections_than_there_is_room_for_are_closed(server: Server) -> None:
    connections: list[socket.socket] = []
    try:
        for _ in range(600):
            connections.append(server.connected())
        while len(server.open_files) > 450:  # those beyond are closed as soon as they are seen
            assert server.log.exists()
    finally:
        for connection in connections:
            connection.close()
    while not server.is_alive:
        pass


# --- behind another web server -------------------------------------------------------------------

PROXY, OUTSIDE = "127.0.0.1", "127.0.0.2"
"""A web server on the same machine, and somebody who is none."""


@pytest.fixture(scope="module")
def door(place: Path) -> Iterator[Server]:
    with running(place, place.parent / "door") as one:
        yield one


def tried(door: Server, source: str, name: str, *said: str) -> int:
    """The status of a sign-in with a wrong password."""
    form = f"name={name}&password=ganz+falsche+Worte".encode()
    lines = (f"Content-Length: {len(form)}", "Connection: close", *said)
    answer = door.ask(request("/sign-in", *lines, method="POST") + form, source)
    return int(answer.split(b" ")[1])


def test_sign_ins_are_counted_by_the_address_that_the_web_server_in_front_tells(
    door: Server,
) -> None:
    many = [tried(door, PROXY, "anna", f"X-Forwarded-For: 198.51.100.{n}") for n in range(12)]
    assert set(many) == {403}
    one = [tried(door, PROXY, "anna", "X-Forwarded-For: 203.0.113.5") for _ in range(12)]
    assert one[0] == 403 and 429 in one
    assert tried(door, PROXY, "anna", "X-Forwarded-For: 203.0.113.6") == 403


@pytest.mark.parametrize(
    ("source", "forged"),
    [(OUTSIDE, "198.51.100.{n}"), (PROXY, "198.51.100.{n}, 192.0.2.9")],
    ids=["sent to us", "sent to the web server in front, which adds what it sees"],
)
def test_nobody_escapes_the_limits_by_claiming_to_be_another(
    door: Server, source: str, forged: str
) -> None:
    said = [
        tried(
            door, source, "bert", f"X-Forwarded-For: {forged.format(n=n)}", f"X-Real-IP: 1.2.3.{n}"
        )
        for n in range(12)
    ]
    assert said[0] == 403 and 429 in said


def test_only_the_web_server_in_front_says_that_the_way_is_encrypted(door: Server) -> None:
    sent = request("/sign-in", "Connection: close", "X-Forwarded-Proto: https")
    for source, believed in ((PROXY, True), (OUTSIDE, False)):
        assert (b"strict-transport-security" in door.ask(sent, source)) is believed


# --- beside work ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "nightly"])
def test_work_on_recordings_gives_way_to_the_pages(tmp_path: Path, command: str) -> None:
    """What it starts, and that is where the time goes, inherits it."""
    script = (
        "import os; from pipeline.cli.main import cli; from pipeline.cli.app import run_cli;"
        f"run_cli(cli, ['--home', {str(tmp_path)!r}, {command!r}]); print('nice', os.nice(0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith(f"nice {max(LOW, os.nice(0))}")


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "closing"),
    [("de", "Die Seiten sind geschlossen."), ("en", "The pages are closed.")],
)
def test_who_stops_the_pages_is_told_that_they_are_closed(
    tmp_path: Path, language: str, closing: str
) -> None:
    interviews = Interviews(tmp_path)
    command = interviews.command("--lang", language, "serve", "--open", "--port", "0")
    surroundings = interviews.environment()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "http://" in line)
        process.send_signal(signal.SIGTERM)  # a background job may ignore SIGINT
        *_, last = process.stderr.read().splitlines()
        assert (process.wait(60), last) == (130, closing)


# --- logs ----------------------------------------------------------------------------------------


def test_no_question_password_or_invitation_comes_to_the_log(place: Path, tmp_path: Path) -> None:
    command = Interviews(place)
    token = command("user", "add", "anna").out.strip().rsplit("/", 1)[1]
    log = tmp_path / "log"
    with running(place, log) as one:
        words = b"&".join(
            (b"password=Geheimwort+zwei+drei", b"again=Geheimwort+zwei+drei", b"name=Geheim")
        )
        head = (f"Content-Length: {len(words)}", "Connection: close")
        for path in (f"/invitation/{token}", "/sign-in"):
            one.ask(request(path, *head, method="POST") + words)
        one.ask(request("/?q=Geheimfrage", "Connection: close", "Cookie: session=Geheimkeks"))
        one.ask(request("/r/Geheimfrage%ff?q=Geheimfrage", "Connection: close"))
        one.ask(b"GET /Geheimfrage HTTP/1.1\r\nGeheimfrage\r\n\r\n")
        assert one.is_alive
    said = log.read_text(encoding="utf-8")
    assert "Geheim" not in said and token not in said and "Traceback" not in said


def test_after_all_that_nothing_broke(server: Server) -> None:
    assert server.is_alive
    said = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in said and "unexpected" not in said and "ASGI" not in said
