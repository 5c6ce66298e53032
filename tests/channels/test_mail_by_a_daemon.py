"""Mails as a running daemon sends them: threads that a restart does not break, and no password anywhere."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import psutil

from tests.peers.authority import Authority
from tests.peers.daemon import RunningDaemon
from tests.peers.mail import Mailbox, mail_server
from tests.peers.ports import free_port
from tests.peers.tls import context_of
from tests.support.timing import wait_until

PASSWORD = "S3cret-pw0rd"
CONFIG = """monitor: {{name: east, listen: '127.0.0.1:{listen}', database: 'sqlite:///east.db', paging: on}}
defaults: {{interval: 1s, retry_interval: 300ms, failures: 1, recoveries: 1, page_after: 0s}}
channels:
  mail:
    {{type: email, host: 127.0.0.1, port: {smtp}, username: monitor, password_file: mail.pw, ca: {ca},
     sender: east@hospital.example.org, to: [it-duty@hospital.example.org, left@hospital.example.org]}}
default_route: {{channels: [mail]}}
nodes:
  archive: {{title: Main archive, host: 127.0.0.1, checks: {{tcp: {{port: {port}, severity: critical}}}}}}
"""


def got(box: Mailbox, count: int) -> None:
    wait_until(lambda: len(box.envelopes) >= count, f"{count} mails")


def everything(daemon: RunningDaemon, folder: Path) -> str:
    """All that others may see: log, database, API, metrics, arguments and environment of the process."""
    process = psutil.Process(daemon.pid)
    parts = [daemon.metrics(), str(process.cmdline()), str(process.environ())]
    parts += [str(daemon.get(f"/api/v1/{path}")) for path in ("status", "incidents", "notifications")]
    files = [file for file in folder.iterdir() if file.suffix not in (".pw", ".pem", ".crt", ".key")]
    return "".join([*parts, *(file.read_bytes().decode("latin-1") for file in files if file.is_file())])


def test_two_incidents_are_two_threads_also_over_a_restart_and_nobody_sees_the_password(tmp_path: Path) -> None:
    authority, listen, port = Authority(tmp_path), free_port(), free_port()
    config = tmp_path / "east.yaml"
    (tmp_path / "mail.pw").write_text(PASSWORD + "\n")
    with mail_server(
        starttls=context_of(authority.certificate()),
        login=("monitor", PASSWORD),
        of_recipient=lambda to: "550 5.1.1 no such user" if to.startswith("left") else "250 Ok",
    ) as box:
        config.write_text(CONFIG.format(listen=listen, smtp=box.port, ca=authority.ca, port=port))
        with RunningDaemon(config, listen) as daemon:
            got(box, 1)
            wait_until(lambda: daemon.get("/api/v1/notifications")[0]["status"] == "delivered", "it is on record")
            daemon.kill()
            daemon.start()
            with socket.create_server(("127.0.0.1", port)):
                got(box, 2)
            got(box, 3)
            status = daemon.get("/api/v1/status")
            seen = everything(daemon, tmp_path)
            assert daemon.stop() == 0
    first, resolved, second = box.mails[:3]
    assert [mail["X-Pacs-Monitor-Event"] for mail in box.mails[:3]] == [
        "incident.opened",
        "incident.resolved",
        "incident.opened",
    ]
    assert resolved["References"] == first["Message-ID"]
    assert resolved["Subject"] == f"Re: {first['Subject']}"
    assert second["References"] is None
    assert second["Subject"] != first["Subject"]
    assert all(box.encrypted)
    (channel,) = status["channels"]
    assert channel["works"]
    assert "left@hospital.example.org is not accepted" in channel["warnings"][0]
    encoded = (PASSWORD, f"\0monitor\0{PASSWORD}")
    hidden = [PASSWORD, *(base64.b64encode(text.encode()).decode() for text in encoded)]
    assert [secret for secret in hidden if secret in seen] == []
