"""Certificates made by openssl, and what a TLS server needs to show them."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from tests.peers.ports import program


def certificate(folder: Path, days: int = 2) -> Path:
    """A self-signed certificate for localhost and 127.0.0.1, with `key.pem` beside it; expired when `days` is -1."""
    openssl, made = program("openssl", "openssl"), folder / "certificate.pem"
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem"
    for command in (
        f"req {key} -out request.pem -subj /CN=localhost",
        f"x509 -req -in request.pem -signkey key.pem -days {days} -extfile names -out {made.name}",
    ):
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True)
    return made


def server_context(made: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, made.with_name("key.pem"))
    return context
