"""The rules for Prometheus: promtool runs their own tests in `make check`; here is what it cannot know."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.dashboards.queries import RULES, documented_metrics, measured_metrics, metrics, recorded, recordings

ROOT = Path(__file__).parents[1]
ALERTS = [rule for rule in RULES if "alert" in rule]


def test_every_metric_is_one_that_the_monitor_promises() -> None:
    promised = documented_metrics() | measured_metrics()
    assert {name for rule in RULES for name in metrics(rule["expr"])} - promised == set()


def test_every_series_that_rules_use_is_recorded_by_a_rule() -> None:
    assert {name for rule in RULES for name in recordings(rule["expr"])} - recorded() == set()


def test_thresholds_are_in_one_place_and_each_is_used() -> None:
    defined = [rule["labels"]["name"] for rule in RULES if rule.get("record") == "pacs:threshold"]
    asked = {name for rule in RULES for name in re.findall(r'pacs:threshold\{name="(\w+)"\}', rule["expr"])}
    assert sorted(defined) == sorted(asked)


def test_alerts_and_recordings_have_names_as_prometheus_wants_them() -> None:
    for rule in ALERTS:
        assert re.fullmatch(r"(?:[A-Z][a-z]+)+", rule["alert"])
    assert all(":" in rule["record"] for rule in RULES if "record" in rule)


def test_every_alert_has_its_entry_and_points_at_it() -> None:
    entries = re.findall(r"^## (Pacs\w+)$", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE)
    assert entries == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_every_alert_says_how_bad_it_is_and_what_happened() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}, rule["alert"]


def test_every_alert_is_seen_firing_and_silent_in_a_promtool_test() -> None:
    tests = [yaml.safe_load(file.read_text())["tests"] for file in (ROOT / "rules" / "tests").glob("*.yaml")]
    cases = [case for file in tests for test in file for case in test.get("alert_rule_test", [])]
    alerts = {rule["alert"] for rule in ALERTS}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert alerts - silent == set()
