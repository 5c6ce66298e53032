"""A TLS server in a thread: it sends the alerts that asyncio's own servers swallow when a handshake fails."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.peers.authority import Pair

PATIENCE = 10.0


def context_of(shows: Pair, trusts: str | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A server's context; it asks for certificates of clients when it `trusts` somebody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shows.cert, shows.key)
    if version is not None:
        context.maximum_version = version
    if trusts is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusts)
    return context


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[int]:
    """Says one byte to every client, then hears it until it leaves; answers with the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        duplicates: list[socket.socket] = []  # TLS takes the first socket object over

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    duplicates.append(connection.dup())
                    with suppress(OSError), connection:
                        _talk(context, connection)
                    with suppress(OSError):
                        duplicates[-1].shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            for sock in (listening, *duplicates):
                with suppress(OSError), sock:
                    sock.shutdown(socket.SHUT_RDWR)
            thread.join()


def _talk(context: ssl.SSLContext, connection: socket.socket) -> None:
    connection.settimeout(PATIENCE)
    with context.wrap_socket(connection, server_side=True) as stream:
        stream.sendall(b"!")
        while stream.recv(65536):
            pass
