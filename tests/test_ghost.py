"""A page that could not be recorded is ended under the key that its receiver knows, whatever happens to the daemon."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.alerting.test_unwritable import ALLOW, execute, forbid
from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.estates import write_estate
from tests.support.timing import wait_until

TIMING = "interval: 500ms, retry_interval: 200ms, timeout: 5s, failures: 2, recoveries: 1, page_after: 0s"


def incidents(database: Path) -> list[tuple[str, str | None]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT id, ending FROM incidents ORDER BY id").fetchall()


@pytest.mark.parametrize("end", [RunningDaemon.kill, pytest.param(RunningDaemon.stop, marks=pytest.mark.proof)])
def test_an_incident_that_was_never_recorded_is_resolved_by_the_next_run(
    tmp_path: Path, end: Callable[[RunningDaemon], object], attack: Attacked
) -> None:
    port, listen = free_port(), free_port()
    with Receiver() as receiver:
        node = f"  ris: {{host: 127.0.0.1, checks: {{tcp: {{port: {port}}}}}}}\n"
        write_estate(tmp_path, listen, node, pager=receiver.url, secret=SECRET, defaults=TIMING)
        database, journal = tmp_path / "proof.db", tmp_path / "proof.db.proof.unrecorded"
        with (
            closing(socket.create_server(("127.0.0.1", port))) as listener,
            RunningDaemon(tmp_path / "monitor.yaml", listen) as daemon,
        ):
            wait_until(lambda: daemon.check("ris", "tcp")["state"] == "up", "it is up")
            execute(f"sqlite:///{database}", forbid("INSERT ON incidents"))
            listener.close()
            wait_until(lambda: len(receiver.accepted) == 1, "the page")
            assert incidents(database) == []
            assert journal.stat().st_mode & 0o777 == 0o600
            end(daemon)
            execute(f"sqlite:///{database}", ALLOW)
            daemon.start()
            wait_until(lambda: incidents(database) != [], "the incident")
            with closing(socket.create_server(("127.0.0.1", port))):
                wait_until(
                    lambda: {post.type for post in receiver.accepted} == {"incident.opened", "incident.resolved"},
                    "both pages",
                )
            wait_until(lambda: not journal.exists(), "an empty journal")
    assert len({post.key for post in receiver.accepted}) == 1, "nothing stays open at the receiver for ever"
    opened = {post.id for post in receiver.accepted if post.type == "incident.opened"}
    assert len(opened) == 1, "it may be sent again, as the same notification"
    ((identity, ending),) = incidents(database)
    assert (f"proof/{identity}", ending) == (receiver.accepted[0].key, "resolved")
    attack("ghost", "one incident, one key, resolved")
