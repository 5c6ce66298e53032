"""The demo's pager: a webhook receiver on loopback that checks the signature and shows each page as it arrives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Pager:
    """Calls `show(event)` for every signed event that arrives, from a thread of its own."""

    def __init__(self, secret: bytes, show: Callable[[dict[str, Any]], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                genuine = hmac.compare_digest(
                    self.headers.get("webhook-signature", ""), sign(secret, self.headers, body)
                )
                if genuine:
                    show(json.loads(body))
                self.send_response(204 if genuine else 401)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """The demo shows pages, not requests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, name="pager", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/pager"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def sign(secret: bytes, headers: Any, body: bytes) -> str:
    """Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over id.timestamp.body."""
    signed = b".".join((headers.get("webhook-id", "").encode(), headers.get("webhook-timestamp", "").encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
