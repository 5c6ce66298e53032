"""Many machines on one switch: each accepts connections on the same port while it is plugged in, and else refuses."""

from __future__ import annotations

import socket
from collections.abc import Iterable

BACKLOG = 4096
"""The kernel accepts so many connections for us; nobody talks to them."""


class Switch:
    """Addresses of 127.0.0.0/8; a context manager that closes all that is left."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._plugged: list[socket.socket] = []

    def plug(self, addresses: Iterable[str]) -> None:
        self._plugged += [socket.create_server((address, self.port), backlog=BACKLOG) for address in addresses]

    def die(self) -> None:
        """With all that is plugged in."""
        while self._plugged:
            self._plugged.pop().close()

    def __enter__(self) -> Switch:
        return self

    def __exit__(self, *_: object) -> None:
        self.die()
