"""Replies by SMS, end to end: a real daemon, killed in between, and a fake box that sends and forwards."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.smsbox import SmsBox
from tests.support.timing import wait_until

OPERATOR, GATEWAY = "do-" * 12 + "it", "box-" * 9 + "it"
NUMBER, FORWARDED = "+49 170 1234567", "491701234567"
ESTATE = """\
monitor:
  name: proof
  database: sqlite:///{folder}/proof.db
  listen: 127.0.0.1:{listen}
  paging: on
  timezone: Europe/Berlin
  auth:
    tokens:
      - {{name: oncall, role: operator, token: {operator}}}
      - {{name: sms-box, role: gateway, token: {gateway}}}
defaults: {{interval: 1s, retry_interval: 500ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s}}
channels:
  duty-phone:
    type: sms
    url: "{box}"
    to: "{number}"
    person: it-duty
    headers: {{access-token: {token}}}
    body: '{{"to": [{{{{ number | tojson }}}}], "text": {{{{ text | tojson }}}}}}'
    accepts: '"status": "queued"'
    replies: {{from: sender, text: text}}
default_route: {{channels: [duty-phone], remind: 1s}}
nodes:
  archive: {{host: 127.0.0.1, title: Main archive, checks: {{tcp: {{port: {archive}, severity: critical}}}}}}
  ris: {{host: 127.0.0.1, title: Worklist, checks: {{tcp: {{port: {ris}}}}}}}
"""


class Night:
    """A daemon over two nodes that are down, a box, and the phone of whoever is on call."""

    def __init__(self, folder: Path, box: SmsBox) -> None:
        self.folder, self.box, listen = folder, box, free_port()
        self.ports = {"archive": free_port(), "ris": free_port()}
        config = folder / "monitor.yaml"
        config.write_text(
            ESTATE.format(
                folder=folder,
                listen=listen,
                operator=OPERATOR,
                gateway=GATEWAY,
                box=box.url,
                number=NUMBER,
                token=box.token,
                **self.ports,
            )
        )
        self.daemon = RunningDaemon(config, listen)

    def reply(self, text: str, sender: str = FORWARDED) -> tuple[int, Any]:
        answer = self.box.forward(f"{self.daemon.url}/api/v1/replies?access_token={GATEWAY}", sender, text)
        return answer.status_code, answer.json()

    def get(self, path: str) -> Any:
        answer = requests.get(self.daemon.url + path, headers={"authorization": f"Bearer {OPERATOR}"}, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def audit(self) -> list[tuple[str, int, str]]:
        """Who, status and why, the oldest first."""
        rows = self.get("/api/v1/audit")[::-1]
        return [(row["by"], row["status"], row["why"]) for row in rows if row["action"] == "POST /api/v1/replies"]


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with SmsBox("T0KEN-of-the-box") as box:
        night = Night(tmp_path, box)
        with night.daemon:
            yield night


def test_a_reply_acknowledges_over_a_kill_and_all_others_are_refused_and_audited(night: Night) -> None:
    archive, ris = night.box.wait_for("Main archive")[0], night.box.wait_for("Worklist")[0]
    assert "DOWN" in archive.text
    assert "" not in (archive.code, ris.code)
    assert archive.code != ris.code
    night.daemon.kill()
    night.daemon.start()

    unknown = night.reply(archive.code, "491709999999")
    wrong = night.reply("10000" if "10000" not in (archive.code, ris.code) else "10001")
    no_code = night.reply("on my way")
    accepted = night.reply(f"{archive.code} ok, on my way")
    again = night.reply(archive.code)
    assert [status for status, _ in (unknown, wrong, no_code, accepted, again)] == [403, 404, 422, 200, 409]
    assert accepted[1]["by"] == "it-duty"

    (told,) = night.box.wait_for("acknowledged by it-duty")
    assert "Main archive" in told.text
    night.box.wait_for("Reminder: Worklist", len(night.box.about("Reminder: Worklist")) + 3)
    after = night.box.sent[night.box.sent.index(told) + 1 :]
    assert [sms.text for sms in after if "Main archive" in sms.text] == []
    incident = night.get(f"/api/v1/incidents/{accepted[1]['incident']}")
    assert (incident["acknowledged"]["by"], incident["members"]) == ("it-duty", ["archive/tcp"])

    with socket.create_server(("127.0.0.1", night.ports["ris"])):
        night.box.wait_for("OK: Worklist (ris) recovered")
    expired = night.reply(ris.code)
    assert expired[0] == 404
    assert night.audit() == [
        ("…999", 403, unknown[1]["detail"]),
        ("it-duty", 404, wrong[1]["detail"]),
        ("it-duty", 422, no_code[1]["detail"]),
        ("it-duty", 200, ""),
        ("it-duty", 409, again[1]["detail"]),
        ("it-duty", 404, expired[1]["detail"]),
    ]
    night.daemon.stop()
    _no_number_anywhere(night)


def _no_number_anywhere(night: Night) -> None:
    """Nor any token; but in the configuration's own file."""
    files = [file for file in night.folder.rglob("*") if file.is_file() and file.name != "monitor.yaml"]
    assert {file.suffix for file in files} >= {".db", ".log"}
    words = ("1701234567", "170 1234567", "1709999999", GATEWAY, OPERATOR, night.box.token)
    assert [(file.name, word) for file in files for word in words if word.encode() in file.read_bytes()] == []


def test_a_box_that_answers_200_and_an_error_is_no_delivery(night: Night) -> None:
    night.box.wait_for("Main archive")
    night.box.token = "another"
    before = len(night.box.sent)
    wait_until(lambda: night.box.refused >= 2, "the page tried again")
    assert len(night.box.sent) == before
    night.box.token = "T0KEN-of-the-box"
    night.box.wait_for("Main archive", len(night.box.about("Main archive")) + 1)
