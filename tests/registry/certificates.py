"""A test's own certificate authority, made with the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path

_FRESH_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """Issues certificates into ``folder``: its own is ``ca.pem``, each other one is ``NAME.pem`` with ``NAME.key``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "ca.pem"
        _openssl(
            "req", "-x509", *_FRESH_KEY, "-keyout", folder / "ca.key", "-out", self.certificate, "-days", "2",
            "-subj", "/CN=test authority",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return certificate and key for ``name``, which is also good for a server on localhost."""
        certificate, key, request = (self._folder / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text("subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", *_FRESH_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._folder / "ca.key",
            "-CAcreateserial", "-out", certificate, "-days", "2", "-extfile", extensions,
        )  # fmt: skip
        return certificate, key


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
