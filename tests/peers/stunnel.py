"""A real stunnel (Debian's package stunnel4): TLS in front of a server that has none, or none that works.

Orthanc 1.10.1 of Debian ends with a segmentation fault on the first HTTPS request of its own.
"""

from __future__ import annotations

from pathlib import Path

from tests.peers.authority import Pair
from tests.peers.ports import Program, free_port, program


class Stunnel(Program):
    """Hands on to a port of loopback; with `trusts`, only clients with a certificate of that authority."""

    def __init__(self, folder: Path, behind: int, shows: Pair, trusts: str | None = None) -> None:
        port = free_port()
        verify = f"verifyChain = yes\nCAfile = {trusts}\n" if trusts else ""
        configuration = folder / "stunnel.conf"
        configuration.write_text(
            f"foreground = yes\npid =\n[tls]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{behind}\n"
            f"cert = {shows.cert}\nkey = {shows.key}\n{verify}"
        )
        super().__init__([program("stunnel4", "stunnel4"), str(configuration)], folder, port)
