"""A server that is asked for one address: a dead man's switch outside, or a file. It counts what it accepts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

SECRET = "s3cr3t-ping-0815"


class Outside:
    """What was asked of it, and what it answers."""

    secret = SECRET
    """The path."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted = 0
        self.paths: list[str] = []
        self.status = 200
        self.location = ""
        self.content = b""
        self.answers = threading.Event()
        """Whether it answers at all; else it waits."""
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.secret}"


P = TypeVar("P", bound=Outside)


@contextmanager
def outside() -> Iterator[Outside]:
    """On a free port."""
    with serving(Outside()) as peer:
        yield peer


@contextmanager
def serving(peer: P) -> Iterator[P]:
    """Of this kind, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            peer.paths.append(self.path)
            peer.answers.wait()
            self.send_response(peer.status)
            if peer.location:
                self.send_header("Location", peer.location)
            self.send_header("Content-Length", str(len(peer.content)))
            self.end_headers()
            self.wfile.write(peer.content)
            peer.accepted += peer.status == 200

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield peer
    finally:
        peer.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
