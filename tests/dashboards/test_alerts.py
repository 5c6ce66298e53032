"""The rules over a daemon in real trouble: a real Prometheus fires, a real Alertmanager shows and sends, both resolve.

The rules are those of rules/, sixty times as fast.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.dashboards.faster import faster
from tests.dashboards.queries import RULE_FILES
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.prometheus import Alertmanager, Prometheus, promtool
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import UP_WITHIN, wait_until

NODE = "  archive: {{site: east, host: 127.0.0.1, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
SERVICES = "sites: {east: {title: East campus}}\nservices: {reading: {all: [archive/dicom_echo]}}\n"
FAST = 60
FLAPS = 5
"""Outages until a node that keeps failing has been seen to, also where the machine stalls."""


class Told(Receiver):
    """What Alertmanager sends: unsigned, some alerts in each post."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: list[dict[str, Any]] = []

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.alerts += json.loads(body)["alerts"]
        return 200

    def last(self, name: str) -> str | None:
        """The status that was last sent of an alert: firing or resolved."""
        sent = [str(alert["status"]) for alert in self.alerts if alert["labels"]["alertname"] == name]
        return sent[-1] if sent else None


class Watched(NamedTuple):
    """A daemon, what it depends on, and who watches it."""

    daemon: RunningDaemon
    peer: Switchable
    pager: Receiver
    prometheus: Prometheus
    alertmanager: Alertmanager
    told: Told

    def alert(self, name: str) -> dict[str, Any] | None:
        """An alert that is active, as Alertmanager's API has it."""
        active = self.alertmanager.alerts(active="true", filter=f'alertname="{name}"')
        return active[0] if active else None

    def fires(self, name: str) -> dict[str, Any]:
        """The alert, as soon as Alertmanager has sent it: of one that ends before that, it sends nothing at all."""
        wait_until(lambda: self.alert(name) is not None, f"{name} in Alertmanager")
        found = self.alert(name)
        assert found is not None
        wait_until(lambda: self.told.last(name) == "firing", f"{name} sent as firing")
        assert found["annotations"]["runbook_url"] == f"docs/alerts.md#{name.lower()}"
        assert found["annotations"]["description"]
        return found

    def ends(self, name: str) -> None:
        wait_until(lambda: self.alert(name) is None, f"{name} gone from Alertmanager", 2 * UP_WITHIN)
        wait_until(lambda: self.told.last(name) == "resolved", f"{name} sent as resolved")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder, listen = tmp_path_factory.mktemp("alerts"), free_port()
    with ExitStack() as stack:
        told, pager = stack.enter_context(Told()), stack.enter_context(Receiver())
        peer = stack.enter_context(Switchable())
        config = write_estate(folder, listen, NODE.format(port=peer.port), pager=pager.url, secret=SECRET)
        config.write_text(config.read_text() + SERVICES)
        daemon = stack.enter_context(RunningDaemon(config, listen))
        alertmanager = stack.enter_context(Alertmanager(folder / "alertmanager", told.url))
        prometheus = stack.enter_context(
            Prometheus(
                folder / "prometheus",
                {"pacs-monitor": f"127.0.0.1:{listen}"},
                rules=faster(folder, FAST),
                alertmanager=alertmanager.address,
            )
        )
        prometheus.wait_for('pacs_check_state{node="archive"} == 1')
        yield Watched(daemon, peer, pager, prometheus, alertmanager, told)


def test_the_faster_rules_are_the_rules(tmp_path: Path) -> None:
    copies = faster(tmp_path, FAST)
    assert promtool("check", "rules", *map(str, copies)).returncode == 0
    as_it_was, fast = "".join(file.read_text() for file in RULE_FILES), "".join(file.read_text() for file in copies)
    assert "for: 2m\n" in as_it_was
    assert "for: 2s\n" in fast
    assert "[30d:1h]" in as_it_was
    assert "[43200s:60s]" in fast
    assert [len(line) - len(line.lstrip()) for line in as_it_was.splitlines()] == [
        len(line) - len(line.lstrip()) for line in fast.splitlines()
    ]


def test_a_page_that_cannot_be_delivered_fires_until_it_can(watched: Watched) -> None:
    watched.pager.down()
    watched.peer.down()
    found = watched.fires("PacsDeliveriesFailing")
    assert found["labels"]["channel"] == "pager"
    assert found["labels"]["severity"] == "warning"
    assert found["annotations"]["summary"] == "Deliveries to pager fail (tcp_refused)"
    watched.pager.up()
    watched.peer.up()
    watched.ends("PacsDeliveriesFailing")


def test_a_peer_that_is_killed_again_and_again_burns_its_budget_and_the_services_are_named(watched: Watched) -> None:
    for _ in range(FLAPS):
        watched.peer.down()
        watched.prometheus.wait_for('pacs_check_state{node="archive"} == 3', UP_WITHIN)
        try:
            wait_until(lambda: watched.alert("PacsErrorBudgetBurnsFast") is not None, "an alert", 10)
            break
        except AssertionError:
            watched.peer.up()
            watched.prometheus.wait_for('pacs_check_state{node="archive"} == 1', UP_WITHIN)
    found = watched.fires("PacsErrorBudgetBurnsFast")
    assert found["labels"].items() >= {"node": "archive", "site": "east", "severity": "critical"}.items()
    assert found["annotations"]["services"] == "reading"
    watched.peer.up()
    watched.ends("PacsErrorBudgetBurnsFast")


def test_a_configuration_with_errors_fires_until_it_is_corrected(watched: Watched) -> None:
    config = watched.daemon.config
    right = config.read_text()
    config.write_text("nodes: [")
    watched.daemon.hang_up()
    assert watched.fires("PacsConfigReloadFailed")["labels"]["severity"] == "warning"
    config.write_text(right)
    watched.daemon.hang_up()
    watched.ends("PacsConfigReloadFailed")


def test_a_daemon_that_is_stopped_fires_until_it_runs_again(watched: Watched) -> None:
    watched.daemon.stop()
    found = watched.fires("PacsMonitorGone")
    assert found["labels"].items() >= {"job": "pacs-monitor", "severity": "critical"}.items()
    watched.daemon.start()
    watched.ends("PacsMonitorGone")
