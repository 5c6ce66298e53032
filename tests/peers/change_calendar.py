"""Change calendars as other programs write them, and a server that has one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "s3cr3t-calendar-0815"


def event(summary: str, start: str, end: str, *more: str, uid: str = "1") -> str:
    return "\n".join(
        ("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", f"DTSTART:{start}", f"DTEND:{end}", *more, "END:VEVENT")
    )


def calendar(*events: str) -> bytes:
    lines = "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//hospital//changes//EN", *events, "END:VCALENDAR"))
    return lines.replace("\n", "\r\n").encode() + b"\r\n"


class CalendarServer:
    """What was asked of it, and what it answers."""

    def __init__(self) -> None:
        self.port = 0
        self.asked = 0
        self.status = 200
        self.location = ""
        self.content = calendar()
        self.answers = threading.Event()
        """Whether it answers at all; else it waits."""
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{SECRET}"


@contextmanager
def calendar_server() -> Iterator[CalendarServer]:
    """On a free port."""
    peer = CalendarServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            peer.asked += 1
            peer.answers.wait()
            self.send_response(peer.status)
            if peer.location:
                self.send_header("Location", peer.location)
            self.send_header("Content-Length", str(len(peer.content)))
            self.end_headers()
            self.wfile.write(peer.content)

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
