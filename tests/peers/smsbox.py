"""A fake of an SMS box, written from what makers document: it takes messages by HTTP, and forwards replies as a form.

No box of any maker: it never sees a radio network.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

import requests

from tests.support.timing import wait_until

CODE = re.compile(r"Reply (\d{5})\b")


class Sms(NamedTuple):
    number: str
    text: str

    @property
    def code(self) -> str:
        """What it asks to reply with; "" if nothing."""
        found = CODE.search(self.text)
        return found[1] if found else ""


class SmsBox:
    """Takes `{"to": [number], "text": text}` with a token, as SMSEagle's APIv2 does."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.sent: list[Sms] = []
        self.refused = 0
        self._server = _Server(("127.0.0.1", 0), self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/v2/messages/sms"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def about(self, word: str) -> list[Sms]:
        """What was sent with this word in it."""
        return [sms for sms in self.sent if word in sms.text]

    def wait_for(self, word: str, count: int = 1) -> list[Sms]:
        wait_until(lambda: len(self.about(word)) >= count, f"{count} SMS with {word!r}: {self.sent}")
        return self.about(word)

    def forward(self, url: str, sender: str, text: str) -> requests.Response:
        """A reply that came in, as SMSEagle's Callback URL forwards it by POST: the number without its plus."""
        fields = {"sender": sender, "timestamp": "20261127030000", "text": text, "msgid": "431"}
        return requests.post(url, data=fields, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], box: SmsBox) -> None:
        super().__init__(address, _Handler)
        self.box = box

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        box, body = self.server.box, self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("access-token") != box.token:
            box.refused += 1
            self._answer(200, {"status": "error", "message": "Invalid access token"})
            return
        told = json.loads(body)
        box.sent.extend(Sms(number, told["text"]) for number in told["to"])
        self._answer(200, [{"status": "queued", "message": "OK", "number": number} for number in told["to"]])

    def _answer(self, status: int, told: object) -> None:
        answer = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""
