"""Every query of the dashboards and rules, asked of a real Prometheus that scraped the daemon in trouble."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.dashboards.queries import (
    DASHBOARDS,
    RULE_FILES,
    Query,
    documented_metrics,
    fill,
    load,
    measured_metrics,
    metrics,
    queries,
)
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.prometheus import Prometheus, promtool
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import UP_WITHIN, wait_until

NODE = "  {name}: {{site: east, host: 127.0.0.1, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"


MACHINE = """\
  machine:
    site: east
    role: server
    host: 127.0.0.1
    spool: {{folders: {{export: {{path: {folder}}}}}}}
    checks:
      disk: {{source: local, interval: 1s}}
      jobs: {{probe: queue, source: spool, interval: 1s}}
      gone: {{probe: tcp, port: {port}}}
  hl7:
    site: east
    host: 127.0.0.1
    checks:
      backup: {{probe: file_age, path: "{folder}/none", fail: 1d, interval: 1s}}
      adt: {{probe: hl7_heartbeat, port: {port}, interval: 1s, enabled_by: integration team}}
"""
WINDOWS = """\
services: {{reading: {{all: [archive/dicom_echo]}}}}
objectives:
  - {{name: Reading, service: reading, availability: 99%, per: month}}
  - {{name: Echo, service: reading, measure: dicom_echo, within: 3s, share: 95%, per: month}}
maintenance:
  - {{name: patches, match: {{node: machine}}, start: "{start}", duration: 2h}}
  - {{name: changes, match: {{node: archive}}, ical: {{file: changes.ics, filter: {{summary: "PACS*"}}}}}}
"""
CHANGES = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nEND:VCALENDAR\r\n"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningDaemon, Prometheus]]:
    """Nodes answer, refuse, are in maintenance; of two channels one cannot deliver: each query has an answer."""
    folder, listen = tmp_path_factory.mktemp("scraped"), free_port()
    (spool := folder / "export").mkdir()
    (spool / "one.dcm").touch()
    begun = datetime.now(UTC) - timedelta(minutes=30)
    with Switchable() as peer, Receiver() as desk:
        config = write_estate(
            folder,
            listen,
            NODE.format(name="archive", port=peer.port)
            + NODE.format(name="worklist", port=free_port())
            + MACHINE.format(folder=spool, port=free_port()),
            pager=f"http://127.0.0.1:{free_port()}/nobody",
            secret=SECRET,
        )
        own = f"  heartbeat: {{url: 'http://127.0.0.1:{listen}/healthz', interval: 1s}}\n"
        text = config.read_text().replace("  paging: on\n", f"  paging: on\n{own}")
        channel = f"channels: {{desk: {{type: webhook, url: '{desk.url}', secret: '{SECRET}'}}, "
        text = text.replace("channels: {", channel).replace("channels: [pager]", "channels: [pager, desk]")
        (folder / "changes.ics").write_text(CHANGES)
        config.write_text(
            text + "sites: {east: {title: East campus}}\n" + WINDOWS.format(start=f"{begun:%Y-%m-%d %H:%M}+00:00")
        )
        target = f"127.0.0.1:{listen}"
        with (
            RunningDaemon(config, listen) as daemon,
            Prometheus(folder / "prometheus", {"pacs-monitor": target}, rules=RULE_FILES) as prometheus,
        ):
            prometheus.wait_for("increase(pacs_notification_failures_total[1m]) > 0")
            prometheus.wait_for(
                'pacs_check_state{node="worklist"} == 3 and on () pacs_check_state{node="archive"} == 1'
            )
            prometheus.wait_for("pacs_objective_availability", UP_WITHIN)
            prometheus.wait_for("pacs_objective_in_time_ratio", UP_WITHIN)
            yield daemon, prometheus


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_every_query_of_a_dashboard_answers(seen: tuple[RunningDaemon, Prometheus], file: Path) -> None:
    """An error of Prometheus is raised. Silent may be what nothing in this estate measures, and what takes a week."""
    _, prometheus = seen
    asked = list(queries(load(file)))

    def silent() -> list[Query]:
        unseen = measured_metrics() - prometheus.names()
        needed = [query for query in asked if not metrics(query.expr) & unseen and ":avg_7d" not in query.expr]
        empty = {query for query in asked if not prometheus.query(query.expr)}
        return [query for query in needed if query in empty]

    with suppress(AssertionError):
        wait_until(lambda: not silent(), "an answer to every query")
    assert silent() == []


def test_the_rows_of_a_table_with_several_queries_can_be_one(seen: tuple[RunningDaemon, Prometheus]) -> None:
    """Grafana merges rows whose labels are the same, and a metric's name is one of them."""
    _, prometheus = seen
    panels = [panel for file in DASHBOARDS for panel in load(file)["panels"] if panel["type"] == "table"]
    exprs = [fill(target["expr"]) for panel in panels if len(panel["targets"]) > 1 for target in panel["targets"]]
    answers = {expr: prometheus.query(expr) for expr in exprs}
    assert any(answers.values())
    named = {expr for expr, series in answers.items() if any("__name__" in one["metric"] for one in series)}
    assert named == set()


def test_every_rule_can_be_evaluated(seen: tuple[RunningDaemon, Prometheus]) -> None:
    _, prometheus = seen
    prometheus.wait_for("instance:pacs_scheduler_lag_seconds:p99_5m")
    groups = requests.get(f"{prometheus.url}/api/v1/rules", timeout=10).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    firing = {rule["name"] for rule in rules if rule.get("state") == "firing"}
    assert firing == {"PacsDeliveriesFailing"}


def test_what_is_scraped_is_what_is_documented(seen: tuple[RunningDaemon, Prometheus]) -> None:
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in seen[1].names() if name.startswith("pacs_")}
    assert families - measured_metrics() == documented_metrics()
    assert families & measured_metrics(), "something is measured"


def test_promtool_finds_no_fault_in_the_metrics(seen: tuple[RunningDaemon, Prometheus]) -> None:
    checked = promtool("check", "metrics", given=seen[0].metrics())
    assert (checked.returncode, checked.stderr) == (0, "")
