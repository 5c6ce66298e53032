"""The daemon before two real Alertmanagers of one cluster: restarts, deaths, silences."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.channels.contract import Receiving, answering, receiver
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.prometheus import Alertmanager
from tests.support.timing import wait_until

CONFIG = """
monitor: {{name: east, database: "sqlite:///{folder}/east.db", listen: "127.0.0.1:{listen}", paging: "on"}}
defaults: {{interval: 500ms, retry_interval: 250ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s}}
nodes:
  archive: {{title: Main archive, host: 127.0.0.1, checks: {{tcp: {{port: {port}}}}}}}
channels:
  am: {{type: alertmanager, urls: ["{first}", "{second}"], refresh: 10s}}
default_route: {{channels: [am]}}
"""


@contextmanager
def cluster(folder: Path, webhook: str) -> Iterator[tuple[Alertmanager, Alertmanager]]:
    first = Alertmanager(folder / "am-1", webhook, clustered=True)
    second = Alertmanager(folder / "am-2", webhook, first)
    with first, second:
        yield first, second


def fires(am: Alertmanager) -> bool:
    return len(am.alerts()) == 1


def told(at: Receiving) -> list[str]:
    """The status of each alert that people were told of, in order."""
    every: list[dict[str, Any]] = [alert for request in at.requests for alert in json.loads(request.body)["alerts"]]
    return [alert["status"] for alert in every]


@pytest.mark.timeout(180)
def test_two_peers_through_a_restart_a_death_and_a_silence(tmp_path: Path) -> None:
    port, listen = free_port(), free_port()
    file = tmp_path / "monitor.yaml"
    with receiver(answering(200)) as people, cluster(tmp_path, people.url) as (first, second):
        file.write_text(CONFIG.format(folder=tmp_path, listen=listen, port=port, first=first.url, second=second.url))
        with RunningDaemon(file, listen) as daemon:
            wait_until(lambda: fires(first) and fires(second), "both peers have the alert")
            (alert,) = first.alerts()
            assert alert["labels"]["node"] == "archive"
            assert alert["annotations"]["summary"].startswith("Main archive")
            wait_until(lambda: told(people) == ["firing"], "people are told, once")

            daemon.kill()
            daemon.start()
            later = datetime.now(UTC).isoformat()
            wait_until(lambda: first.alerts()[0]["updatedAt"] > later, "the daemon that came after refreshes it")
            (again,) = first.alerts()
            assert (again["fingerprint"], again["startsAt"]) == (alert["fingerprint"], alert["startsAt"])
            assert told(people) == ["firing"]

            second.amtool("silence", "add", "node=archive", "-a", "nurse", "-c", "known", "-d", "1h")
            wait_until(lambda: second.alerts()[0]["status"]["state"] == "suppressed", "silenced")
            wait_until(lambda: first.alerts()[0]["status"]["state"] == "suppressed", "silenced at the peer too")
            (silence,) = second.amtool("silence", "query", "-q").split()
            second.amtool("silence", "expire", silence)

            first.kill()
            later = datetime.now(UTC).isoformat()
            wait_until(lambda: second.alerts()[0]["updatedAt"] > later, "the one that is left is refreshed")
            with socket.create_server(("127.0.0.1", port)):
                wait_until(lambda: second.alerts() == [], "the one that is left has the end")
                wait_until(lambda: told(people)[-1:] == ["resolved"], "people are told of the end")
            assert told(people).count("resolved") == 1
