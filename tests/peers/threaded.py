"""The accept loop of a scripted peer that blocks: a thread for each connection, none left when it is over."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

PATIENCE = 60.0
"""Seconds for a talk to end once its connection is shut down."""


@contextmanager
def threaded(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Runs `talk` for every connection; yields the port. Connections that are open at the end are shut down."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []
        talking: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connections.append(connection)
                    talking.append(threading.Thread(target=talk, args=(connection,), daemon=True))
                    talking[-1].start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            for end in (listener, *connections):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in talking:
                one.join(PATIENCE)
            left = [one.name for one in talking if one.is_alive()]
            assert not left, f"connections are shut down, and {left} go on: what does {talk} wait for?"
