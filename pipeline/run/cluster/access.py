"""Where a cluster's scheduler is, and what may be sent there: nothing in the clear beyond this
machine, unless the settings say so.

Whoever reaches a Dask scheduler or worker can have it run anything
(https://distributed.dask.org/en/stable/tls.html). So certificates are asked of both sides, and one
that our authority signed is enough to be anything in the cluster: scheduler, worker or run.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pipeline.errors import BadInput
from pipeline.settings import Settings

if TYPE_CHECKING:
    from distributed.security import Security

_CERTIFICATES = ("cluster_ca", "cluster_cert", "cluster_key")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files: our authority's certificate, our own, and the key to it."""

    ca: str
    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class Access:
    """The way to a scheduler. Without certificates nothing is encrypted and nobody is asked."""

    protocol: Literal["tcp", "tls"]
    host: str
    port: int
    certificates: Certificates | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}"

    @property
    def local(self) -> bool:
        return _is_loopback(self.host)

    def security(self) -> Security:
        """As Dask takes it."""
        from distributed.security import Security

        held = self.certificates
        if held is None:
            return Security()  # type: ignore[no-untyped-call]
        return Security(  # type: ignore[no-untyped-call]
            require_encryption=True,
            tls_ca_file=held.ca,
            **{
                f"tls_{role}_{part}": getattr(held, part)
                for role in ("client", "scheduler", "worker")
                for part in ("cert", "key")
            },
        )


def to_scheduler(url: str | None, settings: Settings, root: Path) -> Access:
    """The way to the scheduler at ``url``, else to the one that the settings name. Raises BadInput
    where there is no address, a bad one, or one that may not be spoken to like that."""
    url = url or settings.cluster_scheduler
    if not url:
        raise BadInput("run.scheduler_needed")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput("cluster.bad_address", url=url[:100]) from error
    if parts.scheme not in ("tcp", "tls") or not host or not port or parts.path.strip("/"):
        raise BadInput("cluster.bad_address", url=url[:100])
    if parts.scheme == "tls":
        found = certificates(settings, root)
        if found is None:
            raise BadInput("cluster.no_certificates", url=url)
        return Access("tls", host, port, found)
    return _in_the_clear(host, port, settings)


def to_listen(host: str, port: int, settings: Settings, root: Path) -> Access:
    """Where a scheduler of ours listens: encrypted wherever there are certificates. Raises
    BadInput."""
    found = certificates(settings, root)
    return Access("tls", host, port, found) if found else _in_the_clear(host, port, settings)


def _in_the_clear(host: str, port: int, settings: Settings) -> Access:
    access = Access("tcp", host, port)
    if not access.local and not settings.cluster_insecure:
        raise BadInput("cluster.unprotected", url=access.url)
    return access


def certificates(settings: Settings, root: Path) -> Certificates | None:
    """Those that the settings name, tried out; None where they name none. Raises BadInput where
    some are missing or cannot be used."""
    named = {name: str(getattr(settings, name)) for name in _CERTIFICATES}
    if not any(named.values()):
        return None
    missing = [name for name, value in named.items() if not value]
    if missing:
        raise BadInput("cluster.half_certificates", names=", ".join(missing))
    paths = {name: root / Path(value).expanduser() for name, value in named.items()}
    for name, path in paths.items():
        if not path.is_file():
            raise BadInput("cluster.no_file", name=name, path=str(path))
    found = Certificates(*map(str, paths.values()))
    _try_out(found)
    return found


def _try_out(found: Certificates) -> None:
    """Raises BadInput where a file is no certificate, or the key belongs to another one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(found.ca)
    except (ssl.SSLError, OSError) as error:
        raise BadInput("cluster.bad_file", path=found.ca, detail=_reason(error)) from error
    try:
        # A key under a password would ask for it, of nobody.
        context.load_cert_chain(found.cert, found.key, password="")
    except (ssl.SSLError, OSError) as error:
        path = f"{found.cert}, {found.key}"
        raise BadInput("cluster.bad_file", path=path, detail=_reason(error)) from error


def _reason(error: OSError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return reason or type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
