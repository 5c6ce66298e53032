"""What a running daemon takes over when its configuration is read again, and what it says of the rest."""

from __future__ import annotations

import socket
import sqlite3
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.peers.authority import Authority
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port, listens
from tests.support.commands import invoke
from tests.support.timing import wait_until

NODES = """default_route: {channels: []}
nodes:
  backup: {host: 127.0.0.1, checks: {nightly: {probe: push, within: 1d, cron: "30 2 * * *"}}}
"""


class Running:
    """A daemon, and `write`, which gives its file another `monitor` section."""

    def __init__(self, folder: Path) -> None:
        self.listen, self.file = free_port(), folder / "monitor.yaml"
        self.daemon = RunningDaemon(self.file, self.listen)

    def write(self, *lines: str, name: str = "east", listen: int | None = None, database: str = "east.db") -> None:
        head = [f"name: {name}", f"listen: 127.0.0.1:{listen or self.listen}", f"database: sqlite:///{database}"]
        self.file.write_text("monitor:\n" + "".join(f"  {line}\n" for line in (*head, *lines)) + NODES)

    def reload(self, *lines: str, **more: Any) -> list[str]:
        """What the API answers to a reload of this."""
        self.write(*lines, **more)
        return list(self.daemon.post("/api/v1/reload")["changes"])

    def status(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.daemon.url}/api/v1/status", headers=headers, timeout=10).status_code


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    running.write()
    with running.daemon:
        yield running
        assert running.daemon.stop() == 0


def tokens(*words: str) -> str:
    return f"auth: {{tokens: [{', '.join(f'{{name: wall, role: viewer, token: {word}}}' for word in words)}]}}"


def test_tokens_come_and_go_by_sighup(running: Running) -> None:
    old, new = "first-token-of-the-wall", "second-token-of-the-wall"
    assert running.status("") == HTTPStatus.OK
    running.write(tokens(old))
    running.daemon.hang_up()
    wait_until(lambda: running.status("") == HTTPStatus.UNAUTHORIZED, "the first token is in force")
    assert running.status(old) == HTTPStatus.OK
    running.write(tokens(new))
    running.daemon.hang_up()
    wait_until(lambda: running.status(new) == HTTPStatus.OK, "the second token is in force")
    assert running.status(old) == HTTPStatus.UNAUTHORIZED
    running.write()
    running.daemon.hang_up()
    wait_until(lambda: running.status("") == HTTPStatus.OK, "no token is asked for any more")


def test_the_command_tells_how_to_reload_when_it_may_not_by_the_new_token(running: Running) -> None:
    operator = "auth: {{tokens: [{{name: oncall, role: operator, token: {}}}]}}"
    running.reload(operator.format("first-token-of-oncall"))
    running.write(operator.format("second-token-of-oncall"))
    refused = invoke("reload", config=running.file)
    done = invoke("reload", config=running.file, PACS_MONITOR_TOKEN="first-token-of-oncall")

    assert done.returncode == 0
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "this token is not in monitor.auth\n" in refused.stderr
    assert "send the daemon SIGHUP instead" in refused.stderr
    assert done.stdout == "monitor.auth changed\n"


def test_a_listener_comes_moves_and_goes(running: Running) -> None:
    here, there = free_port(), free_port()
    dicom = "dicom_listener: {{listen: '127.0.0.1:{}', ae_title: PACSMON}}"
    assert running.reload(dicom.format(here)) == ["monitor.dicom_listener changed"]
    assert listens(here)
    running.reload(dicom.format(there))
    assert (listens(here), listens(there)) == (False, True)
    with socket.create_server(("127.0.0.1", here)):
        changed, trouble = running.reload(dicom.format(here))
    assert changed == "monitor.dicom_listener changed"
    assert trouble.startswith(f"monitor.dicom_listener cannot listen at 127.0.0.1:{here}")
    assert running.reload(dicom.format(here)) == []
    assert listens(here)
    running.reload()
    assert not listens(here)


