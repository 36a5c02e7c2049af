"""Throw-away certificates, made the way the handbook tells."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEY = ["-newkey", "rsa:2048", "-nodes"]


class Authority:
    """Signs certificates in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._run(
            "req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=test authority",
            "-keyout", "ca.key", "-out", "ca.pem",
        )  # fmt: skip

    def _run(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments], cwd=self._folder, check=True, capture_output=True, timeout=60
        )

    def settings(self, name: str) -> dict[str, str]:
        """A certificate for ``name``, as the settings name it."""
        if not (self._folder / f"{name}.pem").exists():
            self._run(
                "req", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.csr",
            )  # fmt: skip
            self._run(
                "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-out", f"{name}.pem",
            )  # fmt: skip
        files = {"ca": "ca.pem", "cert": f"{name}.pem", "key": f"{name}.key"}
        return {f"cluster_{part}": str(self._folder / file) for part, file in files.items()}
