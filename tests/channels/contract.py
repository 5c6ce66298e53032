"""What every kind of channel must keep, and the receivers against which it is tried."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from pacs_monitor.channels import kinds
from pacs_monitor.model import Channel
from tests.peers.threaded import threaded

Serve = Callable[[socket.socket, "Request"], None]


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def raw(self) -> str:
        return f"{self.line} {dict(self.headers)} {self.body.decode()}"


@dataclass(frozen=True)
class Subject:
    """How a kind that speaks HTTP is tried; `CONTRACT` in its own test file."""

    settings: Callable[[str], dict[str, Any]]
    """Its settings, for a receiver at this root URL (no path)."""
    secrets: tuple[str, ...]
    """Words of these settings that must never get out."""
    identity: Callable[[Request], object] = lambda request: request.body
    """What of a request is the same on every retry."""
    answer: bytes = b"{}"
    """The body with which its receiver accepts."""
    silent: frozenset[str] = frozenset()
    """Names of events (samples.every_event) that are accepted and of which this receiver is not told."""


def subject(kind: str) -> Subject | None:
    """None for a kind that speaks no HTTP."""
    found: Subject | None = getattr(import_module(f"tests.channels.test_{kind}"), "CONTRACT", None)
    return found


def made(kind: str, url: str, **more: Any) -> Channel:
    tried = subject(kind)
    assert tried is not None
    channel = kinds()[kind]
    made: Channel = channel("people", channel.settings.model_validate(tried.settings(url) | more))  # type: ignore[call-arg]
    return made


@dataclass
class Receiving:
    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def receiver(serve: Serve) -> Iterator[Receiving]:
    """Hears one request on each connection, then does `serve`."""
    requests: list[Request] = []

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = _heard(connection)
            if request is not None:
                requests.append(request)
                serve(connection, request)

    with threaded(talk) as port:
        yield Receiving(f"http://127.0.0.1:{port}", requests)


def _heard(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
    while len(body) < int(headers.get("content-length", 0)):
        if not (more := connection.recv(65536)):
            return None
        body += more
    return Request(line, headers, body)


def answering(status: int, body: bytes = b"", **headers: str) -> Serve:
    """A complete answer."""
    lines = [f"HTTP/1.1 {status} Words", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")

    def serve(connection: socket.socket, _request: Request) -> None:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + (b"" if status in (204, 304) else body))

    return serve


def hanging(connection: socket.socket, _request: Request) -> None:
    """Nothing, for ever."""
    while connection.recv(65536):
        pass


def resetting(connection: socket.socket, _request: Request) -> None:
    """A reset in the middle of the answer's headers."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def echoing(connection: socket.socket, request: Request) -> None:
    """A refusal that repeats everything that came."""
    answering(400, request.raw.encode())(connection, request)