def test_another_time_zone_moves_what_the_calendar_runs(running: Running) -> None:
    running.reload("timezone: Asia/Tokyo")
    tokyo = running.daemon.check("backup", "nightly")["next_due"]
    assert running.reload("timezone: UTC") == ["monitor.timezone changed"]
    assert (tokyo[11:16], running.daemon.check("backup", "nightly")["next_due"][11:16]) == ("17:30", "02:30")


def test_what_needs_a_restart_is_named_until_there_was_one(running: Running, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate()
    elsewhere = free_port()
    tls = f"tls: {{cert: {pair.cert}, key: {pair.key}}}"
    named = [f"needs a restart: monitor.{key}" for key in ("name", "database", "listen", "tls")]
    told = running.reload(tls, "paging: shadow", name="west", listen=elsewhere, database="west.db")
    again = running.daemon.post("/api/v1/reload")["changes"]
    status = running.daemon.get("/api/v1/status")

    assert told == ["~ backup/nightly", "monitor.paging changed", *named]
    assert again == named
    assert (status["monitor"], status["paging"]) == ("east", "shadow")
    assert "; ".join(named) in running.daemon.log.read_text()
    assert not listens(elsewhere)
    assert not (tmp_path / "west.db").exists()

    running.write(name="west")
    preview = invoke("check-config", "--diff", "running", config=running.file)
    assert preview.returncode == 0
    assert "needs a restart: monitor.name\n" in preview.stdout


def test_a_certificate_that_was_renewed_is_shown_after_a_reload(tmp_path: Path) -> None:
    authority, running, hl7 = Authority(tmp_path), Running(tmp_path), free_port()
    pair = authority.certificate(days=30)
    tls = f"tls: {{cert: {pair.cert}, key: {pair.key}}}"
    receiver = "receiving_application: PACSMON, receiving_facility: EAST"
    running.write(tls, f"hl7_listener: {{listen: '127.0.0.1:{hl7}', from: 127.0.0.1, {receiver}, {tls}}}")
    running.daemon.start(ready=False)
    try:
        wait_until(lambda: listens(running.listen), "it listens")
        before = [shown(port, authority) for port in (running.listen, hl7)]
        renewed = authority.certificate(days=60)
        running.daemon.hang_up()
        wait_until(lambda: "nothing changed" in running.daemon.log.read_text(), "it has reloaded")
        after = [shown(port, authority) for port in (running.listen, hl7)]
        assert running.daemon.stop() == 0
    finally:
        running.daemon.__exit__()
    assert before == [pair.expiry] * 2
    assert after == [renewed.expiry] * 2


def shown(port: int, authority: Authority) -> float:
    """When the certificate ends that a server shows."""
    context = ssl.create_default_context(cafile=authority.ca)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        certificate = secured.getpeercert()
        assert certificate
        return ssl.cert_time_to_seconds(str(certificate["notAfter"]))


def test_the_record_says_who_had_the_configuration_read(running: Running) -> None:
    def who() -> list[str]:
        with closing(sqlite3.connect(running.file.parent / "east.db")) as database:
            return [row[0] for row in database.execute("SELECT who FROM revisions ORDER BY id")]

    def command(*words: str) -> None:
        done = invoke(*words, config=running.file, LOGNAME="ada", PACS_MONITOR_TOKEN="token-of-oncall")
        assert done.returncode == 0

    oncall = "auth: {tokens: [{name: oncall, role: operator, token: token-of-oncall}]}"
    running.write("timezone: Asia/Tokyo")
    command("reload")
    running.write(oncall)
    running.daemon.hang_up()
    wait_until(lambda: len(who()) == 3, "the configuration is read again")
    wait_until(lambda: running.status("token-of-oncall") == HTTPStatus.OK, "it is in force")
    running.write(oncall, "timezone: Asia/Tokyo")
    command("reload")
    assert who()[0].endswith(", at the start")
    assert who()[1:] == ["ada", "SIGHUP", "ada, oncall (operator)"]


def test_previews_are_made_one_at_a_time(running: Running) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{running.daemon.url}/api/v1/reload", timeout=20), range(16)))
    codes = {answer.status_code for answer in answers}
    assert HTTPStatus.OK in codes
    assert codes <= {HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS}
    assert all(answer.headers["retry-after"] for answer in answers if not answer.ok)
