"""Somebody acknowledges on the phone: a daemon that may ask knows of it, over a kill too.

The receiver is a fake that answers as PagerDuty documents: it is not PagerDuty.
"""

from __future__ import annotations

import json
from pathlib import Path
from socket import socket
from typing import Any

from tests.channels.contract import Request, answering, receiver
from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import wait_until

TOKEN = "y_NbAkKc66ryYTWUXYEu"


class Phone:
    """Takes alerts; what was triggered is acknowledged when somebody does."""

    def __init__(self) -> None:
        self.is_acknowledged = False
        self.asked = 0

    def serve(self, connection: socket, request: Request) -> None:
        if request.line.startswith("POST"):
            answering(202, b'{"status": "success", "message": "Event processed"}')(connection, request)
            return
        self.asked += 1
        jo = {"at": "2099-01-01T00:00:00Z", "acknowledger": {"type": "user_reference", "summary": "Jo Night"}}
        found: list[Any] = [{"status": "acknowledged", "acknowledgements": [jo]}] if self.is_acknowledged else []
        answering(200, json.dumps({"incidents": found}).encode())(connection, request)


def test_it_holds_here_and_over_a_kill_and_the_token_is_nowhere(tmp_path: Path) -> None:
    phone, listen = Phone(), free_port()
    with receiver(phone.serve) as at, Receiver() as pager, Switchable() as peer:
        node = f"archive: {{host: 127.0.0.1, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}"
        config = write_estate(tmp_path, listen, f"  {node}\n", pager=pager.url, secret=SECRET)
        kept = f"acknowledgements: {{url: '{at.url}', token: '{TOKEN}', poll: 15s}}"
        oncall = f"oncall: {{type: pagerduty, url: '{at.url}', routing_key: '0123456789', {kept}}}"
        text = config.read_text().replace("channels: {", f"channels: {{{oncall}, ")
        config.write_text(
            text.replace("default_route: {channels: [pager]}", "default_route: {channels: [oncall, pager]}")
        )
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            assert phone.asked == 0, "nothing is open"
            phone.is_acknowledged = True
            peer.down()
            pager.wait(lambda one: [post.type for post in one.accepted][-1:] == ["incident.acknowledged"], 60)
            (page, told) = pager.accepted
            assert "kept in" not in page.data["summary"]
            assert told.data["acknowledged"]["by"] == "Jo Night via PagerDuty"
            asked = phone.asked
            daemon.kill()
            daemon.start()
            (row,) = daemon.get("/api/v1/incidents")
            found = daemon.get(f"/api/v1/incidents/{row['id']}")
            assert found["acknowledged"]["by"] == "Jo Night via PagerDuty"
            wait_until(lambda: daemon.get("/api/v1/status")["nodes"] != [], "it goes on")
            assert phone.asked == asked, "nobody asks for what is known"
            record = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path != config)
            assert TOKEN.encode() not in record
            assert daemon.stop() == 0
