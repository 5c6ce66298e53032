"""A FAKE of an alarm server that takes calls by ESPA-X 1.0, written from what is public of the protocol.

No alarm server of any maker: it rings no phone. Calls live on when their connection is closed, and end by REQ.P-STOP.
"""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from xml.etree import ElementTree

NAMESPACE = "http://ns.espa-x.org/espa-x"
REASONS = {
    200: "OK",
    401: "Unauthorized",
    404: "Not Found",
    407: "Authentication Required",
    410: "Gone",
    450: "Duplicate",
    602: "Invalid message",
}
HEADER = struct.Struct(">2sII")
LONGEST = {"CP-PR-REF": 32, "CP-GROUPID": 12, "CP-TEXTMSG": 160, "LI-USER": 12, "LI-PASSWORD": 12, "LI-CLIENT": 30}
"""Characters, as the schema has them; none may be empty."""


@dataclass
class Call:
    reference: str
    group: str
    text: str
    priority: str
    runs: bool = True


class AlarmServer:
    """Takes calls for one group from one user; while `silent` it takes requests and answers none but the login."""

    def __init__(self, user: str, password: str, group: str) -> None:
        self.user, self.password, self.group = user, password, group
        self.calls: list[Call] = []
        self.logouts = 0
        self.silent = False
        self._server = _Server(("127.0.0.1", 0), self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, what: str, session: str, fields: Mapping[str, str]) -> int:
        """The response code."""
        if any(not 0 < len(fields[name]) <= most for name, most in LONGEST.items() if name in fields):
            return 602
        if what == "LOGIN":
            return 200 if (fields["LI-USER"], fields["LI-PASSWORD"]) == (self.user, self.password) else 401
        if session != "s3ssion":
            return 407
        running = [call for call in self.calls if call.runs and call.reference == fields.get("CP-PR-REF")]
        return self._stopped(running) if what == "P-STOP" else self._started(running, fields)

    def _stopped(self, running: list[Call]) -> int:
        for call in running:
            call.runs = False
        return 200 if running else 410

    def _started(self, running: list[Call], fields: Mapping[str, str]) -> int:
        if running:
            return 450
        if fields["CP-GROUPID"] != self.group:
            return 404
        self.calls.append(Call(fields["CP-PR-REF"], fields["CP-GROUPID"], fields["CP-TEXTMSG"], fields["CP-PRIO"]))
        return 200

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], alarm: AlarmServer) -> None:
        super().__init__(address, _Handler)
        self.alarm = alarm


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while header := self.rfile.read(HEADER.size):
                mark, length, _ = HEADER.unpack(header)
                assert mark == b"EX"
                root = ElementTree.fromstring(self.rfile.read(length - HEADER.size))
                assert (root.tag, root.get("version")) == (f"{{{NAMESPACE}}}ESPA-X", "1.00")
                self._request(root[0])

    def _request(self, request: ElementTree.Element) -> None:
        alarm, what = self.server.alarm, request.tag.removeprefix(f"{{{NAMESPACE}}}REQ.")
        if what == "LOGOUT":
            alarm.logouts += 1
            return
        fields = {one.tag.removeprefix(f"{{{NAMESPACE}}}"): one.text or "" for one in request}
        code = alarm.answer(what, request.get("sessionID", ""), fields)
        if alarm.silent and what != "LOGIN":
            return
        if (what, code) == ("P-START", 200):  # what it tells of a call may come before the answer
            self._send("IND.P-STARTED", {}, {"CP-PR-REF": fields["CP-PR-REF"], "SP-PR-TAN": "7"})
        session = {"sessionID": "s3ssion"} if code == 200 else {}
        about = {"RSP-CODE": str(code), "RSP-REASON": REASONS[code]}
        self._send(f"RSP.{what}", {"invokeID": request.attrib["invokeID"], **session}, about)

    def _send(self, tag: str, attributes: Mapping[str, str], fields: Mapping[str, str]) -> None:
        root = ElementTree.Element("ESPA-X", {"xmlns": NAMESPACE, "version": "1.00"})
        told = ElementTree.SubElement(root, tag, dict(attributes))
        for name, value in fields.items():
            ElementTree.SubElement(told, name).text = value
        xml = ElementTree.tostring(root, "utf-8", xml_declaration=True)
        self.wfile.write(HEADER.pack(b"EX", len(xml) + HEADER.size, 0) + xml)
