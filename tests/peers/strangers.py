"""Crowds that connect and say nothing, or not enough."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
"""The beginning of a TLS handshake (RFC 8446 5.1) that never goes on."""


class Crowd(list[socket.socket]):
    """Connections that were made one after the other."""

    def held(self) -> int:
        """How many of them the server has not closed."""
        held = 0
        for one in self:
            try:
                held += one.recv(65536) != b""
            except BlockingIOError:
                held += 1
            except OSError:
                pass
        return held


@contextmanager
def crowd(port: int, size: int, says: bytes = b"", source: str = "127.0.0.1") -> Iterator[Crowd]:
    """So many connections to a port of this machine, until the end of the block."""
    with ExitStack() as stack:
        found = Crowd()
        for _ in range(size):
            with suppress(OSError):
                one = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
                stack.callback(one.close)
                found.append(one)
                one.sendall(says)
                one.setblocking(False)
        yield found
