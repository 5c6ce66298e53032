"""A DICOMweb service that tells a patient's name in every place of an answer: status line, headers, cookie, body."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/dicom+json"


@contextmanager
def telltale(name: str) -> Iterator[str]:
    """Answers with its URL. Below it, `/keeps` takes and finds everything, `/full` refuses objects, and there are
    `/broken`, `/moved` and `/garbage`.
    """
    handler = type("Handler", (_Handler,), {"name": name, "server_version": name, "sys_version": ""})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    name: str
    stored = ""
    """The last SOP Instance UID that came."""

    def do_GET(self) -> None:
        if "/frames/" in self.path:
            self._say(200, "application/octet-stream", self.name.encode())
        else:
            self._answer([{**self._patient(), "00080018": {"vr": "UI", "Value": [type(self).stored]}}])

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        uid = sent.split(b"\x02\x00\x03\x00UI", 1)[1]  # Media Storage SOP Instance UID (PS3.10 7.1)
        type(self).stored = uid[2 : 2 + int.from_bytes(uid[:2], "little")].rstrip(b"\0").decode()
        if self.path.startswith("/full"):
            self._answer({"00081198": self._sequence("00081197", 0xA700)}, 409)
        else:
            self._answer({"00081199": self._sequence("00081196", 0xB000)})

    def _answer(self, told: Any, status: int = 200) -> None:
        match self.path.split("/")[1]:
            case "broken":
                self._say(500, "text/plain", f"no such patient: {self.name}".encode())
            case "moved":
                self._say(302, "text/plain", self.name.encode())
            case "garbage":
                self._say(200, JSON, f'[{{"{self.name}": '.encode())
            case _:
                self._say(status, JSON, json.dumps(told).encode())

    def _sequence(self, tag: str, code: int) -> dict[str, Any]:
        """One item of a response to STOW-RS (PS3.18 I.2.2)."""
        item = {"00081155": {"vr": "UI", "Value": [type(self).stored]}, tag: {"vr": "US", "Value": [code]}}
        return {"vr": "SQ", "Value": [{**item, **self._patient()}]}

    def _patient(self) -> dict[str, Any]:
        return {
            "00000902": {"vr": "LO", "Value": [self.name]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": self.name}]},
            "00100020": {"vr": "LO", "Value": [self.name]},
        }

    def _say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status, f"{self.name} was here")
        headers = {"Content-Type": kind, "Warning": f'299 {self.name} "{self.name}"', "Location": f"/{self.name}"}
        for key, value in {**headers, "Set-Cookie": f"patient={self.name}", "X-Patient": self.name}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""
