"""Who may speak with a cluster: nobody in the clear beyond this machine, unless it is forced."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.run.cluster.access import to_listen, to_scheduler
from pipeline.run.cluster.fleet import cards_of
from pipeline.settings import Settings
from tests.certificates import Authority

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")


def refused(url: str | None, settings: Settings, root: Path = Path()) -> str:
    with pytest.raises(BadInput) as error:
        to_scheduler(url, settings, root)
    assert error.value.message("de") != error.value.message("en")
    return error.value.key


@pytest.mark.parametrize(
    "url", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786", "tcp://127.8.0.1:1"]
)
def test_this_machine_needs_no_certificates(url: str) -> None:
    assert to_scheduler(url, Settings(), Path()).url == url


@pytest.mark.parametrize("host", ["10.0.0.7", "cluster.example", "0.0.0.0", "[2001:db8::1]"])
def test_beyond_it_nothing_goes_in_the_clear_unless_forced(host: str) -> None:
    url = f"tcp://{host}:8786"
    assert refused(url, Settings()) == "cluster.unprotected"
    assert refused(f"tls://{host}:8786", Settings()) == "cluster.no_certificates"
    with pytest.raises(BadInput):
        to_listen(host.strip("[]"), 8786, Settings(), Path())
    assert to_scheduler(url, Settings(cluster_insecure=True), Path()).url == url


@pytest.mark.parametrize(
    "url", ["somewhere", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://:1", "tcp://h:99999",
            "tcp://127.0.0.1:8786/path", "tcp://[::1:8786"],
)  # fmt: skip
def test_a_bad_address_is_named(url: str) -> None:
    assert refused(url, Settings()) == "cluster.bad_address"


def test_without_an_address_the_setting_counts() -> None:
    assert refused(None, Settings()) == "run.scheduler_needed"
    named = Settings(cluster_scheduler="tcp://127.0.0.1:9")
    assert to_scheduler(None, named, Path()).port == 9
    assert to_scheduler("tcp://127.0.0.1:10", named, Path()).port == 10


@needs_openssl
def test_certificates_are_tried_out_before_anything_begins(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "two")
    good = authority.settings("driver")
    url = "tls://10.0.0.7:8786"
    assert to_scheduler(url, Settings(**good), tmp_path).certificates is not None
    assert refused(url, Settings(**good | {"cluster_key": ""})) == "cluster.half_certificates"
    assert refused(url, Settings(**good | {"cluster_ca": "nowhere.pem"})) == "cluster.no_file"
    foreign = other.settings("driver")["cluster_key"]
    assert refused(url, Settings(**good | {"cluster_key": foreign})) == "cluster.bad_file"
    (tmp_path / "text.pem").write_text("no certificate")
    broken = good | {"cluster_ca": "text.pem"}
    assert refused(url, Settings(**broken), tmp_path) == "cluster.bad_file"


@needs_openssl
def test_a_scheduler_encrypts_wherever_it_can(tmp_path: Path) -> None:
    held = Settings(**Authority(tmp_path).settings("scheduler"))
    assert to_listen("127.0.0.1", 8786, held, tmp_path).protocol == "tls"


@needs_openssl
def test_a_key_under_a_password_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good = authority.settings("driver")
    locked = tmp_path / "locked.key"
    assert OPENSSL is not None
    subprocess.run(
        [OPENSSL, "rsa", "-aes256", "-passout", "pass:secret", "-in", good["cluster_key"],
         "-out", locked],
        check=True, capture_output=True,
    )  # fmt: skip
    settings = Settings(**good | {"cluster_key": str(locked)})
    assert refused("tls://10.0.0.7:8786", settings) == "cluster.bad_file"


@pytest.mark.parametrize(
    ("count", "visible", "cards"),
    [
        (0, None, [None]),
        (0, "", [None]),
        (2, None, ["0", "1"]),
        (2, "3,5", ["3", "5"]),
        (1, "GPU-8f2e", ["GPU-8f2e"]),
    ],
)
def test_each_graphics_card_gets_a_worker(
    count: int, visible: str | None, cards: list[str | None]
) -> None:
    assert cards_of(count, visible) == cards
