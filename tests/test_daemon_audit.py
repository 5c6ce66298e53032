"""The audit of the daemon as its users run it: over TLS to a real rsyslog, over SIGKILL, and for commands elsewhere."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.peers.authority import Authority
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.rsyslog import Rsyslog
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

OPERATOR, VIEWER = "do-" * 12 + "it", "see-" * 10 + "it"
SECTION = """\
  auth: {{tokens: [{{name: oncall, role: operator, token: {operator}}}, {{name: wall, role: viewer, token: {viewer}}}]}}
  audit: {{syslog: "localhost:{port}", tls: {{ca: "{ca}"}}}}
"""
NONE = "01KBEXAMPLE000000000000000"
NODES = "  backup: {host: 127.0.0.1, checks: {nightly: {probe: push, within: 1d}}}\n"


class Audited:
    """A daemon, its syslog receiver, and what stands in its database."""

    def __init__(self, folder: Path, authority: Authority, syslog: Rsyslog) -> None:
        self.folder, self.syslog = folder, syslog
        listen = free_port()
        self.config = write_estate(folder, listen, NODES)
        more = SECTION.format(operator=OPERATOR, viewer=VIEWER, port=syslog.port, ca=authority.ca)
        self.config.write_text(self.config.read_text().replace("monitor:\n", f"monitor:\n{more}"))
        self.daemon = RunningDaemon(self.config, listen)

    def rows(self) -> list[tuple[str, str, str, int]]:
        with closing(sqlite3.connect(self.folder / "proof.db")) as database:
            return database.execute('SELECT "by", token, action, status FROM audit ORDER BY at, id').fetchall()

    def told(self) -> list[dict[str, str]]:
        """The structured data that the receiver has."""
        return [dict(re.findall(r'(\w+)="((?:[^"\\\]]|\\.)*)"', row["data"])) for row in self.syslog.received()]


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Audited]:
    authority = Authority(tmp_path)
    with Rsyslog(tmp_path, authority) as syslog:
        audited = Audited(tmp_path, authority, syslog)
        with audited.daemon:
            yield audited


def test_commands_from_elsewhere_are_done_or_refused_and_in_each_case_on_record(audited: Audited) -> None:
    elsewhere = audited.folder / "elsewhere"
    elsewhere.mkdir()
    broken = elsewhere / "monitor.yaml"
    broken.write_text("monitor: [this is no configuration")
    words = ("--url", audited.daemon.url, "--by", "it-duty", "--why", "ticket 4711")
    done = invoke("reload", *words, config=broken, PACS_MONITOR_TOKEN=OPERATOR)
    viewer = invoke("ack", NONE, *words, config=broken, PACS_MONITOR_TOKEN=VIEWER)
    nobody = invoke("ack", NONE, *words, config=broken)
    requests.post(f"{audited.daemon.url}/api/v1/incidents/{NONE}/ack", timeout=20)
    missing = invoke("ack", NONE, *words, "--for", "8h", config=broken, PACS_MONITOR_TOKEN=OPERATOR)
    refused = invoke("audit", "--url", audited.daemon.url, config=broken, PACS_MONITOR_TOKEN=VIEWER)
    listed = invoke("audit", "--url", audited.daemon.url, config=broken, PACS_MONITOR_TOKEN=OPERATOR)

    results = (done, viewer, nobody, missing, refused, listed)
    assert [result.returncode for result in results] == [0, 1, 1, 2, 1, 0]
    assert "use a token with the role operator" in viewer.stderr
    ack = "POST /api/v1/incidents/…"
    expected = [
        ("it-duty", "oncall", "POST /api/v1/reload", 200),
        ("wall", "wall", ack, 403),
        ("", "", ack, 401),
        ("", "", ack, 401),
        ("it-duty", "oncall", ack, 404),
    ]
    assert audited.rows() == expected
    assert (
        "it-duty (oncall, operator) from 127.0.0.1  POST /api/v1/reload  done (200)\n    why: ticket 4711"
        in listed.stdout
    )
    wait_until(lambda: len(audited.told()) == len(expected), "the receiver has all of it")
    told = audited.told()
    assert [(row["by"], row["token"], row["action"], int(row["status"])) for row in told] == expected
    everything = json.dumps(audited.syslog.received()) + audited.daemon.log.read_text()
    assert not [word for word in (OPERATOR, VIEWER, "4711") if word in everything]


def test_a_reload_names_another_receiver(audited: Audited, tmp_path_factory: pytest.TempPathFactory) -> None:
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    with Rsyslog(tmp_path_factory.mktemp("other")) as other:
        text = audited.config.read_text()
        audited.config.write_text(re.sub(r"audit: .*", f'audit: {{syslog: "127.0.0.1:{other.port}"}}', text))
        done = requests.post(f"{audited.daemon.url}/api/v1/reload", headers=headers, timeout=20)
        wait_until(lambda: len(other.received()) == 1, "the other receiver has it")

    assert done.json()["changes"] == ["monitor.audit changed"]
    assert audited.syslog.received() == []


def test_whatever_was_answered_is_on_record_after_sigkill(audited: Audited) -> None:
    dice, answered = random.Random(4), 0
    for _ in range(6):
        until = time.monotonic() + dice.uniform(0.05, 0.4)
        while time.monotonic() < until:
            headers = {"Authorization": f"Bearer {OPERATOR}"}
            body = {"by": f"person {answered}"}
            answer = requests.post(f"{audited.daemon.url}/api/v1/reload", json=body, headers=headers, timeout=20)
            answered += answer.ok
        audited.daemon.kill()
        recorded = {by for by, *_ in audited.rows()}
        assert {f"person {n}" for n in range(answered)} <= recorded
        audited.daemon.start()
