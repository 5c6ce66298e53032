"""A real HTTP receiver of webhooks: verifies signatures, records events, answers as told, can be down."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

KEY = b"a key of the receiver's own choice"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Received:
    """One POST whose signature was right, and the status that it was answered."""

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]
    path: str
    status: int

    @property
    def key(self) -> str:
        return str(self.data.get("dedup_key"))


class Receiver:
    """Listens on a loopback port that stays its own while it is down (a bound socket that does not listen refuses)."""

    def __init__(self, path: str = "/hook") -> None:
        self.posts: list[Received] = []
        """All of them, also those that were answered an error."""
        self.bad: list[str] = []
        """What was wrong with posts that did not verify."""
        self.status = 200
        self.judge: Callable[[dict[str, Any]], int | None] = lambda _data: None
        """The status for what one post says, where it is not the same for all."""
        self.takes = 0.0
        """Seconds until it answers."""
        self.wants: str | None = None
        """The Authorization header without which it answers 401."""
        self.answer = b"thanks"
        self.headers: dict[str, str] = {}
        self.answers = threading.Event()
        """Whether it answers at all; else it waits."""
        self.answers.set()
        self._changed = threading.Condition()
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{path}"
        self._server: _Server | None = None
        self.up()

    @property
    def accepted(self) -> list[Received]:
        return [post for post in self.posts if 200 <= post.status < 300]

    @property
    def told(self) -> list[Received]:
        """The same, each notification once: one that was under way at a kill may come again under its own id."""
        return list({post.id: post for post in self.accepted}.values())

    def up(self) -> None:
        assert self._server is None
        self._server = _Server(self.port, self)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def close(self) -> None:
        if self._server is not None:
            self.down()
        self._place.close()

    def wait(self, condition: Callable[[Receiver], bool], timeout: float = 30.0) -> None:
        """Until the condition holds; looks again at every post."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), timeout), self.posts

    def wait_for(self, count: int, timeout: float = 30.0) -> list[Received]:
        """The accepted posts, as soon as there are so many."""
        self.wait(lambda receiver: len(receiver.accepted) >= count, timeout)
        return self.accepted

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Verify and record one post; the status to answer."""
        self.answers.wait()
        threading.Event().wait(self.takes)
        with self._changed:
            try:
                event = Webhook(KEY).verify(body, headers)
            except (WebhookVerificationError, ValueError) as error:
                self.bad.append(repr(error))
                return 401
            status = self.judge(event["data"]) or self.status
            if self.wants is not None and headers.get("authorization") != self.wants:
                status = 401
            post = Received(headers["webhook-id"], event["type"], event["timestamp"], event["data"], path, status)
            self.posts.append(post)
            self._changed.notify_all()
            return status

    def breaks_off(self, handler: BaseHTTPRequestHandler, status: int) -> bool:
        """Whether it ended the connection instead of answering."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", port), _Handler, bind_and_activate=False)
        self.receiver = receiver
        self.socket.close()
        self.socket = _bound(port)
        self.server_activate()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver = self.server.receiver
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # whoever sent it was killed
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = receiver.take(self.path, headers, body)
        if receiver.breaks_off(self, status):
            return
        self.send_response(status)
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        answer = b"" if status in (204, 304) else receiver.answer
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""
