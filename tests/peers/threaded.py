"""The accept loop of a scripted peer that blocks: a thread for each connection, none left when it is over."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def threaded(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Runs `talk` for every connection; yields the port. Connections that are open at the end are shut down."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connections.append(connection)
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            for one in (listener, *connections):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            thread.join()
